"""Loss terms against closed forms, at ordinary values and at logits of plus and minus 200."""

import keras
import numpy as np
from keras import ops

from keras_ae import losses
from keras_ae.engine import autodiff


def value(tensor):
    return ops.convert_to_numpy(tensor)


def test_squared_error_is_summed_over_pixels():
    a, b = np.random.default_rng(0).normal(size=(2, 4, 3, 3, 1)).astype("float32")
    expected = np.square(a.astype("float64") - b).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(value(losses.squared_error(a, b)), expected, rtol=1e-6)


def test_bernoulli_is_the_log_likelihood():
    rng = np.random.default_rng(0)
    x, logits = (
        rng.uniform(size=(5, 6)).astype("float32"),
        rng.normal(size=(5, 6)).astype("float32"),
    )
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    expected = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)
    np.testing.assert_allclose(value(losses.bernoulli(x, logits)), expected, rtol=1e-5)


def test_bernoulli_at_extreme_logits():
    x = np.array([[0.0, 1.0], [1.0, 0.0]], "float32")
    logits = np.array([[-200.0, 200.0], [-200.0, 200.0]], "float32")
    np.testing.assert_allclose(value(losses.bernoulli(x, logits)), [0.0, 400.0])
    slope = value(autodiff.gradient(lambda l_: losses.bernoulli(x, l_), logits))
    np.testing.assert_allclose(slope, [[0.0, 0.0], [-1.0, 1.0]], atol=1e-6)


def test_half_precision_is_summed_in_float32():
    x = np.zeros((1, 4096), "float32")
    logits = ops.cast(np.full((1, 4096), 0.1, "float32"), "bfloat16")
    term = losses.bernoulli(x, logits)
    assert keras.backend.standardize_dtype(term.dtype) == "float32"
    np.testing.assert_allclose(value(term), 4096 * np.log1p(np.exp(0.1)), rtol=2e-3)


def test_sum_of_squares():
    v = [keras.Variable(np.array([[1.0, 2.0]], "float32")), np.array([3.0], "float32")]
    assert float(value(losses.sum_of_squares(v))) == 14.0


def test_correntropy_is_bounded_and_tends_to_the_squared_error():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 6)).astype("float32")
    e = (a.astype("float64") - b) ** 2
    expected = np.sum(2 * 0.7**2 * (1 - np.exp(-e / (2 * 0.7**2))), axis=1)
    np.testing.assert_allclose(value(losses.correntropy(a, b, 0.7)), expected, rtol=1e-5)
    wide, squared = losses.correntropy(a, b, 1e3), losses.squared_error(a, b)
    np.testing.assert_allclose(value(wide), value(squared), rtol=1e-4)
    far = losses.correntropy(np.zeros((1, 3), "float32"), np.full((1, 3), 1e4, "float32"), 0.5)
    np.testing.assert_allclose(value(far), [3 * 2 * 0.5**2])
    slope = autodiff.gradient(lambda y: losses.correntropy(np.zeros_like(a), y, 0.5), a * 1e4)
    assert np.isfinite(value(slope)).all()


def test_correntropy_orders_as_the_criterion_does():
    """Against the criterion's sum of kernels, turned round and scaled by 2 s^2."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50, 6)).astype("float32")
    criterion = np.sum(np.exp(-((a - b) ** 2) / (2 * 0.5**2)), axis=1)
    expected = 2 * 0.5**2 * (6 - criterion)
    np.testing.assert_allclose(value(losses.correntropy(a, b, 0.5)), expected, rtol=1e-4)


def test_weights_weigh_pixels():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.1, 0.9, size=(2, 4, 6)).astype("float32")
    w = rng.uniform(size=(4, 6)).astype("float32")
    for loss in (
        losses.squared_error,
        losses.bernoulli,
        losses.categorical,
        lambda a, b, w=None: losses.correntropy(a, b, 0.5, w),
    ):
        if loss is losses.categorical:  # all logits of an example are needed for each word
            whole = np.stack([value(loss(a * (np.arange(6) == j), b)) for j in range(6)], axis=1)
        else:
            whole = np.stack([value(loss(a[:, j : j + 1], b[:, j : j + 1])) for j in range(6)], 1)
        np.testing.assert_allclose(value(loss(a, b, w)), np.sum(w * whole, axis=1), rtol=1e-5)


def test_l1_and_kl_of_codes():
    h = np.random.default_rng(0).uniform(size=(8, 2, 3)).astype("float32")
    np.testing.assert_allclose(value(losses.l1(-h)), h.sum(axis=(1, 2)), rtol=1e-6)
    m = h.astype("float64").mean(axis=0)
    expected = np.sum(0.2 * np.log(0.2 / m) + 0.8 * np.log(0.8 / (1 - m)))
    np.testing.assert_allclose(value(losses.kl_sparsity(h, 0.2)), expected, rtol=1e-5)
    flat = np.full((8, 3), 0.2, "float32")
    np.testing.assert_allclose(value(losses.kl_sparsity(flat, 0.2)), 0.0, atol=1e-6)


def test_kl_of_silent_and_of_shouting_units_is_finite():
    for h in (np.zeros((4, 3), "float32"), np.ones((4, 3), "float32")):
        assert np.isfinite(value(losses.kl_sparsity(h, 0.05)))
        slope = value(autodiff.gradient(lambda x: losses.kl_sparsity(x, 0.05), h))
        assert np.isfinite(slope).all() and (np.sign(slope) == (1 if h.any() else -1)).all()
