"""Losses of segmentation: a label for every pixel, some of them void, classes of unequal size.

All take `(target, logits, void, class_weights, pixel_weights)` and return one value per image. A
void pixel has no influence, neither on the value nor on a gradient; an image that is all void
costs 0. What is compared is the image, not the batch: an image has the same loss in any company.
"""

import warnings

import numpy as np
from keras import ops

from .reduction import as_float, sum_pixels

TINY = 1e-12  # far below any sum that counts, far above float32's smallest number


def cross_entropy(target, logits, void=None, class_weights=None, pixel_weights=None):
    """Cross-entropy per pixel that counts, weighted by class and by pixel.

    -sum_j c(y_j) w_j log softmax(l_j)[y_j] / n over the n pixels j that are not void, finite for
    any logit. It is divided by the number of pixels, not by the sum of their weights.

    Source: Ronneberger et al. 2015, arXiv:1505.04597, equation 1 (weights of pixels);
    Badrinarayanan et al. 2015, arXiv:1511.00561, section 4.1 (weights of classes).

    Args:
        target: integer tensor of labels, shape `(batch, height, width)`.
        logits: tensor, shape `(batch, height, width, num_classes)`, before the softmax.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        class_weights: array-like, shape `(num_classes,)`, or `None`. Defaults to `None`.
        pixel_weights: tensor, shape `(batch, height, width)`, or `None`. Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`, nats per pixel.
    """
    labels, counts, logits = _read(target, logits, void)
    nats = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    return _mean(nats, labels, counts, class_weights, pixel_weights)


def focal(target, logits, void=None, class_weights=None, pixel_weights=None, gamma=2.0):
    """Cross-entropy in which pixels that are right already count little.

    -sum_j c(y_j) w_j (1 - p_j)^gamma log p_j / n with p_j = softmax(l_j)[y_j], over the n pixels j
    that are not void. With gamma = 0 it is `cross_entropy`.

    Source: Lin et al. 2017, arXiv:1708.02002, equations 4 and 5 (the paper's alpha is
    `class_weights`; it divides by the number of objects, here it is the number of pixels).

    Args:
        target: integer tensor of labels, shape `(batch, height, width)`.
        logits: tensor, shape `(batch, height, width, num_classes)`, before the softmax.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        class_weights: array-like, shape `(num_classes,)`, or `None`. Defaults to `None`.
        pixel_weights: tensor, shape `(batch, height, width)`, or `None`. Defaults to `None`.
        gamma: float >= 0, how little easy pixels count. Defaults to `2.0`.

    Returns:
        Tensor of shape `(batch,)`, nats per pixel.

    Raises:
        ValueError: when `gamma` is negative.
    """
    if gamma < 0:
        raise ValueError(f"gamma={gamma}: pass 0 (the cross-entropy) or more.")
    labels, counts, logits = _read(target, logits, void)
    nats = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    # 1 - p without losing its digits, and off zero, where a power below 1 has no slope
    error = ops.maximum(-ops.expm1(-nats), TINY)
    return _mean(error**gamma * nats, labels, counts, class_weights, pixel_weights)


def dice(target, logits, void=None, class_weights=None, pixel_weights=None):
    """One minus the soft Dice coefficient, mean over the classes that occur in the image.

    1 - 2 sum_j p_jc t_jc / (sum_j p_jc + sum_j t_jc), with probabilities p and one-hot labels t
    over the pixels j that are not void. Per image: a class that is not in its target is left out of
    the mean, whether it is predicted or not (where it is, it costs the classes that are there).

    Source: Milletari et al. 2016, arXiv:1606.04797, section 3 (there with squares in the
    denominator); Salehi et al. 2017, arXiv:1706.05721 (this form, `tversky` with halves).

    Args:
        target: integer tensor of labels, shape `(batch, height, width)`.
        logits: tensor, shape `(batch, height, width, num_classes)`, before the softmax.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        class_weights: array-like, shape `(num_classes,)`, weights of the mean over classes, or
            `None`. Defaults to `None`.
        pixel_weights: tensor, shape `(batch, height, width)`, weights inside all sums, or `None`.
            Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`, from 0 to 1, no unit.
    """
    return tversky(target, logits, void, class_weights, pixel_weights, alpha=0.5, beta=0.5)


def jaccard(target, logits, void=None, class_weights=None, pixel_weights=None):
    """One minus the soft intersection over union, mean over the classes that occur in the image.

    1 - I / (sum_j p_jc + sum_j t_jc - I) with I = sum_j p_jc t_jc, with probabilities p and one-hot
    labels t over the pixels j that are not void; classes as in `dice`.

    Source: Rahman and Wang 2016, doi:10.1007/978-3-319-50835-1_22, equation 3.

    Args:
        target: integer tensor of labels, shape `(batch, height, width)`.
        logits: tensor, shape `(batch, height, width, num_classes)`, before the softmax.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        class_weights: array-like, shape `(num_classes,)`, weights of the mean over classes, or
            `None`. Defaults to `None`.
        pixel_weights: tensor, shape `(batch, height, width)`, weights inside all sums, or `None`.
            Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`, from 0 to 1, no unit.
    """
    return tversky(target, logits, void, class_weights, pixel_weights, alpha=1.0, beta=1.0)


