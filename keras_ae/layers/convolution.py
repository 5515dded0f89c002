"""Convolution and transposed convolution with an explicit padding, as the slides count it.

Source: lecture, "Transposed Convolutions"; Dumoulin and Visin 2016, arXiv:1603.07285.

    convolution              o = floor((n + 2p - f) / s) + 1
    transposed convolution   o = (n - 1) s - 2p + f  (+ output padding)

Keras knows "valid" and "same" only, and "same" with a stride pads unevenly and gives other numbers.
Here a convolution pads p zeros on each side, and a transposed one cuts p off each side: it is the
adjoint of the convolution, <conv(x), y> = <x, conv_transpose(y)> with the same kernel, not its
inverse. Where a stride leaves rows over (the floor above), the output padding gives them back.
"""

import keras
from keras import ops

LAST = "channels_last"  # whatever Keras' global setting is


def conv_size(size, kernel_size, stride=1, padding=0):
    """Side length after a convolution (or a pooling): floor((n + 2p - f) / s) + 1.

    Source: lecture, "Transposed Convolutions (Deconvolutions)", first formula.

    Args:
        size: int, side length n before, or `None` where it is not known.
        kernel_size: int, f.
        stride: int, s. Defaults to `1`.
        padding: int, p zeros on each side. Defaults to `0`.

    Returns:
        int, or `None` where `size` is `None`.

    Raises:
        ValueError: when the kernel is larger than the padded input.
    """
    if size is None:
        return None
    if kernel_size < 1 or stride < 1:
        raise ValueError(f"kernel_size={kernel_size}, stride={stride}: pass positive integers.")
    if kernel_size > size + 2 * padding:
        raise ValueError(
            f"a kernel of {kernel_size} does not fit into a side of {size} with a padding of "
            f"{padding}: pass a larger image, a smaller kernel or more padding."
        )
    return (size + 2 * padding - kernel_size) // stride + 1


def conv_transpose_size(size, kernel_size, stride=1, padding=0, output_padding=0):
    """Side length after a transposed convolution: (n - 1) s - 2p + f + output padding.

    Source: lecture, "Transposed Convolutions (Deconvolutions)", second formula.

    Args:
        size: int, side length n before, or `None` where it is not known.
        kernel_size: int, f.
        stride: int, s. Defaults to `1`.
        padding: int, p rows cut off each side. Defaults to `0`.
        output_padding: int, rows added at the far end. Defaults to `0`.

    Returns:
        int, or `None` where `size` is `None`.

    Raises:
        ValueError: when nothing is left.
    """
    if size is None:
        return None
    result = (size - 1) * stride - 2 * padding + kernel_size + output_padding
    if result < 1:
        raise ValueError(
            f"a padding of {padding} cuts everything off: a side of {size} with a kernel of "
            f"{kernel_size} and a stride of {stride} becomes {result}. Pass less padding."
        )
    return result


def conv_transpose(x, kernel, strides, padding, output_padding=(0, 0)):
    """The adjoint of a convolution with the same kernel, strides and padding.

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, section 4.

    Args:
        x: tensor, shape `(batch, height, width, channels_in)`.
        kernel: tensor, shape `(f, f, channels_out, channels_in)`, that of the convolution from
            `channels_out` to `channels_in`.
        strides: pair of int, s.
        padding: int, p.
        output_padding: pair of int, for height and width. Defaults to `(0, 0)`.

    Returns:
        Tensor of shape `(batch, height_out, width_out, channels_out)`.

    Raises:
        ValueError: when nothing is left.
    """
    for n, f, s, more in zip(x.shape[1:3], kernel.shape[:2], strides, output_padding):
        conv_transpose_size(n, f, s, padding, more)  # or what is cut off would be silently empty
    y = ops.conv_transpose(x, kernel, tuple(strides), padding="valid", data_format=LAST)
    # Keras gives n s + max(f - s, 0) rows: cut p off the front, and off the end what is too many
    cuts = [
        max(s - f, 0) + padding - more
        for f, s, more in zip(kernel.shape[:2], strides, output_padding)
    ]
    if min(cuts) < 0:
        y = ops.pad(y, [(0, 0), *((0, max(-cut, 0)) for cut in cuts), (0, 0)])
    rows, columns = (slice(padding, -cut if cut > 0 else None) for cut in cuts)
    return y[:, rows, columns, :]


