"""DCGAN: a GAN of strided convolutions, batch normalisation and little else.

Source: Radford et al. 2015, arXiv:1511.06434, figure 1 and section 3; lecture, "Deep
Convolutional".

    generator       z -> 4x4 map; transposed convolutions 5x5 of stride 2 double the side and halve
                    the channels; batch norm and ReLU, tanh at the end
    discriminator   its mirror: convolutions 5x5 of stride 2, batch norm (not in the first layer),
                    LeakyReLU 0.2, one logit
    weights         N(0, 0.02), batch norm's gains N(1, 0.02)
    training        Adam 2e-4 with beta_1 0.5, batches of 128; real and generated ones separate
"""

import keras
from keras import layers

from ..engine.checks import check_positive_int
from ..layers.normalization import BatchNormalization
from .gan import GAN, noise_and_label


@keras.saving.register_keras_serializable("keras_ae")
class DCGAN(GAN):
    """The networks of the paper, for square images of any side 4 * 2^n, in a GAN.

    Networks of your own, other losses and penalties: `GAN(dcgan_generator(...),
    dcgan_discriminator(..., batch_norm=False), loss=..., r1=...)`.

    Source: Radford et al. 2015, arXiv:1511.06434. The paper's own: side 64, `width=128`, 100
    numbers from U(-1, 1), no average of the generator (`average_decay=None`).

    Args:
        image_shape: tuple `(side, side, channels)`, side 8, 16, 32, 64 and so on; pixels in
            [-1, 1].
        noise_dim: int, numbers from U(-1, 1). Defaults to `100`.
        width: int, channels of the layers at half the side; they double as the side halves.
            Defaults to `128`.
        num_classes: int, for a class-conditional one, or `None`. Defaults to `None`.
        average_decay: float or `None`, as in `GAN`. Defaults to `0.999`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when a side is not allowed (the message names the nearest ones), or as `GAN`
            says.
    """

    def __init__(
        self,
        image_shape,
        noise_dim=100,
        width=128,
        num_classes=None,
        average_decay=0.999,
        **kwargs,
    ):
        super().__init__(
            dcgan_generator(image_shape, noise_dim, width, num_classes),
            dcgan_discriminator(image_shape, width, num_classes),
            noise="uniform",
            num_classes=num_classes,
            average_decay=average_decay,
            **kwargs,
        )
        self.width = width

    @staticmethod
    def paper_optimizers():
        """Those of the paper, for `compile`: Adam 2e-4 with beta_1 0.5, one for each network.

        Source: Radford et al. 2015, arXiv:1511.06434, section 4.

        Returns:
            dict, name to `keras.optimizers.Adam`.
        """
        return {
            name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in ("discriminator", "generator")
        }


def dcgan_generator(image_shape, noise_dim=100, width=128, num_classes=None):
    """Transposed convolutions from noise to an image.

    Source: Radford et al. 2015, arXiv:1511.06434, figure 1.

    Args:
        image_shape: tuple, as in `DCGAN`.
        noise_dim: int. Defaults to `100`.
        width: int, as in `DCGAN`. Defaults to `128`.
        num_classes: int, for a class-conditional one, or `None`. Defaults to `None`.

    Returns:
        `keras.Model` from `(batch, noise_dim)`, or from a dict with "noise" and "label", to
        `(batch, *image_shape)`, values in [-1, 1].

    Raises:
        ValueError: when a size is not allowed.
    """
    check_positive_int("noise_dim", noise_dim)
    *filters, channels = _channels(image_shape, width)[::-1]  # widest first
    if num_classes is None:
        inputs = x = keras.Input((noise_dim,), name="noise")
    else:
        inputs = noise_and_label(noise_dim, num_classes)
        x = layers.Concatenate()(list(inputs.values()))
    x = layers.Dense(16 * filters[0], use_bias=False, kernel_initializer=_small())(x)
    x = layers.Reshape((4, 4, filters[0]))(x)  # (batch, 4, 4, filters)
    x = layers.ReLU()(_norm()(x))
    for number in filters[1:]:
        x = _up(number, use_bias=False)(x)  # (batch, 2 * side, 2 * side, number)
        x = layers.ReLU()(_norm()(x))
    x = _up(channels, activation="tanh")(x)  # (batch, *image_shape)
    return keras.Model(inputs, x, name="generator")


def dcgan_discriminator(image_shape, width=128, num_classes=None, batch_norm=True):
    """Strided convolutions from an image to a logit.

    Source: Radford et al. 2015, arXiv:1511.06434, section 3.

    Args:
        image_shape: tuple, as in `DCGAN`.
        width: int, as in `DCGAN`. Defaults to `128`.
        num_classes: int, for a class-conditional one, which sees the class as constant channels, or
            `None`. Defaults to `None`.
        batch_norm: bool; `False` for a penalty of gradients, which is one of single images.
            Defaults to `True`.

    Returns:
        `keras.Model` from images, or from a dict with "image" and "label", to `(batch, 1)`.

    Raises:
        ValueError: when a size is not allowed.
    """
    _, *filters = _channels(image_shape, width)
    inputs = x = keras.Input(image_shape, name="image")
    if num_classes is not None:
        label = keras.Input((num_classes,), name="label")
        inputs = {"image": x, "label": label}
        maps = layers.Reshape((1, 1, num_classes))(label)
        maps = layers.UpSampling2D(image_shape[:2])(maps)  # (batch, side, side, num_classes)
        x = layers.Concatenate()([x, maps])
    for index, number in enumerate(filters):
        normed = batch_norm and index > 0
        x = layers.Conv2D(number, 5, 2, "same", use_bias=not normed, kernel_initializer=_small())(
            x
        )  # (batch, side / 2, side / 2, number)
        x = layers.LeakyReLU(0.2)(_norm()(x) if normed else x)
    x = layers.Dense(1, kernel_initializer=_small(), name="logit")(layers.Flatten()(x))
    return keras.Model(inputs, x, name="discriminator")


def _channels(image_shape, width):
    """Channels of the maps from the image inwards, down to the side 4."""
    check_positive_int("width", width)
    if len(image_shape) != 3:
        raise ValueError(f"image_shape={image_shape!r}: pass (side, side, channels).")
    side, other, channels = image_shape
    for name, number in (("a side", side), ("the number of channels", channels)):
        check_positive_int(f"{name} in image_shape={tuple(image_shape)}", number)
    stages = (side // 4).bit_length() - 1
    if side != other or stages < 1 or side != 4 * 2**stages:
        near = [4 * 2 ** max(stages, 1), 4 * 2 ** (max(stages, 1) + 1)]
        raise ValueError(
            f"image_shape={tuple(image_shape)}: images are square, with a side of 4 * 2^n; the "
            f"nearest are {near[0]} and {near[1]}. Pad or resize them (keras_ae.data.load(..., "
            "image_size=...))."
        )
    return [channels, *[width * 2**stage for stage in range(stages)]]


def _up(filters, **kwargs):
    return layers.Conv2DTranspose(filters, 5, 2, "same", kernel_initializer=_small(), **kwargs)


def _small():
    return keras.initializers.RandomNormal(0.0, 0.02)


def _norm():
    """Batch normalisation; the momentum is this library's: the paper names none."""
    gains = keras.initializers.RandomNormal(1.0, 0.02)
    return BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gains)
