"""Layers against mathematics and against PyTorch with equal weights."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_ae import layers
from keras_ae.engine import autodiff
from keras_ae.layers import convolution, unpooling

RNG = np.random.default_rng(0)
NO_TORCH = "torch is not installed: the reference is torch"
# side, kernel, stride, padding; kernels smaller than the stride, floors that leave rows over
SIZES = [
    (n, f, s, p)
    for n, f, s, p in itertools.product((1, 4, 7), (1, 2, 3, 5), (1, 2, 3), (0, 1, 2))
    if f <= n + 2 * p
]


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def gradients(function, x):
    """Values and the gradient of sum(function(x) * weights) with fixed weights."""
    y = function(ops.convert_to_tensor(x))
    weights = np.random.default_rng(1).normal(size=y.shape).astype("float32")
    loss = lambda t: ops.sum(function(t) * ops.convert_to_tensor(weights))
    gradient = autodiff.gradient(loss, ops.convert_to_tensor(x))
    return array(y), array(gradient), weights


def their_gradients(function, x, weights):
    import torch

    with torch.enable_grad():
        x = torch.tensor(x, device="cpu", requires_grad=True)
        y = function(x)
        (y * torch.tensor(weights, device="cpu").permute(0, 3, 1, 2)).sum().backward()
    return y.detach().permute(0, 2, 3, 1).numpy(), x.grad.permute(0, 2, 3, 1).numpy()


def first(x):
    """Channels first, as PyTorch has them."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def test_the_two_formulas_on_the_slides_network():
    sides = [28]
    for f, s, p in ((3, 3, 1), (2, 2, 0), (3, 2, 1), (2, 1, 0)):
        sides.append(layers.conv_size(sides[-1], f, s, p))
    for f, s, p in ((3, 2, 0), (5, 3, 1), (2, 2, 1)):
        sides.append(layers.conv_transpose_size(sides[-1], f, s, p))
    assert sides == [28, 10, 5, 3, 2, 5, 15, 28]
    assert layers.conv_size(None, 3) is None and layers.conv_transpose_size(None, 3) is None
    with pytest.raises(ValueError, match="does not fit into a side of 2"):
        layers.conv_size(2, 5)
    with pytest.raises(ValueError, match="cuts everything off"):
        layers.conv_transpose_size(1, 2, 1, 1)
    with pytest.raises(ValueError, match="stride=0"):
        layers.conv_size(5, 3, 0)


@pytest.mark.parametrize(("n", "f", "s", "p"), SIZES)
def test_real_layers_have_the_sides_of_the_formulas(n, f, s, p):
    x = normal(1, n, n + 1, 2)
    conv = layers.Conv2D(3, f, s, p)
    expected = (1, layers.conv_size(n, f, s, p), layers.conv_size(n + 1, f, s, p), 3)
    assert conv(x).shape == conv.compute_output_shape(x.shape) == expected
    if (n - 1) * s - 2 * p + f >= 1:
        transposed = layers.Conv2DTranspose(3, f, s, p)
        sides = (layers.conv_transpose_size(m, f, s, p) for m in (n, n + 1))
        expected = (1, *sides, 3)
        assert transposed(x).shape == transposed.compute_output_shape(x.shape) == expected


