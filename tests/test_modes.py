"""Modes, Inception's features, and images made of others."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from keras_ae import data, evaluation, figures


def test_modes_hit():
    own = [0.5, 0.3, 0.2, 0.0]
    assert evaluation.modes_hit(own, own) == 3  # what the data lack does not count
    assert evaluation.modes_hit([0.95, 0.03, 0.01, 0.01], own) == 2
    with pytest.raises(ValueError, match="classes"):
        evaluation.modes_hit([1.0], own)


class Brightness:
    """Reads the digit that an image is filled with."""

    def classify(self, images):
        return np.round(images[:, 0, 0, 0] * 10).astype(int)


def test_stacked_digits_have_a_thousand_modes():
    x = np.repeat(np.arange(10) / 10, 4)[:, None, None, None] * np.ones((1, 2, 2, 1))
    images, classes = data.stacked(x, np.repeat(np.arange(10), 4), 5000, seed=1)
    assert images.shape == (5000, 2, 2, 3)
    drawn = np.round(images[:, 0, 0] * 10).astype(int)
    np.testing.assert_array_equal(classes, drawn @ [100, 10, 1])
    found = evaluation.stacked_modes(Brightness(), images)
    assert found["modes"] == len(set(classes))
    shares = np.bincount(classes, minlength=1000) / 5000
    shares = shares[shares > 0]
    assert found["divergence"] == pytest.approx(np.sum(shares * np.log(shares / 0.001)))
    one = evaluation.stacked_modes(Brightness(), images[:1].repeat(50, axis=0))
    assert one["modes"] == 1 and one["divergence"] == pytest.approx(np.log(1000))
    with pytest.raises(ValueError, match="one channel"):
        data.stacked(images, classes % 10, 5)
    with pytest.raises(ValueError, match="height, width, 3"):
        evaluation.stacked_modes(Brightness(), x)


def test_edges_are_what_a_dilation_adds():
    x = np.random.default_rng(0).random((3, 6, 7, 1))
    found = data.edges(x)
    for image, edge in zip(x[..., 0], found[..., 0]):
        np.testing.assert_allclose(edge, ndimage.maximum_filter(image, 3, mode="nearest") - image)
    assert found.min() >= 0 and data.edges(np.ones((1, 4, 4, 1))).max() == 0


def test_padding():
    digits = data.load("digits")
    wide = data.padded(digits, 11)
    assert wide.x_train.shape[1:] == (11, 11, 1) and wide.y_train is digits.y_train
    np.testing.assert_array_equal(wide.x_test[:, 1:9, 1:9], digits.x_test)
    assert wide.x_test.sum() == pytest.approx(digits.x_test.sum(), rel=1e-5)
    with pytest.raises(ValueError, match="do not fit into images of side 7"):
        data.padded(digits, 7)


@pytest.mark.neutral("torch")
def test_inception_features(tmp_path):
    keras.utils.set_random_seed(0)
    network = keras.applications.InceptionV3(include_top=False, pooling="avg", weights=None)
    network.save_weights(tmp_path / "inception.weights.h5")
    features = evaluation.inception_features(tmp_path / "inception.weights.h5")
    images = np.random.default_rng(0).random((3, 16, 16, 1)).astype("float32")
    found = features(images, batch_size=2)
    grey = keras.ops.image.resize(evaluation.quantize(images) * 2 - 1, (299, 299))
    expected = network.predict(np.repeat(np.array(grey), 3, axis=-1), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert found.shape == (3, 2048)
    with pytest.raises(ValueError, match="1 or 3"):
        features(np.zeros((2, 8, 8, 2)))
    (tmp_path / "other.weights.h5").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="does not hold weights"):
        evaluation.inception_features(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match="is no file"):
        evaluation.inception_features(tmp_path / "missing.weights.h5")
    with pytest.raises(ValueError, match="2048 features"):
        evaluation.inception_features(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))


def test_the_best_discriminator_knows_both_densities():
    points = np.linspace(-1, 1, 201)
    rng = np.random.default_rng(0)
    draw = lambda mean: rng.normal(mean, 0.15, 200_000)
    found = figures.best_discriminator(draw(-0.2), draw(0.2), points)
    density = lambda mean: np.exp(-0.5 * ((points - mean) / 0.15) ** 2)
    known = np.isfinite(found)
    expected = density(-0.2) / np.maximum(density(-0.2) + density(0.2), 1e-12)
    np.testing.assert_allclose(found[known], expected[known], atol=0.05)
    assert 80 < known.sum() < 201  # elsewhere neither has been seen
