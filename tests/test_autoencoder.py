"""The slide's network against the slide's own PyTorch code, and the parts of the model."""

import itertools

import keras
import numpy as np
import pytest

import keras_ae
from keras_ae.engine import autodiff, trainer


def slide_network(shape=(784,)):
    return keras_ae.Autoencoder(
        keras_ae.dense_encoder(shape, 3, (128, 64, 12)),
        keras_ae.dense_decoder(shape, 3, (12, 64, 128), output_activation="tanh"),
    )


def test_parameter_count_of_the_slide():
    assert slide_network().count_params() == 219_891
    assert slide_network((28, 28, 1)).count_params() == 219_891


def test_equal_to_the_slides_pytorch():
    torch = pytest.importorskip("torch", reason="torch is not installed: the slide's code is torch")
    nn = torch.nn
    sizes = [784, 128, 64, 12, 3, 12, 64, 128, 784]
    linear = [nn.Linear(m, n) for m, n in itertools.pairwise(sizes)]
    stack = [layer for one in linear for layer in (one, nn.ReLU())][:-1]
    del stack[7]  # the code is linear
    theirs = nn.Sequential(*stack, nn.Tanh())
    assert sum(p.numel() for p in theirs.parameters()) == 219_891
    ours = slide_network()
    for layer, keras_layer in zip(linear, dense_layers(ours)):
        with torch.no_grad():
            keras_layer.kernel.assign(layer.weight.detach().cpu().numpy().T)
            keras_layer.bias.assign(layer.bias.detach().cpu().numpy())
    x = np.random.default_rng(0).uniform(-1, 1, (16, 784)).astype("float32")
    batch = torch.from_numpy(x).to(next(theirs.parameters()).device)
    with torch.enable_grad():
        output = theirs(batch)
        nn.MSELoss()(output, batch).backward()
    close(ours.predict(x, verbose=0), output.detach().cpu().numpy())

    ours.compile()
    variables = ours.trainable_variables
    _, gradients = autodiff.value_and_grad(
        lambda: ours.compute_loss(x, y_pred=ours(x, training=True)), variables
    )
    expected = [g for layer in linear for g in (layer.weight.grad.T, layer.bias.grad)]
    assert len(gradients) == len(expected) == 16
    for ours_, theirs_ in zip(gradients, expected):
        # MSELoss averages over 784 pixels and the batch, ours sums over pixels
        close(keras.ops.convert_to_numpy(ours_), 784 * theirs_.cpu().numpy())


def dense_layers(model):
    layers = [*model.encoder.layers, *model.decoder.layers]
    return [layer for layer in layers if isinstance(layer, keras.layers.Dense)]


def close(left, right):
    """Equal to 1e-5, relative to the largest number."""
    np.testing.assert_allclose(left, right, atol=1e-5 * np.abs(right).max(), rtol=0)


def test_encode_decode_reconstruct():
    model = keras_ae.Autoencoder(
        keras_ae.dense_encoder((4, 4, 1), 2, (8,)),
        keras_ae.dense_decoder((4, 4, 1), 2, (8,)),
        loss="bernoulli",
    )
    x = np.random.default_rng(0).uniform(size=(5, 4, 4, 1)).astype("float32")
    codes = model.encode(x)
    assert codes.shape == (5, 2) and isinstance(codes, np.ndarray)
    np.testing.assert_allclose(model.decode(codes), model.predict(x, verbose=0), atol=1e-6)
    np.testing.assert_allclose(model.reconstruct(x), model.predict(x, verbose=0), atol=1e-6)
    pixels = model.predict(x, verbose=0)
    assert pixels.min() >= 0 and pixels.max() <= 1
    tensor = keras.ops.convert_to_tensor(x)
    assert keras.ops.is_tensor(model.encode(tensor))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.encode(tensor)), codes, atol=1e-6)
    with pytest.raises(ValueError, match=r"needed is \(batch, 2\)"):
        model.decode(np.zeros((5, 3), "float32"))
    with pytest.raises(ValueError, match="NaN"):
        model.encode(x * np.nan)


def test_fit_towards_another_picture():
    model = slide_network((16,))
    model.compile(keras.optimizers.SGD(0.0), metrics=["mse"])
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 8, 16)).astype("float32")
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    expected = np.square(model.predict(x, verbose=0) - y).sum(axis=1).mean()
    np.testing.assert_allclose(logs["reconstruction"], expected, rtol=1e-5)
    np.testing.assert_allclose(logs["mse"], expected / 16, rtol=1e-5)


def test_regularisers_of_the_users_layers_are_a_term():
    layers = keras.layers
    encoder = keras.Sequential(
        [keras.Input((4,)), layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.5))]
    )
    model = keras_ae.Autoencoder(encoder, keras_ae.dense_decoder((4,), 2))
    model.compile("sgd")
    logs = model.evaluate(np.ones((4, 4), "float32"), verbose=0, return_dict=True)
    expected = 0.5 * np.square(keras.ops.convert_to_numpy(encoder.layers[0].kernel)).sum()
    np.testing.assert_allclose(logs["regularization"], expected, rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], logs["reconstruction"] + expected, rtol=1e-5)


@keras.saving.register_keras_serializable("tests")
class Pricey(keras.layers.Layer):
    """A user's layer that adds a loss."""

    def call(self, x):
        self.add_loss(1000.0 + 0.0 * keras.ops.sum(x))
        return x


