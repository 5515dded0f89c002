"""Batch normalisation that can use the batch at test time, and group normalisation without detours.

Source: Ioffe and Szegedy 2015, arXiv:1502.03167; Jégou et al. 2017, arXiv:1611.09326 (its reference
tests with the statistics of the batch); Wu and He 2018, arXiv:1803.08494.
"""

import contextlib

import keras
from keras import ops


@contextlib.contextmanager
def batch_statistics(network):
    """While the body runs, layers of this class in a network use the statistics of the batch.

    Source: this library.

    Args:
        network: `keras.Model`.

    Yields:
        Nothing.
    """
    norms = [each for each in network._flatten_layers() if isinstance(each, BatchNormalization)]
    before = [norm.batch_statistics for norm in norms]
    for norm in norms:
        norm.batch_statistics = True
    try:
        yield
    finally:
        for norm, value in zip(norms, before):
            norm.batch_statistics = value


@keras.saving.register_keras_serializable("keras_ae")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation, with a second mode outside of training.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.

    Args:
        batch_statistics: bool, whether outside of training too the mean and variance of the batch
            are used rather than the moving ones (which then stay as they are). Set it through
            `Segmenter.batch_statistics`, which also forgets compiled functions. A frozen layer
            keeps to the moving ones. Defaults to `False`.
        **kwargs: as in `keras.layers.BatchNormalization`.
    """

    def __init__(self, *, batch_statistics=False, **kwargs):
        super().__init__(**kwargs)
        self.batch_statistics = batch_statistics

    def call(self, inputs, training=None, mask=None):
        if training or not self.batch_statistics or not self.trainable:
            return super().call(inputs, training=training, mask=mask)
        x = ops.cast(inputs, "float32")
        axes = [axis for axis in range(len(x.shape)) if axis != self.axis % len(x.shape)]
        mean, variance = ops.moments(x, axes=axes)  # (channels,)
        scale, offset = (None if v is None else ops.cast(v, "float32") for v in self._affine())
        x = ops.batch_normalization(
            x, mean, variance, axis=self.axis, offset=offset, scale=scale, epsilon=self.epsilon
        )
        return ops.cast(x, self.compute_dtype)

    def _affine(self):
        return (self.gamma if self.scale else None, self.beta if self.center else None)

    def get_config(self):
        return {**super().get_config(), "batch_statistics": self.batch_statistics}


@keras.saving.register_keras_serializable("keras_ae")
class GroupNormalization(keras.layers.GroupNormalization):
    """Keras' group normalisation, faster on processors where channels come last.

    The numbers are the same but for rounding. Keras' layer makes an axis of the groups and
    broadcasts over the few channels of each, for which processors are slow; here the moments are
    taken of every channel, then of the groups of these.

    Source: Wu and He 2018, arXiv:1803.08494, equations 1 and 2.

    Args:
        groups: int, that divides the channels; -1 for as many as there are channels. Defaults to
            `32`.
        **kwargs: what `keras.layers.GroupNormalization` takes besides, by name.
    """

    def __init__(self, groups=32, **kwargs):
        super().__init__(groups=groups, **kwargs)

    def call(self, inputs):
        rank = len(inputs.shape)
        if rank < 3 or self.axis not in (-1, rank - 1):
            return super().call(inputs)
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        x, places = ops.cast(inputs, dtype), tuple(range(1, rank - 1))
        x = x - self._of_groups(ops.mean(x, places, keepdims=True))
        variance = self._of_groups(ops.mean(ops.square(x), places, keepdims=True))
        scale = ops.rsqrt(variance + self.epsilon)  # (batch, 1, 1, channels)
        x = x * (scale * ops.cast(self.gamma, dtype) if self.scale else scale)
        x = x + ops.cast(self.beta, dtype) if self.center else x
        return ops.cast(x, self.compute_dtype)

    def _of_groups(self, x):
        """Means of the channels of each group, for every channel of it."""
        split = ops.reshape(x, (-1, self.groups, x.shape[-1] // self.groups))
        mean = ops.broadcast_to(ops.mean(split, -1, keepdims=True), ops.shape(split))
        return ops.reshape(mean, (-1, *x.shape[1:]))
