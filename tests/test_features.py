"""The classifier that samples are scored with, and that its scores worsen where samples do."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from keras_ae import data, evaluation

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def images():
    return data.load("digits", image_size=8)


@pytest.fixture(scope="module")
def extractor(images):
    return evaluation.feature_extractor(images)


def test_it_knows_the_classes(images, extractor):
    assert extractor(images.x_test).shape == (len(images.x_test), 64)
    error = 100 * np.mean(extractor.classify(images.x_test) != images.y_test)
    assert error == pytest.approx(extractor.test_error) and error < 15
    assert not extractor.network.trainable_variables


def test_a_seed_gives_one_classifier(images):
    first, again, other = (evaluation.feature_extractor(images, 8, 1, s) for s in (1, 1, 2))
    assert first.fingerprint == again.fingerprint != other.fingerprint


@pytest.mark.neutral("torch")
def test_scores_worsen_where_samples_do(images, extractor):
    x, half = images.x_train, len(images.x_train) // 2
    real, other, labels = x[:half], x[half:], images.y_train[half:]
    floor = extractor.scores(other, real)
    assert floor["frechet"] < 3 and floor["class_distance"] < 0.1
    assert min(floor[name] for name in ("precision", "recall", "coverage")) > 0.9
    noise = np.random.default_rng(0).normal(size=other.shape)
    worse = {
        "noise": [other + s * noise for s in (0.05, 0.15, 0.45)],
        "blur": [ndimage.gaussian_filter(other, (0, s, s, 0)) for s in (0.4, 0.7, 1.2)],
        "dropped": [other[labels < most] for most in (9, 7, 4)],
    }
    for name, steps in worse.items():
        found = [floor, *(extractor.scores(step, real) for step in steps)]
        for score, sign in (("frechet", 1), ("kernel", 1), ("coverage", -1)):
            values = [sign * each[score] for each in found]
            assert values == sorted(values), (name, score, values)
    few = other[labels < 4]
    shares = [np.bincount(extractor.classify(shown), minlength=10) for shown in (few, real)]
    distance = np.abs(shares[0] / len(few) - shares[1] / half).sum() / 2
    assert found[-1]["class_distance"] == pytest.approx(distance)
    # six of ten classes never come; four epochs on so few digits misread one in twenty of them
    sure = evaluation.feature_extractor(images, epochs=16)
    assert sure.scores(few, real)["class_distance"] == pytest.approx(0.6, abs=0.02)
    assert found[-1]["precision"] > 0.85 and found[-1]["recall"] < 0.8


def test_bad_input(images):
    with pytest.raises(ValueError, match="has no labels"):
        evaluation.feature_extractor(dataclasses.replace(images, y_train=None, y_test=None))
