"""Loss terms against closed forms, at ordinary values and at logits of plus and minus 200."""

import os
import pathlib

import keras
import numpy as np
import pytest
from keras import ops

from keras_ae import losses
from keras_ae.engine import autodiff
from tests.cases.case import SOON


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


def test_correntropy_is_bounded_and_tends_to_the_squared_error():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 6)).astype("float32")
    e = (a.astype("float64") - b) ** 2
    expected = np.sum(2 * 0.7**2 * (1 - np.exp(-e / (2 * 0.7**2))), axis=1)
    np.testing.assert_allclose(value(losses.correntropy(a, b, 0.7)), expected, rtol=1e-5)
    wide, squared = losses.correntropy(a, b, 1e3), losses.squared_error(a, b)
    np.testing.assert_allclose(value(wide), value(squared), rtol=1e-4)
    far = losses.correntropy(np.zeros((1, 3), "float32"), np.full((1, 3), 1e4, "float32"), 0.5)
    np.testing.assert_allclose(value(far), [3 * 2 * 0.5**2])
    slope = autodiff.gradient(lambda y: losses.correntropy(np.zeros_like(a), y, 0.5), a * 1e4)
    assert np.isfinite(value(slope)).all()


def test_correntropy_orders_as_the_criterion_does():
    """Against the criterion's sum of kernels, turned round and scaled by 2 s^2."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50, 6)).astype("float32")
    criterion = np.sum(np.exp(-((a - b) ** 2) / (2 * 0.5**2)), axis=1)
    expected = 2 * 0.5**2 * (6 - criterion)
    np.testing.assert_allclose(value(losses.correntropy(a, b, 0.5)), expected, rtol=1e-4)


def test_weights_weigh_pixels():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.1, 0.9, size=(2, 4, 6)).astype("float32")
    w = rng.uniform(size=(4, 6)).astype("float32")
    for loss in (
        losses.squared_error,
        losses.bernoulli,
        losses.categorical,
        lambda a, b, w=None: losses.correntropy(a, b, 0.5, w),
    ):
        if loss is losses.categorical:  # all logits of an example are needed for each word
            whole = np.stack([value(loss(a * (np.arange(6) == j), b)) for j in range(6)], axis=1)
        else:
            whole = np.stack([value(loss(a[:, j : j + 1], b[:, j : j + 1])) for j in range(6)], 1)
        np.testing.assert_allclose(value(loss(a, b, w)), np.sum(w * whole, axis=1), rtol=1e-5)


def test_l1_and_kl_of_codes():
    h = np.random.default_rng(0).uniform(size=(8, 2, 3)).astype("float32")
    np.testing.assert_allclose(value(losses.l1(-h)), h.sum(axis=(1, 2)), rtol=1e-6)
    m = h.astype("float64").mean(axis=0)
    expected = np.sum(0.2 * np.log(0.2 / m) + 0.8 * np.log(0.8 / (1 - m)))
    np.testing.assert_allclose(value(losses.kl_sparsity(h, 0.2)), expected, rtol=1e-5)
    flat = np.full((8, 3), 0.2, "float32")
    np.testing.assert_allclose(value(losses.kl_sparsity(flat, 0.2)), 0.0, atol=1e-6)


def test_kl_of_silent_and_of_shouting_units_is_finite():
    for h in (np.zeros((4, 3), "float32"), np.ones((4, 3), "float32")):
        assert np.isfinite(value(losses.kl_sparsity(h, 0.05)))
        slope = value(autodiff.gradient(lambda x: losses.kl_sparsity(x, 0.05), h))
        assert np.isfinite(slope).all() and (np.sign(slope) == (1 if h.any() else -1)).all()


# Segmentation ------------------------------------------------------------------------------------

LOSSES = {
    name: getattr(losses, name)
    for name in ("cross_entropy", "focal", "dice", "jaccard", "tversky", "lovasz")
}
VOID = 9


def label_maps(seed=0, scale=1.0):
    """Three images of 5 x 4 pixels and 4 classes; the second lacks class 3, the third is void."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 4, size=(3, 5, 4))
    target[1] %= 3
    target[:, 0, :3] = VOID
    target[2] = VOID
    logits = scale * rng.normal(size=(3, 5, 4, 4))
    return target.astype("int32"), logits.astype("float32")


def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype="float64")
    return e / e.sum(axis=-1, keepdims=True)


