"""Encoders that give a map for each stride: to mix and to match with decoders.

An encoder is a Functional model from an image to a dict `{"stride_2": map, "stride_4": map, ...}`;
a stride that it has no map for is absent. `networks/pyramid_decoder.py` has what takes such a dict,
`segmentation.EncoderDecoder` puts the two together.

Source: lecture, "Mixing and matching encoders and decoders".
"""

import keras
from keras import layers, ops

from ..engine.checks import check_positive_int
from ..layers.normalization import BatchNormalization

# of keras.applications: last map of each stride, checked in tests; and how pixels are scaled
APPLICATIONS = {
    "VGG16": {
        1: "block1_conv2",
        2: "block2_conv2",
        4: "block3_conv3",
        8: "block4_conv3",
        16: "block5_conv3",
        32: "block5_pool",
    },
    "ResNet50": {
        2: "conv1_relu",
        4: "conv2_block3_out",
        8: "conv3_block4_out",
        16: "conv4_block6_out",
        32: "conv5_block3_out",
    },
    "DenseNet121": {
        2: "conv1_relu",
        4: "pool2_conv",
        8: "pool3_conv",
        16: "pool4_conv",
        32: "relu",
    },
    "MobileNetV2": {
        2: "block_1_expand_relu",
        4: "block_3_expand_relu",
        8: "block_6_expand_relu",
        16: "block_13_expand_relu",
        32: "out_relu",
    },
    "EfficientNetB0": {
        2: "block2a_expand_activation",
        4: "block3a_expand_activation",
        8: "block4a_expand_activation",
        16: "block6a_expand_activation",
        32: "top_activation",
    },
    "ConvNeXtTiny": {
        4: "convnext_tiny_stage_0_block_2_identity",
        8: "convnext_tiny_stage_1_block_2_identity",
        16: "convnext_tiny_stage_2_block_8_identity",
        32: "layer_normalization",
    },
}
SCALING = {
    "VGG16": "caffe",
    "ResNet50": "caffe",
    "DenseNet121": "torch",
    "MobileNetV2": "tf",
    "EfficientNetB0": "bytes",
    "ConvNeXtTiny": "torch",
}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, red, green, blue
CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red


