"""Scores of samples: closed forms, and that they worsen when samples do."""

import numpy as np
import pytest
from scipy import stats

from keras_ae import evaluation

RNG = np.random.default_rng


def gaussians(examples, mean=0.0, scale=1.0, size=5, seed=0):
    return mean + scale * RNG(seed).normal(size=(examples, size))


def test_frechet_distance_of_gaussians():
    x, y = gaussians(4000), gaussians(4000, 0.5, 2.0, seed=1)
    # 5 features: (0.5)^2 + (1 - 2)^2 each
    assert evaluation.frechet_distance(x, y) == pytest.approx(5 * 1.25, rel=0.05)
    assert evaluation.frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)
    a = RNG(0).normal(size=(5, 5))
    turned, shifted = x @ a, y @ a
    from scipy.linalg import sqrtm

    first, second = np.cov(turned, rowvar=False), np.cov(shifted, rowvar=False)
    means = turned.mean(axis=0) - shifted.mean(axis=0)
    expected = means @ means + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert evaluation.frechet_distance(turned, shifted) == pytest.approx(expected, rel=1e-6)


def test_kernel_distance_is_unbiased():
    x, y = gaussians(3000), gaussians(3000, seed=1)
    near = evaluation.kernel_distance(x, y, 30, 200)
    far = evaluation.kernel_distance(x, gaussians(3000, 0.5, seed=2), 30, 200)
    assert abs(near) < 0.02 < 0.2 < far
    small = [evaluation.kernel_distance(x[n::300], y[n::300], 1) for n in range(300)]
    assert abs(np.mean(small)) < 3 * np.std(small) / np.sqrt(300)


def test_precision_and_coverage_of_dropped_and_made_up_modes():
    rng = RNG(0)
    modes = 10 * np.eye(4)
    draw = lambda chosen, n: modes[rng.choice(chosen, n)] + 0.3 * rng.normal(size=(n, 4))
    data = draw([0, 1, 2], 1200)
    same = evaluation.precision_recall(draw([0, 1, 2], 1200), data)
    assert min(same["precision"], same["recall"], same["coverage"]) > 0.9
    assert same["density"] == pytest.approx(1.0, abs=0.1)
    dropped = evaluation.precision_recall(draw([0], 1200), data)
    assert dropped["precision"] > 0.9 and dropped["recall"] < 0.4 and dropped["coverage"] < 0.4
    made_up = evaluation.precision_recall(draw([0, 1, 2, 3], 1600), data)
    assert made_up["precision"] == pytest.approx(0.72, abs=0.06) and made_up["recall"] > 0.9
    with pytest.raises(ValueError, match="k=5"):
        evaluation.precision_recall(data[:5], data)


def test_precision_and_coverage_against_loops():
    rng, k = RNG(0), 3
    samples, data = rng.normal(size=(40, 2)), rng.normal(0.5, 1.0, (50, 2))
    apart = lambda x, y: np.linalg.norm(x[:, None] - y[None], axis=-1)
    radii = lambda x: np.sort(apart(x, x), axis=1)[:, k]
    within = apart(samples, data) <= radii(data)
    found = evaluation.precision_recall(samples, data, k)
    assert found["precision"] == pytest.approx(within.any(axis=1).mean())
    assert found["density"] == pytest.approx(within.sum() / (k * 40))
    assert found["coverage"] == pytest.approx(within.any(axis=0).mean())
    recall = (apart(data, samples) <= radii(samples)).any(axis=1).mean()
    assert found["recall"] == pytest.approx(recall)


def test_mmd_and_its_threshold():
    draw = lambda seed: gaussians(300, size=2, seed=[seed, 7])
    threshold, bandwidth = evaluation.mmd_quantile(draw, 300, repeats=60)
    inside = [evaluation.mmd(draw(1000 + n), draw(2000 + n), bandwidth) for n in range(40)]
    assert np.mean(np.array(inside) < threshold) > 0.85
    assert abs(np.mean(inside)) < threshold / 2
    assert evaluation.mmd(1.3 * draw(1), draw(2), bandwidth) > threshold
    # a closed form: E k(x, y) of N(0, 1) with bandwidth s in two dimensions is s^2 / (s^2 + 2)
    x, y = gaussians(2000, size=2), gaussians(2000, 3.0, size=2, seed=1)
    s2 = 1.5**2
    shifted = s2 / (s2 + 2) * np.exp(-18 / (2 * (s2 + 2)))
    expected = 2 * (s2 / (s2 + 2) - shifted)
    assert evaluation.mmd(x, y, 1.5) == pytest.approx(expected, rel=0.05)


