"""The ways back up from a pooling: switches, nearest neighbour, bed of nails.

Source: lecture, "Unpooling" (MaxUnpool2d); Zeiler and Fergus 2014, arXiv:1311.2901; Noh et al.
2015, arXiv:1505.04366.

Windows that overlap (strides < pool_size) can point at one place twice. Then one window writes: the
last in reading order (rows, then columns), which is what PyTorch's unpooling leaves behind on a
CPU. The gradient goes to that window alone, on every backend (PyTorch gives it to both).
"""

import keras
from keras import ops

from ..engine.checks import check_positive_int
from .pooling import check_window


def max_unpool(values, switches, pool_size, strides, padding, output_size):
    """Puts every value where its switch points, zeros elsewhere.

    Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 2.1; `torch.nn.MaxUnpool2d`.

    Args:
        values: tensor, shape `(batch, height, width, channels)`.
        switches: int tensor of the same shape, places within windows.
        pool_size: int, side of a window.
        strides: int.
        padding: int, of the pooling.
        output_size: pair of int, height and width of what was pooled.

    Returns:
        Tensor, shape `(batch, *output_size, channels)`.
    """
    f, s, p = pool_size, strides, padding
    _, height, width, channels = values.shape
    if s >= f:  # no overlap: all places of a window at once
        place = ops.reshape(ops.arange(f * f, dtype="int32"), (1, 1, f, 1, f, 1))
        here = ops.equal(switches[:, :, None, :, None, :], place)
        y = ops.where(here, values[:, :, None, :, None, :], ops.zeros((), values.dtype))
        if s > f:
            y = ops.pad(y, [(0, 0), (0, 0), (0, s - f), (0, 0), (0, s - f), (0, 0)])
        y = ops.reshape(y, (-1, height * s, width * s, channels))
        return fit_size(y, output_size, p)
    size = (output_size[0] + 2 * p, output_size[1] + 2 * p)
    y = None
    for number in reversed(range(f * f)):  # later windows reach a place by an earlier row, column
        here = ops.equal(switches, number)
        i, j = divmod(number, f)
        spread = [
            fit_size(_spread(ops.cast(part, values.dtype), s), size, (-i, -j))
            for part in (here, ops.where(here, values, ops.zeros((), values.dtype)))
        ]
        y = spread[1] if y is None else ops.where(spread[0] > 0, spread[1], y)
    return fit_size(y, output_size, p)


def _spread(x, strides):
    """Zeros between the rows and columns, `strides - 1` of them."""
    _, height, width, channels = x.shape
    gap = (0, strides - 1)
    x = ops.pad(x[:, :, None, :, None, :], [(0, 0), (0, 0), gap, (0, 0), gap, (0, 0)])
    return ops.reshape(x, (-1, height * strides, width * strides, channels))


def fit_size(x, size, start=0):
    """Cuts off the front, and cuts off or adds zero rows at the end, to a size.

    Source: this library.

    Args:
        x: tensor, shape `(batch, height, width, channels)`.
        size: pair of int, height and width of the result.
        start: int or pair, rows cut off the front; zero rows are added where it is negative.
            Defaults to `0`.

    Returns:
        Tensor, shape `(batch, *size, channels)`.
    """
    starts = (start, start) if isinstance(start, int) else start
    before = [max(-first, 0) for first in starts]
    after = [max(n + first - have, 0) for n, first, have in zip(size, starts, x.shape[1:3])]
    if any(before) or any(after):
        x = ops.pad(x, [(0, 0), *zip(before, after), (0, 0)])
    rows, columns = (
        slice(first + more, first + more + n) for first, more, n in zip(starts, before, size)
    )
    return x[:, rows, columns, :]


