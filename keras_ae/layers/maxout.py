"""Maxout: each unit is the greatest of several linear functions of its input."""

import keras
from keras import ops

from ..engine.checks import check_positive_int


@keras.saving.register_keras_serializable("keras_ae")
class Maxout(keras.layers.Layer):
    """max_k (x W_k + b_k), for each of several units.

    Source: Goodfellow et al. 2013, arXiv:1302.4389, section 3.

    Args:
        units: int.
        pieces: int, linear functions of each unit. Defaults to `5`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, features)`.

    Returns:
        Tensor, shape `(batch, units)`.

    Raises:
        ValueError: when a number is not a positive integer.
    """

    def __init__(self, units, pieces=5, **kwargs):
        super().__init__(**kwargs)
        check_positive_int("units", units)
        check_positive_int("pieces", pieces)
        self.units, self.pieces = units, pieces
        self.linear = keras.layers.Dense(units * pieces, dtype=self.dtype_policy, name="linear")

    def build(self, input_shape):
        self.linear.build(input_shape)
        self.built = True

    def call(self, x):
        pieces = ops.reshape(self.linear(x), (-1, self.units, self.pieces))
        return ops.max(pieces, axis=-1)  # (batch, units)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "pieces": self.pieces}
