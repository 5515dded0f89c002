"""Metrics and scores of segmentation against scikit-learn, loops and values by hand."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops
from sklearn import metrics as sklearn

from keras_ae import metrics
from keras_ae.evaluation import (
    boundary_score,
    confusion_matrix,
    membrane_scores,
    segmentation_scores,
)

METRICS = (metrics.MeanIoU, metrics.GlobalAccuracy, metrics.ClassAccuracy)


def batches(void, classes=5, absent=4):
    """Seven images, of which class `absent` is never, and class 3 only predicted."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, classes - 2, size=(7, 6, 5))
    target[:, :2] = void
    probabilities = rng.dirichlet(np.ones(classes), size=target.shape).astype("float32")
    probabilities[..., absent] = 0.0
    return target.astype("int32"), probabilities


def expected(target, predicted, classes, weights=None):
    """The three values, by scikit-learn, and the ious of all classes."""
    known = sorted(set(target) | set(predicted))
    found = sklearn.jaccard_score(
        target, predicted, labels=known, average=None, sample_weight=weights
    )
    ious = np.full(classes, np.nan)
    ious[known] = found
    true = sorted(set(target))
    recall = sklearn.recall_score(
        target, predicted, labels=true, average="macro", sample_weight=weights
    )
    accuracy = sklearn.accuracy_score(target, predicted, sample_weight=weights)
    return [np.nanmean(ious), accuracy, recall], ious


@pytest.mark.parametrize("void", [5, 255, 0, -1])
@pytest.mark.parametrize("weights", [None, "image", "pixel"])
def test_metrics_over_batches_are_those_of_sklearn(void, weights):
    target, probabilities = batches(void)
    counts = target != void
    shape = {"image": (7,), "pixel": target.shape}.get(weights)
    w = np.random.default_rng(1).uniform(size=shape) if weights else None
    flat = (
        None if w is None else np.broadcast_to(w.reshape(7, *w.shape[1:] or (1, 1)), counts.shape)
    )
    flat = None if w is None else flat[counts]
    values, ious = expected(target[counts], probabilities.argmax(axis=-1)[counts], 5, flat)
    for metric, wanted in zip(METRICS, values):
        metric = metric(5, void=void)
        for part in (slice(0, 3), slice(3, 7)):
            metric.update_state(
                target[part], probabilities[part], None if w is None else w[part].astype("float32")
            )
        np.testing.assert_allclose(float(metric.result()), wanted, rtol=1e-5)
        if isinstance(metric, metrics.MeanIoU):
            assert_same_classes(metric.per_class(), ious)
        else:
            assert metric.per_class()[3:] == [None, None]
        metric.reset_state()
        assert float(metric.result()) == 0.0 and metric.per_class() == [None] * 5


def assert_same_classes(found, ious):
    """None where scikit-learn's number is not one."""
    assert [value is None for value in found] == np.isnan(ious).tolist()
    np.testing.assert_allclose(np.array(found, "float64"), ious, rtol=1e-5)


def test_metrics_inside_fit():
    target, _ = batches(255)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(7, 6, 5, 2)).astype("float32")
    w = rng.uniform(size=target.shape).astype("float32")
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 5, 2))
    logits = keras.layers.Conv2D(5, 3, padding="same")(inputs)
    model = keras.Model(inputs, keras.layers.Softmax()(logits))
    watched = [metric(5, void=255) for metric in METRICS]
    weighted = [metric(5, void=255, name=f"weighted_{k}") for k, metric in enumerate(METRICS)]
    of_pixels = lambda y, p: -ops.log(p[..., 0])
    of_images = lambda y, p: ops.mean(of_pixels(y, p), axis=(1, 2))
    options = {"weighted_metrics": weighted, "jit_compile": keras.backend.backend() != "torch"}
    for weights, loss in ((w, of_pixels), (w[:, 0, 0], of_images)):
        model.compile("sgd", loss, metrics=watched, **options)
        model.fit(x, target, sample_weight=weights, batch_size=3, epochs=1, verbose=0)
        logs = model.evaluate(
            x, target, sample_weight=weights, batch_size=3, verbose=0, return_dict=True
        )
        counts = target != 255
        true, found = target[counts], model.predict(x, verbose=0).argmax(axis=-1)[counts]
        values, ious = expected(true, found, 5)
        for metric, wanted in zip(watched, values):
            np.testing.assert_allclose(logs[metric.name], wanted, rtol=1e-5)
        assert_same_classes(watched[0].per_class(), ious)
        flat = np.broadcast_to(weights.reshape(7, *weights.shape[1:] or (1, 1)), target.shape)
        values, _ = expected(true, found, 5, flat[counts])
        for metric, wanted in zip(weighted, values):
            np.testing.assert_allclose(logs[metric.name], wanted, rtol=1e-5)