class Unpool(keras.layers.Layer):
    """What the ways back up share: the window, and the size to come back to.

    Source: lecture, "Unpooling".

    Args:
        pool_size: int, side of a window. Defaults to `2`.
        strides: int, or `None` for `pool_size`. Defaults to `None`.
        padding: int, of the pooling. Defaults to `0`.
        output_size: pair of int, height and width of what was pooled, or `None` for the smallest
            that gives this pooled size, (n - 1) s - 2p + f. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Raises:
        ValueError: when a size is not a positive integer, or pooling `output_size` does not give
            the size that is to be unpooled.
    """

    def __init__(self, pool_size=2, strides=None, padding=0, output_size=None, **kwargs):
        super().__init__(**kwargs)
        self.pool_size, self.strides, self.padding = check_window(pool_size, strides, padding)
        if output_size is not None:
            output_size = tuple(output_size)
            for side in output_size:
                check_positive_int(f"a side in output_size={output_size}", side)
        self.output_size = output_size

    def size_for(self, shape):
        """Height and width of the output for an input of this shape.

        Args:
            shape: tuple, `(batch, height, width, channels)`.

        Returns:
            Pair of int.

        Raises:
            ValueError: when a side is not known, or does not fit `output_size`.
        """
        f, s, p = self.pool_size, self.strides, self.padding
        sides = tuple(shape[1:3])
        if None in sides:
            raise ValueError(f"{self.name} needs images of a fixed size, not {tuple(shape)}.")
        smallest = tuple((n - 1) * s - 2 * p + f for n in sides)
        size = smallest if self.output_size is None else self.output_size
        if min(size) < 1:
            raise ValueError(
                f"{sides} cannot have been pooled from anything with window {f}, stride {s} and "
                f"padding {p}: pass less padding, or output_size."
            )
        if any(not low <= n < low + s for n, low in zip(size, smallest)):
            ranges = " and ".join(f"{low} to {low + s - 1}" for low in smallest)
            raise ValueError(
                f"output_size={size} is not what {sides} was pooled from (window {f}, stride {s}, "
                f"padding {p}): height and width can be {ranges}."
            )
        return size

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size_for(input_shape), input_shape[3])

    def get_config(self):
        names = ("pool_size", "strides", "padding", "output_size")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("keras_ae")
class MaxUnpool2D(Unpool):
    """Puts every value back where its maximum stood, zeros elsewhere.

    Where windows overlap and two switches point at one place, the last window in reading order
    writes, and alone gets the gradient.

    Source: lecture, "Unpooling" (`torch.nn.MaxUnpool2d`); Zeiler and Fergus 2014, arXiv:1311.2901.

    Args:
        pool_size: int, side of a window. Defaults to `2`.
        strides: int, or `None` for `pool_size`. Defaults to `None`.
        padding: int, of the pooling. Defaults to `0`.
        output_size: pair of int, height and width of what was pooled, or `None` for the smallest
            that gives this pooled size. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        values: tensor, shape `(batch, height, width, channels)`.
        switches: tensor of the same shape, from `MaxPool2DWithSwitches`.

    Returns:
        Tensor, shape `(batch, *output_size, channels)`.

    Raises:
        ValueError: when values and switches differ in shape, or `output_size` does not fit.
    """

    def call(self, values, switches):
        if tuple(values.shape[1:]) != tuple(switches.shape[1:]):
            raise ValueError(
                f"values of shape {tuple(values.shape)} with switches of shape "
                f"{tuple(switches.shape)}: pass the switches of the pooling that is undone."
            )
        switches, size = ops.cast(switches, "int32"), self.size_for(values.shape)
        return max_unpool(values, switches, self.pool_size, self.strides, self.padding, size)

    def compute_output_shape(self, values_shape, switches_shape):
        return super().compute_output_shape(values_shape)


class _SideBySide(Unpool):
    """Windows side by side: the stride is the window, and there is no padding."""

    def __init__(self, pool_size=2, output_size=None, **kwargs):
        super().__init__(pool_size, output_size=output_size, **kwargs)

    def get_config(self):
        config = super().get_config()
        return {key: config[key] for key in config if key not in ("strides", "padding")}


@keras.saving.register_keras_serializable("keras_ae")
class NearestUnpool2D(_SideBySide):
    """Repeats every value over its window; rows beyond the last window repeat its last row.

    Source: lecture, "Unpooling" (nearest neighbour); CS231n.

    Args:
        pool_size: int, side of a window, which is also the stride. Defaults to `2`.
        output_size: pair of int, height and width of what was pooled, or `None` for `pool_size`
            times the input's. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, *output_size, channels)`.

    Raises:
        ValueError: when `output_size` does not fit.
    """

    def call(self, x):
        f, (height, width) = self.pool_size, self.size_for(x.shape)
        x = ops.repeat(ops.repeat(x, f, axis=1), f, axis=2)
        more = height - x.shape[1], width - x.shape[2]
        if any(more):
            x = ops.pad(x, [(0, 0), (0, more[0]), (0, more[1]), (0, 0)], mode="symmetric")
        return x


@keras.saving.register_keras_serializable("keras_ae")
class BedOfNails2D(_SideBySide):
    """Puts every value into the upper left corner of its window, zeros elsewhere.

    Followed by a convolution this is a transposed convolution (zero insertion is its first half).

    Source: lecture, "Unpooling" (bed of nails); CS231n.

    Args:
        pool_size: int, side of a window, which is also the stride. Defaults to `2`.
        output_size: pair of int, height and width of what was pooled, or `None` for `pool_size`
            times the input's. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, *output_size, channels)`.

    Raises:
        ValueError: when `output_size` does not fit.
    """

    def call(self, x):
        return fit_size(_spread(x, self.pool_size), self.size_for(x.shape))
