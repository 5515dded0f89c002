"""How a style enters a map: normalisation that it rescales, or a kernel that it modulates."""

import keras
from keras import ops

from ..engine.checks import check_positive_int
from .convolution import LAST
from .equalized import RELU_GAIN, Equalized, EqualizedDense, check_odd
from .resampling import TAPS, fir_filter


@keras.saving.register_keras_serializable("keras_ae")
class PixelNormalization(keras.layers.Layer):
    """The features of each pixel (or of each row of codes) divided by their root mean square.

    Source: Karras et al. 2017, arXiv:1710.10196, section 4.2.

    Args:
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, ..., channels)`.

    Returns:
        Tensor of that shape.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, x):
        squares = ops.mean(ops.square(ops.cast(x, "float32")), axis=-1, keepdims=True)
        return x * ops.cast(ops.rsqrt(squares + 1e-8), x.dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)


@keras.saving.register_keras_serializable("keras_ae")
class NoiseInjection(keras.layers.Layer):
    """Adds one map of noise N(0, 1) to all channels, times a weight that begins with 0.

    In training noise is new for each image; elsewhere it is one map that is drawn when the layer is
    built and saved with it, so that a code always gives the same image.

    Source: Karras et al. 2018, arXiv:1812.04948, section 2 (a weight for each channel); Karras et
    al. 2020, arXiv:1912.04958, section 2.1 (one weight).

    Args:
        per_channel: bool, a weight for each channel or one for all. Defaults to `False`.
        seed: int, of both kinds of noise, or `None` for any. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor of that shape.
    """

    def __init__(self, per_channel=False, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.per_channel, self.seed = per_channel, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        _, height, width, channels = input_shape
        shape = (channels,) if self.per_channel else ()
        self.strength = self.add_weight(shape, "zeros", name="strength")
        start = keras.initializers.RandomNormal(0.0, 1.0, seed=self.seed)
        self.fixed = self.add_weight((height, width, 1), start, name="fixed", trainable=False)

    def call(self, x, training=False):
        noise = ops.convert_to_tensor(self.fixed)
        if training:
            shape = (ops.shape(x)[0], *x.shape[1:3], 1)
            noise = keras.random.normal(shape, dtype="float32", seed=self.seed_generator)
        return x + ops.cast(ops.cast(noise, "float32") * self.strength, x.dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "per_channel": self.per_channel, "seed": self.seed}


@keras.saving.register_keras_serializable("keras_ae")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """Each map of each image with mean 0 and deviation 1, then rescaled and shifted by the style.

    y = (s + 1) x + b with s and b an affine function of w, which begins around zero.

    Source: Huang and Belongie 2017, arXiv:1703.06868; Karras et al. 2018, arXiv:1812.04948,
    equation 1.

    Args:
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.
        w: tensor, shape `(batch, w_dim)`.

    Returns:
        Tensor of the shape of `x`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, x_shape, w_shape):
        self.affine = EqualizedDense(2 * x_shape[-1], gain=1.0, dtype=self.dtype_policy)
        self.affine.build(w_shape)

    def call(self, x, w):
        scale, shift = ops.split(self.affine(w)[:, None, None], 2, axis=-1)
        wide = ops.cast(x, "float32")
        wide = wide - ops.mean(wide, axis=(1, 2), keepdims=True)
        squares = ops.mean(ops.square(wide), axis=(1, 2), keepdims=True)
        x = ops.cast(wide * ops.rsqrt(squares + 1e-8), x.dtype)
        return x * (scale + 1.0) + shift

    def compute_output_shape(self, x_shape, w_shape):
        return tuple(x_shape)


