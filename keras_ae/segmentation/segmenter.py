"""What all segmentation networks share: labels of pixels, losses, void, what `fit` takes.

Source: Long et al. 2015, arXiv:1411.4038 (a class for every pixel); Ronneberger et al. 2015,
arXiv:1505.04597, equation 1 (weights of pixels).
"""

import inspect
import itertools

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine import seeds
from ..engine.checks import check_positive_int, inputs
from ..engine.model import Model
from ..layers.normalization import BatchNormalization
from ..layers.upsampling import crop_like

NO_OPTIONS = {"target", "labels", "logits", "void", "class_weights", "pixel_weights"}


@keras.saving.register_keras_serializable("keras_ae")
class Segmenter(Model):
    """A network that gives every pixel a class.

    `fit(x, y)` takes label maps `y` as large as the images, class numbers from 0 (and `void` where
    a pixel does not count); `sample_weight` has a number for each example or for each pixel. Where
    the network gives less than the whole image (valid padding), the centre of the labels counts.
    `call` returns logits, `predict` and the export probabilities, `segment` class numbers.

    Source: Long et al. 2015, arXiv:1411.4038.

    Args:
        network: `keras.Model`, Functional, from images `(batch, height, width, channels)` to logits
            `(batch, height', width', num_classes)`.
        loss: name of a loss ("cross_entropy", "focal", "dice", "jaccard", "tversky", "lovasz"), a
            dict of several to their weights, or to a dict of "weight" and arguments of the loss
            (`{"tversky": {"weight": 1.0, "alpha": 0.3, "beta": 0.7}}`), or a function `(target,
            logits) -> (batch,)`, which is given void labels as they are and whose term is called
            "segmentation". Defaults to `"cross_entropy"`.
        void: int, label of pixels that do not count, or `None`. Defaults to `None`.
        class_weights: sequence with one weight per class, as `losses.median_frequency_weights`
            gives them, or `None`. Defaults to `None`.
        l2: float, weight of the sum of all squared kernels, the term "l2". Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`; `batch_statistics`, the property, which
            is saved.

    Raises:
        ValueError: when the network is none from images to at least two classes, a loss is unknown,
            or the class weights are not one number >= 0 per class.
    """

    LOSSES = {
        "cross_entropy": losses.cross_entropy,
        "focal": losses.focal,
        "dice": losses.dice,
        "jaccard": losses.jaccard,
        "tversky": losses.tversky,
        "lovasz": losses.lovasz,
    }

    def __init__(
        self, network, loss="cross_entropy", void=None, class_weights=None, l2=0.0, **kwargs
    ):
        shapes = [getattr(network, f"{side}_shape", None) for side in ("input", "output")]
        if not all(isinstance(shape, tuple) and len(shape) == 4 for shape in shapes):
            raise ValueError(
                f"the network goes from {shapes[0]} to {shapes[1]}: pass a Functional model from "
                "(batch, height, width, channels) to logits (batch, height, width, classes)."
            )
        classes = shapes[1][-1]
        if classes < 2:
            raise ValueError(
                f"num_classes={classes}: pass 2 or more; of one thing against the rest, both "
                "are classes."
            )
        weights, self._options = self._read_loss(loss)
        if class_weights is not None:
            class_weights = [float(weight) for weight in class_weights]
            least = min(class_weights, default=-1.0)
            if len(class_weights) != classes or not least >= 0 or max(class_weights) == np.inf:
                raise ValueError(
                    f"class_weights={class_weights}: pass {classes} numbers >= 0, one for "
                    "each class."
                )
            if callable(loss):
                raise ValueError("a loss of your own does not see class_weights: give them to it.")
        own_statistics = kwargs.pop("batch_statistics", False)
        super().__init__(terms={**weights, **({"l2": l2} if l2 else {})}, **kwargs)
        self.network, self.loss, self.void = network, loss, void
        self.class_weights, self.l2 = class_weights, l2
        self.built = True  # as its network is
        if own_statistics:
            self.batch_statistics = True

    def _read_loss(self, loss):
        """`(weights, options)`: of each term its weight, and the arguments of its function."""
        if callable(loss):
            return {"segmentation": 1.0}, {}
        given = {loss: 1.0} if isinstance(loss, str) else loss
        if not isinstance(given, dict) or not given or given.keys() - self.LOSSES.keys():
            raise ValueError(
                f"loss={loss!r} is not known: pass one of {', '.join(self.LOSSES)}, a dict of "
                "several to their weights, or a function (target, logits) -> (batch,)."
            )
        weights, options = {}, {}
        for name, spec in given.items():
            spec = dict(spec) if isinstance(spec, dict) else {"weight": spec}
            weights[name], options[name] = spec.pop("weight", 1.0), spec
            known = set(inspect.signature(self.LOSSES[name]).parameters) - NO_OPTIONS
            if spec.keys() - known:
                raise ValueError(
                    f"loss={loss!r}: {name} does not take {', '.join(sorted(spec.keys() - known))}"
                    f"; it takes weight{''.join(f', {each}' for each in sorted(known))}."
                )
        return weights, options

    def get_config(self):
        own = {"batch_statistics": True} if self.batch_statistics else {}
        return {**super().get_config(), **own}

    @property
    def classes(self):
        """Number of classes."""
        return self.network.output_shape[-1]

    def call(self, x, training=False):
        return self.network(x, training=training)  # (batch, height', width', classes)

    def loss_terms(self, x, target, outputs, training, pixel_weights=None):
        target, pixel_weights = (
            part if part is None else crop_like(part, outputs) for part in (target, pixel_weights)
        )
        target = ops.cast(target, "int32")
        terms = {}
        for name in self.term_weights.keys() - {"l2"}:
            if callable(self.loss):
                if pixel_weights is not None:
                    raise ValueError(
                        "a loss of your own is given no weights of pixels: pass one sample_weight "
                        "for each example."
                    )
                terms[name] = self.loss(target, outputs)
                continue
            options = {"void": self.void, "class_weights": self.class_weights}
            options |= self._options[name]
            terms[name] = self.LOSSES[name](target, outputs, pixel_weights=pixel_weights, **options)
        if self.l2:
            kernels = [v for v in self.trainable_weights if len(v.shape) > 1]
            terms["l2"] = losses.sum_of_squares(kernels)
        return terms

    def prediction(self, outputs):
        return ops.softmax(super().prediction(outputs))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if sample_weight is not None and len(sample_weight.shape) > 1:
            sample_weight = crop_like(sample_weight, y_pred)
        return super().compute_metrics(x, crop_like(y, y_pred), y_pred, sample_weight)

    # Data ----------------------------------------------------------------------------------------

    def example_shape(self):
        return tuple(self.network.input_shape[1:])

    def target_shape(self):
        return self.example_shape()[:2]

    def weight_shapes(self):
        return [(), self.target_shape()]

    def label_range(self):
        return 0, self.classes - 1

    def void_label(self):
        return self.void

    def needs_target(self):
        return "pass a label map for each image, fit(x, y) with y of shape (batch, height, width)."

    # Use -----------------------------------------------------------------------------------------

    def segment(self, x, batch_size=8):
        """The most probable class of every pixel.

        Args:
            x: array, shape `(batch, height, width, channels)`.
            batch_size: int, images whose probabilities are in memory at once. Defaults to `8`.

        Returns:
            int32 array, shape `(batch, height', width')`.

        Raises:
            ValueError: when `x` does not fit the network.
        """
        check_positive_int("batch_size", batch_size)
        x = inputs(self, x)
        parts = (x[start : start + batch_size] for start in range(0, len(x), batch_size))
        maps = [np.argmax(self.predict(p, batch_size, verbose=0), axis=-1) for p in parts]
        return np.concatenate(maps).astype("int32")

    def reestimate(self, data, batch_size=8, steps=None):
        """Sets the moving statistics of batch normalisation to means over a data set.

        The weights stay. Each batch counts the same, and nothing is dropped out.

        Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2; SegNet's reference tests so.

        Args:
            data: array of images, or a data set of batches, such as a `PairedFolder`.
            batch_size: int, for an array. Defaults to `8`.
            steps: int, number of batches used, or `None` for all. Defaults to `None`.

        Raises:
            ValueError: when there is no batch normalisation that is trained, no batch, or the data
                do not fit.
        """
        norms = [n for n in self._norms(keras.layers.BatchNormalization) if n.trainable]
        if not norms:
            raise ValueError(f"{self.name}: all batch normalisation is frozen and keeps its means.")
        if isinstance(data, np.ndarray):
            data = inputs(self, data)
            data = [data[start : start + batch_size] for start in range(0, len(data), batch_size)]
        if isinstance(data, keras.utils.PyDataset):
            data = (data[index] for index in range(data.num_batches))
        if steps is not None:
            check_positive_int("steps", steps)
        dropping = [each for each in self._flatten_layers() if getattr(each, "rate", 0.0)]
        kept = [norm.momentum for norm in norms], [each.rate for each in dropping]
        step = 0
        try:
            for each in dropping:
                each.rate = 0.0
            with seeds.fixed(self):
                for batch in itertools.islice(data, steps):
                    for norm in norms:
                        norm.momentum = step / (step + 1)  # a plain mean over the batches
                    x = batch[0] if isinstance(batch, (tuple, list)) else batch
                    self.network(ops.convert_to_tensor(x), training=True)
                    step += 1
        finally:
            for norm, momentum in zip(norms, kept[0]):
                norm.momentum = momentum
            for each, rate in zip(dropping, kept[1]):
                each.rate = rate
        if not step:
            raise ValueError("the data hold no batch: pass images.")

    @property
    def batch_statistics(self):
        """Whether batch normalisation outside of training uses the statistics of the batch."""
        return any(
            getattr(layer, "batch_statistics", False) for layer in self.network._flatten_layers()
        )

    @batch_statistics.setter
    def batch_statistics(self, value):
        norms = self._norms(keras.layers.BatchNormalization)
        others = [n for n in norms if n.trainable and not isinstance(n, BatchNormalization)]
        if value and others:
            raise ValueError(
                f"{len(others)} of {len(norms)} layers of batch normalisation are Keras' own, of "
                "an encoder say, and know moving statistics alone: freeze them, or build the "
                "network with keras_ae.layers.BatchNormalization."
            )
        for norm in norms:
            if isinstance(norm, BatchNormalization):
                norm.batch_statistics = bool(value)
        self.test_function = self.predict_function = None  # compiled for the other mode
        self.network.predict_function = None

    def _norms(self, kind):
        norms = [layer for layer in self._flatten_layers() if isinstance(layer, kind)]
        if not norms:
            raise ValueError(f"{self.name} has no batch normalisation of the kind {kind.__name__}.")
        return norms


def check_image_shape(image_shape):
    """An image shape whose sides may be unknown.

    Source: this library.

    Args:
        image_shape: tuple `(height, width, channels)`; `None` for a side of any size.

    Raises:
        ValueError: when it is none.
    """
    if not isinstance(image_shape, (tuple, list)) or len(image_shape) != 3:
        raise ValueError(f"image_shape={image_shape!r}: pass (height, width, channels).")
    for side in image_shape[:2]:
        if side is not None:
            check_positive_int(f"a side in image_shape={tuple(image_shape)}", side)
    check_positive_int("channels", image_shape[2])