@pytest.mark.parametrize(
    ("f", "s", "p", "more"), [(3, 2, 1, 1), (2, 3, 0, 2), (5, 3, 2, 0), (4, 2, 0, 1)]
)
def test_convolutions_are_pytorchs(f, s, p, more):
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    x, kernel, bias = normal(2, 6, 7, 2), normal(f, f, 2, 3), normal(3)
    conv = layers.Conv2D(3, f, s, p)
    conv.build(x.shape)
    conv.set_weights([kernel, bias])
    ours, our_gradient, weights = gradients(conv, x)
    reference = lambda t: torch.nn.functional.conv2d(
        t, torch.tensor(kernel.transpose(3, 2, 0, 1), device="cpu"), torch.tensor(bias), s, p
    )
    theirs, their_gradient = their_gradients(reference, first(x), weights)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    np.testing.assert_allclose(our_gradient, their_gradient, atol=1e-4)

    transposed = layers.Conv2DTranspose(3, f, s, p, more)
    transposed.build(x.shape)
    transposed.set_weights([kernel.transpose(0, 1, 3, 2), bias])
    ours, our_gradient, weights = gradients(transposed, x)
    assert ours.shape[1:3] == tuple(layers.conv_transpose_size(n, f, s, p, more) for n in (6, 7))
    reference = lambda t: torch.nn.functional.conv_transpose2d(
        t, torch.tensor(kernel.transpose(2, 3, 0, 1), device="cpu"), torch.tensor(bias), s, p, more
    )
    theirs, their_gradient = their_gradients(reference, first(x), weights)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    np.testing.assert_allclose(our_gradient, their_gradient, atol=1e-4)


@pytest.mark.parametrize(("n", "f", "s", "p"), [size for size in SIZES if size[0] > 1])
def test_transposed_convolution_is_the_adjoint(n, f, s, p):
    """<conv(x), y> = <x, conv_transpose(y)> with the same kernel."""
    x, kernel = normal(2, n, n + 1, 2), normal(f, f, 2, 3)
    padded = np.pad(x, [(0, 0), (p, p), (p, p), (0, 0)])
    forward = array(ops.conv(padded, kernel, strides=s, padding="valid"))
    y = normal(*forward.shape)
    rest = tuple((m + 2 * p - f) % s for m in (n, n + 1))
    back = array(convolution.conv_transpose(ops.convert_to_tensor(y), kernel, (s, s), p, rest))
    assert back.shape == x.shape
    np.testing.assert_allclose(np.sum(forward * y), np.sum(x * back), rtol=1e-3, atol=1e-3)


def test_bad_sizes_of_convolutions():
    for message, build in (
        ("take Keras' own layer", lambda: layers.Conv2D(1, 3, padding="same")),
        ("0 or more", lambda: layers.Conv2DTranspose(1, 3, padding=-1)),
        ("less than the stride", lambda: layers.Conv2DTranspose(1, 3, 2, 1, 2)),
        ("does not take groups", lambda: layers.Conv2D(2, 3, groups=2)),
        ("does not fit", lambda: layers.Conv2D(1, 5)(normal(1, 3, 3, 1))),
        ("cuts everything off", lambda: layers.Conv2DTranspose(1, 1, 1, 1)(normal(1, 2, 2, 1))),
    ):
        with pytest.raises(ValueError, match=message):
            build()


# window, stride, padding, height, width
WINDOWS = [(2, 2, 0, 6, 8), (2, 2, 0, 7, 5), (3, 3, 0, 7, 11), (2, 3, 0, 8, 7), (3, 3, 1, 8, 9)]
OVERLAPPING = [(2, 1, 0, 3, 4), (3, 2, 1, 7, 6), (3, 1, 1, 5, 5)]


def flat(switches, f, s, p, width):
    """Switches as PyTorch counts them: places in the whole image."""
    rows, columns = np.indices(switches.shape[1:3])
    i, j = np.divmod(switches, f)
    rows = rows[None, :, :, None] * s + i - p
    return rows * width + columns[None, :, :, None] * s + j - p


