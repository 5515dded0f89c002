"""Corruptions of a denoising autoencoder: fresh for every example and step, off in inference.

As Keras' own noise layers they act where `training` is true. For additive Gaussian noise Keras has
the layer: `keras.layers.GaussianNoise`.
"""

import keras
from keras import ops


class Corruption(keras.layers.Layer):
    """What both corruptions share: a rate, a seed of their own, config.

    Source: Vincent et al. 2010 (JMLR 11), section 3.3.

    Args:
        rate: float in [0, 1], probability of each number to be corrupted.
        seed: int, or `None` for one drawn from Python's generator. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Raises:
        ValueError: when the rate is outside [0, 1].
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ValueError(f"rate={rate!r}: pass a probability, 0 to 1.")
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def uniform(self, x):
        """Uniform numbers in [0, 1) of the shape of `x`, in float32 for exact rates."""
        return keras.random.uniform(ops.shape(x), dtype="float32", seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable("keras_ae")
class MaskingNoise(Corruption):
    """Sets a random share of the inputs to zero; the others stay as they are.

    (`keras.layers.Dropout` would also scale the others up.)

    Source: Vincent et al. 2008, doi:10.1145/1390156.1390294; 2010 (JMLR 11), section 3.3.

    Args:
        rate: float in [0, 1], probability of each number to become zero.
        seed: int, or `None` for one drawn from Python's generator. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor of any shape.
        training: bool, whether to corrupt. Defaults to `False`.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: when the rate is outside [0, 1].
    """

    def call(self, x, training=False):
        if not training:
            return x
        return ops.where(self.uniform(x) < self.rate, ops.zeros_like(x), x)


@keras.saving.register_keras_serializable("keras_ae")
class SaltAndPepperNoise(Corruption):
    """Sets a random share of the inputs to the lowest or the highest value, a fair coin each.

    Source: Vincent et al. 2010 (JMLR 11), section 3.3.

    Args:
        rate: float in [0, 1], probability of each number to be replaced.
        low: float, pepper. Defaults to `0.0`.
        high: float, salt. Defaults to `1.0`.
        seed: int, or `None` for one drawn from Python's generator. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor of any shape.
        training: bool, whether to corrupt. Defaults to `False`.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: when the rate is outside [0, 1], or `low` is not below `high`.
    """

    def __init__(self, rate, low=0.0, high=1.0, seed=None, **kwargs):
        super().__init__(rate, seed, **kwargs)
        if not low < high:
            raise ValueError(f"low={low!r}, high={high!r}: pass a low value below the high one.")
        self.low, self.high = low, high

    def call(self, x, training=False):
        if not training:
            return x
        u = self.uniform(x)  # below rate / 2 pepper, from there to rate salt
        grains = ops.where(u < 0.5 * self.rate, self.low, self.high)
        return ops.where(u < self.rate, ops.cast(grains, x.dtype), x)

    def get_config(self):
        return {**super().get_config(), "low": self.low, "high": self.high}