@keras.saving.register_keras_serializable("keras_ae")
class ModulatedConv2D(Equalized):
    """A convolution whose kernel is scaled by the style, and then back to unit outputs.

    kernel'[i, o] = s_i kernel[i, o] / sqrt(sum_i (s_i kernel[i, o])^2 + 1e-8), computed as one
    convolution for the whole batch: its inputs are multiplied by s, its outputs by the root. (A
    grouped convolution with a kernel for each image gives the same, and is slow on CPUs.)

    Source: Karras et al. 2020, arXiv:1912.04958, equations 1 to 3; appendix B (filters).

    Args:
        filters: int.
        kernel_size: int, odd. Defaults to `3`.
        up: bool, sides are doubled by a transposed convolution and a low-pass filter. Defaults to
            `False`.
        demodulate: bool, whether outputs are scaled back. Defaults to `True`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.
        w: tensor, shape `(batch, w_dim)`.

    Returns:
        Tensor, shape `(batch, height, width, filters)`, sides doubled with `up`; no bias is added.

    Raises:
        ValueError: when a number is not positive or the kernel's size even.
    """

    def __init__(self, filters, kernel_size=3, up=False, demodulate=True, **kwargs):
        super().__init__(1.0, 1.0, False, 0.0, **kwargs)
        check_positive_int("filters", filters)
        check_odd("kernel_size", kernel_size)
        if up and kernel_size == 1:
            raise ValueError("kernel_size=1 draws nothing between pixels: up needs 3 or more.")
        self.filters, self.kernel_size = filters, kernel_size
        self.up, self.demodulate = up, demodulate

    def build(self, x_shape, w_shape):
        self._add_weights((self.kernel_size, self.kernel_size, x_shape[-1], self.filters))
        self.affine = EqualizedDense(x_shape[-1], gain=1.0, bias=1.0, dtype=self.dtype_policy)
        self.affine.build(w_shape)

    def call(self, x, w):
        style = ops.cast(self.affine(w), "float32")  # (batch, channels)
        kernel = ops.cast(self._kernel(), "float32")
        y = x * ops.cast(style, x.dtype)[:, None, None]
        if self.up:
            # with a stride, Keras' transposed kernel is (height, width, outputs, inputs)
            turned = ops.cast(ops.transpose(kernel, (0, 1, 3, 2)), x.dtype)
            # (batch, 2 height + 1, ...)
            y = ops.conv_transpose(y, turned, 2, "valid", data_format=LAST)
            more = len(TAPS) - 1 - self.kernel_size
            y = fir_filter(y, TAPS, ((more + 1) // 2 + 1, more // 2 + 1), 4.0)
        else:
            y = ops.conv(y, ops.cast(kernel, x.dtype), 1, "same", LAST)
        if self.demodulate:
            squares = ops.square(style) @ ops.sum(ops.square(kernel), axis=(0, 1))
            y = y * ops.cast(ops.rsqrt(squares + 1e-8), y.dtype)[:, None, None]  # (batch, filters)
        return y

    def compute_output_shape(self, x_shape, w_shape):
        batch, *sides, _ = x_shape
        sides = [2 * side if self.up and side else side for side in sides]
        return (batch, *sides, self.filters)

    def get_config(self):
        inherited = super().get_config()
        for name in ("gain", "lr_multiplier", "use_bias", "bias"):
            del inherited[name]
        own = ("filters", "kernel_size", "up", "demodulate")
        return {**inherited, **{name: getattr(self, name) for name in own}}


@keras.saving.register_keras_serializable("keras_ae")
class BiasedLeakyReLU(keras.layers.Layer):
    """A bias for each channel, then LeakyReLU, times a gain.

    Source: Karras et al. 2020, arXiv:1912.04958, appendix B.

    Args:
        gain: float. Defaults to `sqrt(2)`.
        slope: float, of what is below zero; 1 for the bias alone. Defaults to `0.2`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, ..., channels)`.

    Returns:
        Tensor of that shape.
    """

    def __init__(self, gain=RELU_GAIN, slope=0.2, **kwargs):
        super().__init__(**kwargs)
        self.gain, self.slope = gain, slope

    def build(self, input_shape):
        self.bias = self.add_weight((input_shape[-1],), "zeros", name="bias")

    def call(self, x):
        return ops.leaky_relu(x + ops.convert_to_tensor(self.bias), self.slope) * self.gain

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "gain": self.gain, "slope": self.slope}


@keras.saving.register_keras_serializable("keras_ae")
class LearnedConstant(keras.layers.Layer):
    """A map that is a weight, for each image of a batch: where a style-based generator starts.

    Source: Karras et al. 2018, arXiv:1812.04948, section 2; Karras et al. 2020, arXiv:1912.04958.

    Args:
        map_shape: tuple `(height, width, channels)`.
        initializer: Keras initializer or its name: "ones" (StyleGAN), or `RandomNormal(stddev=1.0)`
            (StyleGAN2). Defaults to `"ones"`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        w: tensor, shape `(batch, ...)`, read for its batch alone.

    Returns:
        Tensor, shape `(batch, *map_shape)`.
    """

    def __init__(self, map_shape, initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.map_shape = tuple(map_shape)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        self.constant = self.add_weight(self.map_shape, self.initializer, name="constant")

    def call(self, w):
        constant = ops.convert_to_tensor(self.constant)
        return ops.broadcast_to(constant, (ops.shape(w)[0], *self.map_shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.map_shape)

    def get_config(self):
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "map_shape": self.map_shape, "initializer": initializer}


@keras.saving.register_keras_serializable("keras_ae")
class StyleCodes(keras.layers.Layer):
    """The code w once for each layer of a generator, and the mean of all w seen in training.

    Source: Karras et al. 2018, arXiv:1812.04948, section 2 and appendix B (the mean, for
    truncation).

    Args:
        num_layers: int, layers that take a style.
        decay: float in [0, 1), of the moving mean. Defaults to `0.995`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        w: tensor, shape `(batch, w_dim)`.

    Returns:
        Tensor, shape `(batch, num_layers, w_dim)`.

    Raises:
        ValueError: when the number is not a positive integer.
    """

    def __init__(self, num_layers, decay=0.995, **kwargs):
        super().__init__(**kwargs)
        check_positive_int("num_layers", num_layers)
        self.num_layers, self.decay = num_layers, decay

    def build(self, input_shape):
        self.mean = self.add_weight(
            (input_shape[-1],),
            "zeros",
            dtype="float32",
            trainable=False,
            autocast=False,
            name="mean",
        )

    def call(self, w, training=False):
        if training:
            seen = ops.stop_gradient(ops.mean(ops.cast(w, "float32"), axis=0))
            self.mean.assign(self.decay * self.mean.value + (1.0 - self.decay) * seen)
        return ops.repeat(w[:, None], self.num_layers, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_layers, input_shape[1])

    def get_config(self):
        return {**super().get_config(), "num_layers": self.num_layers, "decay": self.decay}
