"""Keras metrics of segmentation: over the whole data set, not averaged over batches.

Each gathers a confusion matrix; `keras.metrics.MeanIoU` does too, but in int32, which casts weights
to whole numbers, takes no weight per image and overflows after 2^31 pixels.
"""

import keras
import numpy as np
from keras import ops

BLOCK = 4096  # pixels; float32 counts blocks exactly up to 2^24 of them


class _ConfusionMatrix(keras.metrics.Metric):
    """What the metrics share: the matrix, rows for targets and columns for predictions.

    The count of a cell is `BLOCK * blocks + rest` with `rest < BLOCK`, so that a data set of 2^36
    pixels is counted exactly in float32 (but for the roundings of weights).
    """

    def __init__(self, num_classes, void=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        self.num_classes, self.void = num_classes, void
        self.blocks, self.rest = (
            self.add_variable((num_classes, num_classes), "zeros", dtype="float32", name=part)
            for part in ("blocks", "rest")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: integer label maps, shape `(batch, height, width)`. Labels that are void or no
                class do not count.
            y_pred: probabilities or logits, shape `(batch, height, width, num_classes)`.
            sample_weight: weights, shape `(batch,)` or `(batch, height, width)`, or `None`.
                Defaults to `None`.
        """
        classes, labels = self.num_classes, ops.cast(y_true, "int32")
        if len(labels.shape) == len(y_pred.shape):  # (batch, height, width, 1)
            labels = ops.squeeze(labels, axis=-1)
        counts = ops.logical_and(labels >= 0, labels < classes)
        if self.void is not None:
            counts = ops.logical_and(counts, ops.not_equal(labels, self.void))
        cells = labels * classes + ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        cells = ops.where(counts, cells, 0)
        if sample_weight is None:
            values = ops.cast(counts, "int32")
        else:
            weights = ops.cast(sample_weight, "float32")
            missing = len(labels.shape) - len(weights.shape)
            weights = ops.reshape(weights, (*ops.shape(weights), *[1] * missing))
            values = ops.where(counts, weights + ops.zeros(ops.shape(labels)), 0.0)
        index = ops.reshape(cells, (-1, 1))
        batch = ops.scatter(index, ops.reshape(values, (-1,)), (classes**2,))
        batch = ops.reshape(batch, (classes, classes))
        blocks = ops.floor_divide(batch, BLOCK)
        rest = self.rest + ops.cast(batch - blocks * BLOCK, "float32")
        carry = ops.floor(rest / BLOCK)
        self.blocks.assign(self.blocks + ops.cast(blocks, "float32") + carry)
        self.rest.assign(rest - carry * BLOCK)

    def confusion_matrix(self):
        """The matrix so far: float64 array `(num_classes, num_classes)`, targets in rows."""
        blocks, rest = (
            np.asarray(ops.convert_to_numpy(part), "float64") for part in (self.blocks, self.rest)
        )
        return BLOCK * blocks + rest

    def per_class(self):
        """The value of every class: list of floats, `None` where it never occurred."""
        hits, whole = (np.asarray(part).tolist() for part in self._shares(self.confusion_matrix()))
        return [hit / most if most > 0 else None for hit, most in zip(hits, whole)]

    def result(self):
        hits, whole = self._shares(BLOCK * self.blocks + self.rest)
        occurs = ops.cast(whole > 0, "float32")
        shares = hits / ops.where(whole > 0, whole, 1.0)
        return ops.sum(occurs * shares) / ops.maximum(ops.sum(occurs), 1.0)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes, "void": self.void}

    def _shares(self, matrix):
        """Numerator and denominator of every class's value; its mean is that of the metric."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("keras_ae")
class MeanIoU(_ConfusionMatrix):
    """Intersection over union, mean over the classes that occur in target or prediction.

    TP / (TP + FP + FN) of each class, with the counts of the whole data set. Give it to
    `compile(metrics=[...])` (or `weighted_metrics`) of a model with label maps as targets.

    Source: Long et al. 2015, arXiv:1411.4038, section 5 ("mean IU"); Everingham et al. 2010,
    doi:10.1007/s11263-009-0275-4.

    Args:
        num_classes: int.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        name: str. Defaults to `"mean_iou"`.
        dtype: as in `keras.metrics.Metric`; counts are float32 in any case. Defaults to `None`.
    """

    def __init__(self, num_classes, void=None, name="mean_iou", dtype=None):
        super().__init__(num_classes, void, name, dtype)

    def _shares(self, matrix):
        hits = ops.diagonal(matrix)
        return hits, ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits


@keras.saving.register_keras_serializable("keras_ae")
class ClassAccuracy(_ConfusionMatrix):
    """Share of a class's pixels that are found, mean over the classes that occur in the target.

    Source: Long et al. 2015, arXiv:1411.4038, section 5 ("mean accuracy"); Badrinarayanan et al.
    2015, arXiv:1511.00561, section 4.1 ("class average accuracy").

    Args:
        num_classes: int.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        name: str. Defaults to `"class_accuracy"`.
        dtype: as in `keras.metrics.Metric`; counts are float32 in any case. Defaults to `None`.
    """

    def __init__(self, num_classes, void=None, name="class_accuracy", dtype=None):
        super().__init__(num_classes, void, name, dtype)

    def _shares(self, matrix):
        return ops.diagonal(matrix), ops.sum(matrix, axis=1)


@keras.saving.register_keras_serializable("keras_ae")
class GlobalAccuracy(_ConfusionMatrix):
    """Share of all pixels whose class is right; `per_class` is that of `ClassAccuracy`.

    Source: Long et al. 2015, arXiv:1411.4038, section 5 ("pixel accuracy"); Badrinarayanan et al.
    2015, arXiv:1511.00561, section 4.1.

    Args:
        num_classes: int.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        name: str. Defaults to `"global_accuracy"`.
        dtype: as in `keras.metrics.Metric`; counts are float32 in any case. Defaults to `None`.
    """

    def __init__(self, num_classes, void=None, name="global_accuracy", dtype=None):
        super().__init__(num_classes, void, name, dtype)

    def _shares(self, matrix):
        return ops.diagonal(matrix), ops.sum(matrix, axis=1)

    def result(self):
        hits, whole = self._shares(BLOCK * self.blocks + self.rest)
        pixels = ops.sum(whole)
        return ops.sum(hits) / ops.where(pixels > 0, pixels, 1.0)
