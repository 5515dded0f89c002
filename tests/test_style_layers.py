"""Layers of ProGAN and the StyleGANs against SciPy, NumPy and the formulas of their papers."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import signal

from keras_ae import layers
from keras_ae.engine import autodiff
from keras_ae.layers import resampling


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def array(tensor):
    return ops.convert_to_numpy(ops.stop_gradient(tensor))


def upfirdn(x, taps, up=1, down=1, gain=1.0):
    """Both directions of a map `(height, width)`, all of the output."""
    taps = np.asarray(taps, "float64") / np.sum(taps) * gain**0.5
    return signal.upfirdn(taps, signal.upfirdn(taps, x, up, down, 0), up, down, 1)


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 3, 4)])
def test_filters_are_those_of_scipy(taps):
    x = normal(2, 6, 4, 3)
    up, down = array(resampling.upsample(x, taps)), array(resampling.downsample(x, taps))
    assert up.shape == (2, 12, 8, 3) and down.shape == (2, 3, 2, 3)
    for n in range(2):
        for c in range(3):
            # twice two zeros before: the first output of the filter's full length is left out
            full = upfirdn(np.pad(x[n, :, :, c], ((0, 1), (0, 1))), taps, up=2, gain=4.0)
            np.testing.assert_allclose(up[n, :, :, c], full[1:13, 1:9], rtol=1e-4, atol=1e-5)
            full = upfirdn(x[n, :, :, c], taps)
            np.testing.assert_allclose(down[n, :, :, c], full[2:8:2, 2:6:2], rtol=1e-4, atol=1e-5)
            odd = array(resampling.fir_filter(x[:, :5], taps, (2, 1), stride=3))
            full = upfirdn(x[n, :5, :, c], taps)
            np.testing.assert_allclose(odd[n, :, :, c], full[1:6:3, 1:5:3], rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="pass floats"):
        resampling.fir_filter(ops.ones((1, 4, 4, 1), "int32"), taps, (2, 1))
    blur = array(layers.Blur2D()(x))
    full = upfirdn(x[0, :, :, 0], (1, 2, 1))
    np.testing.assert_allclose(blur[0, :, :, 0], full[1:7, 1:5], rtol=1e-4, atol=1e-5)


def test_resampling_keeps_what_is_constant():
    """Gains: 4 for zeros in between (StyleGAN2, appendix B), 1 elsewhere; away from the border."""
    x = np.ones((1, 8, 8, 1), "float32")
    for layer in (layers.FIRUpsampling2D(), layers.FIRDownsampling2D(), layers.Blur2D()):
        np.testing.assert_allclose(array(layer(x))[0, 2:-2, 2:-2], 1.0, rtol=1e-6)


def test_equalized_dense():
    keras.utils.set_random_seed(0)
    layer = layers.EqualizedDense(300, lr_multiplier=0.01, bias=1.0)
    x = normal(50, 400)
    y = array(layer(x))
    kernel = array(layer.kernel)
    assert kernel.std() == pytest.approx(100.0, rel=0.01)  # 1 / lr_multiplier
    np.testing.assert_allclose(array(layer.offset), 100.0)
    expected = x @ (kernel * 0.01 * np.sqrt(2 / 400)) + 1.0
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-3)
    assert array(layers.EqualizedDense(300, gain=1.0)(x)).std() == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("size, down", [(3, False), (1, False), (3, True), (1, True)])
def test_equalized_convolution(size, down):
    x = normal(2, 8, 6, 5)
    layer = layers.EqualizedConv2D(4, size, down=down)
    y = array(layer(x))
    assert y.shape == layer.compute_output_shape(x.shape) == (2, *((4, 3) if down else (8, 6)), 4)
    scaled = array(layer.kernel) * np.float32(np.sqrt(2 / (size * size * 5)))
    if not down:
        expected = ops.conv(x, scaled, 1, "same")
    else:  # StyleGAN2, appendix B: the filter, then the convolution with stride 2
        start = 1 if size == 3 else 2
        maps = x.transpose(0, 3, 1, 2)
        full = np.array([[upfirdn(each, (1, 3, 3, 1)) for each in image] for image in maps])
        blurred = full.transpose(0, 2, 3, 1)[:, start : 12 - start - 1, start : 10 - start - 1]
        expected = ops.conv(blurred.astype("float32"), scaled, 2, "valid")
    np.testing.assert_allclose(y, array(expected), rtol=1e-3, atol=1e-4)


def test_pixel_normalization():
    x = 3.0 * normal(2, 4, 4, 8)
    y = array(layers.PixelNormalization()(x))
    np.testing.assert_allclose(y, x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-8), rtol=1e-4)
    assert np.isfinite(array(layers.PixelNormalization()(np.zeros((1, 3), "float32")))).all()


@pytest.mark.parametrize("demodulated", [False, True])
def test_what_is_zero_is_not_divided_by(demodulated):
    """1e-8 under the root (Karras et al. 2017, section 4.2; 2020, equation 3)."""
    small = np.full((1, 1, 1, 4), 1e-4, "float32")  # squares of 1e-8
    if not demodulated:
        y = array(layers.PixelNormalization()(small))
        np.testing.assert_allclose(y, 0.5**0.5, rtol=1e-4)
        return
    layer = layers.ModulatedConv2D(1, 1)
    layer.build(small.shape, (1, 3))
    layer.affine.offset.assign([1e-4] * 4)
    layer.affine.kernel.assign(np.zeros((3, 4)))
    layer.kernel.assign(np.full(layer.kernel.shape, 1.0))  # times 1/2: s w = 0.5e-4
    y = array(layer(np.ones((1, 1, 1, 4), "float32"), np.ones((1, 3), "float32")))
    np.testing.assert_allclose(y, 2e-4 / 2e-8**0.5, rtol=1e-4)


def test_the_mean_of_styles():
    """Karras et al. 2018, appendix B: it moves by 0.005 of the way with each batch in training."""
    w = normal(6, 3)
    layer = layers.StyleCodes(4)
    for _ in range(7):
        codes = array(layer(w, training=True))
    layer(9.0 * w)
    np.testing.assert_allclose(array(layer.mean), (1 - 0.995**7) * w.mean(0), rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(codes, np.repeat(w[:, None], 4, axis=1))


def test_noise_is_new_in_training_and_fixed_elsewhere():
    x = normal(3, 4, 4, 2)
    layer = layers.NoiseInjection(per_channel=True, seed=1)
    np.testing.assert_array_equal(array(layer(x, training=True)), x)  # the weight begins with 0
    layer.strength.assign([1.0, 0.5])
    once, again = (array(layer(x, training=True)) - x for _ in range(2))
    assert np.abs(once - again).mean() > 0.1 and np.abs(once[0] - once[1]).mean() > 0.1
    np.testing.assert_allclose(once[..., 1], 0.5 * once[..., 0], atol=1e-5)
    fixed = array(layer(x)) - x
    np.testing.assert_allclose(fixed[0], fixed[2], atol=1e-5)
    np.testing.assert_array_equal(array(layer(x)), array(layer(x)))
    one = layers.NoiseInjection()
    one.build(x.shape)
    assert one.strength.shape == () and one.fixed.shape == (4, 4, 1)


def test_adaptive_instance_normalization():
    x, w = 5.0 + 3.0 * normal(2, 6, 6, 4), normal(2, 7, seed=1)
    layer = layers.AdaptiveInstanceNormalization()
    y = array(layer(x, w))
    scale, shift = np.split(w @ array(layer.affine.kernel) / np.sqrt(7), 2, axis=1)
    np.testing.assert_allclose(y.mean((1, 2)), shift, atol=1e-4)
    np.testing.assert_allclose(y.std((1, 2)), np.abs(scale + 1.0), rtol=1e-3)


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_modulated_convolution_is_one_with_a_kernel_for_each_image(up, demodulate):
    """Equations 1 and 3 of Karras et al. 2020, written out."""
    x, w = normal(3, 4, 4, 5), normal(3, 7, seed=1)
    layer = layers.ModulatedConv2D(6, up=up, demodulate=demodulate)
    y = array(layer(x, w))
    np.testing.assert_array_equal(array(layer.affine.offset), 1.0)
    style = w @ array(layer.affine.kernel) / np.sqrt(7) + 1.0
    for n in range(3):
        kernel = array(layer.kernel) / np.sqrt(3 * 3 * 5) * style[n][:, None]
        if demodulate:
            kernel = kernel / np.sqrt((kernel**2).sum((0, 1, 2)) + 1e-8)
        if up:
            inserted = np.zeros((1, 9, 9, 5), "float32")  # zeros between pixels and round them
            inserted[:, 1:8:2, 1:8:2] = x[n]
            inserted = np.pad(inserted, ((0, 0), (1, 1), (1, 1), (0, 0)))
            turned = kernel[::-1, ::-1].astype("float32")  # transposed
            wide = array(ops.conv(inserted, turned, 1, "valid"))[0]  # (9, 9, 6)
            maps = [upfirdn(wide[..., c], (1, 3, 3, 1), gain=4.0)[2:10, 2:10] for c in range(6)]
            expected = np.stack(maps, axis=-1)
        else:
            expected = array(ops.conv(x[n : n + 1], kernel.astype("float32"), 1, "same"))[0]
        np.testing.assert_allclose(y[n], expected, rtol=1e-3, atol=1e-4)
    if demodulate and not up:  # unit inputs give unit outputs, whatever the style
        large = array(layer(normal(64, 16, 16, 5), 9.0 * normal(64, 7)))
        assert large[:, 1:-1, 1:-1].std() == pytest.approx(1.0, rel=0.1)


def test_second_derivatives_go_through_all_of_them():
    """d/dx of |dy/dx|^2 against finite differences, as R1 and the path length need."""
    w = ops.convert_to_tensor(normal(1, 3, seed=1))
    keras.utils.set_random_seed(0)
    first, second = layers.EqualizedConv2D(3, down=True), layers.ModulatedConv2D(2, up=True)
    norm, blur = layers.AdaptiveInstanceNormalization(), layers.Blur2D()
    weights = ops.convert_to_tensor(normal(1, 4, 4, 2, seed=5))

    def network(x):
        y = ops.tanh(norm(second(layers.PixelNormalization()(first(x)), w), w))
        return ops.sum(blur(y) * weights)

    def slope(x):
        return ops.sum(ops.square(autodiff.gradient(network, x)))

    x = ops.convert_to_tensor(normal(1, 4, 4, 2, seed=3))
    network(x)  # builds the layers
    gradient = array(autodiff.gradient(slope, x))
    direction = normal(1, 4, 4, 2, seed=4)
    step = 1e-2
    ends = [
        float(array(slope(x + sign * step * ops.convert_to_tensor(direction)))) for sign in (1, -1)
    ]
    expected = (ends[0] - ends[1]) / (2 * step)
    assert (gradient * direction).sum() == pytest.approx(expected, rel=2e-2, abs=1e-2)


def test_saved_and_read(tmp_path):
    image, w = keras.Input((8, 8, 2)), keras.Input((3,))
    x = layers.EqualizedConv2D(4, down=True, bias=0.5)(image)
    x = layers.NoiseInjection()(layers.ModulatedConv2D(3, up=True)(x, w))
    x = layers.FIRDownsampling2D()(layers.FIRUpsampling2D((1, 2, 1))(layers.Blur2D()(x)))
    x = layers.AdaptiveInstanceNormalization()(layers.PixelNormalization()(x), w)
    model = keras.Model([image, w], layers.EqualizedDense(2)(keras.layers.Flatten()(x)))
    model.set_weights([normal(*each.shape) for each in model.get_weights()])
    model.save(tmp_path / "model.keras")
    inputs = [normal(2, 8, 8, 2), normal(2, 3)]
    read = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model.predict(inputs, verbose=0), read.predict(inputs, verbose=0))


def test_bad_arguments():
    for build, message in (
        (lambda: layers.EqualizedDense(0), "units=0"),
        (lambda: layers.EqualizedDense(2, gain=0.0), "gain=0.0"),
        (lambda: layers.EqualizedDense(2, lr_multiplier=-1), "lr_multiplier=-1"),
        (lambda: layers.EqualizedConv2D(2, 4), "odd number"),
        (lambda: layers.ModulatedConv2D(2, 1, up=True), "up needs 3"),
        (lambda: layers.Blur2D((1, 1)), "even number"),
        (lambda: layers.FIRUpsampling2D((1,)), "two numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            build()
