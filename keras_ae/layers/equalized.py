"""Dense and convolution layers with an equalised learning rate.

Kernels are stored as N(0, 1) and scaled when they are used, by gain / sqrt(inputs): Adam, whose
steps are as large for a kernel of large numbers as for one of small ones, then trains all layers at
one speed. A multiplier m stores weights 1 / m times as large and scales them down by m, which
trains them m times as slowly.
"""

import math

import keras
from keras import ops

from ..engine.checks import check_positive_int
from .convolution import LAST
from .resampling import TAPS, downsample, fir_filter

RELU_GAIN = math.sqrt(2)  # keeps the variance behind a (leaky) ReLU


class Equalized(keras.layers.Layer):
    """What dense and convolution layers with an equalised learning rate share.

    Source: Karras et al. 2017, arXiv:1710.10196, section 4.1; Karras et al. 2018, arXiv:1812.04948,
    appendix C (the multiplier).

    Args:
        gain: float, of the scale.
        lr_multiplier: float, how much of the learning rate the weights feel.
        use_bias: bool.
        bias: float, what the bias begins with.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Raises:
        ValueError: when a number is not positive.
    """

    def __init__(self, gain, lr_multiplier, use_bias, bias, **kwargs):
        super().__init__(**kwargs)
        for name, number in (("gain", gain), ("lr_multiplier", lr_multiplier)):
            if not number > 0:
                raise ValueError(f"{name}={number!r}: pass a positive number.")
        self.gain, self.lr_multiplier = gain, lr_multiplier
        self.use_bias, self.bias = use_bias, bias

    def _add_weights(self, shape, outputs=None):
        """Adds the kernel, the last axis of whose shape are its outputs, and the bias."""
        self.scale = self.gain / math.sqrt(math.prod(shape[:-1])) * self.lr_multiplier
        start = keras.initializers.RandomNormal(0.0, 1.0 / self.lr_multiplier)
        self.kernel = self.add_weight(shape, start, name="kernel")
        if self.use_bias:
            start = keras.initializers.Constant(self.bias / self.lr_multiplier)
            self.offset = self.add_weight((outputs or shape[-1],), start, name="bias")

    def _kernel(self):
        return ops.convert_to_tensor(self.kernel) * self.scale

    def _plus_bias(self, y):
        return y + ops.convert_to_tensor(self.offset) * self.lr_multiplier if self.use_bias else y

    def get_config(self):
        own = {name: getattr(self, name) for name in ("gain", "lr_multiplier", "use_bias", "bias")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("keras_ae")
class EqualizedDense(Equalized):
    """A dense layer with an equalised learning rate.

    Source: Karras et al. 2017, arXiv:1710.10196, section 4.1; Karras et al. 2018, arXiv:1812.04948,
    appendix C (the multiplier).

    Args:
        units: int.
        gain: float, sqrt(2) before a (leaky) ReLU, 1 where none follows. Defaults to `sqrt(2)`.
        lr_multiplier: float, how much of the learning rate the weights feel. Defaults to `1.0`.
        use_bias: bool. Defaults to `True`.
        bias: float, what the bias begins with. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, inputs)`.

    Returns:
        Tensor, shape `(batch, units)`.

    Raises:
        ValueError: when a number is not positive.
    """

    def __init__(self, units, gain=RELU_GAIN, lr_multiplier=1.0, use_bias=True, bias=0.0, **kwargs):
        super().__init__(gain, lr_multiplier, use_bias, bias, **kwargs)
        check_positive_int("units", units)
        self.units = units

    def build(self, input_shape):
        self._add_weights((input_shape[-1], self.units))

    def call(self, x):
        return self._plus_bias(x @ self._kernel())

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("keras_ae")
class EqualizedConv2D(Equalized):
    """A convolution with an equalised learning rate, zero padding that keeps or halves the sides.

    Source: Karras et al. 2017, arXiv:1710.10196, section 4.1; Karras et al. 2020, arXiv:1912.04958,
    appendix B (the filter before the stride).

    Args:
        filters: int.
        kernel_size: int, odd. Defaults to `3`.
        gain: float, as in `EqualizedDense`. Defaults to `sqrt(2)`.
        down: bool, stride 2 behind a low-pass filter [1, 3, 3, 1]. Defaults to `False`.
        lr_multiplier: float, as in `EqualizedDense`. Defaults to `1.0`.
        use_bias: bool. Defaults to `True`.
        bias: float, what the bias begins with. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`, sides even with `down`.

    Returns:
        Tensor, shape `(batch, height, width, filters)`, sides halved with `down`.

    Raises:
        ValueError: when a number is not positive or the kernel's size even.
    """

    def __init__(
        self,
        filters,
        kernel_size=3,
        gain=RELU_GAIN,
        down=False,
        lr_multiplier=1.0,
        use_bias=True,
        bias=0.0,
        **kwargs,
    ):
        super().__init__(gain, lr_multiplier, use_bias, bias, **kwargs)
        check_positive_int("filters", filters)
        check_odd("kernel_size", kernel_size)
        self.filters, self.kernel_size, self.down = filters, kernel_size, down

    def build(self, input_shape):
        self._add_weights((self.kernel_size, self.kernel_size, input_shape[-1], self.filters))

    def call(self, x):
        kernel = ops.cast(self._kernel(), x.dtype)
        if not self.down:
            return self._plus_bias(ops.conv(x, kernel, 1, "same", LAST))
        if self.kernel_size == 1:
            return self._plus_bias(ops.conv(downsample(x), kernel, 1, "valid", LAST))
        more = len(TAPS) + self.kernel_size - 3  # so that sides are halved
        x = fir_filter(x, TAPS, ((more + 1) // 2, more // 2))
        return self._plus_bias(ops.conv(x, kernel, 2, "valid", LAST))

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sides = [side // 2 if self.down and side else side for side in sides]
        return (batch, *sides, self.filters)

    def get_config(self):
        own = {name: getattr(self, name) for name in ("filters", "kernel_size", "down")}
        return {**super().get_config(), **own}


def check_odd(name, number):
    """Refuses a kernel without a centre.

    Source: this library.

    Args:
        name: str, of the argument.
        number: should be an odd positive int.

    Raises:
        ValueError: when it is not.
    """
    check_positive_int(name, number)
    if number % 2 == 0:
        raise ValueError(f"{name}={number}: pass an odd number, 3 say.")