def test_cross_entropy_and_focal_are_a_loop_over_pixels():
    target, logits = label_maps()
    p, rng = softmax(logits), np.random.default_rng(1)
    c, w = rng.uniform(0.5, 2, size=4), rng.uniform(size=target.shape)
    for gamma in (0.0, 0.5, 2.0):
        expected = np.zeros(3)
        for i in range(2):
            pixels = [(y, x) for y, x in np.ndindex(5, 4) if target[i, y, x] != VOID]
            for y, x in pixels:
                label = target[i, y, x]
                q = p[i, y, x, label]
                term = c[label] * w[i, y, x] * (1 - q) ** gamma * -np.log(q)
                expected[i] += term / len(pixels)
        actual = losses.focal(target, logits, VOID, c, w, gamma=gamma)
        np.testing.assert_allclose(value(actual), expected, rtol=1e-5)
        if gamma == 0:
            actual = losses.cross_entropy(target, logits, VOID, c, w)
            np.testing.assert_allclose(value(actual), expected, rtol=1e-5)


def test_cross_entropy_is_that_of_torch():
    torch = pytest.importorskip("torch")
    target, logits = label_maps()
    for i in range(2):
        expected = torch.nn.functional.cross_entropy(
            torch.tensor(logits[i].reshape(-1, 4)),
            torch.tensor(target[i].reshape(-1)).long(),
            ignore_index=VOID,
        )
        actual = value(losses.cross_entropy(target, logits, VOID))[i]
        np.testing.assert_allclose(actual, float(expected), rtol=1e-5)


def test_tversky_is_a_loop_over_classes_that_occur():
    target, logits = label_maps()
    p, rng = softmax(logits), np.random.default_rng(1)
    c, w = rng.uniform(0.5, 2, size=4), rng.uniform(size=target.shape)
    for alpha, beta in ((0.3, 0.7), (0.5, 0.5), (1.0, 1.0)):
        expected = np.zeros(3)
        for i in range(2):
            counts, terms, weights = target[i] != VOID, [], []
            for k in range(4):
                t = (target[i] == k)[counts]
                if not t.any():
                    continue
                q, v = p[i, ..., k][counts], w[i][counts]
                hits, wrong, missed = (v * q * t).sum(), (v * q * ~t).sum(), (v * (1 - q) * t).sum()
                terms.append(1 - hits / (hits + alpha * wrong + beta * missed))
                weights.append(c[k])
            expected[i] = np.average(terms, weights=weights)
        actual = losses.tversky(target, logits, VOID, c, w, alpha=alpha, beta=beta)
        np.testing.assert_allclose(value(actual), expected, rtol=1e-5, atol=1e-7)
        for name, of in (("dice", 0.5), ("jaccard", 1.0)):
            if alpha == beta == of:
                actual = LOSSES[name](target, logits, VOID, c, w)
                np.testing.assert_allclose(value(actual), expected, rtol=1e-5, atol=1e-7)


def test_dice_of_binary_maps_is_the_closed_form():
    """Two classes with even odds: sums of p and t are those of the pixels."""
    target = np.array([[[1, 1, 1, 0]]], "int32")
    logits = np.zeros((1, 1, 4, 2), "float32")
    dice = np.mean([1 - 2 * 0.5 / (2 + 1), 1 - 2 * 1.5 / (2 + 3)])
    iou = np.mean([1 - 0.5 / (2 + 1 - 0.5), 1 - 1.5 / (2 + 3 - 1.5)])
    np.testing.assert_allclose(value(losses.dice(target, logits)), [dice], rtol=1e-6)
    np.testing.assert_allclose(value(losses.jaccard(target, logits)), [iou], rtol=1e-6)


def jaccard_of_errors(wrong, truth):
    """Equation 3 of the paper: a set of wrong pixels, the pixels of the class."""
    return np.sum(wrong) / np.sum(truth | wrong)


def lovasz_by_definition(target, logits):
    """Sum over rising sets of wrong pixels of the rise of the Jaccard loss (equation 8)."""
    p, values = softmax(logits), []
    for i in range(len(target)):
        counts, terms = target[i] != VOID, []
        for k in range(logits.shape[-1]):
            truth = (target[i] == k)[counts]
            if not truth.any():
                continue
            errors = np.abs(truth - p[i, ..., k][counts])
            wrong, before, total = np.zeros_like(truth), 0.0, 0.0
            for j in np.argsort(-errors):
                wrong[j] = True
                after = jaccard_of_errors(wrong, truth)
                total, before = total + errors[j] * (after - before), after
            terms.append(total)
        values.append(np.mean(terms) if terms else 0.0)
    return np.array(values)


