"""Digits as a pen draws them."""

import re
import sys

import numpy as np
import pytest
from scipy import ndimage

from keras_ae import data
from keras_ae.data import pen, segmentation, sources

SIDES = (8, 9, 16, 28, 32, 64)


def halved(x):
    """Means of 2 x 2 pixels."""
    return x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).mean(axis=(2, 4))


def centres(x):
    """Centres of mass, rows and columns from the middle, in pixels."""
    places = np.arange(x.shape[1]) - (x.shape[1] - 1) / 2.0
    ink = x.sum(axis=(1, 2))
    return [(x.sum(axis=3 - axis) @ places) / ink for axis in (1, 2)]


def test_a_picture_depends_on_seed_part_and_number_alone():
    x, y = data.pen_digits(45, seed=3)
    first, labels = data.pen_digits(20, seed=3)
    np.testing.assert_array_equal(first, x[:20])
    np.testing.assert_array_equal(labels, y[:20])
    others = [data.pen_digits(20, seed=4)[0], data.pen_digits(20, seed=3, part="test")[0]]
    for other in others:
        assert np.abs(other - first).mean(axis=(1, 2, 3)).min() > 0.01


@pytest.mark.parametrize("side", SIDES)
def test_any_side(side):
    x, y = data.pen_digits(205, side)
    assert x.shape == (205, side, side, 1) and x.dtype == np.float32
    assert y.shape == (205,) and y.dtype.kind == "i"
    assert x.min() == 0.0 and 0.8 < x.max() <= 1.0
    # paper at the edge, and as much ink as at any other side
    assert 0.9 < x.mean() / data.pen_digits(205, 28)[0].mean() < 1.1
    assert x[:, [0, -1]].mean() < 0.01 and x[:, :, [0, -1]].mean() < 0.01


def test_classes_are_balanced_and_ordered_at_random():
    _, y = data.pen_digits(205)
    counts = np.bincount(y)
    assert len(counts) == 10 and counts.min() >= 20 and counts.max() <= 21
    assert all(len(set(row)) == 10 for row in y[:200].reshape(20, 10))
    assert len(set(y[:200:10])) > 4
    _, y = data.pen_digits(31, classes=(7, 1))
    assert set(y) == {1, 7} and abs((y == 1).sum() - 15.5) == 0.5


def test_the_look_scales_with_the_side():
    small, large = (data.pen_digits(200, side)[0][..., 0] for side in (28, 56))
    error = halved(large) - small
    assert np.abs(error).mean() < 0.01  # ink is 0.13
    assert np.sqrt((error**2).mean()) < 0.03
    assert abs(error.mean()) < 0.002


@pytest.mark.parametrize("width", [2.0, 3.0, 4.5])
def test_strokes_are_as_thick_as_asked(width):
    for side in (28, 64):
        x, _ = data.pen_digits(200, side, classes=(1, 7), thickness=(width, width))
        measured = data.thickness(x) * 28.0 / side
        assert abs(np.median(measured) / width - 1.0) < 0.15


def test_thickness_differs_from_picture_to_picture():
    x, _ = data.pen_digits(400)
    low, high = np.percentile(data.thickness(x), [5, 95])
    assert low < 2.1 and high > 3.4
    slants = data.slant(x)
    assert 10.0 < slants.std() < 20.0


@pytest.mark.parametrize("side", [28, 64])
def test_the_frame_is_that_of_mnist(side):
    x = data.pen_digits(400, side)[0][..., 0]
    for place in centres(x):
        assert np.abs(place).max() < 0.04 * side and np.abs(place).mean() < 0.01 * side
    box = side * 20 / 28
    for picture in x:
        rows, columns = (np.flatnonzero((picture > 0.5).any(axis=axis)) for axis in (1, 0))
        longest = max(np.ptp(rows), np.ptp(columns)) + 1
        assert 0.8 * box < longest < box + 1.5


def test_forms_of_one_way_have_the_same_structure():
    marks = lambda form: re.sub(r"[\d,]+", "p", form)
    assert set(pen.WAYS) == set(range(10))
    for digit, ways in pen.WAYS.items():
        assert len(ways) > 1 and all(weight > 0 for weight, _ in ways)
        for _, forms in ways:
            assert len(forms) > 1 and len({marks(form) for form in forms}) == 1, digit
            assert len(re.findall(r"\d+,", forms[0])) <= pen.MOST_POINTS


