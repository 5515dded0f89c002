"""Prediction by tiles: equal to that of the whole mirrored image, whatever the sizes."""

import itertools

import keras
import numpy as np
import pytest

from keras_ae.segmentation.tiles import predict_tiles

RADIUS = 3


class LocalMean:
    """Two "classes": the mean of a window round each pixel, and a sum that is not symmetric."""

    def __init__(self, padding):
        self.padding, self.shapes = padding, []

    def predict(self, batch):
        self.shapes.append(batch.shape)
        if self.padding == "same":
            batch = np.pad(batch, ((0, 0), (RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)))
        side = 2 * RADIUS + 1
        windows = np.lib.stride_tricks.sliding_window_view(batch, (side, side), axis=(1, 2))
        total = windows.astype("float64").sum(axis=(3, 4, 5))
        edge = windows[..., 0, :].astype("float64").sum(axis=(3, 4))
        return np.stack([total / side**2, edge], axis=-1).astype("float32")


def image(height, width, seed=0):
    """Whole numbers, whose sums are exact in any order."""
    return np.random.default_rng(seed).integers(0, 50, (height, width, 2)).astype("float32")


def whole(x):
    padded = np.pad(x, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)), mode="reflect")
    return LocalMean("valid").predict(padded[None])[0]


@pytest.mark.parametrize("size", [(37, 53), (16, 16), (5, 9), (2, 40), (1, 3)])
@pytest.mark.parametrize("padding, overlap", [("valid", None), ("valid", 2), ("same", RADIUS)])
def test_tiles_give_what_the_whole_image_gives(size, padding, overlap):
    x = image(*size)
    for batch_size in (1, 4):
        model = LocalMean(padding)
        result = predict_tiles(model, x, tile=16, overlap=overlap, batch_size=batch_size)
        assert result.dtype == np.float32 and result.shape == (*size, 2)
        np.testing.assert_array_equal(result, whole(x))
        assert set(model.shapes) == {(batch_size, 16, 16, 2)}  # no other size is ever asked for


def test_same_padding_has_an_overlap_by_default():
    x = image(37, 53)
    np.testing.assert_array_equal(predict_tiles(LocalMean("same"), x, tile=(16, 12)), whole(x))
    bare = predict_tiles(LocalMean("same"), x, tile=16, overlap=0)
    assert (bare != whole(x)).any()  # or the test above would prove nothing


def test_number_of_tiles():
    model = LocalMean("valid")
    predict_tiles(model, image(37, 53), tile=16)  # predictions of 10: 4 rows of 6 tiles
    assert len(model.shapes) == 1 + 24  # the first one asks for the size


def test_batches_and_lists_of_images():
    images = [image(20, 21, n) for n in range(3)]
    model = LocalMean("valid")
    batch = predict_tiles(model, np.stack(images), tile=16)
    assert batch.shape == (3, 20, 21, 2)
    mixed = predict_tiles(model, iter([*images, image(7, 30)]), tile=16)
    assert [each.shape for each in mixed] == [(20, 21, 2)] * 3 + [(7, 30, 2)]
    for each, one, x in zip(batch, mixed, images):
        np.testing.assert_array_equal(each, whole(x))
        np.testing.assert_array_equal(one, whole(x))


def test_rotations_are_averaged():
    x = image(19, 26)
    turned = []
    for turns, flip in itertools.product(range(4), (False, True)):
        predicted = whole(np.rot90(np.fliplr(x) if flip else x, turns))
        back = np.rot90(predicted, -turns)
        turned.append(np.fliplr(back) if flip else back)
    assert len({each.tobytes() for each in turned}) == 4  # the second class tells four sides
    result = predict_tiles(LocalMean("valid"), x, tile=16, rotations=True)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, np.mean(turned, axis=0), rtol=1e-6)


def test_a_keras_model_that_knows_its_size():
    inputs = keras.Input((12, 12, 2))
    outputs = keras.layers.Conv2D(3, 5, activation="softmax")(inputs)
    model = keras.Model(inputs, outputs)
    x = image(17, 23) / 50
    free = keras.Input((None, None, 2))
    layer = model.layers[-1]
    padded = np.pad(x, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    expected = keras.Model(free, layer(free)).predict(padded[None], verbose=0)[0]
    result = predict_tiles(model, x, batch_size=3)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.sum(axis=-1), 1.0, rtol=1e-5)
    with pytest.raises(ValueError, match="pass tile="):
        predict_tiles(keras.Model(free, layer(free)), x)


class Shape:
    """Predicts zeros of a given shape."""

    def __init__(self, *shape):
        self.shape = shape

    def predict(self, batch):
        return np.zeros((len(batch), *self.shape), "float32")


@pytest.mark.parametrize(
    "model, options, message",
    [
        (LocalMean("valid"), {"tile": 0}, "positive integer"),
        (LocalMean("valid"), {"tile": 16.0}, "positive integer"),
        (LocalMean("valid"), {"tile": (16, 16, 2)}, "pass an int"),
        (LocalMean("valid"), {}, "pass tile="),
        (LocalMean("valid"), {"tile": 16, "overlap": 5}, "less than 5"),
        (LocalMean("valid"), {"tile": 16, "overlap": -1}, "0 or more"),
        (LocalMean("valid"), {"tile": 16, "overlap": 1.5}, "0 or more"),
        (LocalMean("valid"), {"tile": 16, "batch_size": 0}, "positive integer"),
        (Shape(15, 16, 2), {"tile": 16}, "both sides"),
        (Shape(18, 18, 2), {"tile": 16}, "both sides"),
        (Shape(2), {"tile": 16}, "needed are probabilities"),
    ],
)
def test_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        predict_tiles(model, image(20, 20), **options)


def test_refused_images():
    for x in (image(20, 20)[..., 0], [image(20, 20)[None]], np.zeros((0, 4, 2))):
        with pytest.raises(ValueError, match=r"an image has shape|no images"):
            predict_tiles(LocalMean("valid"), x, tile=16)
