"""Max pooling that remembers where each maximum stood.

Source: lecture, "Unpooling"; Zeiler and Fergus 2014, arXiv:1311.2901 (switches).

A switch is the place of the maximum within its window, i * pool_size + j for row i and column j; on
a tie the first place in that order, as in PyTorch. It takes log2(pool_size^2) bits.
"""

import keras
from keras import ops

from ..engine.checks import check_positive_int
from .convolution import conv_size


def max_pool_with_switches(x, pool_size, strides, padding=0):
    """The maximum of each window, and its place in the window.

    Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 2.1.

    Args:
        x: tensor, shape `(batch, height, width, channels)`.
        pool_size: int, side of a window.
        strides: int.
        padding: int, rows of minus infinity on each side, at most half of `pool_size`. Defaults to
            `0`.

    Returns:
        `(values, switches)`, both of shape `(batch, height_out, width_out, channels)`; switches are
        int32 in [0, pool_size^2).
    """
    f, p = pool_size, padding
    height, width = (conv_size(n, f, strides, p) for n in x.shape[1:3])
    if strides == f and not p:  # windows side by side: a view
        blocks = ops.reshape(
            x[:, : height * f, : width * f, :], (-1, height, f, width, f, x.shape[3])
        )
        places = [blocks[:, :, i, :, j, :] for i in range(f) for j in range(f)]
    else:
        if p:
            x = ops.pad(x, [(0, 0), (p, p), (p, p), (0, 0)], constant_values=-float("inf"))
        rows, columns = (strides * (n - 1) + 1 for n in (height, width))
        places = [
            x[:, i : i + rows : strides, j : j + columns : strides, :]
            for i in range(f)
            for j in range(f)
        ]
    values, switches = places[0], ops.zeros_like(places[0], dtype="int32")
    for number, place in enumerate(places[1:], 1):
        # on a tie the first stays; NaN is not passed over, or a diverged network looked healthy
        larger = ops.logical_or(place > values, ops.isnan(place))
        values = ops.where(larger, place, values)
        switches = ops.where(larger, number, switches)
    return values, switches


@keras.saving.register_keras_serializable("keras_ae")
class MaxPool2DWithSwitches(keras.layers.Layer):
    """Max pooling that also says where in its window each maximum stood.

    Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 2.1; `torch.nn.MaxPool2d` with
    `return_indices=True`.

    Args:
        pool_size: int, side of a window. Defaults to `2`.
        strides: int, or `None` for `pool_size`. Defaults to `None`.
        padding: int, rows of minus infinity on each side. Defaults to `0`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        `(values, switches)` of shape `(batch, height_out, width_out, channels)`, sides as
        `conv_size` gives them (rows that do not fill a window are dropped); switches are int32,
        i * pool_size + j within the window, the first where several are equal.

    Raises:
        ValueError: when a size is not a positive integer, the padding is more than half a window,
            or a window does not fit.
    """

    def __init__(self, pool_size=2, strides=None, padding=0, **kwargs):
        super().__init__(**kwargs)
        self.pool_size, self.strides, self.padding = check_window(pool_size, strides, padding)

    def call(self, x):
        return max_pool_with_switches(x, self.pool_size, self.strides, self.padding)

    def compute_output_spec(self, x):
        batch, *sides, channels = x.shape
        sides = [conv_size(n, self.pool_size, self.strides, self.padding) for n in sides]
        shape = (batch, *sides, channels)
        return keras.KerasTensor(shape, self.compute_dtype), keras.KerasTensor(shape, "int32")

    def get_config(self):
        names = ("pool_size", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def check_window(pool_size, strides, padding):
    """Window, stride and padding of a pooling.

    Source: `torch.nn.MaxPool2d` (padding at most half a window).

    Args:
        pool_size: int, side of a window.
        strides: int, or `None` for `pool_size`.
        padding: int.

    Returns:
        `(pool_size, strides, padding)`, the strides filled in.

    Raises:
        ValueError: when a size is not a positive integer, or the padding is more than half a
            window.
    """
    strides = pool_size if strides is None else strides
    check_positive_int("pool_size", pool_size)
    check_positive_int("strides", strides)
    if not isinstance(padding, int) or not 0 <= 2 * padding <= pool_size:
        raise ValueError(
            f"padding={padding!r}: pass 0 to {pool_size // 2}, half of the window of {pool_size}; "
            "a window that sees nothing but padding has no maximum."
        )
    return pool_size, strides, padding
