"""The U-Net that diffusion models denoise with, in pixels or in codes, with or without a prompt.

Source: Ho et al. 2020, arXiv:2006.11239, section 4 and appendix B; with tokens Rombach et al. 2022,
arXiv:2112.10752, section 3.3 and appendix E.2.1 (transformer blocks).
"""

import keras
from keras import layers

from ..engine.checks import check_rate
from ..layers.attention import SinusoidalEmbedding
from .blocks import NEARLY_ZERO, Blocks, check_levels


def diffusion_unet(
    image_shape,
    width=128,
    multipliers=(1, 2, 2, 2),
    num_blocks=2,
    attention_sides=(16,),
    dropout=0.1,
    groups=32,
    token_shape=None,
    num_heads=1,
    name="denoiser",
):
    """Residual blocks that are told the time, attention at some sides, near-zero last layers.

    The defaults are the paper's network for CIFAR-10, 35,746,307 weights: 3,584 in the stem,
    328,704 for the time, 10,190,720 on the way down, 2,888,704 in the middle, 22,330,880 on the way
    up, 3,715 in the last norm and convolution. With tokens a transformer block stands in the place
    of each attention: the map attends to itself, then to the tokens.

    Source: Ho et al. 2020, arXiv:2006.11239, appendix B; Rombach et al. 2022, arXiv:2112.10752,
    equation for cross-attention in section 3.3.

    Args:
        image_shape: tuple `(height, width, channels)`, sides that halve evenly at every level.
        width: int, channels at the first level, a multiple of 2. Defaults to `128`.
        multipliers: tuple of int, channels of each level over `width`. Defaults to `(1, 2, 2, 2)`.
        num_blocks: int, residual blocks of a level on the way down (one more on the way up).
            Defaults to `2`.
        attention_sides: tuple of int, heights of the levels that attend (the middle always does).
            Defaults to `(16,)`.
        dropout: float in [0, 1), rate inside residual blocks. Defaults to `0.1`.
        groups: int, of group normalisation; where it does not divide the channels, its greatest
            divisor that does. Defaults to `32`.
        token_shape: tuple `(tokens, channels)` of a prompt to attend to, or `None` for none.
            Defaults to `None`.
        num_heads: int, of the attention. Defaults to `1`.
        name: str. Defaults to `"denoiser"`.

    Returns:
        `keras.Model` from a dict with "image" `(batch, *image_shape)`, "time" `(batch,)`, the
        number of the step, and with `token_shape` "tokens" `(batch, *token_shape)`, to
        `(batch, *image_shape)`.

    Raises:
        ValueError: when a size is not positive, or the sides do not halve evenly.
    """
    check_levels(image_shape, multipliers, width, num_blocks, groups)
    check_rate("dropout", dropout)
    image, time = keras.Input(image_shape, name="image"), keras.Input((), name="time")
    inputs = {"image": image, "time": time}
    if token_shape is not None:
        inputs["tokens"] = keras.Input(token_shape, name="tokens")
    parts = Blocks(dropout, groups, num_heads, inputs.get("tokens"))

    when = SinusoidalEmbedding(width)(time)  # (batch, width)
    when = parts.dense(4 * width, activation="swish", name="time_1")(when)
    when = layers.Activation("swish")(parts.dense(4 * width, name="time_2")(when))

    def level(x, channels, label):
        x = parts.residual(x, when, channels, label)
        return parts.attention(x, label) if x.shape[1] in attention_sides else x

    x = parts.conv(width, name="stem")(image)  # (batch, height, width, channels)
    passed = [x]
    for number, multiplier in enumerate(multipliers):
        for block in range(num_blocks):
            x = level(x, multiplier * width, f"down_{number}_{block}")
            passed.append(x)
        if number < len(multipliers) - 1:
            x = parts.conv(x.shape[-1], strides=2, name=f"down_{number}")(x)  # half the sides
            passed.append(x)
    x = parts.residual(x, when, x.shape[-1], "middle_0")
    x = parts.attention(x, "middle")
    x = parts.residual(x, when, x.shape[-1], "middle_1")
    for number, multiplier in reversed(list(enumerate(multipliers))):
        for block in range(num_blocks + 1):
            x = layers.Concatenate()([x, passed.pop()])
            x = level(x, multiplier * width, f"up_{number}_{block}")
        if number:
            x = layers.UpSampling2D()(x)  # twice the sides, nearest
            x = parts.conv(x.shape[-1], name=f"up_{number}")(x)
    x = layers.Activation("swish")(parts.norm(x, "last_norm"))
    # in float32 also where the rest is not: what is predicted is compared with noise
    x = parts.conv(image_shape[-1], scale=NEARLY_ZERO, dtype="float32", name="last")(x)
    return keras.Model(inputs, x, name=name)
