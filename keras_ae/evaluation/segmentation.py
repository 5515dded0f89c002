"""Scores of segmentation: confusion matrix and what it gives, membranes, boundaries."""

import numpy as np

THRESHOLDS = tuple(k / 20 for k in range(1, 20))


def confusion_matrix(pairs, num_classes, void=None):
    """How often each class was taken for each other, over all images.

    Source: Long et al. 2015, arXiv:1411.4038, section 5 (n_ij).

    Args:
        pairs: iterable of `(target, prediction)`, two integer label maps of one shape (which may
            differ from pair to pair); they are read one at a time.
        num_classes: int.
        void: int, label of target pixels that do not count, or `None`. Defaults to `None`.

    Returns:
        int64 array, shape `(num_classes, num_classes)`, pixels; targets in rows, predictions in
        columns.

    Raises:
        ValueError: when the shapes of a pair differ, or a label is no class.
    """
    matrix = np.zeros(num_classes**2, "int64")
    for number, (target, prediction) in enumerate(pairs):
        target, prediction = _maps(target, prediction, f"pair {number}: ")
        counts = np.ones(target.shape, bool) if void is None else target != void
        target, prediction = target[counts], prediction[counts]
        for name, labels in (("target", target), ("prediction", prediction)):
            if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
                raise ValueError(
                    f"pair {number}: the {name} has labels from {labels.min()} to {labels.max()}: "
                    f"pass 0 to {num_classes - 1}, and as void= the number of target pixels that "
                    "do not count."
                )
        cells = target.astype("int64") * num_classes + prediction
        matrix += np.bincount(cells, minlength=num_classes**2)
    return matrix.reshape(num_classes, num_classes)


def segmentation_scores(matrix, class_names=None):
    """Mean intersection over union and accuracies of a confusion matrix.

    Source: Long et al. 2015, arXiv:1411.4038, section 5; Badrinarayanan et al. 2015,
    arXiv:1511.00561, section 4.1 (global and class accuracy).

    Args:
        matrix: array, shape `(num_classes, num_classes)`, targets in rows, as `confusion_matrix`
            gives it.
        class_names: sequence of str, or `None` for the class numbers. Defaults to `None`.

    Returns:
        dict of shares from 0 to 1: "mean_iou" (over classes that occur in target or prediction),
        "global_accuracy" (of all pixels), "class_accuracy" (mean over classes that occur in the
        target), and "iou", a dict by class name, `None` for a class that never occurs.

    Raises:
        ValueError: when the matrix is not square or empty of pixels, or the names do not fit it.
    """
    matrix = np.asarray(matrix, "float64")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.sum() > 0:
        raise ValueError(
            f"the matrix has shape {matrix.shape} and sums to {matrix.sum():g}: pass a square one "
            "of at least one pixel, as confusion_matrix gives it."
        )
    names = [str(k) for k in range(len(matrix))] if class_names is None else list(class_names)
    if len(names) != len(matrix) or len(set(names)) != len(names):
        raise ValueError(f"class_names={names}: pass {len(matrix)} different names.")
    hits, of_target, of_prediction = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    union = of_target + of_prediction - hits
    iou = hits / np.where(union > 0, union, 1.0)
    recall = hits[of_target > 0] / of_target[of_target > 0]
    return {
        "mean_iou": float(iou[union > 0].mean()),
        "global_accuracy": float(hits.sum() / matrix.sum()),
        "class_accuracy": float(recall.mean()),
        "iou": {n: float(v) if u > 0 else None for n, v, u in zip(names, iou, union)},
    }


def score_label_maps(targets, predictions, class_names, void=None):
    """What a table of segmentation needs: the scores of classes, and that of their boundaries.

    Source: `segmentation_scores` and `boundary_score` (tolerance 2 pixels).

    Args:
        targets: integer array, shape `(images, height, width)`.
        predictions: integer array of that shape.
        class_names: sequence of str, one per class.
        void: int, label of target pixels that do not count, or `None`. Defaults to `None`.

    Returns:
        dict of `segmentation_scores`, and "boundary", a share from 0 to 1 (`None` where there is no
        boundary).

    Raises:
        ValueError: when shapes or labels do not fit.
    """
    pairs, count = zip(targets, predictions, strict=True), len(class_names)
    scores = segmentation_scores(confusion_matrix(pairs, count, void), class_names)
    return {**scores, "boundary": boundary_score(targets, predictions, count, void=void)["mean"]}


