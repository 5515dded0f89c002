"""Networks between images and a smaller map of codes, and one that judges patches of images.

Source: Rombach et al. 2022, arXiv:2112.10752, appendix G; Esser et al. 2021, arXiv:2012.09841;
Isola et al. 2017, arXiv:1611.07004, section 3.2.2.
"""

import keras
from keras import layers

from ..engine.checks import check_positive_int
from ..layers.normalization import BatchNormalization
from .blocks import Blocks, check_levels


def latent_encoder(
    image_shape,
    latent_channels=4,
    width=128,
    multipliers=(1, 2, 4),
    num_blocks=2,
    heads=("mean", "log_variance"),
    groups=32,
    name="encoder",
):
    """Residual blocks down to a map of codes, attention at its end.

    Source: Rombach et al. 2022, arXiv:2112.10752, appendix G (autoencoder models).

    Args:
        image_shape: tuple `(height, width, channels)`, sides that halve evenly at every level.
        latent_channels: int, numbers of each position of the code. Defaults to `4`.
        width: int, channels at the first level. Defaults to `128`.
        multipliers: tuple of int, channels of each level over `width`; each but the last halves the
            sides. Defaults to `(1, 2, 4)`.
        num_blocks: int, residual blocks of a level. Defaults to `2`.
        heads: tuple of str, names of the outputs, or `None` for one code (for a codebook). Defaults
            to `("mean", "log_variance")`.
        groups: int, of group normalisation. Defaults to `32`.
        name: str. Defaults to `"encoder"`.

    Returns:
        `keras.Model` from `(batch, *image_shape)` to `(batch, height / f, width / f,
        latent_channels)` with f = 2^(levels - 1), or to a dict of such maps.

    Raises:
        ValueError: when a size is not positive, or the sides do not halve evenly.
    """
    _latent_shape(image_shape, latent_channels, width, multipliers, num_blocks, groups)
    parts = Blocks(groups=groups)
    image = keras.Input(image_shape, name="image")
    x = parts.conv(width, name="stem")(image)  # (batch, height, width, channels)
    for number, multiplier in enumerate(multipliers):
        for block in range(num_blocks):
            x = parts.residual(x, None, multiplier * width, f"down_{number}_{block}")
        if number < len(multipliers) - 1:
            x = parts.conv(x.shape[-1], strides=2, name=f"down_{number}")(x)  # half the sides
    x = layers.Activation("swish")(parts.norm(_middle(parts, x), "last_norm"))
    # in float32 also where the rest is not: what is diffused later has no other source
    outputs = {
        head: parts.conv(latent_channels, dtype="float32", name=head or "code")(x)
        for head in heads or ("",)
    }
    return keras.Model(image, outputs if heads else outputs[""], name=name)


def latent_decoder(
    image_shape,
    latent_channels=4,
    width=128,
    multipliers=(1, 2, 4),
    num_blocks=2,
    groups=32,
    name="decoder",
):
    """The way back: a map of codes becomes an image, one residual block more on each level.

    Source: Rombach et al. 2022, arXiv:2112.10752, appendix G (autoencoder models).

    Args:
        image_shape: tuple, as in `latent_encoder`.
        latent_channels: int, as in `latent_encoder`. Defaults to `4`.
        width: int, as in `latent_encoder`. Defaults to `128`.
        multipliers: tuple of int, as in `latent_encoder`. Defaults to `(1, 2, 4)`.
        num_blocks: int, as in `latent_encoder`. Defaults to `2`.
        groups: int, of group normalisation. Defaults to `32`.
        name: str. Defaults to `"decoder"`.

    Returns:
        `keras.Model` from `(batch, height / f, width / f, latent_channels)` to `(batch,
        *image_shape)`.

    Raises:
        ValueError: as `latent_encoder` says.
    """
    sizes = latent_channels, width, multipliers, num_blocks, groups
    code = keras.Input(_latent_shape(image_shape, *sizes), name="code")
    parts = Blocks(groups=groups)
    x = parts.conv(multipliers[-1] * width, name="stem")(code)
    x = _middle(parts, x)
    for number, multiplier in reversed(list(enumerate(multipliers))):
        for block in range(num_blocks + 1):
            x = parts.residual(x, None, multiplier * width, f"up_{number}_{block}")
        if number:
            x = layers.UpSampling2D()(x)  # twice the sides, nearest
            x = parts.conv(x.shape[-1], name=f"up_{number}")(x)
    x = layers.Activation("swish")(parts.norm(x, "last_norm"))
    x = parts.conv(image_shape[-1], dtype="float32", name="last")(x)
    return keras.Model(code, x, name=name)


def patch_discriminator(image_shape, width=64, num_layers=3, name="discriminator"):
    """Strided convolutions to a map of logits, each of which judges a patch of the image.

    With three layers a logit sees 70 x 70 pixels, with two 34 x 34, with one 16 x 16.

    Source: Isola et al. 2017, arXiv:1611.07004, section 3.2.2 and appendix 6.1.2.

    Args:
        image_shape: tuple `(height, width, channels)`.
        width: int, channels of the first layer. Defaults to `64`.
        num_layers: int, layers that halve the sides. Defaults to `3`.
        name: str. Defaults to `"discriminator"`.

    Returns:
        `keras.Model` from `(batch, *image_shape)` to `(batch, h, w, 1)`.

    Raises:
        ValueError: when a size is not a positive integer, or nothing is left of the image.
    """
    for size in (width, num_layers):
        check_positive_int("a size", size)
    if len(image_shape) != 3 or min(image_shape[:2]) < 2**num_layers:
        raise ValueError(
            f"image_shape={tuple(image_shape)}: {num_layers} layers halve the sides, pass (height, "
            f"width, channels) with sides of at least {2**num_layers}, or fewer layers."
        )
    image = x = keras.Input(image_shape, name="image")
    for number in range(num_layers + 1):
        filters, strides = width * min(2**number, 8), 2 if number < num_layers else 1
        normed = number > 0
        # (batch, h, w, filters)
        x = layers.Conv2D(filters, 4, strides, "same", use_bias=not normed)(x)
        x = BatchNormalization(momentum=0.9, epsilon=1e-5)(x) if normed else x
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Conv2D(1, 4, 1, "same", dtype="float32", name="logits")(x)  # (batch, h, w, 1)
    return keras.Model(image, x, name=name)


def _latent_shape(image_shape, latent_channels, width, multipliers, num_blocks, groups):
    factor = check_levels(image_shape, multipliers, latent_channels, width, num_blocks, groups)
    return image_shape[0] // factor, image_shape[1] // factor, latent_channels


def _middle(parts, x):
    x = parts.residual(x, None, x.shape[-1], "middle_0")
    x = parts.attention(x, "middle")
    x = parts.residual(x, None, x.shape[-1], "middle_1")
    return x
