"""Crops, flips, turns and warps that move images, label maps and weights alike."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from keras_ae import data


def marked(sizes=((24, 20),) * 6):
    """Images whose pixels say where they come from, with the same as labels and as weights."""
    images, labels = [], []
    for height, width in sizes:
        rows, columns = np.indices((height, width))
        images.append(np.stack([rows, columns], axis=-1).astype("float32"))
        labels.append((100 * rows + columns).astype("int32"))
    weights = [label.astype("float32") / 2 for label in labels]
    if len(set(sizes)) == 1:
        return tuple(np.stack(each) for each in (images, labels, weights))
    return images, labels, weights


def check_together(moved):
    for image, label, weight in zip(*moved, strict=True):
        np.testing.assert_array_equal(100 * image[..., 0] + image[..., 1], label)
        np.testing.assert_array_equal(weight * 2, label)
    types = [{each.dtype for each in array} for array in moved]
    assert types == [{np.dtype("float32")}, {np.dtype("int32")}, {np.dtype("float32")}]


@pytest.mark.parametrize(
    "move",
    [
        data.RandomCrop((7, 9)),
        data.RandomFlip(vertical=True),
        data.RandomRotate90(),
        data.Compose(data.RandomRotate90(), data.RandomCrop(8), data.RandomFlip()),
    ],
)
def test_images_labels_and_weights_move_together(move):
    arrays = marked()
    moved = move(arrays, np.random.default_rng(0))
    check_together(moved)
    assert len({each.tobytes() for each in moved[1]}) > 1  # images are moved each for itself
    again = move(marked(), np.random.default_rng(0))
    np.testing.assert_array_equal(again[0], moved[0])
    for one, other in zip(arrays, marked()):
        np.testing.assert_array_equal(one, other)  # what came in is as it was
    check_together(move(marked([(24, 20), (12, 12), (20, 33)]), np.random.default_rng(1)))
    (alone,) = move(arrays[:1], np.random.default_rng(0))
    np.testing.assert_array_equal(alone, moved[0])


def test_crops_are_everywhere_and_equally_often():
    (crops,) = data.RandomCrop((23, 18))(marked([(24, 20)] * 600)[:1], np.random.default_rng(0))
    _, counts = np.unique(crops[:, 0, 0], axis=0, return_counts=True)
    assert len(counts) == 6 and counts.min() > 70  # 100 each, standard deviation 9


def test_crops_of_smaller_images():
    arrays = marked([(5, 30)] * 20)
    moved = data.RandomCrop(8, void=255)(arrays, np.random.default_rng(0))
    assert moved[0].shape == (20, 8, 8, 2)
    outside = moved[1] == 255
    assert (outside.sum(axis=(1, 2)) == 24).all() and (moved[2][outside] == 0).all()
    assert {int(np.argmin(each[:, 0])) for each in outside} == {0, 1, 2, 3}
    np.testing.assert_array_equal(100 * moved[0][..., 0] + moved[0][..., 1] == moved[1], ~outside)
    first = np.argmin(outside[:, :, 0], axis=1)
    rows = abs(np.arange(8) - first[:, None])  # mirrored at the first pixel, and at the last one
    np.testing.assert_array_equal(moved[0][:, :, 0, 0], np.minimum(rows, 8 - rows))
    with pytest.raises(ValueError, match="5 x 30 pixels, fewer than"):
        data.RandomCrop(8)(arrays, np.random.default_rng(0))


def test_flips_and_turns_are_those_of_numpy():
    x = marked([(6, 6)] * 400)[0]
    rng = np.random.default_rng(0)
    for move, expected in (
        (data.RandomFlip(), [x[0], x[0, :, ::-1]]),
        (data.RandomFlip(False, True), [x[0], x[0, ::-1]]),
        (data.RandomRotate90(), [np.rot90(x[0], n) for n in range(4)]),
    ):
        (moved,) = move((x,), rng)
        counts = [sum(np.array_equal(each, one) for each in moved) for one in expected]
        assert sum(counts) == 400 and min(counts) > 60
    (moved,) = data.RandomRotate90()((marked([(6, 5)] * 40)[0],), rng)
    assert moved.shape == (40, 6, 5, 2) and len({each.tobytes() for each in moved}) == 2


def test_elastic_warp_takes_pixels_from_where_the_displacements_say():
    x, labels, weights = marked([(40, 50)])
    moved = data.ElasticWarp(std=3.0)((x, labels, weights), np.random.default_rng(5))
    shifts = data.ElasticWarp(std=3.0).displacements((40, 50), np.random.default_rng(5))
    source = np.indices((40, 50)) + shifts
    inside = ((source > 0) & (source < [[[39]], [[49]]])).all(axis=0)
    assert inside.sum() > 1000
    np.testing.assert_allclose(
        moved[0][0][inside], np.moveaxis(source, 0, -1)[inside], atol=1e-4
    )  # x is linear in the place, so that linear interpolation is exact
    nearest = np.floor(source + 0.5).astype(int)
    np.testing.assert_array_equal(moved[1][0][inside], (100 * nearest[0] + nearest[1])[inside])
    np.testing.assert_array_equal(moved[2], moved[1] / 2)
    cubic = data.ElasticWarp(3.0, order=3)((x,), np.random.default_rng(5))[0]
    middle = ndimage.binary_erosion(inside, iterations=4)
    np.testing.assert_allclose(cubic[0][middle], moved[0][0][middle], atol=0.1)
    assert cubic.min() >= x.min() and cubic.max() <= x.max()


def test_elastic_warp_is_mirrored_and_smooth():
    warp, rng = data.ElasticWarp(std=10.0), np.random.default_rng(0)
    draws = np.stack([warp.displacements((31, 41), rng) for _ in range(300)])
    nodes = draws[:, :, ::15, ::20]  # (draws, 2, 3, 3)
    assert nodes.shape[2:] == (3, 3)
    np.testing.assert_allclose(nodes.std(axis=0), 10.0, rtol=0.2)
    assert abs(np.corrcoef(nodes.reshape(300, -1).T) - np.eye(18)).max() < 0.25
    rough = np.diff(draws, n=2, axis=-1)  # curvature of a spline through nodes 20 pixels apart
    assert abs(rough).max() < 0.1 * abs(draws).max()
    constant = np.full((1, 31, 41, 1), 0.3, "float32")
    np.testing.assert_allclose(warp((constant,), rng)[0], 0.3, rtol=1e-6)  # nothing comes from out


def test_moves_refuse():
    x, y, _ = marked()
    for move in (data.RandomCrop(4), data.RandomFlip(), data.ElasticWarp()):
        with pytest.raises(ValueError, match="do not belong together"):
            move((x, y[:, :3]), np.random.default_rng(0))
        with pytest.raises(ValueError, match="do not belong together"):
            move((x, y[:3]), np.random.default_rng(0))
    enlarge = data.KerasAugmentation(keras.layers.RandomCrop(48, 48))  # which resizes small images
    with pytest.raises(ValueError, match="averages labels"):
        enlarge((x, y), np.random.default_rng(0))
    for make, options in (
        (data.RandomCrop, {"size": 0}),
        (data.RandomCrop, {"size": (4, 4, 1)}),
        (data.ElasticWarp, {"std": 0.0}),
        (data.ElasticWarp, {"grid": 1}),
        (data.ElasticWarp, {"order": 2}),
        (data.KerasAugmentation, {"layer": data.RandomFlip()}),
        (data.KerasAugmentation, {"layer": keras.layers.RandomElasticTransform()}),
        (data.KerasAugmentation, {"layer": keras.layers.MixUp()}),
        (data.KerasAugmentation, {"layer": keras.layers.Rescaling(2.0)}),
    ):
        with pytest.raises(ValueError, match=r"pass|ElasticWarp"):
            make(**options)
    with pytest.raises(ValueError, match="not callable"):
        data.Compose("flip")


@pytest.mark.parametrize(
    "layer, options",
    [
        (keras.layers.RandomFlip, {}),
        (keras.layers.RandomCrop, {"height": 16, "width": 12}),
        (keras.layers.RandomTranslation, {"height_factor": 0.2, "width_factor": 0.2}),
    ],
)
def test_keras_layers_move_images_and_labels_alike(layer, options):
    keras_move = data.KerasAugmentation(layer(**options, **exact(layer)))
    moved = keras_move(marked(), np.random.default_rng(0))
    check_together(moved)
    np.testing.assert_array_equal(keras_move(marked(), np.random.default_rng(0))[0], moved[0])
    other = keras_move(marked(), np.random.default_rng(1))
    assert not np.array_equal(other[0], moved[0])
    fresh = data.KerasAugmentation(layer(**options, **exact(layer), seed=8))
    np.testing.assert_array_equal(fresh(marked(), np.random.default_rng(0))[1], moved[1])


def exact(layer):
    return {"interpolation": "nearest"} if layer is keras.layers.RandomTranslation else {}


def test_keras_layers_leave_their_noise_as_it_was():
    layer = keras.layers.RandomFlip(seed=3)
    before = np.array(ops.convert_to_numpy(layer.generator.state))
    data.KerasAugmentation(layer)(marked(), np.random.default_rng(0))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.generator.state), before)


def test_what_a_keras_layer_fills_is_void():
    layer = keras.layers.RandomRotation(0.12, fill_mode="constant", interpolation="nearest")
    arrays = marked()
    x, y, w = data.KerasAugmentation(layer, void=7777)(arrays, np.random.default_rng(0))
    outside = y == 7777
    assert 0.01 < outside.mean() < 0.5
    assert (w[outside] == 0).all() and (x[outside] == 0).all()
    np.testing.assert_array_equal((100 * x[..., 0] + x[..., 1])[~outside], y[~outside])
    with pytest.raises(ValueError, match="void="):
        data.KerasAugmentation(layer)(arrays, np.random.default_rng(0))
    with pytest.raises(ValueError, match="RandomCrop before"):
        data.KerasAugmentation(layer)(marked([(9, 9), (8, 8)]), np.random.default_rng(0))
    with pytest.raises(ValueError, match="maps have shapes"):
        data.KerasAugmentation(layer)((arrays[0], arrays[0]), np.random.default_rng(0))


def test_colours_of_keras_layers_leave_labels_alone():
    x, y, _ = marked()
    layer = keras.layers.RandomBrightness(0.5, value_range=(0, 1))
    moved, labels = data.KerasAugmentation(layer)((x / 50, y), np.random.default_rng(0))
    np.testing.assert_array_equal(labels, y)
    assert abs(moved - x / 50).max() > 0.05 and moved.max() <= 1