@pytest.mark.parametrize(("f", "s", "p", "height", "width"), WINDOWS + OVERLAPPING)
def test_pooling_and_its_switches_are_pytorchs(f, s, p, height, width):
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    x = np.maximum(normal(3, height, width, 2), 0)  # zeros that are equal: ties
    layer = layers.MaxPool2DWithSwitches(f, s, p)
    values, switches = layer(x)
    spec = layer.compute_output_spec(keras.KerasTensor(x.shape))
    assert [tuple(y.shape) for y in spec] == [tuple(values.shape), tuple(switches.shape)]
    assert array(switches).dtype == np.int32
    theirs, indices = torch.nn.functional.max_pool2d(
        torch.tensor(first(x), device="cpu"), f, s, p, return_indices=True
    )
    np.testing.assert_array_equal(array(values), theirs.permute(0, 2, 3, 1))
    np.testing.assert_array_equal(
        flat(array(switches), f, s, p, width), indices.permute(0, 2, 3, 1)
    )
    x = normal(3, height, width, 2)  # without ties gradients are clear
    _, ours, weights = gradients(lambda t: layer(t)[0], x)
    function = lambda t: torch.nn.functional.max_pool2d(t, f, s, p)
    np.testing.assert_allclose(ours, their_gradients(function, first(x), weights)[1], atol=1e-6)


def test_the_gradient_of_a_tie_goes_to_the_first_place():
    x = np.zeros((1, 2, 4, 1), "float32")
    for layer in (layers.MaxPool2DWithSwitches(2), layers.MaxPool2DWithSwitches(2, 1)):
        _, gradient, weights = gradients(lambda t, layer=layer: layer(t)[0], x)
        expected = np.zeros_like(x)
        expected[0, 0, :: layer.strides, 0][: weights.shape[2]] = weights[0, 0, :, 0]
        np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize(("f", "s", "p", "height", "width"), WINDOWS)
def test_unpooling_is_pytorchs_in_value_and_gradient(f, s, p, height, width):
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    switches = array(layers.MaxPool2DWithSwitches(f, s, p)(normal(3, height, width, 2))[1])
    values = normal(*switches.shape)  # what a decoder hands up: not the maxima themselves
    layer = layers.MaxUnpool2D(f, s, p, (height, width))
    ours, our_gradient, weights = gradients(lambda t: layer(t, switches), values)
    indices = torch.tensor(first(flat(switches, f, s, p, width)), device="cpu")
    function = lambda t: torch.nn.functional.max_unpool2d(t, indices, f, s, p, (height, width))
    theirs, their_gradient = their_gradients(function, first(values), weights)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(our_gradient, their_gradient, atol=1e-6)


@pytest.mark.parametrize(("f", "s", "p", "height", "width"), OVERLAPPING)
def test_overlapping_windows_have_one_writer_the_last(f, s, p, height, width):
    switches = array(layers.MaxPool2DWithSwitches(f, s, p)(normal(2, height, width, 3))[1])
    values = normal(*switches.shape)
    expected, writer = np.zeros((2, height, width, 3), "float32"), {}
    places = flat(switches, f, s, p, width)
    for index in np.ndindex(*switches.shape):  # reading order
        image, _, _, channel = index
        place = (image, *divmod(places[index], width), channel)
        expected[place], writer[place] = values[index], index
    assert len(writer) < values.size, "no place is won twice: the test shows nothing"
    layer = layers.MaxUnpool2D(f, s, p, (height, width))
    ours, gradient, weights = gradients(lambda t: layer(t, switches), values)
    np.testing.assert_array_equal(ours, expected)
    expected = np.zeros_like(values)
    for place, index in writer.items():
        expected[index] = weights[place]
    np.testing.assert_array_equal(gradient, expected)


def test_nearest_and_bed_of_nails():
    x = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")[None, :, :, None]
    nearest = array(layers.NearestUnpool2D(2, output_size=(5, 4))(x))[0, :, :, 0]
    np.testing.assert_array_equal(
        nearest, [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4], [3, 3, 4, 4]]
    )
    nails = array(layers.BedOfNails2D(2, output_size=(4, 5))(x))[0, :, :, 0]
    np.testing.assert_array_equal(
        nails, [[1, 0, 2, 0, 0], [0, 0, 0, 0, 0], [3, 0, 4, 0, 0], [0, 0, 0, 0, 0]]
    )


