"""SegNet: an encoder like VGG16, and a decoder that unpools where the maxima stood.

Source: Badrinarayanan et al. 2015, arXiv:1511.00561; lecture, "Unpooling", "Extending the concept".

    down   [conv 3x3, batch norm, ReLU] x 2 or 3, max pooling 2x2 that keeps its switches
    up     unpooling with them, [conv 3x3, batch norm, ReLU] x 3 or 2; the last convolution bare

The switches go past the code, 2 bits for each number that was pooled; table 1 of the paper compares
them with other ways up, which `up` offers.
"""

import keras
from keras import layers

from ..engine.checks import check_positive_int
from ..layers.normalization import BatchNormalization
from ..layers.pooling import MaxPool2DWithSwitches
from ..layers.unpooling import MaxUnpool2D
from ..layers.upsampling import BilinearUpsampling2D, CropLike
from .segmenter import Segmenter, check_image_shape

VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
UPWARDS = ("switches", "add", "bilinear")


@keras.saving.register_keras_serializable("keras_ae")
class SegNet(Segmenter):
    """SegNet with 13 + 13 convolutions, or smaller.

    After training call `reestimate(x_train)`: the paper tests with the statistics of batch
    normalisation taken over the training set.

    Source: Badrinarayanan et al. 2015, arXiv:1511.00561, figure 2 and table 1.

    Args:
        image_shape: tuple `(height, width, channels)`, sides known, any size that can be halved as
            often as there are stages.
        num_classes: int, 2 or more.
        filters: tuple of tuples, channels of the convolutions of each stage. Defaults to
            `SegNet.VGG16`.
        up: "switches" (the paper's), "bilinear" (twice the sides by interpolation), or "add" (that,
            and the encoder's map before the pooling added). Defaults to `"switches"`.
        loss: name, dict or function, as in `Segmenter`. Defaults to `"cross_entropy"`.
        void: int or `None`, as in `Segmenter`. Defaults to `None`.
        class_weights: sequence or `None`, as in `Segmenter`. Defaults to `None`.
        l2: float, as in `Segmenter`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when an argument is out of range, the image too small, or as `Segmenter` says.
    """

    VGG16 = VGG16

    def __init__(
        self,
        image_shape,
        num_classes,
        filters=VGG16,
        up="switches",
        loss="cross_entropy",
        void=None,
        class_weights=None,
        l2=0.0,
        **kwargs,
    ):
        network = _network(image_shape, num_classes, filters, up)
        super().__init__(network, loss, void, class_weights, l2, **kwargs)
        self.image_shape, self.num_classes = tuple(image_shape), num_classes
        self.filters, self.up = tuple(tuple(stage) for stage in filters), up


def _network(image_shape, num_classes, filters, up):
    check_image_shape(image_shape)
    check_positive_int("num_classes", num_classes)
    if up not in UPWARDS:
        raise ValueError(f"up={up!r} is not known: pass one of {', '.join(UPWARDS)}.")
    if not filters or not all(isinstance(stage, (tuple, list)) and stage for stage in filters):
        raise ValueError(
            f"filters={filters!r}: pass a tuple of tuples, the channels of each stage."
        )
    if None in image_shape or min(image_shape[:2]) < 2 ** len(filters):
        raise ValueError(
            f"image_shape={tuple(image_shape)}: the way up needs known sides of at least "
            f"{2 ** len(filters)} pixels, for {len(filters)} poolings."
        )

    def conv(x, width):
        check_positive_int(f"a number in filters={filters}", width)
        x = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal")(x)
        return layers.ReLU()(BatchNormalization()(x))

    x = inputs = keras.Input(image_shape, name="image")  # (batch, height, width, channels)
    pooled = []
    for stage in filters:
        for width in stage:
            x = conv(x, width)
        before = x  # (batch, h, w, stage[-1])
        if up == "switches":
            x, switches = MaxPool2DWithSwitches(2)(x)  # (batch, h // 2, w // 2, stage[-1])
            pooled.append((before, switches))
        else:
            x = layers.MaxPooling2D(2, padding="same")(x)  # of odd sides up
            pooled.append((before, None))
    for number in range(len(filters) - 1, -1, -1):
        before, switches = pooled[number]
        if up == "switches":
            x = MaxUnpool2D(2, output_size=before.shape[1:3])(
                x, switches
            )  # (batch, h, w, stage[-1])
        else:
            x = CropLike(0)(BilinearUpsampling2D(2, "same")(x), before)
        if up == "add":
            x = layers.Add()([x, before])
        stage = filters[number]
        outer = filters[number - 1][-1] if number else None
        for width in stage[:-1]:
            x = conv(x, width)
        if outer is not None:
            x = conv(x, outer)
    logits = layers.Conv2D(num_classes, 3, padding="same", name="logits")(x)
    return keras.Model(inputs, logits, name="segnet")
