"""Adaptive augmentation: geometry against SciPy, colours against matrices, its adaptation."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import ndimage

import keras_ae
from keras_ae.engine import autodiff
from keras_ae.layers import AdaptiveAugmentation
from keras_ae.layers.augmentation import resample
from tests.cases.case import SOON
from tests.cases.gans import stylegan2
from tests.test_stylegan import array


def images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def test_geometry_is_that_of_scipy():
    x, rng = images(3, 9, 9, 2), np.random.default_rng(1)
    matrix = np.eye(2) + 0.3 * rng.normal(size=(3, 2, 2))
    shift = rng.normal(size=(3, 2))
    found = array(resample(x, matrix.astype("float32"), shift.astype("float32")))
    swap = np.array([[0, 1], [1, 0]])  # SciPy's axes are rows, then columns
    for n in range(3):
        own = swap @ matrix[n] @ swap
        offset = swap @ shift[n] + 4.0 - own @ np.full(2, 4.0)
        for c in range(2):
            expected = ndimage.affine_transform(x[n, ..., c], own, offset, order=1, mode="reflect")
            np.testing.assert_allclose(found[n, ..., c], expected, atol=1e-4)


def test_flips_lose_nothing():
    """Of a square: the eight ways to put it down, about equally often where p is 1."""
    layer = AdaptiveAugmentation(p=1.0, geometry=False, colour=False, seed=0)
    x = images(1, 6, 6, 1)
    ways = [np.rot90(y, k) for y in (x[0], x[0][:, ::-1]) for k in range(4)]
    found = array(layer(np.repeat(x, 800, axis=0), training=True))
    distances = np.array([[np.abs(y - way).max() for way in ways] for y in found])
    assert distances.min(axis=1).max() < 1e-4
    shares = np.bincount(distances.argmin(axis=1), minlength=8) / 800
    assert shares.min() > 0.08 and shares.max() < 0.18


def test_shares_of_images_that_change():
    """Each transformation with probability p: a mirrored one half of the time, a turned one 3/4."""
    layer = AdaptiveAugmentation(p=0.4, geometry=False, colour=False, seed=0)
    x = np.repeat(images(1, 6, 6, 1), 2000, axis=0)
    same = np.abs(array(layer(x, training=True)) - x).max((1, 2, 3)) < 1e-4
    # neither mirrored (one half of the draws do) nor turned (three of four do)
    stays = (1 - 0.4 / 2) * (1 - 0.4 * 3 / 4)
    assert same.mean() == pytest.approx(stays, abs=0.04)
    for layer in (AdaptiveAugmentation(seed=0), AdaptiveAugmentation(p=1.0, seed=0)):
        np.testing.assert_array_equal(array(layer(x[:3])), x[:3])
    np.testing.assert_allclose(
        array(AdaptiveAugmentation()(x[:3], training=True)), x[:3], atol=1e-5
    )


def test_colours_move_along_and_round_the_grey_axis():
    """Brightness and contrast of grey images; of colours, hue keeps length and grey value."""
    x = images(400, 4, 4, 1)
    layer = AdaptiveAugmentation(p=1.0, flips=False, geometry=False, seed=0)
    y = array(layer(x, training=True)).reshape(400, -1)
    flat = x.reshape(400, -1)
    contrast = y.std(1) / flat.std(1)
    np.testing.assert_allclose(
        y - y.mean(1)[:, None], contrast[:, None] * (flat - flat.mean(1)[:, None]), atol=1e-4
    )
    assert np.log2(contrast).std() == pytest.approx(0.5, rel=0.15)
    brightness = y.mean(1) / contrast - flat.mean(1)
    assert brightness.std() == pytest.approx(0.2, rel=0.15)
    colours = images(50, 4, 4, 3)
    y = array(layer(colours, training=True))
    for before, after in zip(colours.reshape(50, -1, 3), y.reshape(50, -1, 3)):
        fit, *_ = np.linalg.lstsq(np.c_[before, np.ones(16)], after, rcond=None)
        np.testing.assert_allclose(np.c_[before, np.ones(16)] @ fit, after, atol=1e-3)
        matrix, grey = fit[:3], np.full(3, 3**-0.5)
        along = grey @ matrix  # the grey axis stays what it is, maybe turned round
        assert abs(abs(along @ grey) - np.linalg.norm(along)) < 1e-3
        across = matrix - np.outer(grey, grey) @ matrix
        values = np.linalg.svd(across, compute_uv=False)
        assert values[0] == pytest.approx(values[1], rel=1e-2) and values[2] < 1e-3


def test_probability_follows_the_signs():
    """K2020b, section 3: every 4 steps, by images over 500 thousand, towards a mean sign of 0.6."""
    layer = AdaptiveAugmentation(images_per_unit=400)
    assert (layer.target, layer.every) == (0.6, 4)
    assert AdaptiveAugmentation().images_per_unit == 500_000
    logits = np.array([[3.0]] * 9 + [[-1.0]])  # a mean sign of 0.8
    for step in range(8):
        assert float(array(layer.probability)) == pytest.approx(0.1 * (step // 4))
        layer.observe(logits)
    assert float(array(layer.probability)) == pytest.approx(0.2)
    assert float(array(layer.overfitting)) == pytest.approx(0.8)
    for _ in range(12):
        layer.observe(logits - 2.0)  # still 0.8
    assert float(array(layer.probability)) == pytest.approx(0.5)
    for _ in range(24):
        layer.observe(-logits)
    assert float(array(layer.probability)) == 0.0
    assert float(array(layer.overfitting)) == pytest.approx(-0.8)


@pytest.mark.neutral("torch")
def test_training_adapts_logs_and_saves_it(tmp_path):
    """With R1 and path lengths, whose gradients go through it."""
    keras.utils.set_random_seed(0)
    layer = AdaptiveAugmentation(target=-0.9, every=2, images_per_unit=80, p=0.2, seed=1)
    model = stylegan2(augment=layer, r1_every=1, path_every=2)
    model.compile(keras.optimizers.Adam(1e-3), **SOON)
    x = images(16, 8, 8, 1)
    history = model.fit(x, batch_size=4, epochs=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert history["augmentation"] == pytest.approx([0.4, 0.6], abs=1e-5)
    assert -1 <= history["overfitting"][-1] <= 1
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(array(loaded.augment.probability)) == pytest.approx(0.6)
    before = [array(weight) for weight in model.weights]
    model.fit(x, batch_size=4, verbose=0)
    loaded.fit(x, batch_size=4, verbose=0)
    assert any((array(w) != old).any() for w, old in zip(model.weights, before))
    for mine, other in zip(loaded.weights, model.weights):
        np.testing.assert_array_equal(array(mine), array(other))


def test_one_within_others_is_told_too():
    layer = AdaptiveAugmentation(target=-0.5, every=1, images_per_unit=8, p=0.2, seed=1)
    augment = keras.Sequential([keras.layers.GaussianNoise(0.1), layer])
    model = stylegan2(augment=augment)
    model._observe(ops.ones((4, 1)))
    assert float(array(layer.probability)) == pytest.approx(0.7)
    assert float(array(model.get_metrics_result()["augmentation"])) == pytest.approx(0.7)
    with pytest.raises(ValueError, match="a Wasserstein critic gives none"):
        keras_ae.DCGAN((8, 8, 1), 4, 2, loss="wasserstein", augment=augment)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"target": 1.0}, "target=1.0"),
        ({"every": 0}, "every=0"),
        ({"images_per_unit": 0}, "images_per_unit=0"),
        ({"p": 1.5}, "p=1.5"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_ae.layers.AdaptiveAugmentation(**arguments)
    assert ops.shape(AdaptiveAugmentation()(np.zeros((1, 4, 4, 1)))) == (1, 4, 4, 1)


def test_gradients_are_the_transpose():
    """Of a linear map: its gradient is the product with its transpose, also of a gradient's."""
    rng, side = np.random.default_rng(2), 6
    matrix = np.array([[[0.5, 0.1], [-0.2, 0.6]]], "float32")  # shrinks: places are skipped
    shift = np.array([[0.4, -1.3]], "float32")
    pixels = np.eye(side * side, dtype="float32").reshape(-1, side, side, 1)
    many = lambda each: np.repeat(each, len(pixels), axis=0)
    table = array(resample(pixels, many(matrix), many(shift))).reshape(len(pixels), -1)
    x, v = images(1, side, side, 1), rng.normal(size=(1, side, side, 1)).astype("float32")
    weight = ops.convert_to_tensor(v)
    moved = lambda x: resample(x, matrix, shift)
    for power, slope in ((1, 1.0), (2, 2.0 * x.reshape(-1) @ table)):
        value = lambda x, power=power: ops.sum(weight * moved(x) ** power, axis=(1, 2, 3))
        found = array(autodiff.gradient(value, x)).reshape(-1)
        np.testing.assert_allclose(found, table @ (v.reshape(-1) * slope), atol=1e-4)

    def length(x):  # the squared length of a gradient, as R1 has it
        slope = autodiff.gradient(lambda x: ops.sum(weight * moved(x) ** 2, axis=(1, 2, 3)), x)
        return ops.sum(slope**2, axis=(1, 2, 3))

    of_image = 2.0 * table @ np.diag(v.reshape(-1)) @ table.T  # the slope is of_image @ x
    expected = 2.0 * of_image.T @ of_image @ x.reshape(-1)
    np.testing.assert_allclose(array(autodiff.gradient(length, x)).reshape(-1), expected, atol=1e-3)