def test_bed_of_nails_with_a_convolution_is_a_transposed_convolution():
    x, kernel = normal(2, 4, 5, 3), normal(3, 3, 2, 3)
    transposed = convolution.conv_transpose(ops.convert_to_tensor(x), kernel, (2, 2), 1, (1, 1))
    flipped = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    nails = ops.conv(layers.BedOfNails2D(2)(x), flipped.copy(), padding="same")
    np.testing.assert_allclose(array(nails), array(transposed), atol=1e-4)


def test_bad_sizes_of_unpooling():
    x, switches = normal(1, 3, 3, 1), np.zeros((1, 3, 3, 1), "int32")
    for message, build in (
        ("can be 6 to 7", lambda: layers.NearestUnpool2D(2, (8, 6))(x)),
        ("can be 6 to 7", lambda: layers.MaxUnpool2D(2, output_size=(5, 6))(x, switches)),
        ("switches of the pooling", lambda: layers.MaxUnpool2D(2)(x, switches[:, :2])),
        ("half of the window", lambda: layers.MaxPool2DWithSwitches(2, padding=2)),
        ("pool_size=0", lambda: layers.BedOfNails2D(0)),
        ("does not fit", lambda: layers.MaxPool2DWithSwitches(4)(x)),
        ("cannot have been", lambda: layers.MaxUnpool2D(2, padding=1)(x[:, :1, :1], x[:, :1, :1])),
        ("fixed size", lambda: layers.NearestUnpool2D(2)(keras.Input((None, None, 1)))),
    ):
        with pytest.raises(ValueError, match=message):
            build()


def test_configs_come_back():
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    conv = layers.Conv2D(3, 3, 2, 1, "relu", use_bias=False)
    conv.build((None, 8, 8, 2))
    for layer in (
        conv,
        layers.Conv2DTranspose(3, (3, 2), 2, 1, 1, "relu", False, kernel_initializer="ones"),
        layers.MaxPool2DWithSwitches(3, 2, 1),
        layers.MaxUnpool2D(3, 2, 1, (7, 8)),
        layers.NearestUnpool2D(3, (7, 8)),
        layers.BedOfNails2D(3, (7, 8)),
        layers.TiedDense(encoder.layers[0], "tanh", False),
        layers.TiedConv2DTranspose(conv, 1, "tanh", False),
    ):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()


def test_pooling_and_unpooling_in_reduced_precision():
    x = RNG.permutation(25).reshape(1, 5, 5, 1).astype("float32")  # exact in bfloat16
    results = []
    for dtype in ("mixed_bfloat16", "float32"):
        values, switches = layers.MaxPool2DWithSwitches(3, 2, 1, dtype=dtype)(x)
        back = layers.MaxUnpool2D(3, 2, 1, (5, 5), dtype=dtype)(values, switches)
        assert keras.backend.standardize_dtype(back.dtype) == dtype.removeprefix("mixed_")
        results.append([array(ops.cast(y, "float32")) for y in (values, switches, back)])
    for reduced, full in zip(*results):
        np.testing.assert_array_equal(reduced, full)


def test_fit_size_cuts_and_pads_both_ends():
    x = np.arange(1, 5, dtype="float32").reshape(1, 2, 2, 1)
    fitted = array(unpooling.fit_size(ops.convert_to_tensor(x), (3, 1), (-1, 1)))
    np.testing.assert_array_equal(fitted[0, :, :, 0], [[0], [2], [4]])


def test_pooling_does_not_hide_nan():
    x = np.array([[1.0, np.nan], [2.0, 3.0]], "float32")[None, :, :, None]
    for layer in (layers.MaxPool2DWithSwitches(2), layers.MaxPool2DWithSwitches(2, 1)):
        values, switches = layer(x)
        assert np.isnan(array(values)).all() and array(switches).ravel().tolist() == [1]