def digits():
    from sklearn.datasets import load_digits

    images = load_digits().images.astype("float32") / 16.0
    return np.kron(images, np.ones((4, 4), "float32"))[..., None]  # 32x32


def test_sliced_wasserstein_worsens_with_noise_and_blur():
    from scipy import ndimage

    x = digits()
    first, second = x[:800], x[800:1600]
    score = lambda images: evaluation.sliced_wasserstein(images, first, 32, 64)
    assert set(score(second)) == {32, 16, "mean"}
    floor = score(second)["mean"]
    noisy = [score(second + s * RNG(0).normal(size=second.shape))["mean"] for s in (0.1, 0.3)]
    blurred = [score(ndimage.gaussian_filter(second, (0, s, s, 0)))["mean"] for s in (0.7, 1.5)]
    assert floor < noisy[0] < noisy[1] and floor < blurred[0] < blurred[1]
    assert evaluation.sliced_wasserstein(first, first, 16, 16)["mean"] == 0.0
    with pytest.raises(ValueError, match="sides of 7"):
        evaluation.sliced_wasserstein(x[:, :5], x[:, :5])


def test_parzen_is_a_mixture_density():
    rng = RNG(0)
    samples, x, valid = (rng.normal(size=(n, 2, 3)) for n in (50, 20, 20))
    flat = samples.reshape(50, 6)
    mean, error, deviation = evaluation.parzen_log_likelihood(samples, x, valid, [0.7])
    density = [
        np.mean([stats.multivariate_normal(s, 0.49 * np.eye(6)).pdf(row) for s in flat])
        for row in x.reshape(20, 6)
    ]
    assert deviation == 0.7 and error > 0
    assert mean == pytest.approx(np.mean(np.log(density)), rel=1e-4)
    _, _, chosen = evaluation.parzen_log_likelihood(
        rng.normal(size=(2000, 1)), x[:, 0, :1], valid[:, 0, :1]
    )
    assert 0.1 <= chosen <= 0.8


def test_nearest_training_images():
    x = RNG(0).uniform(size=(30, 2, 2, 1)).astype("float32")
    images = x[[4, 9]] + 0.01
    nearest, distances = evaluation.nearest_images(images, x)
    np.testing.assert_array_equal(nearest, x[[4, 9]])
    np.testing.assert_allclose(distances, 0.02, rtol=1e-3)
    with pytest.raises(ValueError, match="do not fit"):
        evaluation.nearest_images(images[:, :1], x)


def test_floor_and_quantisation():
    x = gaussians(1000)
    floor = evaluation.two_halves(evaluation.frechet_distance, x)
    assert 0 < floor < evaluation.frechet_distance(x[:500], x[500:] + 0.3)
    assert floor == evaluation.two_halves(evaluation.frechet_distance, x)
    quantized = evaluation.quantize(np.array([-0.2, 0.5001, 1.7]))
    np.testing.assert_allclose(quantized, [0.0, 128 / 255, 1.0], rtol=1e-6)


def test_far_sets_keep_their_distances():
    near = evaluation.precision_recall(gaussians(300), gaussians(300, 0.3, seed=1))
    far = evaluation.precision_recall(3000.0 + gaussians(300), 3000.0 + gaussians(300, 0.3, seed=1))
    assert far == pytest.approx(near, abs=0.02)


def test_bad_input():
    with pytest.raises(ValueError, match="most codes are equal"):
        evaluation.mmd(np.zeros((10, 2)), np.zeros((10, 2)))
    images = np.full((4, 8, 8, 1), np.nan)
    with pytest.raises(ValueError, match="NaN"):
        evaluation.sliced_wasserstein(images, images)
    for score in (evaluation.frechet_distance, evaluation.kernel_distance, evaluation.mmd):
        with pytest.raises(ValueError, match="shapes"):
            score(gaussians(10), gaussians(10, size=4))
        with pytest.raises(ValueError, match="NaN"):
            score(gaussians(10), np.full((10, 5), np.nan))