def test_no_pixel_is_lost_beyond_what_float32_can_count():
    metric = metrics.MeanIoU(2)
    label, probability = np.zeros((1, 1, 3), "int32"), np.eye(2, dtype="float32")[[[[0, 0, 1]]]]
    for start, more in ((2**24, 2), (2**33 + 4095, 1)):
        metric.blocks.assign([[start // 4096, 0], [0, 0]])
        metric.rest.assign([[start % 4096, 0], [0, 0]])
        for _ in range(more):
            metric.update_state(label, probability)
        np.testing.assert_array_equal(
            metric.confusion_matrix(), [[start + 2 * more, metric.rest[0][1]], [0, 0]]
        )
        assert float(ops.max(metric.rest)) < 4096
    big = metrics.GlobalAccuracy(2)
    wide = np.broadcast_to(np.float32([1, 0]), (1, 100, 100, 2))
    for _ in range(2):
        big.update_state(np.zeros((1, 100, 100), "int32"), wide)
    assert big.confusion_matrix()[0, 0] == 20000 and float(ops.max(big.blocks)) == 4


def test_metrics_are_saved_with_their_arguments():
    for metric in METRICS:
        again = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(metric(3, void=7, name="m"))
        )
        assert type(again) is metric
        assert (again.num_classes, again.void, again.name) == (3, 7, "m")


def test_confusion_matrix_and_scores_are_those_of_sklearn():
    target, probabilities = batches(255)
    predicted = probabilities.argmax(axis=-1)
    pairs = [(target[:3], predicted[:3]), *zip(target[3:], predicted[3:])]
    matrix = confusion_matrix(iter(pairs), 5, void=255)
    counts = target != 255
    np.testing.assert_array_equal(
        matrix, sklearn.confusion_matrix(target[counts], predicted[counts], labels=range(5))
    )
    values, ious = expected(target[counts], predicted[counts], 5)
    scores = segmentation_scores(matrix, "abcde")
    names = ("mean_iou", "global_accuracy", "class_accuracy")
    np.testing.assert_allclose([scores[name] for name in names], values, rtol=1e-12)
    assert list(scores["iou"]) == list("abcde") and scores["iou"]["e"] is None
    assert scores["iou"]["d"] == 0.0  # predicted, never in the target
    np.testing.assert_allclose([scores["iou"][n] for n in "abcd"], ious[:4], rtol=1e-12)
    for wrong in (np.zeros((2, 2)), np.ones((2, 3))):
        with pytest.raises(ValueError, match="square"):
            segmentation_scores(wrong)
    with pytest.raises(ValueError, match="5 different names"):
        segmentation_scores(matrix, "abc")
    with pytest.raises(ValueError, match=r"pair 1: .*from 0 to 5"):
        confusion_matrix([([0], [1]), ([0, 5], [1, 1])], 2)
    with pytest.raises(ValueError, match=r"pair 0: .*shape"):
        confusion_matrix([([0], [1, 1])], 2)


# Membranes: cells are drawn with letters, membrane with a dot -------------------------------------

CELLS = """
aaa.bbb
aaa.bbb
.......
ccc.ddd
ccc.ddd
"""


def membrane(drawing):
    return np.array([[letter == "." for letter in row] for row in drawing.split()]).astype("int32")


def rand_by_pairs(target, predicted):
    """Letters of two drawings: over all pairs of different pixels inside the target's cells."""
    target, predicted = ("".join(drawing.split()) for drawing in (target, predicted))
    both = of_target = of_prediction = 0
    for i, j in itertools.combinations([k for k, c in enumerate(target) if c != "."], 2):
        t = target[i] == target[j]
        p = predicted[i] == predicted[j] != "."
        both, of_target, of_prediction = both + (t and p), of_target + t, of_prediction + p
    return both / (0.5 * of_target + 0.5 * of_prediction)


@pytest.mark.parametrize(
    "predicted",
    [
        CELLS,
        "aaaaaaa aaa.aaa ....... ccc.ddd ccc.ddd",  # a hole
        "a.b.ccc a.b.ccc ....... ddd.eee ddd.eee",  # a wall too many
        "aa...bb aa...bb ....... ccc.ddd .......",  # too thick
        "aaaaaaa aaaaaaa aaaaaaa aaaaaaa aaaaaaa",  # no membrane
        "aa.bbbb aa.bbbb ....... cccc.dd cccc.dd",  # moved
        "aaa.bbb aa.cbbb ....... ddd.eee ddd.eee",  # only a corner in common: c is apart from a
        "....... ....... ....... ....... .......",  # nothing but membrane
    ],
)
def test_rand_is_a_loop_over_pairs_of_pixels(predicted):
    scores = membrane_scores(membrane(CELLS), 0.9 * membrane(predicted), thresholds=[0.5])
    np.testing.assert_allclose(scores["rand"], rand_by_pairs(CELLS, predicted), rtol=1e-12)
    wrong = np.mean(membrane(CELLS) != membrane(predicted))
    np.testing.assert_allclose(scores["pixel_error"], wrong)


def test_rand_over_several_images_never_joins_their_cells():
    two = np.stack([membrane(CELLS)] * 2)
    assert membrane_scores(two, two)["rand"] == 1.0
    t, p = CELLS + CELLS.translate(str.maketrans("abcd", "efgh")), "a" * 35 + "b" * 35
    scores = membrane_scores(two, np.zeros(two.shape), thresholds=[])
    np.testing.assert_allclose(scores["rand"], rand_by_pairs(t, p), rtol=1e-12)


def test_each_merger_lowers_the_score_and_the_best_threshold_closes_a_hole():
    target = membrane(CELLS)
    values, probability = [], target.astype(float)
    for hole in ((0, 3), (2, 1), (3, 3)):
        values.append(membrane_scores(target, probability)["rand"])
        probability[hole] = 0.3
    values.append(membrane_scores(target, probability)["rand"])
    assert values[0] == 1.0 and np.all(np.diff(values) < -0.05)
    scores = membrane_scores(target, probability)
    assert scores["best_rand"] == 1.0 and scores["best_threshold"] <= 0.3
    assert scores["pixel_error"] == 3 / 35 and scores["iou"] == 8 / 11


def test_membrane_scores_refuse():
    for target, probability, message in (
        (np.full((2, 2), 255), np.zeros((2, 2)), "1 for membrane"),
        (np.ones((2, 2)), np.zeros((2, 2)), "no cell of two"),
        (np.zeros((2, 2)), np.zeros((2, 3)), "shape"),
    ):
        with pytest.raises(ValueError, match=message):
            membrane_scores(target, probability)


# Boundaries ---------------------------------------------------------------------------------------


def halves(column, size=12):
    return np.repeat([(np.arange(size) >= column).astype(int)], size, axis=0)


def test_boundary_score_of_a_straight_edge_that_is_moved():
    for moved, tolerance, wanted in ((0, 0, 1.0), (2, 2, 1.0), (3, 2, 0.0), (1, 0, 0.0)):
        scores = boundary_score(halves(6), halves(6 + moved), 3, tolerance)
        assert scores["classes"] == [wanted, wanted, None] and scores["mean"] == wanted


def test_boundary_score_is_the_f_score_of_shares():
    target, prediction = halves(6), halves(6)
    prediction[:3] = 0  # 9 of 12 rows have the edge, and one new edge across 6 columns
    scores = boundary_score(target, prediction, 2, tolerance=0)
    # class 1: found are row 3 (columns 6 to 11) and column 6 (rows 3 to 11): 14 pixels, 9 of them
    # true; of 12 true ones 9 are found
    p, r = 9 / 14, 9 / 12
    np.testing.assert_allclose(scores["classes"][1], 2 * p * r / (p + r))


def test_boundary_score_without_boundaries_and_with_void():
    flat = np.zeros((6, 6), int)
    assert boundary_score(flat, flat, 2) == {"mean": None, "classes": [None, None]}
    assert boundary_score(halves(6), np.zeros((12, 12), int), 2)["mean"] == 0.0
    target = halves(6)
    target[:, 9:] = 255  # an edge to void is none, and what is predicted there does not count
    prediction = halves(6)
    prediction[:, 10:] = 0
    assert boundary_score(target, prediction, 2, 0, void=255)["mean"] == 1.0
    with pytest.raises(ValueError, match="shape"):
        boundary_score(flat, flat[:3], 2)
    with pytest.raises(ValueError, match="the maps have shape"):
        boundary_score(flat[0], flat[0], 2)


def test_boundary_score_of_many_images_is_the_mean_of_those_with_boundaries():
    flat = np.zeros((12, 12), int)
    targets = np.stack([halves(6), halves(6), flat])
    predictions = np.stack([halves(6), flat, flat])
    scores = boundary_score(targets, predictions, 3, tolerance=0)
    assert scores == {"mean": 0.5, "classes": [0.5, 0.5, None]}