def test_lovasz_is_the_definition():
    target, logits = label_maps()
    expected = lovasz_by_definition(target, logits)
    np.testing.assert_allclose(
        value(losses.lovasz(target, logits, VOID)), expected, rtol=1e-5, atol=1e-7
    )
    assert 0 < expected[0] < 1
    with pytest.raises(ValueError, match="no weights of pixels"):
        losses.lovasz(target, logits, VOID, pixel_weights=np.ones(target.shape))


def test_lovasz_and_jaccard_at_one_hot_predictions():
    target, _ = label_maps()
    chosen = np.random.default_rng(2).integers(0, 4, size=target.shape)
    logits = (200.0 * np.eye(4)[chosen]).astype("float32")
    expected = np.zeros(3)
    for i in range(2):
        counts = target[i] != VOID
        true, found = target[i][counts], chosen[i][counts]
        ious = [
            np.sum((true == k) & (found == k)) / np.sum((true == k) | (found == k))
            for k in np.unique(true)
        ]
        expected[i] = 1 - np.mean(ious)
    for loss in (losses.lovasz, losses.jaccard):
        np.testing.assert_allclose(value(loss(target, logits, VOID)), expected, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_slopes_are_finite_differences(name):
    """The loss, in float64 by hand where it is not smooth, along random directions."""
    target, logits = label_maps()
    slope = value(autodiff.gradient(lambda l_: LOSSES[name](target, l_, VOID), logits))
    assert np.all(slope[target == VOID] == 0) and np.abs(slope[:2]).max() > 1e-3
    direction = np.random.default_rng(3).normal(size=logits.shape)
    h = 1e-2 if name != "lovasz" else 1e-5  # so small that no two errors change places
    if name == "lovasz":
        at = lambda l_: lovasz_by_definition(target, l_)
    else:
        at = lambda l_: value(LOSSES[name](target, l_.astype("float32"), VOID)).astype("float64")
    far, near = at(logits + h * direction), at(logits - h * direction)
    expected = (far - near) / (2 * h)
    np.testing.assert_allclose(
        np.sum(slope * direction, axis=(1, 2, 3)), expected, rtol=2e-3, atol=2e-5
    )


@pytest.mark.parametrize("name", LOSSES)
def test_void_pixels_have_no_influence(name):
    target, logits = label_maps()
    other = logits.copy()
    other[target == VOID] = np.random.default_rng(4).normal(0, 50, size=(26, 4))
    other[0, 0, 0, 0] = np.nan
    loss = lambda l_: LOSSES[name](target, l_, VOID, [1.0, 2.0, 0.5, 1.0])
    np.testing.assert_array_equal(value(loss(other)), value(loss(logits)))
    slopes = [value(autodiff.gradient(loss, each)) for each in (logits, other)]
    np.testing.assert_array_equal(slopes[0], slopes[1])
    assert value(loss(logits))[2] == 0 and not slopes[0][2].any()
    kept = np.where(target == VOID, 255, target)
    np.testing.assert_array_equal(
        value(LOSSES[name](kept, logits, 255)), value(LOSSES[name](target, logits, VOID))
    )
    whole = np.tile(target[:1, 1:], (1, 2, 1))  # void rows beside an image without any
    rows = np.concatenate([np.full((1, 2, 4), VOID), whole], axis=1)
    padded = np.concatenate([logits[:1, :2], np.tile(logits[:1, 1:], (1, 2, 1, 1))], axis=1)
    expected = value(LOSSES[name](whole, padded[:, 2:]))
    np.testing.assert_allclose(value(LOSSES[name](rows, padded, VOID)), expected, rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_segmentation_at_extreme_logits(name):
    target, logits = label_maps()
    logits = 200.0 * np.sign(logits)
    options = {"gamma": 0.5} if name == "focal" else {}
    loss = lambda l_: LOSSES[name](target, l_, VOID, **options)
    assert np.isfinite(value(loss(logits))).all()
    assert np.isfinite(value(autodiff.gradient(loss, logits))).all()
    right = (400.0 * np.eye(10)[target] - 200.0)[..., :4].astype("float32")
    np.testing.assert_allclose(value(loss(right)), 0.0, atol=1e-6)
    assert np.isfinite(value(autodiff.gradient(loss, right))).all()
    if name == "cross_entropy":
        np.testing.assert_allclose(value(loss(-right))[:2], 400.0 + np.log(3), rtol=1e-6)
    half = ops.cast(logits, "bfloat16")
    assert keras.backend.standardize_dtype(loss(half).dtype) == "float32"


def fitted(loss, epochs, **how):
    """Losses of a small network that is trained on label maps, in batches of two sizes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 8, 6, 2)).astype("float32")
    y = (x[..., 0] > 0).astype("int32") + (x[..., 1] > 0)
    y[:, 0] = 255
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 6, 2))
    hidden = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(hidden))
    wanted = lambda target, logits: ops.mean(loss(target, logits, 255, [1.0, 2.0, 1.0]))
    model.compile(keras.optimizers.Adam(0.05), wanted, **how)
    return model.fit(x, y, batch_size=4, epochs=epochs, verbose=0).history["loss"]


@pytest.mark.neutral("torch")
@pytest.mark.parametrize("name", LOSSES)
def test_segmentation_inside_fit(name):
    """Each is learned; non-contiguous gradients (PyTorch)."""
    history = fitted(LOSSES[name], 15, **SOON)
    assert history[-1] < 0.7 * history[0]


@pytest.mark.compiled
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="it has no XLA")
def test_segmentation_under_xla():
    """All of them in one program, for a batch of unknown size."""
    together = lambda *arguments: sum(loss(*arguments) for loss in LOSSES.values())
    history = fitted(together, 4, jit_compile=True)
    assert history[-1] < history[0]
    if keras.backend.backend() == "tensorflow":
        np.testing.assert_allclose(history, fitted(together, 4, run_eagerly=True), rtol=1e-3)


def test_empty_classes_have_no_reward():
    """A class without pixels changes nothing, predicted or not, and nor does its weight."""
    target = np.zeros((1, 2, 3), "int32")
    target[0, 0] = 1
    logits = np.random.default_rng(0).normal(size=(1, 2, 3, 2)).astype("float32")
    never = np.concatenate([logits, np.full((1, 2, 3, 1), -200, "float32")], axis=-1)
    for name in ("dice", "jaccard", "tversky", "lovasz"):
        expected = value(LOSSES[name](target, logits))
        np.testing.assert_allclose(value(LOSSES[name](target, never)), expected, rtol=1e-6)
        weighted = LOSSES[name](target, never, class_weights=[1.0, 1.0, 50.0])
        np.testing.assert_allclose(value(weighted), expected, rtol=1e-6)
        both = value(LOSSES[name](target, logits, class_weights=[1.0, 0.0]))
        both += value(LOSSES[name](target, logits, class_weights=[0.0, 1.0]))
        np.testing.assert_allclose(both / 2, expected, rtol=1e-6)


def test_segmentation_refuses_wrong_constants():
    target, logits = label_maps()
    with pytest.raises(ValueError, match="gamma=-1"):
        losses.focal(target, logits, gamma=-1)
    with pytest.raises(ValueError, match=r"alpha=-0\.1"):
        losses.tversky(target, logits, alpha=-0.1)


def test_median_frequency_weights():
    # class 0: 3 of 14 pixels, class 1: 4 of 14, class 2: 1 of the 6 of the second image
    maps = [np.array([[0, 0, 1, 1], [7, 7, 7, 7]]), np.array([[0, 2], [1, 0], [7, 7]])]
    maps[0][0, 1] = 1
    frequency = np.array([3 / 14, 4 / 14, 1 / 6])
    expected = np.median(frequency) / frequency
    np.testing.assert_allclose(losses.median_frequency_weights(maps, 3, void=7), expected)
    np.testing.assert_allclose(losses.median_frequency_weights(iter(maps), 3, void=7), expected)
    with pytest.warns(UserWarning, match=r"classes \[3\]"):
        weights = losses.median_frequency_weights(maps, 4, void=7)
    np.testing.assert_allclose(weights, [*expected, 0.0])
    same = np.stack([maps[0], maps[0]])
    first = losses.median_frequency_weights(same, 2, void=7)
    np.testing.assert_allclose(first, losses.median_frequency_weights(maps[:1], 2, void=7))
    for wrong, message in (
        (maps[0], "one map as"),
        ([np.full((2, 2), 7)], "no label map"),
        ([np.array([[0, 5]])], "from 0 to 5"),
    ):
        with pytest.raises(ValueError, match=message):
            losses.median_frequency_weights(wrong, 3, void=7)


def test_median_frequency_weights_of_camvid():
    folder = pathlib.Path(os.environ.get("KERAS_AE_DATA", ""), "camvid", "trainannot")
    if "KERAS_AE_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("set KERAS_AE_DATA to a folder with camvid/trainannot")
    image = pytest.importorskip("PIL.Image")
    maps = (np.asarray(image.open(file)) for file in sorted(folder.glob("*.png")))
    expected = [0.279, 0.202, 4.787, 0.149, 1.0, 0.422, 3.847, 1.974, 0.789, 6.375, 8.859]
    weights = losses.median_frequency_weights(maps, 11, void=11)
    np.testing.assert_allclose(weights, expected, atol=6e-4)