def test_a_lifted_pen_leaves_no_ink():
    """The bar of a 4 and its stem: no piece of polyline joins the end of one to the other."""
    _, matrix, pieces = pen._way(4, 0)
    assert len(pieces) == len(matrix) - 2  # two strokes
    _, matrix, pieces = pen._way(1, 0)
    assert len(pieces) == len(matrix) - 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_images": 0}, "num_images=0"),
        ({"num_images": 2.5}, "num_images=2.5"),
        ({"image_size": 7}, "8 pixels or more"),
        ({"image_size": 28.0}, "image_size=28.0"),
        ({"classes": (1, 10)}, "different digits from 0 to 9"),
        ({"classes": (1, 1)}, "different digits from 0 to 9"),
        ({"classes": ()}, "at least one"),
        ({"classes": 3}, "classes=3"),
        ({"thickness": (3.0, 2.0)}, "thickness"),
        ({"thickness": (0.0, 2.0)}, "thickness"),
        ({"part": "validation"}, "part='validation'"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        data.pen_digits(**{"num_images": 5, **arguments})


def test_load_without_tfds(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)  # an import of it would fail
    pictures = data.load("pen", 16)
    assert pictures.name == "pen"
    assert pictures.x_train.shape == (20000, 16, 16, 1)
    assert pictures.x_test.shape == (4000, 16, 16, 1)
    assert (np.bincount(pictures.y_train) == 2000).all()
    assert (np.bincount(pictures.y_test) == 400).all()
    seen = [{picture.tobytes() for picture in x} for x in (pictures.x_train, pictures.x_test)]
    assert len(seen[0]) == 20000 and len(seen[1]) == 4000 and not seen[0] & seen[1]


def test_load_draws_at_the_side_that_is_asked_for(monkeypatch):
    few = lambda number, side, **options: pen.pen_digits(number // 1000, side, **options)
    monkeypatch.setattr(sources, "pen_digits", few)
    x = data.load("pen").x_train
    np.testing.assert_array_equal(x, pen.pen_digits(20, 28)[0])
    for size in (32, (32, 32)):
        np.testing.assert_array_equal(data.load("pen", size).x_test, few(4000, 32, part="test")[0])
    assert data.load("pen", (32, 24)).x_train.shape == (20, 32, 24, 1)
    with pytest.raises(ValueError, match="8 pixels or more"):
        data.load("pen", 4)


def test_names_that_do_not_exist_hint_at_the_pen():
    pytest.importorskip("tensorflow_datasets")
    with pytest.raises(ValueError, match="try digits, pen or mnist"):
        data.load("qqqqqqqqqq")


@pytest.fixture
def few(monkeypatch):
    """Few drawings of each size, which is quicker."""
    monkeypatch.setattr(segmentation, "DRAWN", 30)


def test_scattered_pen_digits_have_labels_that_fit_their_ink(few):
    options = {"source": "pen", "classes": (1, 0), "void_width": 1, "digit_size": (12, 16)}
    x, y = data.scattered_digits(20, 64, seed=1, **options)
    assert set(np.unique(y)) == {0, 1, 2, 255}
    assert x[y == 0].max() < 0.75 and x[y == 0].mean() < 0.35
    assert x[(y > 0) & (y < 255)].mean() > 0.6


@pytest.mark.parametrize("source", ["digits", "pen"])
def test_label_k_plus_1_is_the_kth_class(few, source):
    """Of ones and zeros alone in their picture, zeros have holes."""
    options = {"num_digits": (1, 1), "digit_size": (30, 32), "source": source}
    for classes in ((1, 0), (0, 1)):
        _, y = data.scattered_digits(40, 64, classes=classes, **options)
        zero = classes.index(0) + 1
        assert (y.max(axis=(1, 2)) > 0).all()
        holes = [ndimage.label(np.pad(picture, 1) == 0)[1] > 1 for picture in y]
        assert np.mean(holes) > 0.2
        for hole, picture in zip(holes, y):
            assert not hole or set(np.unique(picture)) == {0, zero}


def test_scattered_pen_digits_of_train_and_test_differ(few):
    options = {"source": "pen", "classes": (0, 1)}
    parts = [
        data.scattered_digits(3, 64, (4, 4), 0, part, digit_size=(20, 22), **options)[0]
        for part in ("train", "train", "test")
    ]
    np.testing.assert_array_equal(parts[0], parts[1])
    assert np.abs(parts[0] - parts[2]).mean() > 0.02


def test_pairs_of_scattered_pen_digits(few):
    pairs = data.load_pairs("scattered_pen", 8, (64, 96), seed=3)
    assert pairs.class_names == ("background", "digit 0", "digit 1", "digit 4")
    assert pairs.x_train.shape == (8, 64, 64, 1) and len(pairs.y_test) == 60
    assert set(np.unique(pairs.y_train)) == {0, 1, 2, 3} and pairs.void is None


@pytest.mark.parametrize(
    "arguments, message",
    [({"source": "ink"}, "source='ink'"), ({"classes": (0, 12)}, "different digits from 0 to 9")],
)
def test_scattered_digits_refuse_other_sources_and_classes(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        data.scattered_digits(1, **arguments)
