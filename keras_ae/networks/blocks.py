"""What networks of diffusion models are made of: residual blocks, attention, transformer blocks."""

import math
import random

import keras
from keras import layers

from ..engine.checks import check_positive_int
from ..layers.attention import DotProductAttention
from ..layers.normalization import GroupNormalization

# near zero, not zero, as the reference of the paper has it: every weight has a gradient
NEARLY_ZERO = 1e-10


def check_levels(image_shape, multipliers, *sizes):
    """Refuses sizes of a network with levels, each but the last of which halves the sides.

    Source: this library.

    Args:
        image_shape: should be a tuple `(height, width, channels)`.
        multipliers: should be a tuple of positive int.
        *sizes: should be positive int.

    Returns:
        int, the sides of the image over those of the last level.

    Raises:
        ValueError: when a size is not a positive integer, or the sides do not halve evenly.
    """
    for size in (*sizes, *multipliers):
        check_positive_int("a size", size)
    factor = 2 ** (len(multipliers) - 1)
    if len(image_shape) != 3 or any(side % factor for side in image_shape[:2]):
        raise ValueError(
            f"image_shape={tuple(image_shape)}: {len(multipliers)} levels halve the sides "
            f"{len(multipliers) - 1} times, pass (height, width, channels) with sides that are "
            f"multiples of {factor} (or pad the images), or fewer multipliers."
        )
    return factor


class Blocks:
    """The blocks of one network, which share a few settings.

    Source: Ho et al. 2020, arXiv:2006.11239, appendix B; with tokens Rombach et al. 2022,
    arXiv:2112.10752, section 3.3 and appendix E.2.1 (transformer blocks).

    Args:
        dropout: float in [0, 1), rate inside residual blocks. Defaults to `0.0`.
        groups: int, of group normalisation; where it does not divide the channels, its greatest
            divisor that does. Defaults to `32`.
        num_heads: int, of the attention. Defaults to `1`.
        tokens: Keras tensor `(batch, tokens, channels)` to attend to, or `None`. Defaults to
            `None`.
    """

    def __init__(self, dropout=0.0, groups=32, num_heads=1, tokens=None):
        self.dropout, self.groups, self.num_heads = dropout, groups, num_heads
        self.tokens = tokens

    def start(self, scale):
        """Initial values of a kernel.

        Args:
            scale: float, of their variance; 1 keeps that of the maps.

        Returns:
            `keras.initializers.Initializer`.
        """
        return keras.initializers.VarianceScaling(
            scale, "fan_avg", "uniform", seed=random.randrange(2**31)
        )

    def conv(self, filters, strides=1, scale=1.0, **kwargs):
        """A convolution with kernels of 3 x 3.

        Args:
            filters: int, channels.
            strides: int. Defaults to `1`.
            scale: float, as in `start`. Defaults to `1.0`.
            **kwargs: as in `keras.layers.Conv2D`.

        Returns:
            `keras.layers.Conv2D`.
        """
        start = self.start(scale)
        return layers.Conv2D(filters, 3, strides, "same", kernel_initializer=start, **kwargs)

    def dense(self, units, scale=1.0, **kwargs):
        """A dense layer.

        Args:
            units: int, channels.
            scale: float, as in `start`. Defaults to `1.0`.
            **kwargs: as in `keras.layers.Dense`.

        Returns:
            `keras.layers.Dense`.
        """
        return layers.Dense(units, kernel_initializer=self.start(scale), **kwargs)

    def norm(self, x, name):
        """Group normalisation of a map.

        Args:
            x: Keras tensor, shape `(batch, height, width, channels)`.
            name: str.

        Returns:
            Keras tensor of that shape.
        """
        groups = math.gcd(self.groups, x.shape[-1])
        return GroupNormalization(groups=groups, epsilon=1e-6, name=name)(x)

    def residual(self, x, when, channels, name):
        """Two convolutions, the time added between, round a shortcut.

        Args:
            x: Keras tensor, shape `(batch, height, width, any)`.
            when: Keras tensor, shape `(batch, any)`, the time, or `None` for none.
            channels: int, of the output.
            name: str, start of the layers' names.

        Returns:
            Keras tensor, shape `(batch, height, width, channels)`.
        """
        shortcut = x
        x = layers.Activation("swish")(self.norm(x, f"{name}_norm_1"))
        x = self.conv(channels, name=f"{name}_conv_1")(x)
        if when is not None:
            shift = self.dense(channels, name=f"{name}_time")(when)  # (batch, channels)
            x = layers.Add()([x, layers.Reshape((1, 1, channels))(shift)])
        x = layers.Activation("swish")(self.norm(x, f"{name}_norm_2"))
        if self.dropout:
            x = layers.Dropout(self.dropout, seed=random.randrange(2**31))(x)
        x = self.conv(channels, scale=NEARLY_ZERO, name=f"{name}_conv_2")(x)
        if shortcut.shape[-1] != channels:
            shortcut = self.dense(channels, name=f"{name}_shortcut")(shortcut)
        return layers.Add()([shortcut, x])

    def attention(self, x, name):
        """The map attends to itself; with tokens in a transformer block, and to them too.

        Args:
            x: Keras tensor, shape `(batch, height, width, channels)`.
            name: str, start of the layers' names.

        Returns:
            Keras tensor of that shape.
        """
        shape, channels = x.shape[1:], x.shape[-1]
        y = self.norm(x, f"{name}_attention_norm")
        y = layers.Reshape((-1, channels))(y)  # (batch, height * width, channels)
        if self.tokens is None:
            y = self.attend(y, y, f"{name}_attention", NEARLY_ZERO)
        else:
            y = self.transformer(y, f"{name}_transformer")
        return layers.Add()([x, layers.Reshape(shape)(y)])

    def attend(self, x, to, name, scale=1.0):
        """Attention with a projection before and after it.

        Args:
            x: Keras tensor, shape `(batch, positions, channels)`.
            to: Keras tensor, shape `(batch, tokens, any)`, what is attended to.
            name: str, start of the layers' names.
            scale: float, of the last kernel, as in `start`. Defaults to `1.0`.

        Returns:
            Keras tensor, shape `(batch, positions, channels)`.
        """
        channels = x.shape[-1]
        query, key, value = (
            self.dense(channels, name=f"{name}_{part}")(source)
            for part, source in (("query", x), ("key", to), ("value", to))
        )
        y = DotProductAttention(self.num_heads)([query, key, value])
        return self.dense(channels, scale, name=f"{name}_output")(y)

    def transformer(self, x, name):
        """Attention to the sequence itself and to the tokens, then a gated dense layer.

        Args:
            x: Keras tensor, shape `(batch, positions, channels)`.
            name: str, start of the layers' names.

        Returns:
            Keras tensor of that shape.
        """
        channels = x.shape[-1]
        x = self.dense(channels, name=f"{name}_input")(x)
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_1")(x)
        x = layers.Add()([x, self.attend(y, y, f"{name}_itself")])
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_2")(x)
        x = layers.Add()([x, self.attend(y, self.tokens, f"{name}_tokens")])
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_3")(x)
        gate = self.dense(4 * channels, activation="gelu", name=f"{name}_gate")(y)
        y = layers.Multiply()([self.dense(4 * channels, name=f"{name}_wide")(y), gate])
        x = layers.Add()([x, self.dense(channels, name=f"{name}_narrow")(y)])
        return self.dense(channels, NEARLY_ZERO, name=f"{name}_output")(x)
