"""The slide's convolutional autoencoder against its PyTorch code, and the ways back up."""

import keras
import numpy as np
import pytest

import keras_ae
from keras_ae.engine import autodiff
from keras_ae.networks.convolutional import UPWARDS


def slide_network():
    encoder = keras_ae.conv_encoder(
        (28, 28, 1), (16, 8), 3, strides=(3, 2), padding=1, pool_size=2, pool_strides=(2, 1)
    )
    decoder = keras_ae.conv_decoder(
        (28, 28, 1),
        (2, 2, 8),
        (16, 8),
        kernel_size=(3, 5, 2),
        strides=(2, 3, 2),
        padding=(0, 1, 1),
        output_activation="tanh",
    )
    return keras_ae.Autoencoder(encoder, decoder)


def test_parameters_and_sides_of_the_slide():
    model = slide_network()
    assert model.count_params() == 5_729
    layers = [*model.encoder.layers, *model.decoder.layers]
    shapes = [layer.output.shape[1:] for layer in layers]
    assert [shape[0] for shape in shapes] == [28, 10, 5, 3, 2, 2, 5, 15, 28]
    assert [shape[-1] for shape in shapes] == [1, 16, 16, 8, 8, 8, 16, 8, 1]


def test_equal_to_the_slides_pytorch():
    torch = pytest.importorskip("torch", reason="torch is not installed: the slide's code is torch")
    nn = torch.nn
    theirs = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, stride=2),
        nn.Conv2d(16, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, stride=1),
        nn.ConvTranspose2d(8, 16, 3, stride=2),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 5, stride=3, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 1, 2, stride=2, padding=1),
        nn.Tanh(),
    ).to("cpu")
    assert sum(p.numel() for p in theirs.parameters()) == 5_729
    ours = slide_network()
    convolutions = [m for m in theirs if hasattr(m, "weight")]
    layers = [x for x in (*ours.encoder.layers, *ours.decoder.layers) if x.weights]
    for layer, reference in zip(layers, convolutions, strict=True):
        # both kinds: (a, b, height, width) in PyTorch is (height, width, b, a) in Keras
        kernel = reference.weight.detach().cpu().numpy().transpose(2, 3, 1, 0)
        layer.set_weights([kernel, reference.bias.detach().cpu().numpy()])
    x = np.random.default_rng(0).uniform(-1, 1, (8, 28, 28, 1)).astype("float32")
    batch = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    with torch.enable_grad():
        output = theirs(batch)
        nn.MSELoss()(output, batch).backward()
    close(ours.predict(x, verbose=0), output.detach().numpy().transpose(0, 2, 3, 1))
    ours.compile()
    loss = lambda: ours.compute_loss(x, y_pred=ours(x, training=True))
    _, gradients = autodiff.value_and_grad(loss, [v for y in layers for v in (y.kernel, y.bias)])
    expected = [g for m in convolutions for g in (m.weight.grad, m.bias.grad)]
    for mine, reference in zip(gradients, expected, strict=True):
        reference = reference.cpu().numpy()
        reference = reference.transpose(2, 3, 1, 0) if reference.ndim == 4 else reference
        # MSELoss averages over 784 pixels and the batch, ours sums over pixels
        close(keras.ops.convert_to_numpy(mine), 784 * reference)


def close(left, right):
    """Equal to 1e-5, relative to the largest number."""
    np.testing.assert_allclose(left, right, atol=1e-5 * np.abs(right).max(), rtol=0)


@pytest.mark.parametrize("up", UPWARDS)
def test_every_way_up_fits_its_encoder(up):
    """Odd sides included; the switches come with the code and cost their bits."""
    shape = (15, 14, 2)
    encoder = keras_ae.conv_encoder(shape, (3, 4, 5), pool_size=2, switches=up == "switches")
    model = keras_ae.Autoencoder(encoder, keras_ae.unpool_decoder(shape, (5, 4, 3), up))
    x = np.random.default_rng(0).uniform(size=(3, *shape)).astype("float32")
    codes = model.encode(x)
    assert model.decode(codes).shape == x.shape
    np.testing.assert_allclose(model.decode(codes), model.predict(x, verbose=0), atol=1e-5)
    extra = {"transposed": 2 * 2 * (25 + 16 + 9) + 12}.get(up, 0)
    plain = keras_ae.Autoencoder(
        keras_ae.conv_encoder(shape, (3, 4, 5), pool_size=2),
        keras_ae.unpool_decoder(shape, (5, 4, 3), "nearest"),
    )
    assert model.count_params() - plain.count_params() == extra
    if up == "switches":
        assert codes["code"].shape == (3, 1, 1, 5) and codes["switches_1"].shape == (3, 7, 7, 3)
        assert codes["switches_1"].dtype == np.int32 and set(np.unique(codes["switches_1"])) <= {
            0,
            1,
            2,
            3,
        }
        with pytest.raises(ValueError, match="takes a dict with code, switches_1"):
            model.decode(codes["code"])
        with pytest.raises(ValueError, match=r"switches_2 has shape"):
            model.decode({**codes, "switches_2": codes["switches_1"]})


def test_switches_bypass_the_code():
    """With the maxima's places a picture of separate points comes back through one pooling."""
    encoder = keras_ae.conv_encoder((6, 6, 1), (1,), 1, padding=0, pool_size=2, switches=True)
    decoder = keras_ae.unpool_decoder((6, 6, 1), (1,), "switches", kernel_size=1)
    for network in (encoder, decoder):
        network.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    x = np.zeros((1, 6, 6, 1), "float32")
    x[0, [0, 1, 3, 4], [1, 2, 5, 0], 0] = [1.0, 2.0, 3.0, 4.0]
    model = keras_ae.Autoencoder(encoder, decoder)
    np.testing.assert_array_equal(model.reconstruct(x), x)