@pytest.mark.compiled
def test_it_runs_under_xla():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a question of TensorFlow's")
    import tensorflow as tf

    x = images(2, 6, 6, 3)
    layer = AdaptiveAugmentation(p=1.0, seed=0)
    matrix, shift = layer._matrices(2, 6)
    compiled = tf.function(
        lambda x: layer(resample(x, matrix, shift), training=True), jit_compile=True
    )
    assert np.isfinite(array(compiled(x))).all()
    moved = tf.function(lambda x: resample(x, matrix, shift), jit_compile=True)(x)
    np.testing.assert_allclose(array(moved), array(resample(x, matrix, shift)), atol=1e-5)


def test_both_axes_move_together():
    """K2020b, appendix B: one draw for each transformation; whole pixels, then parts of pixels."""
    layer = AdaptiveAugmentation(p=0.5, flips=False, colour=False, seed=0)
    matrix, shift = (array(each) for each in layer._matrices(4000, 64))
    still = (np.abs(shift) < 1e-6).all(axis=1)
    # whole moves round to nothing for 1 of 17 of each axis
    assert still.mean() == pytest.approx(0.5 * 0.5, abs=0.03)
    turned = np.abs(matrix - np.eye(2)).max(axis=(1, 2)) > 1e-6
    whole = np.abs(shift - np.round(shift)).max(axis=1) < 1e-5
    assert (~turned & whole & ~still).mean() > 0.02 and (~whole).any()
