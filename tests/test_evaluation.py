"""Scores against closed forms."""

import keras
import numpy as np
import pytest
from scipy import special

from keras_ae import data, evaluation

pytestmark = pytest.mark.compiled


def test_squared_error_and_the_trivial_answer():
    x = np.array([[0.0, 1.0], [1.0, 1.0]])
    assert evaluation.squared_error(x, np.zeros((2, 2))) == 1.5
    assert evaluation.mean_image_error(x, x) == 0.25
    with pytest.raises(ValueError, match="shape"):
        evaluation.squared_error(x, x[:1])


def test_pca_is_the_truncated_svd():
    x = np.random.default_rng(0).normal(size=(50, 2, 3))
    codes, restored = evaluation.pca(x, x, 2)
    assert codes.shape == (50, 2) and restored.shape == x.shape
    centred = x.reshape(50, 6) - x.reshape(50, 6).mean(axis=0)
    lost = np.linalg.svd(centred, compute_uv=False)[2:]
    np.testing.assert_allclose(
        evaluation.squared_error(x, restored), np.sum(lost**2) / 50, rtol=1e-4
    )
    with pytest.raises(ValueError, match="num_components"):
        evaluation.pca(x, x, 7)


def test_classifiers_on_codes():
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    codes = np.eye(3)[labels] * 4 + rng.normal(0, 0.3, (90, 3))
    for score in (evaluation.linear_probe, evaluation.knn_accuracy):
        assert score(codes, labels, codes[:30], labels[:30]) == 1.0
        shuffled = rng.permutation(labels)
        assert score(codes, shuffled, rng.normal(size=(90, 3)), labels) < 0.6
        with pytest.raises(ValueError, match="one label per example"):
            score(codes, labels[:5], codes, labels)


def test_linear_separator_finds_the_line():
    rng = np.random.default_rng(0)
    for dimensions in (2, 5):
        x = rng.normal(size=(200, dimensions))
        labels = (x[:, 0] - 2 * x[:, 1] > 0.3).astype(int)
        w, b = evaluation.linear_separator(x, labels)
        assert np.mean((x @ w + b > 0) == labels) > 0.98
    with pytest.raises(ValueError, match="two classes"):
        evaluation.linear_separator(x, np.zeros(200))


def test_no_line_separates_rings():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x, labels = np.concatenate([ring, 0.4 * ring]), np.repeat([0, 1], 200)
    w, b = evaluation.linear_separator(x, labels)
    # a line beside the inner ring cuts off the share arccos(0.4) / pi of the outer one
    best = 0.5 + np.arccos(0.4) / np.pi / 2
    np.testing.assert_allclose(np.mean((x @ w + b > 0) == labels), best, atol=0.01)


def test_paired_gain_is_scipys_interval():
    from scipy import stats

    first, second = np.random.default_rng(0).normal(loc=[[0.5], [0.0]], size=(2, 8))
    gain, low = evaluation.paired_gain(first, second)
    test = stats.ttest_rel(first, second)
    interval = test.confidence_interval(0.95)
    np.testing.assert_allclose([gain, low], [np.mean(first - second), interval.low])
    with pytest.raises(ValueError, match="two or more pairs"):
        evaluation.paired_gain(first[:1], second[:1])


def test_mixture_score_of_a_circle_is_its_closed_form():
    """Bessel functions: log p = -(r^2 + 1) / 2v + log I0(r / v) for a circle of radius 1."""
    v = 0.05
    x = np.random.default_rng(0).normal(size=(200, 2))
    r = np.linalg.norm(x, axis=1, keepdims=True)
    radial = (-r + special.i1e(r / v) / special.i0e(r / v)) / v
    score = evaluation.mixture_score(x, data.curve("circle", 2000), v)
    np.testing.assert_allclose(score, radial * x / r, rtol=1e-5, atol=1e-5)


def test_mixture_score_is_the_gradient_of_the_log_density():
    centres, v, x = data.curve("spiral", 300), 0.1, np.random.default_rng(0).normal(size=(20, 2))
    log_p = lambda x: special.logsumexp(
        -np.sum((x[:, None] - centres) ** 2, axis=-1) / (2 * v), axis=1
    )
    steps = 1e-5 * np.eye(2)
    slopes = np.stack([(log_p(x + s) - log_p(x - s)) / 2e-5 for s in steps], axis=1)
    np.testing.assert_allclose(
        evaluation.mixture_score(x, centres, v), slopes, rtol=1e-5, atol=1e-5
    )


def test_cosines():
    left, right = np.array([[1.0, 0], [1, 1], [0, 0]]), np.array([[2.0, 0], [-1, 1], [1, 0]])
    np.testing.assert_allclose(evaluation.cosines(left, right), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(evaluation.cosines(left[:2], -left[:2]), [-1, -1])


def test_curves_are_even_and_noise_has_its_width():
    for name in data.curves.CURVES:
        points = data.curve(name, 400)
        steps = np.linalg.norm(np.diff(points[40:], axis=0), axis=1)
        assert steps.std() < 0.15 * steps.mean()
    x = data.noisy_curve("circle", 4000, 0.05, seed=1)
    assert abs(np.std(np.linalg.norm(x, axis=1)) - 0.05) < 0.005
    with pytest.raises(ValueError, match="no curve 'line'"):
        data.curve("line", 5)


def test_displacement_does_not_depend_on_the_scale():
    codes = np.random.default_rng(0).normal(size=(50, 4))
    moved = codes + 0.1
    expected = 0.2 / np.sqrt(np.mean(np.sum((codes - codes.mean(axis=0)) ** 2, axis=1)))
    for scale in (1.0, 1e-3):
        ours = evaluation.relative_displacement(scale * codes, scale * moved)
        np.testing.assert_allclose(ours, expected)
    with pytest.raises(ValueError, match="equal ones"):
        evaluation.relative_displacement(codes, moved[:, :2])


def test_jacobian_spectrum_of_a_linear_encoder():
    for sizes in ((6, 4), (4, 6)):
        encoder = keras.Sequential([keras.Input((sizes[0],)), keras.layers.Dense(sizes[1])])
        expected = np.linalg.svd(encoder.get_weights()[0], compute_uv=False)
        x = np.random.default_rng(0).normal(size=(13, sizes[0])).astype("float32")
        spectrum = evaluation.jacobian_spectrum(encoder, x, batch_size=5)
        assert spectrum.shape == (13, 4)
        np.testing.assert_allclose(spectrum, np.tile(expected, (13, 1)), rtol=1e-4, atol=1e-6)


def test_psnr():
    x = np.random.default_rng(0).uniform(size=(3, 4, 4, 1)).astype("float32")
    np.testing.assert_allclose(evaluation.psnr(x, x + 0.1), 20.0, rtol=1e-4)


def test_classification_error_of_what_can_and_cannot_be_learned():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    for labels, low, high in ((y, 0, 5), (rng.permutation(y), 35, 65)):
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
        train, test = (x[:200], labels[:200]), (x[200:], labels[200:])
        error = evaluation.classification_error(model, train, test, 20, 0.1, batch_size=20)
        assert low <= error <= high