def tversky(target, logits, void=None, class_weights=None, pixel_weights=None, alpha=0.5, beta=0.5):
    """One minus the soft Tversky index, mean over the classes that occur in the image.

    1 - TP / (TP + alpha FP + beta FN) with TP = sum_j p_jc t_jc, FP = sum_j p_jc (1 - t_jc) and
    FN = sum_j (1 - p_jc) t_jc, with probabilities p and one-hot labels t over the pixels j that are
    not void; classes as in `dice`. Halves give `dice`, ones `jaccard`.

    Source: Salehi et al. 2017, arXiv:1706.05721, equation 3.

    Args:
        target: integer tensor of labels, shape `(batch, height, width)`.
        logits: tensor, shape `(batch, height, width, num_classes)`, before the softmax.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        class_weights: array-like, shape `(num_classes,)`, weights of the mean over classes, or
            `None`. Defaults to `None`.
        pixel_weights: tensor, shape `(batch, height, width)`, weights inside all sums, or `None`.
            Defaults to `None`.
        alpha: float >= 0, what a false positive costs. Defaults to `0.5`.
        beta: float >= 0, what a false negative costs. Defaults to `0.5`.

    Returns:
        Tensor of shape `(batch,)`, from 0 to 1, no unit.

    Raises:
        ValueError: when `alpha` or `beta` is negative.
    """
    if min(alpha, beta) < 0:
        raise ValueError(f"alpha={alpha}, beta={beta}: pass two numbers >= 0.")
    labels, counts, logits = _read(target, logits, void)
    weights = counts if pixel_weights is None else _weigh(counts, pixel_weights)
    p = ops.softmax(logits, axis=-1)
    t = ops.one_hot(labels, logits.shape[-1], dtype=p.dtype)
    sums = lambda values: ops.sum(values * weights[..., None], axis=(1, 2))  # (batch, num_classes)
    hits, of_class = sums(p * t), sums(t)
    false_positives, false_negatives = sums(p * (1.0 - t)), sums((1.0 - p) * t)
    whole = hits + alpha * false_positives + beta * false_negatives
    losses = 1.0 - hits / ops.maximum(whole, TINY)
    return _mean_over_classes(losses, of_class, class_weights)


def lovasz(target, logits, void=None, class_weights=None, pixel_weights=None):
    """Lovász extension of one minus the intersection over union, per image.

    sum_i e_(i) [J(i) - J(i - 1)] for each class, with the errors e_j = |t_jc - p_jc| of the pixels
    that are not void in falling order, and J(i) the Jaccard loss of a prediction that is wrong at
    the first i of them; mean over the classes that occur in the image, as in `dice`. At one-hot
    probabilities it is the Jaccard loss. It sorts all pixels once for each class.

    Source: Berman et al. 2018, arXiv:1705.08790, equations 8, 9 and 11, algorithm 1.

    Args:
        target: integer tensor of labels, shape `(batch, height, width)`.
        logits: tensor, shape `(batch, height, width, num_classes)`, before the softmax.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        class_weights: array-like, shape `(num_classes,)`, weights of the mean over classes, or
            `None`. Defaults to `None`.
        pixel_weights: must be `None`: a set of pixels has a Jaccard loss, a weighted set has none
            in the paper.

    Returns:
        Tensor of shape `(batch,)`, from 0 to 1, no unit.

    Raises:
        ValueError: when there are pixel weights.
    """
    if pixel_weights is not None:
        raise ValueError(
            "lovasz has no weights of pixels (sample_weight of a label map): pass None, or train "
            "with cross_entropy, focal, dice, jaccard or tversky."
        )
    labels, counts, logits = _read(target, logits, void)
    p = ops.softmax(logits, axis=-1)
    t = ops.one_hot(labels, logits.shape[-1], dtype=p.dtype) * counts[..., None]
    errors = (t * (1.0 - p) + (1.0 - t) * p) * counts[..., None]
    # (batch, height, width, classes) -> (batch, classes, pixels)
    rows = lambda x: ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (ops.shape(x)[0], x.shape[-1], -1))
    errors, t, counts = rows(errors), rows(t), rows(counts[..., None])
    falling = ops.argsort(ops.stop_gradient(1.0 - counts - errors), axis=-1)  # void ones come last
    errors = ops.take_along_axis(errors, falling, axis=-1)
    t = ops.take_along_axis(t, falling, axis=-1)
    of_class = ops.sum(t, axis=-1)  # (batch, classes)
    missed = ops.cumsum(t, axis=-1)
    union = of_class[..., None] + ops.cumsum(1.0 - t, axis=-1)
    # J(i) - J(i - 1), each case written out: a difference of near numbers would lose its digits
    wrong = (of_class[..., None] - missed) / (union * ops.maximum(union - 1.0, 1.0))
    steps = ops.where(t > 0.5, 1.0 / ops.maximum(union, 1.0), wrong)
    losses = ops.sum(errors * ops.stop_gradient(steps), axis=-1)
    return _mean_over_classes(losses, of_class, class_weights)


