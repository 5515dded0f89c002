"""Scores against closed forms."""

import numpy as np
import pytest

from keras_ae import evaluation


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
