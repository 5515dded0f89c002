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