def median_frequency_weights(labels, num_classes, void=None):
    """Weights of classes that make rare ones count as much as common ones.

    The median of all frequencies over that of the class; a class's frequency is its pixels, divided
    by all pixels (void ones too, as in the paper) of those images in which it occurs. On the public
    labels of CamVid's 367 training images this gives .279, .202, 4.787, .149, 1.000, .422, 3.847,
    1.974, .789, 6.375, 8.859; the vector that was published with SegNet is another one: .2595,
    .1826, 4.5640, .1417, .9051, .3826, 9.6446, 1.8418, .6823, 6.2478, 7.3614.

    Source: Eigen and Fergus 2015, arXiv:1411.4734, section 6.3.2; Badrinarayanan et al. 2015,
    arXiv:1511.00561, section 4.1.

    Args:
        labels: integer array, shape `(images, height, width)`, or an iterable of label maps of any
            sizes, which are read one at a time.
        num_classes: int.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.

    Returns:
        float64 array, shape `(num_classes,)`; 0 for a class that never occurs (with a warning).

    Raises:
        ValueError: when `labels` is one single map, holds no pixel that counts, or a label is no
            class.
    """
    if getattr(labels, "ndim", 3) != 3:
        raise ValueError(
            f"labels have shape {labels.shape}: pass (images, height, width), one map as [map]."
        )
    own, around = np.zeros(num_classes), np.zeros(num_classes)
    for number, image in enumerate(labels):
        image = np.asarray(image)
        values, counts = np.unique(image, return_counts=True)
        kept = np.ones(len(values), bool) if void is None else values != void
        values, counts = values[kept], counts[kept]
        if not np.isin(values, np.arange(num_classes)).all():
            raise ValueError(
                f"label map {number} has labels from {values.min():g} to {values.max():g}: pass 0 "
                f"to {num_classes - 1}, or as void= the number of pixels that do not count."
            )
        values = values.astype(int)
        own[values] += counts
        around[values] += image.size
    occurs = own > 0
    if not occurs.any():
        raise ValueError("no label map has a pixel that counts: pass others, or another void.")
    if not occurs.all():
        warnings.warn(
            f"classes {np.flatnonzero(~occurs).tolist()} occur in no label map: their weight is 0.",
            stacklevel=2,
        )
    frequency = own[occurs] / around[occurs]
    weights = np.zeros(num_classes)
    weights[occurs] = np.median(frequency) / frequency
    return weights


def _read(target, logits, void):
    """Labels (0 where void), 1.0 where a pixel counts and 0.0 where not, logits (0 where void)."""
    labels, logits = ops.cast(target, "int32"), as_float(logits)
    if void is None:
        return labels, ops.ones_like(labels, dtype=logits.dtype), logits
    counts = ops.not_equal(labels, void)
    labels = ops.where(counts, labels, 0)
    logits = ops.where(counts[..., None], logits, ops.zeros_like(logits))
    return labels, ops.cast(counts, logits.dtype), logits


def _weigh(counts, pixel_weights):
    """Weights of pixels, 0 where void, whatever stands there."""
    weights = ops.cast(as_float(pixel_weights), counts.dtype)
    return ops.where(counts > 0, weights, ops.zeros_like(weights))


def _mean(values, labels, counts, class_weights, pixel_weights):
    """Weighted sum over pixels, divided by the number of those that count."""
    weights = counts if pixel_weights is None else _weigh(counts, pixel_weights)
    if class_weights is not None:
        table = ops.convert_to_tensor(class_weights, dtype=counts.dtype)
        weights = weights * ops.take(table, labels, axis=0)
    return sum_pixels(values, weights) / ops.maximum(sum_pixels(counts), 1.0)


def _mean_over_classes(losses, of_class, class_weights):
    """Weighted mean over the classes that occur: `(batch, num_classes)` -> `(batch,)`."""
    weights = ops.cast(of_class > 0, losses.dtype)
    if class_weights is not None:
        weights = weights * ops.convert_to_tensor(class_weights, dtype=losses.dtype)
    return ops.sum(weights * losses, axis=-1) / ops.maximum(ops.sum(weights, axis=-1), TINY)
