"""A codebook: each vector of a map becomes the nearest of a few that are learned.

Source: van den Oord et al. 2017, arXiv:1711.00937, equations 1 to 3.
"""

import random

import keras
from keras import ops

from ..engine.checks import check_positive, check_positive_int
from ..losses.reduction import as_float, sum_pixels


@keras.saving.register_keras_serializable("keras_ae")
class VectorQuantizer(keras.layers.Layer):
    """The nearest entry of a codebook, whose gradient passes as if nothing had been replaced.

    Source: van den Oord et al. 2017, arXiv:1711.00937, equations 1 and 2 (nearest entry,
    straight-through gradient), 3 (`codebook_loss`).

    Args:
        num_codes: int, entries of the codebook.
        commitment: float, beta, weight of the term that draws vectors to their entry. Defaults to
            `0.25`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        inputs: tensor, shape `(batch, ..., channels)`.

    Returns:
        Tensor of that shape, float32.

    Raises:
        ValueError: when `num_codes` is not a positive integer, or `commitment` not positive.
    """

    def __init__(self, num_codes, commitment=0.25, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # distances lose their order in bfloat16
        check_positive_int("num_codes", num_codes)
        check_positive("commitment", commitment)
        self.num_codes, self.commitment = num_codes, commitment

    def build(self, input_shape):
        bound, seed = 1.0 / self.num_codes, random.randrange(2**31)
        self.codebook = self.add_weight(
            (self.num_codes, input_shape[-1]),
            keras.initializers.RandomUniform(-bound, bound, seed),
            name="codebook",
        )

    def indices(self, inputs):
        """Which entry is nearest to each vector: int32, shape `(batch, ...)`."""
        # |x - e|^2 without |x|^2, which all entries share
        x, codebook = as_float(inputs), self.codebook.value
        products = ops.matmul(x, ops.transpose(codebook))  # (batch, ..., num_codes)
        distances = ops.sum(ops.square(codebook), axis=1) - 2.0 * products
        return ops.cast(ops.argmin(distances, axis=-1), "int32")

    def entries(self, indices):
        """Vectors of the codebook, shape `(batch, ..., channels)`; with a gradient."""
        return ops.take(self.codebook.value, indices, axis=0)

    def call(self, inputs):
        x = as_float(inputs)
        return x + ops.stop_gradient(self.entries(self.indices(x)) - x)

    def codebook_loss(self, inputs):
        """What draws entries to the vectors that chose them, and vectors to their entries.

        Args:
            inputs: tensor, shape `(batch, ..., channels)`.

        Returns:
            Tensor, shape `(batch,)`, sum over all numbers.
        """
        x = as_float(inputs)
        chosen = self.entries(self.indices(x))
        learn = sum_pixels(ops.square(ops.stop_gradient(x) - chosen))
        return learn + self.commitment * sum_pixels(ops.square(x - ops.stop_gradient(chosen)))

    def get_config(self):
        own = {"num_codes": self.num_codes, "commitment": self.commitment}
        return {**super().get_config(), **own}
