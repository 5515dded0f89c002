"""Fixed bilinear upsampling, and fitting maps of different sizes onto each other.

Source: Long et al. 2015, arXiv:1411.4038, section 3.3 (upsampling is backwards strided
convolution).
"""

import keras
import numpy as np
from keras import ops

from ..engine.checks import check_positive_int


def bilinear_weights(factor):
    """The tent of a bilinear upsampling, of 2 * factor numbers.

    Source: Long et al. 2015, arXiv:1411.4038, section 3.3.

    Args:
        factor: int, by how much the sides grow.

    Returns:
        float32 array, shape `(2 * factor,)`; the numbers `factor` apart sum to 1.
    """
    places = np.arange(2 * factor)
    return (1.0 - np.abs(places - (factor - 0.5)) / factor).astype("float32")


@keras.saving.register_keras_serializable("keras_ae")
class BilinearUpsampling2D(keras.layers.Layer):
    """A transposed convolution with a fixed bilinear kernel: kernel 2 * factor, stride factor.

    It has no weights: each output is a mean of two neighbours in each direction, weighted by the
    tent. Equal on all backends (XLA's own bilinear resizing on TensorFlow is not that of its eager
    mode).

    Source: Long et al. 2015, arXiv:1411.4038, section 3.3.

    Args:
        factor: int, by how much the sides grow. Defaults to `2`.
        padding: "valid", or "same" (even factors) for the usual interpolation between the centres
            of pixels, the rim repeated. Defaults to `"valid"`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, height * factor, width * factor, channels)`; with "valid" a factor
        more on each side, whose rim fades towards zero and is meant to be cut off.

    Raises:
        ValueError: when `factor` is not a positive integer, or the padding does not go with it.
    """

    def __init__(self, factor=2, padding="valid", **kwargs):
        super().__init__(**kwargs)
        check_positive_int("factor", factor)
        if padding not in ("valid", "same") or (padding == "same" and factor % 2):
            raise ValueError(
                f"padding={padding!r} with factor={factor}: pass 'valid', or 'same' with an even "
                "factor."
            )
        self.factor, self.padding = factor, padding

    def call(self, x):
        f = self.factor
        tent = ops.cast(bilinear_weights(f), x.dtype)
        first, second = tent[:f], tent[f:]  # of the neighbours below, above
        same = self.padding == "same"
        pads = [(0, 0), (1, 1), (1, 1), (0, 0)]
        x = ops.pad(x, pads, mode="symmetric" if same else "constant")
        below, above = x[:, 1:, None], x[:, :-1, None]  # (batch, height + 1, 1, width + 2, c)
        x = below * first[:, None, None] + above * second[:, None, None]
        batch, rows, _, columns, channels = ops.shape(x)
        x = ops.reshape(x, (batch, rows * f, columns, channels))
        right, left = x[:, :, 1:, None], x[:, :, :-1, None]  # (batch, rows * f, width + 1, 1, c)
        x = right * first[:, None] + left * second[:, None]
        x = ops.reshape(x, (batch, rows * f, (columns - 1) * f, channels))
        return x[:, f // 2 : -(f // 2), f // 2 : -(f // 2)] if same else x

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        more = 0 if self.padding == "same" else 1
        sides = [None if n is None else (n + more) * self.factor for n in sides]
        return (batch, *sides, channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "padding": self.padding}


@keras.saving.register_keras_serializable("keras_ae")
class BilinearResizing2D(keras.layers.Layer):
    """Bilinear interpolation between the centres of pixels to a known size, from a known size.

    Two products with matrices, equal on all backends.

    Source: `torch.nn.functional.interpolate` (`align_corners=False`).

    Args:
        size: pair of int, height and width.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, *size, channels)`.

    Raises:
        ValueError: when a side is not a positive integer.
    """

    weights_of = staticmethod(lambda have, want: _interpolation(have, want))

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        for side in size:
            check_positive_int("a side in size", side)
        self.size = tuple(size)

    def call(self, x):
        rows, columns = (
            ops.cast(self.weights_of(have, want), x.dtype)
            for have, want in zip(x.shape[1:3], self.size)
        )
        return ops.einsum("hi,bijc,wj->bhwc", rows, x, columns)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, input_shape[3])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("keras_ae")
class RegionMeans2D(BilinearResizing2D):
    """Means over a grid of regions that cover a map of known sides.

    Keras' `AdaptiveAveragePooling2D` (3.15) fails in TensorFlow's graphs; this is its formula as
    two products with matrices.

    Source: `torch.nn.AdaptiveAvgPool2d`; Zhao et al. 2017, arXiv:1612.01105, section 3.2.

    Args:
        size: pair of int, regions in each direction; region i goes from floor(i n / size) to
            ceil((i + 1) n / size).
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, *size, channels)`.

    Raises:
        ValueError: when a side is not a positive integer.
    """

    weights_of = staticmethod(lambda have, want: _regions(have, want))


