"""U-Net: a contracting path, an expanding one, and every map handed across.

Source: Ronneberger et al. 2015, arXiv:1505.04597, figure 1; lecture, "U-Net".

    down   conv 3x3, ReLU, conv 3x3, ReLU, max pooling 2x2; channels double
    up     up-convolution 2x2 that halves the channels, concat with the map across, two conv 3x3
    valid  a side of n gives n - 184 (572 -> 388); sides are 16 k + 60
"""

import keras
from keras import layers

from ..engine.checks import check_positive_int, check_rate
from ..layers.upsampling import CropLike
from .segmenter import Segmenter, check_image_shape

HE = ("fan_in", "untruncated_normal")  # N(0, sqrt(2 / N)), section 3


@keras.saving.register_keras_serializable("keras_ae")
class UNet(Segmenter):
    """The U-Net of the paper, and the variant with same padding that most users want.

    Source: Ronneberger et al. 2015, arXiv:1505.04597. With `padding="valid"` (the paper's) 572 x
    572 pixels give 388 x 388, of the centre; with "same" the output is as large as the image.

    Args:
        image_shape: tuple `(height, width, channels)`; sides may be `None` with `padding="same"`,
            or where every side given later is allowed.
        num_classes: int, 2 or more.
        filters: tuple of int, channels of the levels from the top. Defaults to
            `(64, 128, 256, 512, 1024)`.
        padding: "valid" or "same". Defaults to `"valid"`.
        dropout: float in [0, 1), rate at the end of the contracting path. Defaults to `0.5`.
        seed: int, of the dropout. Defaults to `0`.
        loss: name, dict or function, as in `Segmenter`. Defaults to `"cross_entropy"`.
        void: int or `None`, as in `Segmenter`. Defaults to `None`.
        class_weights: sequence or `None`, as in `Segmenter`. Defaults to `None`.
        l2: float, as in `Segmenter`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when a side is not allowed (the message names the nearest ones), or as
            `Segmenter` says.
    """

    def __init__(
        self,
        image_shape,
        num_classes,
        filters=(64, 128, 256, 512, 1024),
        padding="valid",
        dropout=0.5,
        seed=0,
        loss="cross_entropy",
        void=None,
        class_weights=None,
        l2=0.0,
        **kwargs,
    ):
        network = unet_network(image_shape, num_classes, filters, padding, dropout, seed)
        super().__init__(network, loss, void, class_weights, l2, **kwargs)
        self.image_shape, self.num_classes = tuple(image_shape), num_classes
        self.filters, self.padding = tuple(filters), padding
        self.dropout, self.seed = dropout, seed

    def call(self, x, training=False):
        if self.padding == "valid":
            for side in x.shape[1:3]:  # where the network was built for any
                check_valid_side(side, len(self.filters) - 1)
        return super().call(x, training)


def unet_network(
    image_shape,
    num_classes,
    filters=(64, 128, 256, 512, 1024),
    padding="valid",
    dropout=0.5,
    seed=0,
):
    """The network of `UNet`, from images to logits.

    Source: Ronneberger et al. 2015, arXiv:1505.04597, figure 1.

    Args:
        image_shape: tuple, as in `UNet`.
        num_classes: int; it may be 1 here.
        filters: tuple of int, as in `UNet`. Defaults to `(64, 128, 256, 512, 1024)`.
        padding: "valid" or "same". Defaults to `"valid"`.
        dropout: float. Defaults to `0.5`.
        seed: int. Defaults to `0`.

    Returns:
        `keras.Model` from `(batch, height, width, channels)` to `(batch, height', width',
        num_classes)`.

    Raises:
        ValueError: as `UNet` says.
    """
    check_image_shape(image_shape)
    check_positive_int("num_classes", num_classes)
    if not isinstance(filters, (tuple, list)) or len(filters) < 2:
        raise ValueError(f"filters={filters!r}: pass the channels of two levels or more.")
    for number in filters:
        check_positive_int(f"a number in filters={tuple(filters)}", number)
    if padding not in ("valid", "same"):
        raise ValueError(f"padding={padding!r}: pass 'valid' (the paper's) or 'same'.")
    check_rate("dropout", dropout)
    if padding == "valid":
        for side in image_shape[:2]:
            check_valid_side(side, len(filters) - 1)

    def conv(x, width):
        start = keras.initializers.VarianceScaling(2.0, *HE)
        return layers.Conv2D(
            width, 3, padding=padding, activation="relu", kernel_initializer=start
        )(x)

    x = inputs = keras.Input(image_shape, name="image")  # (batch, height, width, channels)
    across = []
    for width in filters[:-1]:
        x = conv(conv(x, width), width)  # valid: 4 rows and columns less
        across.append(x)
        x = layers.MaxPooling2D(2, padding="same")(x)  # halves the sides; of odd ones up
    x = conv(conv(x, filters[-1]), filters[-1])
    x = layers.Dropout(dropout, seed=seed)(x)
    for width, skip in zip(filters[-2::-1], across[::-1]):
        start = keras.initializers.VarianceScaling(2.0, *HE)
        x = layers.Conv2DTranspose(width, 2, 2, kernel_initializer=start)(x)  # twice the sides
        if padding == "valid":
            skip = CropLike()(skip, x)
        else:
            x = CropLike(0)(x, skip)
        x = conv(conv(layers.Concatenate()([skip, x]), width), width)
    logits = layers.Conv2D(num_classes, 1, name="logits")(x)
    return keras.Model(inputs, logits, name="unet")


def valid_size(side, depth=4):
    """Side of the output for a side of the input, with valid padding.

    Source: Ronneberger et al. 2015, arXiv:1505.04597, figure 1.

    Args:
        side: int.
        depth: int, number of poolings. Defaults to `4`.

    Returns:
        int, or `None` where a map with an odd side, or no map, would be pooled.
    """
    for _ in range(depth):
        side -= 4
        if side < 2 or side % 2:
            return None
        side //= 2
    side -= 4
    for _ in range(depth):
        side = 2 * side - 4
    return side if side > 0 else None


def check_valid_side(side, depth=4):
    """Refuses a side that valid padding does not allow, and names the nearest that it does.

    Source: Ronneberger et al. 2015, arXiv:1505.04597, section 2 ("all 2x2 max-pooling operations
    are applied to a layer with an even x- and y-size").

    Args:
        side: int, or `None`, which is not checked.
        depth: int, number of poolings. Defaults to `4`.

    Raises:
        ValueError: when it is not allowed.
    """
    if side is None or valid_size(side, depth):
        return
    below = next((n for n in range(side, 0, -1) if valid_size(n, depth)), None)
    above = next(n for n in range(side, side + 2**depth * 200) if valid_size(n, depth))
    near = f"{above}" if below is None else f"{below} and {above}"
    raise ValueError(
        f"a side of {side} pixels does not go through {depth} poolings with padding='valid' (every "
        f"map must have even sides): the nearest allowed are {near}, or pass padding='same'."
    )