def test_layers_do_not_follow_the_global_data_format():
    x, before = normal(2, 6, 6, 2), keras.config.image_data_format()
    modulated, w = layers.ModulatedConv2D(3, up=True), normal(2, 4)
    every = [
        *(layers.Conv2D(3, 3, 2, 1), layers.Conv2DTranspose(3, 3, 2, 1)),
        *(layers.Blur2D(), layers.FIRUpsampling2D(), layers.FIRDownsampling2D()),
        *(layers.EqualizedConv2D(3), layers.EqualizedConv2D(3, down=True)),
        *(layers.EqualizedConv2D(3, 1, down=True), lambda x: modulated(x, w)),
    ]
    expected = [array(layer(x)) for layer in every]
    try:
        keras.config.set_image_data_format("channels_first")
        for layer, values in zip(every, expected, strict=True):
            np.testing.assert_allclose(array(layer(x)), values, atol=1e-5)
    finally:
        keras.config.set_image_data_format(before)


@pytest.mark.parametrize(
    "shape, arguments",
    [
        ((5, 4, 6), {"groups": 3}),
        ((3, 6), {"groups": 2, "scale": False}),
        ((2, 3, 2, 4), {"groups": -1, "center": False}),
        ((8,), {"groups": 4}),  # without places: Keras' own
        ((4, 3, 6), {"groups": 2, "axis": 1}),  # not the last axis: Keras' own
    ],
)
def test_group_normalization_is_that_of_keras(shape, arguments):
    ours, theirs = (
        kind(epsilon=1e-5, **arguments)
        for kind in (layers.GroupNormalization, keras.layers.GroupNormalization)
    )
    x = 0.5 + normal(4, *shape) * np.linspace(0.1, 2.0, shape[-1], dtype="float32")
    for layer in (ours, theirs):
        layer.build((None, *shape))
    weights = [normal(*weight.shape) for weight in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    found, expected = gradients(ours, x), gradients(theirs, x)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-4)
    again = layers.GroupNormalization.from_config(ours.get_config())
    assert again.get_config() == ours.get_config()


def test_group_normalization_of_means_far_from_zero():
    x = 1000.0 + normal(2, 8, 8, 4)
    y = array(layers.GroupNormalization(groups=2, epsilon=0.0)(x)).reshape(2, 64, 2, 2)
    np.testing.assert_allclose(y.mean(axis=(1, 3)), 0.0, atol=1e-3)
    np.testing.assert_allclose(y.std(axis=(1, 3)), 1.0, atol=1e-3)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float64"])
def test_group_normalization_in_other_precisions(dtype):
    x, values = normal(2, 4, 4, 4), []
    exact = keras.backend.backend() == "tensorflow"  # the others make float32 of float64
    for kind in (layers.GroupNormalization, keras.layers.GroupNormalization):
        own = "float64" if dtype == "float64" else "float32"
        image = keras.Input((None, None, 4), dtype=own)  # sides are not known
        network = keras.Model(image, kind(groups=2, dtype=dtype)(image))
        y = network(ops.cast(x, own))
        values.append(array(ops.cast(y, "float64")))
        if exact or dtype != "float64":
            assert keras.backend.standardize_dtype(y.dtype) == dtype.removeprefix("mixed_")
    rounding = 0.02 if dtype != "float64" else 1e-12 if exact else 1e-6
    np.testing.assert_allclose(*values, atol=rounding)


def test_gradients_of_group_normalization_are_those_of_keras():
    x, found = ops.convert_to_tensor(normal(3, 4, 4, 4)), []
    weights = ops.convert_to_tensor(normal(3, 4, 4, 4))
    for kind in (layers.GroupNormalization, keras.layers.GroupNormalization):
        layer = kind(groups=2)
        layer.build(x.shape)
        _, gradients = autodiff.value_and_grad(
            lambda layer=layer: ops.sum(layer(x) * weights), layer.trainable_variables
        )
        found.append([array(gradient) for gradient in gradients])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, atol=1e-4)
