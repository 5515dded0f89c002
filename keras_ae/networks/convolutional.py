"""Convolutional encoders and decoders, as Functional models.

Sizes and paddings are given one per layer or once for all; side lengths follow the slides' two
formulas (`keras_ae.layers.conv_size`, `conv_transpose_size`).
"""

import keras

from ..engine.checks import check_positive_int
from ..layers import convolution, pooling, tied, unpooling

UPWARDS = ("switches", "transposed", "nearest", "bed_of_nails")


def conv_encoder(
    image_shape,
    filters,
    kernel_size=3,
    strides=1,
    padding=1,
    pool_size=1,
    pool_strides=None,
    activation="relu",
    switches=False,
    name="encoder",
):
    """Convolutions, each with its activation and, where asked for, max pooling, down to a code map.

    The slide's encoder is `conv_encoder((28, 28, 1), (16, 8), strides=(3, 2), pool_size=2,
    pool_strides=(2, 1))`, with a code of 2 x 2 x 8.

    Source: lecture, "PyTorch Convolutional AE"; Masci et al. 2011,
    doi:10.1007/978-3-642-21735-7_7.

    Args:
        image_shape: tuple `(height, width, channels)`.
        filters: tuple of int, channels after each convolution; the last are those of the code.
        kernel_size: int, or tuple with one per layer. Defaults to `3`.
        strides: int or tuple. Defaults to `1`.
        padding: int or tuple, zeros on each side. Defaults to `1`.
        pool_size: int or tuple, window of the max pooling after each layer, 1 for none. Defaults
            to `1`.
        pool_strides: int or tuple, or `None` for `pool_size`. Defaults to `None`.
        activation: Keras activation. Defaults to `"relu"`.
        switches: bool, whether the code also holds where each maximum stood, for an
            `unpool_decoder(up="switches")` (where every layer pools, with windows side by side) or
            for `keras_ae.layers.MaxUnpool2D` in a decoder of your own. Defaults to `False`.
        name: str. Defaults to `"encoder"`.

    Returns:
        `keras.Model` from `(batch, height, width, channels)` to the code `(batch, h, w,
        filters[-1])`; with `switches` to a dict of "code" and "switches_1", "switches_2", ... (from
        the outermost inwards, int32, each with the shape of the pooled map).

    Raises:
        ValueError: when a size is not a positive integer, tuples have not one entry per layer, or a
            kernel or window does not fit into what is left of the image.
    """
    _check_image(image_shape)
    filters = _per_layer("filters", filters, None)
    each = {"kernel_size": kernel_size, "strides": strides, "padding": padding}
    each |= {"pool_size": pool_size}
    each |= {"pool_strides": pool_size if pool_strides is None else pool_strides}
    columns = [
        _per_layer(key, value, len(filters), key != "padding") for key, value in each.items()
    ]
    x = inputs = keras.Input(image_shape, name="image")  # (batch, height, width, channels)
    places = {}
    for width, f, s, p, window, step in zip(filters, *columns):
        x = convolution.Conv2D(width, f, s, p, activation)(x)  # (batch, h, w, width)
        if window == 1 and step == 1:
            continue
        convolution.conv_size(min(x.shape[1:3]), window)  # or Keras would make an empty map
        if switches:
            pool = pooling.MaxPool2DWithSwitches(window, step)
            x, places[f"switches_{len(places) + 1}"] = pool(x)  # both (batch, h', w', width)
        else:
            pool = keras.layers.MaxPooling2D(window, step, data_format=convolution.LAST)
            x = pool(x)  # (batch, h', w', width)
    return keras.Model(inputs, {"code": x, **places} if switches else x, name=name)