@keras.saving.register_keras_serializable("keras_ae")
class Conv2D(keras.layers.Conv2D):
    """Convolution with `padding` zeros on each side, `torch.nn.Conv2d`'s arithmetic.

    Source: lecture, "PyTorch Convolutional AE"; Dumoulin and Visin 2016, arXiv:1603.07285.

    Args:
        filters: int, channels of the output.
        kernel_size: int or pair, f.
        strides: int or pair, s. Defaults to `1`.
        padding: int, p. Defaults to `0`.
        activation: Keras activation. Defaults to `None`.
        use_bias: bool. Defaults to `True`.
        **kwargs: initialisers, regularisers, constraints, `name`, ... of `keras.layers.Conv2D`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, height_out, width_out, filters)`, sides as `conv_size` gives them.

    Raises:
        ValueError: when `padding` is not an integer of at least 0, the kernel does not fit, or
            `data_format`, `dilation_rate` or `groups` are passed.
    """

    def __init__(
        self, filters, kernel_size, strides=1, padding=0, activation=None, use_bias=True, **kwargs
    ):
        _check(padding, kwargs)
        super().__init__(
            filters,
            kernel_size,
            strides,
            data_format=LAST,
            activation=activation,
            use_bias=use_bias,
            **kwargs,
        )
        self.padding = padding

    def convolution_op(self, inputs, kernel):
        p = self.padding
        if p:
            inputs = ops.pad(inputs, [(0, 0), (p, p), (p, p), (0, 0)])
        return ops.conv(inputs, kernel, strides=self.strides, padding="valid", data_format=LAST)

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sizes = zip(sides, self.kernel_size, self.strides)
        return (batch, *(conv_size(n, f, s, self.padding) for n, f, s in sizes), self.filters)

    def get_config(self):
        return _without_fixed(super().get_config())


@keras.saving.register_keras_serializable("keras_ae")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """Transposed convolution with `padding` rows cut off, `torch.nn.ConvTranspose2d`'s arithmetic.

    Source: lecture, "Transposed Convolutions"; Dumoulin and Visin 2016, arXiv:1603.07285.

    Args:
        filters: int, channels of the output.
        kernel_size: int or pair, f.
        strides: int or pair, s. Defaults to `1`.
        padding: int, p. Defaults to `0`.
        output_padding: int or pair, rows and columns added at the far end, below the stride.
            Defaults to `0`.
        activation: Keras activation. Defaults to `None`.
        use_bias: bool. Defaults to `True`.
        **kwargs: initialisers, regularisers, constraints, `name`, ... of
            `keras.layers.Conv2DTranspose`.

    Call arguments:
        x: tensor, shape `(batch, height, width, channels)`.

    Returns:
        Tensor, shape `(batch, height_out, width_out, filters)`, sides as `conv_transpose_size`
        gives them.

    Raises:
        ValueError: when a padding is not an integer of at least 0, the output padding is not below
            the stride, nothing is left, or `data_format`, `dilation_rate` or `groups` are passed.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding=0,
        output_padding=0,
        activation=None,
        use_bias=True,
        **kwargs,
    ):
        _check(padding, kwargs)
        super().__init__(
            filters,
            kernel_size,
            strides,
            data_format=LAST,
            activation=activation,
            use_bias=use_bias,
            **kwargs,
        )
        self.padding = padding
        self.output_padding = check_output_padding(output_padding, self.strides)

    def call(self, inputs):
        x = conv_transpose(inputs, self.kernel, self.strides, self.padding, self.output_padding)
        return self.activation(x + self.bias if self.use_bias else x)

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sizes = zip(sides, self.kernel_size, self.strides, self.output_padding)
        sides = (conv_transpose_size(n, f, s, self.padding, more) for n, f, s, more in sizes)
        return (batch, *sides, self.filters)

    def get_config(self):
        return _without_fixed({**super().get_config(), "output_padding": self.output_padding})


def check_output_padding(output_padding, strides):
    """An output padding as a pair.

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, section 4.4 (below the stride).

    Args:
        output_padding: int or pair of int.
        strides: pair of int.

    Returns:
        Pair of int.

    Raises:
        ValueError: when it is negative or not below the stride.
    """
    pair = (output_padding,) * 2 if isinstance(output_padding, int) else tuple(output_padding)
    if len(pair) != 2 or not all(0 <= more < s for more, s in zip(pair, strides)):
        raise ValueError(
            f"output_padding={output_padding}: pass at least 0 and less than the stride {strides}; "
            "it gives back the rows that the floor of the convolution left over."
        )
    return pair


FIXED = ("data_format", "dilation_rate", "groups")


def _check(padding, kwargs):
    if not isinstance(padding, int) or isinstance(padding, bool) or padding < 0:
        raise ValueError(
            f"padding={padding!r}: pass a number of rows, 0 or more (as in PyTorch); for 'valid' "
            "and 'same' take Keras' own layer."
        )
    given = sorted(kwargs.keys() & set(FIXED))
    if given:
        raise ValueError(f"this layer does not take {', '.join(given)}: take Keras' own.")


def _without_fixed(config):
    return {key: value for key, value in config.items() if key not in FIXED}