def membrane_scores(target, probability, thresholds=THRESHOLDS):
    """Scores of the membranes between cells: do the same pixels stay together?

    V_Rand = sum_ij p_ij^2 / (0.5 sum_i s_i^2 + 0.5 sum_j t_j^2) over pairs of different pixels that
    are no membrane in the target: p_ij counts pixels in cell i of the prediction and cell j of the
    target. Cells are the parts of the complement of the membrane that hang together by edges
    (4-connectivity). What is predicted as membrane inside a cell of the target belongs to no cell:
    each such pixel stands alone. So a membrane that is too thick costs little, a hole in it, which
    merges two cells, much. (The challenge thins predicted membranes first; this does not.)

    Source: Arganda-Carreras et al. 2015, doi:10.3389/fnana.2015.00142, "Rand scoring" (foreground-
    restricted, alpha = 0.5).

    Args:
        target: array, shape `(height, width)`, 1 where there is membrane and 0 inside cells; or
            `(images, height, width)`: cells are those of each image, and pairs of pixels are
            counted over all images.
        probability: array of that shape, probability of membrane, 0 to 1.
        thresholds: sequence of float, a pixel is membrane from there on. Defaults to 0.05, 0.10,
            ..., 0.95.

    Returns:
        dict of shares from 0 to 1: "rand" (V_Rand at 0.5), "best_rand" (the highest over the
        thresholds and 0.5) and its "best_threshold"; "pixel_error" and "iou" of membrane, at 0.5
        (`None` where there is no membrane at all).

    Raises:
        ValueError: when shapes differ, the target is not 0 and 1, or has no cell of two
            pixels.
    """
    target, probability = _maps(target, probability)
    if target.ndim not in (2, 3) or not np.isin(target, (0, 1)).all():
        raise ValueError(
            f"the target has shape {target.shape} and values from {target.min()} to "
            f"{target.max()}: pass (height, width) or (images, height, width) with 1 for membrane "
            "and 0 for the inside of cells."
        )
    cells = _cells(target == 1)
    if np.bincount(cells.ravel())[1:].max(initial=0) < 2:
        raise ValueError("the target has no cell of two pixels: there is no pair to score.")
    scores = {level: _rand(cells, probability >= level) for level in {0.5, *thresholds}}
    best = max(scores, key=scores.get)
    membrane, predicted = target == 1, probability >= 0.5
    union = np.count_nonzero(membrane | predicted)
    return {
        "rand": scores[0.5],
        "best_rand": scores[best],
        "best_threshold": float(best),
        "pixel_error": float(np.mean(membrane != predicted)),
        "iou": float(np.count_nonzero(membrane & predicted) / union) if union else None,
    }


def boundary_score(target, prediction, num_classes, tolerance=2, void=None):
    """F-score of the classes' boundaries, where a boundary that is near enough is right.

    2 P R / (P + R) for each class: P is the share of its predicted boundary within `tolerance` of
    its true boundary, R the other way round; mean over the classes that have a boundary in the
    target. A pixel is boundary of its class where a neighbour (by an edge) is of another one; the
    rim of the image and that of void is none, and void pixels are in no boundary.

    Source: Csurka et al. 2013, "What is a good evaluation measure for semantic segmentation?"
    (BMVC), section 3, doi:10.5244/C.27.32.

    Args:
        target: integer array, shape `(height, width)`, or `(images, height, width)`: scores are
            means over the images then.
        prediction: integer array of that shape.
        num_classes: int.
        tolerance: float, Euclidean distance in pixels (the paper's is 0.75 % of the image's
            diagonal). Defaults to `2`.
        void: int, label of target pixels that do not count, or `None`. Defaults to `None`.

    Returns:
        dict with "mean", float from 0 to 1 (`None` where no class has a boundary in the target),
        and "classes", a list of such scores, `None` for a class without boundary in the target.

    Raises:
        ValueError: when the shapes are not equal and of two or three axes.
    """
    target, prediction = _maps(target, prediction)
    if target.ndim not in (2, 3) or not len(target):
        raise ValueError(
            f"the maps have shape {target.shape}: pass (height, width) or (images, height, width)."
        )
    if target.ndim == 3:
        parts = [
            boundary_score(*pair, num_classes, tolerance, void) for pair in zip(target, prediction)
        ]
        classes = zip(*(part["classes"] for part in parts))
        return {
            "mean": _known_mean([part["mean"] for part in parts]),
            "classes": [_known_mean(scores) for scores in classes],
        }
    counts = np.ones(target.shape, bool) if void is None else target != void
    scores = []
    for label in range(num_classes):
        true, found = (_boundary(labels == label, counts) for labels in (target, prediction))
        if not true.any():
            scores.append(None)
            continue
        precision, recall = _within(found, true, tolerance), _within(true, found, tolerance)
        both = precision + recall
        scores.append(float(2.0 * precision * recall / both) if both else 0.0)
    return {"mean": _known_mean(scores), "classes": scores}


def _maps(target, prediction, where=""):
    target, prediction = np.asarray(target), np.asarray(prediction)
    if target.shape != prediction.shape:
        raise ValueError(
            f"{where}the target has shape {target.shape}, the prediction {prediction.shape}: pass "
            "two of one shape (crop the target where the network gives only its centre)."
        )
    return target, prediction


def _cells(membrane):
    """Numbers from 1 of what hangs together in each image, 0 for membrane."""
    from scipy import ndimage

    images, found = membrane.reshape(-1, *membrane.shape[-2:]), 0
    cells = np.zeros(images.shape, "int64")
    for image, out in zip(images, cells):
        labels, number = ndimage.label(~image)  # its default is 4-connectivity
        out[:] = np.where(labels > 0, labels + found, 0)
        found += number
    return cells.reshape(membrane.shape)


def _rand(cells, membrane):
    """V_Rand of a thresholded membrane; every pixel of it is a part of its own."""
    from skimage.metrics import adapted_rand_error

    predicted, inside = _cells(membrane), cells > 0
    alone = predicted == 0
    predicted[alone] = predicted.max() + 1 + np.arange(np.count_nonzero(alone))
    with np.errstate(invalid="ignore"):  # its precision, where nothing is together
        error, _, _ = adapted_rand_error(cells[inside], predicted[inside])
    return float(1.0 - error)


def _known_mean(scores):
    """Mean of those that are not `None`, or `None`."""
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known else None


def _boundary(inside, counts):
    """Pixels of a class with a neighbour that counts and is of another class."""
    from scipy import ndimage

    others = counts & ~inside
    return inside & counts & ndimage.binary_dilation(others)


def _within(pixels, others, tolerance):
    """Share of pixels that have one of the others within the tolerance."""
    from scipy import ndimage

    if not pixels.any() or not others.any():
        return 0.0
    distance = ndimage.distance_transform_edt(~others)
    return np.mean(distance[pixels] <= tolerance)