def conv_decoder(
    image_shape,
    code_shape,
    filters=(),
    kernel_size=3,
    strides=2,
    padding=1,
    output_padding=0,
    activation="relu",
    output_activation=None,
    tied_to=None,
    name="decoder",
):
    """Transposed convolutions, each but the last with its activation, up to an image.

    The slide's decoder is `conv_decoder((28, 28, 1), (2, 2, 8), (16, 8), kernel_size=(3, 5, 2),
    strides=(2, 3, 2), padding=(0, 1, 1), output_activation="tanh")`, with sides 2, 5, 15, 28.

    Source: lecture, "Transposed Convolutions", "PyTorch Convolutional AE".

    Args:
        image_shape: tuple `(height, width, channels)`.
        code_shape: tuple `(height, width, channels)` of the code.
        filters: tuple of int, channels after each layer but the last, which has those of the image.
            Defaults to `()`.
        kernel_size: int, or tuple with one per layer, `len(filters) + 1`. Defaults to `3`.
        strides: int or tuple. Defaults to `2`.
        padding: int or tuple, rows cut off each side. Defaults to `1`.
        output_padding: int, or tuple with an int or a pair (height, width) per layer: rows added
            at the far end, below the stride. Defaults to `0`.
        activation: Keras activation between the layers. Defaults to `"relu"`.
        output_activation: Keras activation of the output, `None` for logits or any range. Defaults
            to `None`.
        tied_to: `keras.Model`, a `conv_encoder` without pooling whose kernels are used in reverse
            order, or `None` for kernels of its own. Defaults to `None`.
        name: str. Defaults to `"decoder"`.

    Returns:
        `keras.Model` from `(batch, *code_shape)` to `(batch, *image_shape)`.

    Raises:
        ValueError: when a size is not a positive integer, tuples have not one entry per layer, the
            sides do not end at those of the image (the message shows them), or the decoder does
            not mirror the encoder that it is tied to.
    """
    _check_image(image_shape)
    _check_image(code_shape, "code_shape")
    widths = (*_per_layer("filters", filters, len(filters)), image_shape[-1])
    each = {"kernel_size": kernel_size, "strides": strides}
    more = {"padding": padding, "output_padding": output_padding}
    columns = [_per_layer(k, v, len(widths)) for k, v in each.items()]
    columns += [_per_layer(k, v, len(widths), False) for k, v in more.items()]
    columns[3] = [
        convolution.check_output_padding(r, (s, s)) for r, s in zip(columns[3], columns[1])
    ]
    layers = list(zip(widths, *columns))
    sides = [tuple(code_shape[:2])]
    for _, f, s, p, rest in layers:
        pairs = zip(sides[-1], rest)
        sides.append(tuple(convolution.conv_transpose_size(n, f, s, p, more) for n, more in pairs))
    if sides[-1] != tuple(image_shape[:2]):
        raise ValueError(
            f"the sides grow {' -> '.join('x'.join(map(str, side)) for side in sides)}, "
            f"image_shape asks for {image_shape[0]}x{image_shape[1]}: change strides, padding, or "
            "output_padding (0 to stride - 1 more rows each)."
        )
    sources = [None] * len(layers)
    if tied_to is not None:
        sources = _mirrored(tied_to, layers, (*code_shape[2:], *widths))
    x = inputs = keras.Input(code_shape, name="code")  # (batch, *code_shape)
    for number, ((width, f, s, p, rest), source) in enumerate(zip(layers, sources), 1):
        end = output_activation if number == len(layers) else activation
        if source is None:
            layer = convolution.Conv2DTranspose(width, f, s, p, rest, end)
        else:
            layer = tied.TiedConv2DTranspose(source, rest, end)
        x = layer(x)  # (batch, h, w, width)
    return keras.Model(inputs, x, name=name)