def test_losses_that_a_users_layer_adds_are_a_term():
    encoder = keras.Sequential([keras.Input((4,)), Pricey(), keras.layers.Dense(2)])
    model = keras_ae.Autoencoder(encoder, keras_ae.dense_decoder((4,), 2))
    model.compile("sgd")
    x = np.ones((8, 4), "float32")
    logs = model.evaluate(x, batch_size=4, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["regularization"], 1000.0, rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], logs["reconstruction"] + 1000.0, rtol=1e-5)
    history = model.fit(x, batch_size=4, verbose=0).history
    np.testing.assert_allclose(history["regularization"], [1000.0], rtol=1e-5)


def test_networks_of_the_users_own():
    def own(*layers):
        return keras.Sequential([keras.Input((2,)), *layers])

    dense, encoder = keras.layers.Dense, keras_ae.dense_encoder((4,), 2)
    inner = keras.Sequential([keras.Input((2,)), dense(4, "sigmoid")])
    for decoder in (own(dense(4, "sigmoid")), own(inner, keras.layers.Reshape((4,)))):
        with pytest.raises(ValueError, match="reads logits"):
            keras_ae.Autoencoder(encoder, decoder, loss="bernoulli")
    rescaled = own(dense(4, "tanh"), keras.layers.Rescaling(200.0))
    assert keras_ae.Autoencoder(encoder, rescaled).target_range()[:2] == (None, None)
    keras_ae.Autoencoder(encoder, rescaled, loss="bernoulli")

    class Subclassed(keras.Model):
        pass

    with pytest.raises(ValueError, match="Functional or Sequential"):
        keras_ae.Autoencoder(Subclassed(), rescaled)


def test_lists_of_one_tensor_are_one_tensor():
    x = keras.Input((4,))
    encoder = keras.Model([x], [keras.layers.Dense(2)(x)])
    model = keras_ae.Autoencoder(encoder, keras_ae.dense_decoder((4,), 2))
    assert model.encode(np.ones((3, 4), "float32")).shape == (3, 2)
    two = keras.Model(x, [keras.layers.Dense(2)(x), keras.layers.Dense(2)(x)])
    with pytest.raises(ValueError, match="2 outputs: pass them as a dict"):
        keras_ae.Autoencoder(two, keras_ae.dense_decoder((4,), 2))


def test_steps_per_execution_follow_the_data():
    model = slide_network((16,))
    model.compile()
    chosen = model.execution["steps_per_execution"]
    x = np.zeros((64, 16), "float32")
    model.fit(x, batch_size=64, verbose=0)
    assert model.execution["steps_per_execution"] == 1
    model.fit(x, batch_size=1, verbose=0)
    assert model.execution["steps_per_execution"] == chosen


def test_callbacks_and_batch_sizes_as_keras_takes_them():
    model = slide_network((16,))
    model.compile()
    x = np.zeros((8, 16), "float32")
    stop = keras.callbacks.EarlyStopping(monitor="loss", baseline=-1.0, patience=1)
    assert len(model.fit(x, epochs=9, callbacks=stop, verbose=0).history["loss"]) < 9
    assert model.predict(x, 3, 0).shape == x.shape


def test_heads_of_an_encoder():
    encoder = keras_ae.dense_encoder((4,), 2, (8,), heads=("mean", "log_variance"))
    assert {k: v.shape for k, v in encoder(np.ones((3, 4), "float32")).items()} == {
        "mean": (3, 2),
        "log_variance": (3, 2),
    }


def test_defaults_of_compile():
    model = slide_network((16,))
    model.compile()
    steps = 1 if keras.backend.backend() == "torch" else 20
    assert model.execution["steps_per_execution"] == steps
    assert model.execution["jit_compile"] == (keras.backend.backend() != "torch")
    model.compile(jit_compile=False, steps_per_execution=1)
    assert not model.execution["jit_compile"]
    with trainer.without_xla():
        model.compile()
        assert model.execution["jit_compile"] == (keras.backend.backend() == "jax")
        model.compile(jit_compile=True)
        assert model.execution["jit_compile"]
    convolutional = keras_ae.UNet((8, 8, 1), 2, (2, 2), "same")
    convolutional.compile()  # on a CPU, TensorFlow convolves faster without XLA
    assert convolutional.execution["jit_compile"] == (keras.backend.backend() == "jax")
    convolutional.compile(jit_compile=True)
    assert convolutional.execution["jit_compile"]


def test_a_diverging_run_stops():
    model = slide_network((16,))
    model.compile(keras.optimizers.SGD(1e30))
    x = np.random.default_rng(0).uniform(-1, 1, (64, 16)).astype("float32")
    with pytest.raises(ValueError, match="lower the learning rate"):
        model.fit(x * 0.9, epochs=50, verbose=0)


def test_a_loss_must_give_one_value_per_example():
    encoder = keras_ae.dense_encoder((4, 4, 1), 2)
    decoder = keras_ae.dense_decoder((4, 4, 1), 2)
    model = keras_ae.Autoencoder(encoder, decoder, loss=lambda x, y: (x - y) ** 2)
    model.compile()
    with pytest.raises(ValueError, match="one value per example"):
        model.fit(np.zeros((4, 4, 4, 1), "float32"), verbose=0)


def test_normalised_hidden_layers():
    encoder = keras_ae.dense_encoder((6,), 2, (5, 4), batch_norm=True)
    assert encoder.count_params() == 6 * 5 + 5 * 4 + 4 * (5 + 4) + 4 * 2 + 2  # no other biases
    x = np.random.default_rng(0).normal(3.0, 9.0, (512, 6)).astype("float32")
    hidden = keras.Model(encoder.input, encoder.layers[3].output)(x, training=True)
    hidden = keras.ops.convert_to_numpy(hidden)
    assert (hidden >= 0).all()
    np.testing.assert_allclose(np.mean(hidden > 0, axis=0), 0.5, atol=0.1)
