"""Maps made larger and smaller behind a low-pass filter, in plain operations on every backend.

A filter is a convolution of each channel with one kernel: TensorFlow is slow with gradients of
shifted maps. On JAX, which is slow with such convolutions on CPUs, it is a sum of shifted maps,
which are fused. Both have gradients of any order.
"""

import keras
import numpy as np
from keras import ops

from .convolution import LAST

TAPS = (1, 3, 3, 1)  # of StyleGAN2


def fir_filter(x, taps, padding, gain=1.0, stride=1):
    """Each channel filtered by the outer product of taps with themselves, their sum being 1.

    Source: Karras et al. 2020, arXiv:1912.04958, appendix B; Zhang 2019, arXiv:1904.11486.

    Args:
        x: tensor of floats, shape `(batch, height, width, channels)`.
        taps: tuple of numbers.
        padding: pair of int, zeros before and after, in both directions.
        gain: float, what the output is multiplied by. Defaults to `1.0`.
        stride: int, of the pixels that are kept, in both directions. Defaults to `1`.

    Returns:
        Tensor, shape `(batch, height', width', channels)`, sides plus padding less taps plus one,
        over the stride, rounded up.

    Raises:
        ValueError: when `x` has whole numbers.
    """
    if not keras.backend.is_float_dtype(x.dtype):
        raise ValueError(f"a map of {x.dtype} cannot be filtered: pass floats.")
    weights = (np.asarray(taps, "float64") / np.sum(taps) * gain**0.5)[::-1]
    x = ops.pad(x, ((0, 0), padding, padding, (0, 0)))
    if keras.backend.backend() != "jax":
        kernel = np.tile(np.outer(weights, weights)[:, :, None, None], (1, 1, x.shape[-1], 1))
        return ops.depthwise_conv(x, ops.convert_to_tensor(kernel, x.dtype), stride, "valid", LAST)
    for axis in (1, 2):
        size = x.shape[axis] - len(taps) + 1
        places = [slice(k, k + size, stride) for k in range(len(taps))]
        pieces = [x[:, place] if axis == 1 else x[:, :, place] for place in places]
        x = sum(float(weight) * piece for weight, piece in zip(weights, pieces))
    return x


def zero_insertion(x):
    """A row and a column of zeros behind each one of a map.

    Source: Karras et al. 2020, arXiv:1912.04958, appendix B.

    Args:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, 2 height, 2 width, channels)`.
    """
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height, 1, width, 1, channels))
    x = ops.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0)))
    return ops.reshape(x, (-1, 2 * height, 2 * width, channels))


def upsample(x, taps=TAPS):
    """A map of twice the sides: zeros in between, then a low-pass filter.

    Source: Karras et al. 2020, arXiv:1912.04958, appendix B.

    Args:
        x: tensor, shape `(batch, height, width, channels)`.
        taps: tuple of numbers. Defaults to `(1, 3, 3, 1)`.

    Returns:
        Tensor, shape `(batch, 2 height, 2 width, channels)`.
    """
    more = len(taps) - 2
    return fir_filter(zero_insertion(x), taps, ((more + 1) // 2 + 1, more // 2), 4.0)


def downsample(x, taps=TAPS):
    """A map of half the sides: a low-pass filter, then every second pixel.

    Source: Karras et al. 2020, arXiv:1912.04958, appendix B.

    Args:
        x: tensor, shape `(batch, height, width, channels)`, sides even.
        taps: tuple of numbers. Defaults to `(1, 3, 3, 1)`.

    Returns:
        Tensor, shape `(batch, height / 2, width / 2, channels)`.
    """
    more = len(taps) - 2
    return fir_filter(x, taps, ((more + 1) // 2, more // 2), stride=2)


class _Filter(keras.layers.Layer):
    """A layer of one of the functions above."""

    factor = 1  # what sides are multiplied by

    def __init__(self, taps=TAPS, **kwargs):
        super().__init__(**kwargs)
        if len(taps) < 2 or not sum(taps) > 0:
            raise ValueError(f"taps={taps!r}: pass two numbers or more with a positive sum.")
        self.taps = tuple(taps)

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *(int(side * self.factor) for side in sides), channels)

    def get_config(self):
        return {**super().get_config(), "taps": self.taps}


@keras.saving.register_keras_serializable("keras_ae")
class Blur2D(_Filter):
    """A low-pass filter over each channel of a map, which keeps its sides.

    Source: Karras et al. 2018, arXiv:1812.04948, section 2 (bilinear filtering).

    Args:
        taps: tuple of numbers, odd in number. Defaults to `(1, 2, 1)`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: when there are too few taps, or an even number.
    """

    def __init__(self, taps=(1, 2, 1), **kwargs):
        super().__init__(taps, **kwargs)
        if len(taps) % 2 == 0:
            raise ValueError(f"taps={taps!r}: an even number of them shifts the map, pass an odd.")

    def call(self, x):
        return fir_filter(x, self.taps, (len(self.taps) // 2,) * 2)


@keras.saving.register_keras_serializable("keras_ae")
class FIRUpsampling2D(_Filter):
    """A map of twice the sides: zeros in between, then a low-pass filter.

    Source: Karras et al. 2020, arXiv:1912.04958, appendix B.

    Args:
        taps: tuple of numbers. Defaults to `(1, 3, 3, 1)`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, 2 height, 2 width, channels)`.

    Raises:
        ValueError: when there are too few taps.
    """

    factor = 2

    def call(self, x):
        return upsample(x, self.taps)


@keras.saving.register_keras_serializable("keras_ae")
class FIRDownsampling2D(_Filter):
    """A map of half the sides: a low-pass filter, then every second pixel.

    Source: Karras et al. 2020, arXiv:1912.04958, appendix B.

    Args:
        taps: tuple of numbers. Defaults to `(1, 3, 3, 1)`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`, sides even.

    Returns:
        Tensor, shape `(batch, height / 2, width / 2, channels)`.

    Raises:
        ValueError: when there are too few taps.
    """

    factor = 0.5

    def call(self, x):
        return downsample(x, self.taps)