@keras.saving.register_keras_serializable("keras_ae")
class PixelScaling(layers.Layer):
    """Pixels in [0, 1] as the networks of `keras.applications` were trained to see them.

    Source: `keras.applications.imagenet_utils.preprocess_input`.

    Args:
        mode: "tf" (-1 to 1), "torch" (ImageNet's mean and deviation of each channel), "caffe"
            (0 to 255, blue first, mean subtracted) or "bytes" (0 to 255). Other than three channels
            are scaled to -1 to 1 in the first three modes.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor in [0, 1], shape `(batch, height, width, channels)`.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: when the mode is unknown.
    """

    def __init__(self, mode, **kwargs):
        super().__init__(**kwargs)
        if mode not in ("tf", "torch", "caffe", "bytes"):
            raise ValueError(f"mode={mode!r}: pass 'tf', 'torch', 'caffe' or 'bytes'.")
        self.mode = mode

    def call(self, x):
        if self.mode == "bytes":
            return 255.0 * x
        if self.mode == "tf" or x.shape[-1] != 3:
            return 2.0 * x - 1.0
        if self.mode == "torch":
            return (x - ops.array(MEAN, x.dtype)) / ops.array(DEVIATION, x.dtype)
        return 255.0 * ops.flip(x, axis=-1) - ops.array(CAFFE_MEAN, x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


def conv_pyramid(image_shape, filters=(16, 32, 64, 128), depth=2, batch_norm=True, name="encoder"):
    """An encoder of our own: stages of 3x3 convolutions, with max pooling between them.

    Source: this library; the contracting path of Ronneberger et al. 2015, arXiv:1505.04597, with
    same padding.

    Args:
        image_shape: tuple `(height, width, channels)`; sides may be `None`.
        filters: tuple of int, channels of the stages, at strides 1, 2, 4, ... Defaults to
            `(16, 32, 64, 128)`.
        depth: int, convolutions of a stage. Defaults to `2`.
        batch_norm: bool. Defaults to `True`.
        name: str. Defaults to `"encoder"`.

    Returns:
        `keras.Model` to a dict of maps "stride_1", "stride_2", ...

    Raises:
        ValueError: when a number is not a positive integer.
    """
    check_positive_int("depth", depth)
    x = inputs = keras.Input(image_shape, name="image")
    maps = {}
    for level, width in enumerate(filters):
        check_positive_int(f"a number in filters={tuple(filters)}", width)
        if level:
            x = layers.MaxPooling2D(2)(x)  # half the sides
        for _ in range(depth):
            x = conv_unit(x, width, batch_norm=batch_norm)
        maps[f"stride_{2**level}"] = x
    return keras.Model(inputs, maps, name=name)


def pyramid_encoder(source, image_shape=(None, None, 3), weights=None, taps=None, name="encoder"):
    """An encoder from `keras.applications`, from KerasHub, or from a network of your own.

    Images are in [0, 1]; those of `keras.applications` are scaled as the network expects. Where
    `weights` are for three channels and images have more or fewer, a 1x1 convolution that starts
    as their mean stands before.

    Source: `keras.applications`; `keras_hub` (`pyramid_outputs` of its backbones).

    Args:
        source: name in `APPLICATIONS`, a `keras_hub` backbone with pyramid outputs, or a Functional
            `keras.Model`.
        image_shape: tuple `(height, width, channels)`, of an application. Defaults to
            `(None, None, 3)`.
        weights: as in `keras.applications`: `None`, "imagenet" (downloads) or a file. Defaults to
            `None`.
        taps: dict, stride to the name of a layer, of a model of your own. Defaults to `None`.
        name: str. Defaults to `"encoder"`.

    Returns:
        `keras.Model` to a dict of maps "stride_1", "stride_2", ...

    Raises:
        ValueError: when the source is unknown, or a tap is no layer or has another stride.
    """
    if isinstance(source, str):
        if source not in APPLICATIONS:
            raise ValueError(
                f"{source!r} is not in the table: pass one of {', '.join(APPLICATIONS)}, or a "
                "model of your own with taps={stride: layer name}."
            )
        return _application(source, image_shape, weights, name)
    if getattr(source, "pyramid_outputs", None):
        found = {2 ** int(key[1:]): tensor for key, tensor in source.pyramid_outputs.items()}
    elif taps:
        names = {layer.name for layer in source.layers}
        unknown = [tap for tap in taps.values() if tap not in names]
        if unknown:
            raise ValueError(f"{source.name} has no layer {', '.join(unknown)}: name one it has.")
        found = {stride: source.get_layer(tap).output for stride, tap in taps.items()}
    else:
        raise ValueError(
            f"{source!r} gives no pyramid: pass taps={{stride: layer name}}, such as "
            "{4: 'stage_1', 8: 'stage_2'}."
        )
    encoder = keras.Model(
        source.input, {f"stride_{stride}": found[stride] for stride in sorted(found)}, name=name
    )
    check_strides(encoder)
    return encoder


def _application(source, image_shape, weights, name):
    channels = image_shape[-1]
    adapt = weights is not None and channels != 3
    options = {"include_preprocessing": False} if source == "ConvNeXtTiny" else {}
    application = getattr(keras.applications, source)(
        include_top=False,
        weights=weights,
        input_shape=(*image_shape[:2], 3 if adapt else channels),
        **options,
    )
    layer_names = {layer.name for layer in application.layers}
    maps = {}
    for stride, tap in APPLICATIONS[source].items():
        if tap not in layer_names:  # Keras numbers its layer_normalization from model to model
            tap = next(x.name for x in reversed(application.layers) if x.name.startswith(tap))
        maps[f"stride_{stride}"] = application.get_layer(tap).output
    body = keras.Model(application.input, maps, name=source.lower())
    x = inputs = keras.Input(image_shape, name="image")  # (batch, height, width, channels)
    if adapt:
        mean = keras.initializers.Constant(1.0 / channels)
        x = layers.Conv2D(3, 1, kernel_initializer=mean, name="to_three_channels")(x)
    return keras.Model(inputs, body(PixelScaling(SCALING[source])(x)), name=name)


def strides(maps):
    """The strides that an encoder has maps for.

    Source: this library.

    Args:
        maps: what an encoder gives, a dict of maps by stride.

    Returns:
        list of int, ascending.

    Raises:
        ValueError: when its outputs are none.
    """
    names = list(maps) if isinstance(maps, dict) else []
    try:
        found = sorted(int(key.removeprefix("stride_")) for key in names)
    except ValueError:
        found = []
    if not found or any(n < 1 or n & (n - 1) for n in found):
        raise ValueError(
            f"the encoder gives {', '.join(map(str, names)) or 'one tensor'}: needed is a dict of "
            "maps 'stride_1', 'stride_2', 'stride_4', ...; see keras_ae.pyramid_encoder."
        )
    return found


def check_strides(encoder):
    """Refuses an encoder whose maps are not as small as their names say.

    Source: this library.

    Args:
        encoder: `keras.Model` to a dict of maps by stride.

    Raises:
        ValueError: when one is not.
    """
    steps, (_, *sides, channels) = strides(encoder.output), encoder.input_shape
    sides = [side or 2 * max(steps) for side in sides]
    shapes, height = encoder.compute_output_shape((1, *sides, channels)), sides[0]
    for stride in steps:
        side = shapes[f"stride_{stride}"][1]
        if None not in (height, side) and side not in (height // stride, -(-height // stride)):
            raise ValueError(
                f"the map of stride {stride} has {side} rows for an image of {height}: name the "
                "layer of that stride."
            )


def conv_unit(x, width, size=3, batch_norm=True):
    """A convolution, batch normalisation and a ReLU.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.2.

    Args:
        x: Keras tensor, shape `(batch, height, width, channels)`.
        width: int, channels of the output.
        size: int, of the kernel. Defaults to `3`.
        batch_norm: bool. Defaults to `True`.

    Returns:
        Keras tensor, shape `(batch, height, width, width of the output)`.
    """
    x = layers.Conv2D(width, size, padding="same", kernel_initializer="he_normal")(x)
    return layers.ReLU()(BatchNormalization()(x) if batch_norm else x)
