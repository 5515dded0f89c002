"""Statistics of a batch as one more map: what a discriminator sees of variety."""

import keras
from keras import ops

from ..engine.checks import check_positive_int


@keras.saving.register_keras_serializable("keras_ae")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Appends the mean standard deviation within groups of a batch as a constant map.

    A batch that groups do not divide equally is one group. Examples of a group are those that are
    `batch / group_size` places apart. (In an export from JAX, where the batch has no number yet, it
    is one group.)

    Source: Karras et al. 2017, arXiv:1710.10196, section 3; groups of 4 are those of its
    reference.

    Args:
        group_size: int, examples in a group. Defaults to `4`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, height, width, channels + 1)`.

    Raises:
        ValueError: when the size is not a positive integer.
    """

    def __init__(self, group_size=4, **kwargs):
        super().__init__(**kwargs)
        check_positive_int("group_size", group_size)
        self.group_size = group_size

    def call(self, x):
        batch, shape = ops.shape(x)[0], x.shape[1:]
        size = self.group_size
        if size > 1 and hasattr(batch, "dtype"):  # a tensor, known when the graph runs
            size = ops.where(ops.equal(batch % size, 0), size, batch)
        elif size > 1 and (not isinstance(batch, int) or batch % size):
            size = batch
        groups = ops.reshape(ops.cast(x, "float32"), (size, -1, *shape))
        variance = ops.mean((groups - ops.mean(groups, axis=0)) ** 2, axis=0)
        deviation = ops.mean(ops.sqrt(variance + 1e-8), axis=(1, 2, 3))  # (groups,)
        column = ops.tile(deviation, (size,))  # (batch,)
        maps = ops.ones((*ops.shape(x)[:-1], 1)) * ops.reshape(column, (-1, 1, 1, 1))
        return ops.concatenate([x, ops.cast(maps, x.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return {**super().get_config(), "group_size": self.group_size}
