"""Encoders and decoders mixed and matched: every pair trains, saves, loads and exports."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae.networks import pyramid, pyramid_decoder
from tests.cases.case import SOON

SHAPE = (35, 49, 2)
ENCODERS = ("own", *pyramid.APPLICATIONS)
# every encoder and every decoder in some pair; --all has the whole table
CHOSEN = {
    ("VGG16", "segnet"),
    ("ResNet50", "linknet"),
    ("DenseNet121", "fcn"),
    ("MobileNetV2", "unet"),
    ("EfficientNetB0", "psp"),
    ("ConvNeXtTiny", "fpn"),
}


def narrow(model, share=16):
    """A network of keras.applications with a share of its channels, of equal depth."""

    def clone(layer):
        if isinstance(layer, keras.Sequential):  # ConvNeXt's stem
            return keras.Sequential([clone(inner) for inner in layer.layers], name=layer.name)
        config = layer.get_config()
        for key in ("filters", "units", "projection_dim"):
            if config.get(key):
                config[key] = max(1, config[key] // share)
        if config.get("groups", 1) > 1:
            config["groups"] = config["filters"]
        if isinstance(layer, keras.layers.Reshape):  # squeeze and excitation
            shape = config["target_shape"]
            config["target_shape"] = (*shape[:-1], max(1, shape[-1] // share))
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=clone)


def encoder(name, channels=2):
    if name == "own":
        return keras_ae.conv_pyramid((None, None, channels), (3, 4, 5), depth=1)
    options = {"include_preprocessing": False} if name == "ConvNeXtTiny" else {}
    application = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(None, None, channels), **options
    )
    taps = {}
    for stride, tap in pyramid.APPLICATIONS[name].items():
        names = [x.name for x in application.layers]
        taps[stride] = (
            tap if tap in names else next(n for n in reversed(names) if n.startswith(tap))
        )
    return keras_ae.pyramid_encoder(narrow(application), taps=taps)


def pairs():
    for name, decoder in itertools.product(ENCODERS, pyramid_decoder.DECODERS):
        chosen = pytest.mark.neutral("torch") if (name, decoder) in CHOSEN else pytest.mark.slow
        yield pytest.param(name, decoder, marks=() if name == "own" else chosen)


@pytest.mark.parametrize("name, decoder", pairs())
def test_every_pair(name, decoder, tmp_path):
    """Eagerly, which needs no compilation; at an odd size with two channels."""
    keras.utils.set_random_seed(0)
    model = keras_ae.EncoderDecoder(encoder(name), decoder, 3, SHAPE, width=2)
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(2, *SHAPE)).astype("float32")
    y = rng.integers(0, 3, (2, *SHAPE[:2]))
    model.compile(keras.optimizers.SGD(0.01), **SOON)
    before = [ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()
    after = [ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    assert any(not np.array_equal(a, b) for a, b in zip(before, after))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = ops.convert_to_numpy(model.prediction(model(x, training=False)))
    again = ops.convert_to_numpy(loaded.prediction(loaded(x, training=False)))
    assert again.shape == (2, *SHAPE[:2], 3)
    np.testing.assert_allclose(again, expected, atol=1e-6)
    if not model.cannot_export():
        import tensorflow as tf

        model.export(tmp_path / "exported")
        served = tf.saved_model.load(str(tmp_path / "exported")).signatures["serve"](x=x)
        np.testing.assert_allclose(next(iter(served.values())), expected, atol=1e-4)


@pytest.mark.neutral
@pytest.mark.parametrize("name", list(pyramid.APPLICATIONS))
def test_taps_have_their_strides(name):
    """Of the real network: the last map of each stride, where a map of the next begins."""
    encoder = keras_ae.pyramid_encoder(name, (64, 96, 3))
    assert pyramid.strides(encoder.output) == sorted(pyramid.APPLICATIONS[name])
    for key, tensor in encoder.output.items():
        stride = int(key.removeprefix("stride_"))
        assert tensor.shape[1:3] == (64 // stride, 96 // stride)


@pytest.mark.parametrize("mode, module", [
    ("tf", "mobilenet_v2"), ("torch", "densenet"), ("caffe", "resnet50"),
])  # fmt: skip
def test_pixels_are_scaled_as_keras_does(mode, module):
    x = np.random.default_rng(0).uniform(size=(2, 3, 4, 3)).astype("float32")
    expected = getattr(keras.applications, module).preprocess_input(255.0 * x)
    ours = ops.convert_to_numpy(pyramid.PixelScaling(mode)(x))
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(ops.convert_to_numpy(pyramid.PixelScaling("bytes")(x)), 255.0 * x)


def test_an_encoder_and_a_decoder_of_ones_own():
    image = keras.Input((None, None, 3))
    fine = keras.layers.Conv2D(4, 3, 2, "same", name="fine")(image)
    coarse = keras.layers.Conv2D(5, 3, 2, "same", name="coarse")(fine)
    mine = keras_ae.pyramid_encoder(keras.Model(image, coarse), taps={2: "fine", 4: "coarse"})
    assert list(mine.output) == ["stride_2", "stride_4"]
    head = keras_ae.pyramid_decoder("unet", mine.output, 4, width=3)
    model = keras_ae.EncoderDecoder(mine, head, 4)
    x = np.zeros((1, 13, 9, 3), "float32")
    assert model.predict(x, verbose=0).shape == (1, 13, 9, 4)
    lying = keras.Model(image, {"stride_1": fine, "stride_2": coarse})
    with pytest.raises(ValueError, match="the map of stride 1 has 2 rows for an image of 4"):
        keras_ae.EncoderDecoder(lying, "unet", 4)
    with pytest.raises(ValueError, match="num_classes is 3"):
        keras_ae.EncoderDecoder(mine, head, 3)
    square = keras.Input((8, 8, 3))
    wrong = keras.layers.Conv2D(4, 3, 4, "same", name="wrong")(square)
    with pytest.raises(ValueError, match="name the layer of that stride"):
        keras_ae.pyramid_encoder(keras.Model(square, wrong), taps={2: "wrong"})


def test_a_backbone_with_pyramid_outputs():
    """As those of KerasHub: levels by name, P2 of stride 4."""
    image = keras.Input((None, None, 1))
    fine = keras.layers.Conv2D(2, 3, 4, "same")(image)
    coarse = keras.layers.Conv2D(3, 3, 2, "same")(fine)
    backbone = keras.Model(image, coarse)
    backbone.pyramid_outputs = {"P2": fine, "P3": coarse}
    encoder = keras_ae.pyramid_encoder(backbone)
    assert {key: tensor.shape[-1] for key, tensor in encoder.output.items()} == {
        "stride_4": 2,
        "stride_8": 3,
    }
    model = keras_ae.EncoderDecoder(encoder, "fpn", 2)
    assert model.predict(np.zeros((1, 9, 17, 1), "float32"), verbose=0).shape == (1, 9, 17, 2)


def test_a_backbone_of_keras_hub(tmp_path):
    hub = pytest.importorskip("keras_hub", reason='needs pip install -e ".[hub]"')
    backbone = hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 8, 8, 8],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )
    encoder = keras_ae.pyramid_encoder(backbone)
    assert pyramid.strides(encoder.output) == [4, 8, 16, 32]
    model = keras_ae.EncoderDecoder(encoder, "unet", 2, width=2)
    x = np.random.default_rng(0).uniform(size=(2, 33, 41, 3)).astype("float32")
    model.compile("sgd", **SOON)
    model.fit(x, np.zeros((2, 33, 41), "int32"), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


def test_weights_for_three_channels_and_images_with_two(tmp_path):
    if keras.backend.backend() == "jax":
        pytest.skip("JAX compiles every shape: the other backends have it")
    whole = keras.applications.MobileNetV2(include_top=False, weights=None)
    whole.save_weights(tmp_path / "mobile.weights.h5")
    file = str(tmp_path / "mobile.weights.h5")
    encoder = keras_ae.pyramid_encoder("MobileNetV2", (None, None, 2), weights=file)
    adapter = encoder.get_layer("to_three_channels")
    x = np.random.default_rng(0).uniform(size=(1, 32, 32, 2)).astype("float32")
    three = ops.convert_to_numpy(adapter(x))
    np.testing.assert_allclose(three, np.repeat(x.mean(-1, keepdims=True), 3, -1), atol=1e-6)
    expected = whole.predict(2.0 * three - 1.0, verbose=0)
    maps = encoder.predict(x, verbose=0)
    np.testing.assert_allclose(maps["stride_32"], expected, atol=1e-4)
