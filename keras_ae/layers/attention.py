"""Attention between sequences of tokens, and the code of a position or of a time.

Source: Vaswani et al. 2017, arXiv:1706.03762, equation 1 and section 3.5.
"""

import math
import random

import keras
from keras import ops

from ..engine.checks import check_positive_int


@keras.saving.register_keras_serializable("keras_ae")
class DotProductAttention(keras.layers.Layer):
    """softmax(Q K^T / sqrt(d)) V, in several heads that share the channels.

    Without weights: the projections are layers round it, so that each can have a start of its own
    (which `keras.layers.MultiHeadAttention` does not allow).

    Source: Vaswani et al. 2017, arXiv:1706.03762, equation 1.

    Args:
        num_heads: int, that divides the channels. Defaults to `1`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        inputs: `[query, key, value]`, shapes `(batch, queries, channels)`, `(batch, tokens,
            channels)` and `(batch, tokens, channels)`.

    Returns:
        Tensor, shape `(batch, queries, channels)`.

    Raises:
        ValueError: when the heads do not divide the channels.
    """

    def __init__(self, num_heads=1, **kwargs):
        super().__init__(**kwargs)
        check_positive_int("num_heads", num_heads)
        self.num_heads = num_heads

    def build(self, input_shape):
        for shape in input_shape:
            if shape[-1] % self.num_heads:
                raise ValueError(
                    f"{self.num_heads} heads do not divide {shape[-1]} channels: pass a divisor."
                )
        self.built = True

    def call(self, inputs):
        query, key, value = (self._heads(each) for each in inputs)  # (batch, n, heads, d)
        x = ops.dot_product_attention(query, key, value)
        return ops.reshape(x, (-1, x.shape[1], x.shape[2] * x.shape[3]))  # (batch, n, channels)

    def _heads(self, x):
        return ops.reshape(x, (-1, x.shape[1], self.num_heads, x.shape[2] // self.num_heads))

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], input_shape[2][-1])

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}


@keras.saving.register_keras_serializable("keras_ae")
class SinusoidalEmbedding(keras.layers.Layer):
    """Sines and cosines of a number, their wavelengths from 2 pi to 10000 times as long.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5, as Ho et al. 2020, arXiv:2006.11239,
    take it for the number of a step: first all sines, then all cosines.

    Args:
        width: int, even, numbers of the embedding, at least 4.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        inputs: numbers, shape `(batch,)` or `(batch, 1)`.

    Returns:
        Tensor, shape `(batch, width)`.

    Raises:
        ValueError: when the width is odd or below 4.
    """

    def __init__(self, width, **kwargs):
        super().__init__(autocast=False, **kwargs)  # bfloat16 cannot tell step 998 from 999
        check_positive_int("width", width)
        if width % 2 or width < 4:
            raise ValueError(f"width={width}: pass an even number of at least 4.")
        self.width = width

    def call(self, inputs):
        half = self.width // 2
        rates = ops.exp(ops.arange(half, dtype="float32") * (-math.log(10000.0) / (half - 1)))
        angles = ops.reshape(ops.cast(inputs, "float32"), (-1, 1)) * rates  # (batch, half)
        both = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return ops.cast(both, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.width)

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable("keras_ae")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector for each place of a sequence.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5 (learned positions); starts as those
    of Radford et al. 2021, arXiv:2103.00020 (deviation 0.01).

    Args:
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        inputs: tensor, shape `(batch, length, channels)`, both known.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: when the length is not known.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        if len(input_shape) != 3 or None in input_shape[1:]:
            raise ValueError(
                f"positions of {input_shape} cannot be learned: pass (batch, length, channels), "
                "length and channels known."
            )
        start = keras.initializers.RandomNormal(stddev=0.01, seed=random.randrange(2**31))
        self.positions = self.add_weight(input_shape[1:], start, name="positions")
        self.built = True

    def call(self, inputs):
        return inputs + ops.cast(self.positions, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