def _regions(have, want):
    """Shares of `have` pixels in each of `want` regions, shape `(want, have)`."""
    weights = np.zeros((want, have), "float32")
    for i in range(want):
        region = slice(i * have // want, -(-(i + 1) * have // want))
        weights[i, region] = 1.0 / (region.stop - region.start)
    return weights


def _interpolation(have, want):
    """Weights of `have` pixels for each of `want`, shape `(want, have)`."""
    places = np.clip((np.arange(want) + 0.5) * have / want - 0.5, 0, have - 1)
    return np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(have))).astype("float32")


@keras.saving.register_keras_serializable("keras_ae")
class BilinearInitializer(keras.initializers.Initializer):
    """The kernel of a transposed convolution that starts as bilinear upsampling of each channel.

    Source: Long et al. 2015, arXiv:1411.4038, section 3.3.
    """

    def __call__(self, shape, dtype=None):
        """A kernel.

        Args:
            shape: tuple `(height, width, channels, channels)`, sides even.
            dtype: str. Defaults to `None`, Keras' `floatx`.

        Returns:
            Tensor of that shape.
        """
        tents = [bilinear_weights(side // 2) for side in shape[:2]]
        kernel = np.einsum("i,j,ab->ijab", *tents, np.eye(*shape[2:]))
        return ops.convert_to_tensor(kernel.astype("float32"), dtype=dtype)


@keras.saving.register_keras_serializable("keras_ae")
class CropLike(keras.layers.Layer):
    """Cuts a window out of one map that is as large as another.

    Source: Long et al. 2015, arXiv:1411.4038, section 4.1 (crops that align maps); Ronneberger et
    al. 2015, arXiv:1505.04597, section 2 (central crops).

    Args:
        offset: int, rows and columns that are cut off before the window, or `None` for a window in
            the centre. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.
        like: tensor, shape `(batch, height', width', ...)`, sides no larger.

    Returns:
        Tensor, shape `(batch, height', width', channels)`.
    """

    def __init__(self, offset=None, **kwargs):
        super().__init__(**kwargs)
        self.offset = offset

    def call(self, x, like):
        return crop_like(x, like, self.offset)

    def compute_output_shape(self, x_shape, like_shape):
        return (x_shape[0], *like_shape[1:3], x_shape[3])

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}


def crop_like(x, like, offset=None):
    """What `CropLike` does, of a tensor with any number of dimensions after height and width.

    Source: as `CropLike`.

    Args:
        x: tensor, shape `(batch, height, width, ...)`.
        like: tensor, shape `(batch, height', width', ...)`.
        offset: int or `None`, as in `CropLike`. Defaults to `None`.

    Returns:
        Tensor, shape `(batch, height', width', ...)`.

    Raises:
        ValueError: when `x` is smaller.
    """
    have, want = ops.shape(x)[1:3], ops.shape(like)[1:3]
    known = [(h, w) for h, w in zip(x.shape[1:3], like.shape[1:3]) if None not in (h, w)]
    if any(w + (offset or 0) > h for h, w in known):
        raise ValueError(
            f"a window of {tuple(want)} at {offset or 0} does not fit into {tuple(have)}: the "
            "image is too small for this network."
        )
    starts = [(h - w) // 2 if offset is None else offset for h, w in zip(have, want)]
    rows, columns = (slice(start, start + n) for start, n in zip(starts, want))
    return x[:, rows, columns]


@keras.saving.register_keras_serializable("keras_ae")
class PadToMultiple(keras.layers.Layer):
    """Zero rows and columns at the far end, up to the next multiple of a number.

    Source: this library.

    Args:
        multiple: int.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, height', width', channels)`, sides multiples of `multiple`.

    Raises:
        ValueError: when `multiple` is not a positive integer.
    """

    def __init__(self, multiple, **kwargs):
        super().__init__(**kwargs)
        check_positive_int("multiple", multiple)
        self.multiple = multiple

    def call(self, x):
        more = [-n % self.multiple for n in ops.shape(x)[1:3]]
        if all(isinstance(n, int) and n == 0 for n in more):
            return x
        return ops.pad(x, [(0, 0), (0, more[0]), (0, more[1]), (0, 0)])

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *(None if n is None else n + -n % self.multiple for n in sides), channels)

    def get_config(self):
        return {**super().get_config(), "multiple": self.multiple}