def unpool_decoder(
    image_shape,
    filters,
    up="nearest",
    kernel_size=3,
    pool_size=2,
    activation="relu",
    output_activation=None,
    name="decoder",
):
    """Back up through the poolings of a `conv_encoder`, each time followed by a convolution.

    It mirrors `conv_encoder(image_shape, filters[::-1], kernel_size, padding=kernel_size // 2,
    pool_size=pool_size)`. The four ways up are the slide's; "bed_of_nails" with its convolution is
    a transposed convolution written out, so "transposed" puts a learned one (kernel and stride
    `pool_size`, as many channels as before) in the place of the unpooling.

    Source: lecture, "Unpooling", "Transposed Convolutions"; Zeiler and Fergus 2014,
    arXiv:1311.2901 (switches).

    Args:
        image_shape: tuple `(height, width, channels)`.
        filters: tuple of int, channels of the code and of the maps unpooled after it.
        up: "switches" (where each maximum stood comes with the code), "transposed", "nearest" or
            "bed_of_nails". Defaults to `"nearest"`.
        kernel_size: int, odd. Defaults to `3`.
        pool_size: int, window and stride of the encoder's poolings. Defaults to `2`.
        activation: Keras activation between the layers. Defaults to `"relu"`.
        output_activation: Keras activation of the output. Defaults to `None`.
        name: str. Defaults to `"decoder"`.

    Returns:
        `keras.Model` from the code `(batch, h, w, filters[0])`, or from the dict of an encoder with
        `switches=True`, to `(batch, *image_shape)`.

    Raises:
        ValueError: when `up` is not known, a size is not a positive integer, `kernel_size` is even,
            or the image is too small for so many poolings.
    """
    _check_image(image_shape)
    filters = _per_layer("filters", filters, None)
    check_positive_int("kernel_size", kernel_size)
    check_positive_int("pool_size", pool_size)
    if up not in UPWARDS:
        raise ValueError(f"up={up!r} is not known: pass one of {', '.join(UPWARDS)}.")
    if kernel_size % 2 == 0:
        raise ValueError(f"kernel_size={kernel_size}: pass an odd size, which keeps the sides.")
    sides = [tuple(image_shape[:2])]  # from the outside inwards
    for _ in filters:
        sides.append(tuple(convolution.conv_size(n, pool_size, pool_size) for n in sides[-1]))
    inner = sides[:0:-1]  # the code's first
    inputs = {"code": keras.Input((*inner[0], filters[0]), name="code")}
    if up == "switches":
        for number, (side, width) in enumerate(zip(inner[::-1], filters[::-1]), 1):
            key = f"switches_{number}"
            inputs[key] = keras.Input((*side, width), dtype="int32", name=key)
    x = inputs["code"]  # (batch, h, w, filters[0])
    for number, (width, size) in enumerate(zip(filters, sides[-2::-1])):
        if up == "switches":
            layer = unpooling.MaxUnpool2D(pool_size, output_size=size)
            x = layer(x, inputs[f"switches_{len(filters) - number}"])
        elif up == "transposed":
            rest = tuple(n - have * pool_size for n, have in zip(size, x.shape[1:3]))
            layer = convolution.Conv2DTranspose(width, pool_size, pool_size, 0, rest)
            x = layer(x)
        else:
            ways = {"nearest": unpooling.NearestUnpool2D, "bed_of_nails": unpooling.BedOfNails2D}
            x = ways[up](pool_size, output_size=size)(x)
        last = number == len(filters) - 1  # x is (batch, *size, width) here
        width_after = image_shape[-1] if last else filters[number + 1]
        end = output_activation if last else activation
        # pixels in float32 whatever the rest is in, as mixed precision has it; besides, PyTorch has
        # no gradient of a bfloat16 convolution to one channel on CPUs without AVX-512
        kind = {"dtype": "float32"} if last else {}
        x = convolution.Conv2D(width_after, kernel_size, 1, kernel_size // 2, end, **kind)(x)
    return keras.Model(inputs if up == "switches" else inputs["code"], x, name=name)


def _mirrored(encoder, layers, widths):
    """The encoder's convolutions from the inside outwards, after a look whether they fit."""
    pools = (keras.layers.MaxPooling2D, pooling.MaxPool2DWithSwitches)
    if any(isinstance(layer, pools) for layer in encoder.layers):
        raise ValueError("tied_to has pooling, which a tied decoder cannot undo: pass strides.")
    sources = [x for x in encoder.layers if isinstance(x, convolution.Conv2D)][::-1]
    theirs = [
        (x.filters, x.kernel.shape[2], *x.kernel_size, *x.strides, x.padding) for x in sources
    ]
    ours = [(before, width, f, f, s, s, p) for before, (width, f, s, p, _) in zip(widths, layers)]
    if ours != theirs:
        raise ValueError(
            "the decoder does not mirror the encoder that it is tied to: from the code outwards "
            f"the encoder's layers are {_words(theirs)}, the decoder's {_words(ours)}."
        )
    return sources


def _words(layers):
    return "; ".join(
        f"{a} to {b} channels, kernel {f}x{g}, stride {s}x{t}, padding {p}"
        for a, b, f, g, s, t, p in layers
    )


def _check_image(shape, name="image_shape"):
    if not isinstance(shape, (tuple, list)) or len(shape) != 3:
        raise ValueError(f"{name}={shape!r}: pass (height, width, channels).")
    for size in shape:
        check_positive_int(f"a size in {name}={tuple(shape)}", size)


def _per_layer(name, value, count, positive=True):
    """One number for each layer; a single one is repeated."""
    if count is not None and not isinstance(value, (tuple, list)):
        value = (value,) * count
    if not isinstance(value, (tuple, list)) or (not value and count is None):
        raise ValueError(f"{name}={value!r}: pass a tuple with one number per layer.")
    if count is not None and len(value) != count:
        raise ValueError(f"{name}={value!r}: pass one number for each of the {count} layers.")
    if positive:
        for number in value:
            check_positive_int(f"a number in {name}={tuple(value)}", number)
    return tuple(value)
