"""The one base class: a loss that is a weighted sum of named terms, config, export."""

import copy
import inspect
import os
import shutil

import keras
from keras import ops

from . import distribution, file_format
from .checks import LABEL_HINT, check_shape, ends
from .sharing import known_networks
from .trainer import Trainer


class Model(Trainer):
    """A Keras model whose loss is a weighted sum of named terms.

    A subclass calls `super().__init__(terms={name: weight})`, keeps every constructor argument as
    an attribute of the same name, and writes `call` (returns what the loss reads), `loss_terms`,
    and, where they differ from the default, `prediction` and `endpoints`. In return it has
    `compile`, `fit`, `evaluate`, `predict`, `.keras` files, exact resume and SavedModel export on
    every backend.

    Source: this library (docs/architecture.md).

    Args:
        terms: dict, name of a loss term to its weight, in the order they are logged: a number, or
            a `keras.optimizers.schedules.LearningRateSchedule` of the number of training steps.
        **kwargs: `name`, `dtype` and `trainable`, as in `keras.Model`.

    Raises:
        ValueError: when a weight is negative or not a number.
    """

    def __init__(self, terms, **kwargs):
        super().__init__(**kwargs)
        schedule = keras.optimizers.schedules.LearningRateSchedule
        scheduled = [weight for weight in terms.values() if isinstance(weight, schedule)]
        for term, weight in terms.items():
            if weight in scheduled:
                continue
            if not isinstance(weight, (int, float)) or not 0 <= weight < float("inf"):
                raise ValueError(
                    f"weight of the loss term {term!r} is {weight!r}: pass a number >= 0."
                )
        self.term_weights = dict(terms)
        self._term_means = [keras.metrics.Mean(name=term) for term in terms]
        self._regularization = keras.metrics.Mean(name="regularization")
        self._regularized = False
        if scheduled:
            self.training_steps = self.add_weight(
                (),
                "zeros",
                dtype="float32",
                trainable=False,
                aggregation="only_first_replica",
                name="training_steps",
            )

    # What a subclass says about itself -----------------------------------------------------------

    def loss_terms(self, x, target, outputs, training):
        """The terms of the loss; every subclass writes it.

        Args:
            x: tensor, what the network saw, shape `(batch, ...)`.
            target: tensor, what it should give.
            outputs: what `call` returned.
            training: bool.

        Returns:
            dict with the names given to the constructor: tensors of shape `(batch,)`, or scalars
            for terms that belong to the model or to the whole batch.

        A model whose `weight_shapes` has more than `()` is also given `pixel_weights`, a tensor
        of one of those shapes, where a user passed one as `sample_weight`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what its loss is.")

    def endpoints(self):
        """What `export` offers: dict, name to `(function, input specs)`, "serve" first."""
        spec = keras.InputSpec(shape=(None, *self.example_shape()), dtype="float32", name="x")
        return {"serve": (lambda x: self.prediction(self(x, training=False)), [spec])}

    # The loss ------------------------------------------------------------------------------------

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        target = x if y is None else y
        check_shape("y", target.shape, self.target_shape(), LABEL_HINT)
        count = ops.shape(target)[0]
        of_pixels = {}
        if sample_weight is not None and len(sample_weight.shape) > 1:
            of_pixels, sample_weight = {"pixel_weights": sample_weight}, None
        terms = self.loss_terms(x, target, y_pred, training, **of_pixels)
        total = 0.0
        for mean in self._term_means:
            value = batch_mean(mean.name, terms[mean.name], sample_weight)
            mean.update_state(value, sample_weight=count)
            total = total + self.weight_now(mean.name) * value
        losses = self.losses  # of the user's own layers: regularisers and add_loss
        if losses:
            value = sum(ops.cast(ops.sum(loss), "float32") for loss in losses)
            self._regularization.update_state(value, sample_weight=count)
            total = total + value
        self._regularized = bool(losses)
        if training and hasattr(self, "training_steps"):
            self.training_steps.assign_add(1.0)
        return distribution.scale_loss(total)

    def weight_now(self, term):
        """Weight of a term of the loss, in the next training step where it has a schedule.

        Args:
            term: str, its name.

        Returns:
            float or scalar tensor.
        """
        weight = self.term_weights[term]
        return weight(self.training_steps.value) if callable(weight) else weight

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        target = x if y is None else y
        return super().compute_metrics(x, target, self.prediction(y_pred), sample_weight)

    def get_metrics_result(self):
        logs = super().get_metrics_result()
        if not self._regularized:
            logs.pop("regularization")
        return logs

    # Saving --------------------------------------------------------------------------------------

    def get_config(self):
        config = {**super().get_config(), file_format.KEY: file_format.FORMAT}
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                config[name] = keras.saving.serialize_keras_object(getattr(self, name))
        return config

    @classmethod
    def from_config(cls, config):
        config, arguments = copy.deepcopy(config), {}  # Keras empties what it reads
        file_format.check(config.pop(file_format.KEY, 1))
        with known_networks() as add:  # tied layers look for the layer that owns their kernel
            for name, value in config.items():
                arguments[name] = keras.saving.deserialize_keras_object(value)
                add(arguments[name])
        return cls(**arguments)

    def export(self, filepath, format="tf_saved_model", **kwargs):
        """Writes a SavedModel with one signature per endpoint, or another format of Keras.

        Plain TensorFlow loads it: `tf.saved_model.load(path).signatures["encode"](x=images)`.
        Nothing is left under `filepath` when writing fails.

        Source: `keras.export.ExportArchive`.

        Args:
            filepath: path of the folder to write; an earlier SavedModel there is replaced.
            format: "tf_saved_model", or what `keras.Model.export` takes besides. Defaults to
                `"tf_saved_model"`.

        Raises:
            ValueError: on the torch backend, where TensorFlow is not installed, or when something
                else than a SavedModel is at `filepath`.
        """
        if format != "tf_saved_model":
            return super().export(filepath, format=format, **kwargs)
        why_not = self.cannot_export()
        if why_not:
            raise ValueError(why_not)
        if kwargs.keys() - {"verbose"}:
            raise ValueError(f"export of a SavedModel does not take {sorted(kwargs)}: remove them.")
        filepath = os.path.abspath(os.fspath(filepath))
        earlier = os.path.exists(filepath)
        if earlier and not os.path.exists(os.path.join(filepath, "saved_model.pb")):
            raise ValueError(f"{filepath} exists and is not a SavedModel: name a new folder.")
        archive = keras.export.ExportArchive()
        archive.track(self)
        for name, (function, specs) in self.endpoints().items():
            archive.add_endpoint(name, function, input_signature=specs)
        unfinished = f"{filepath}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            archive.write_out(unfinished, verbose=kwargs.get("verbose") or False)
            shutil.rmtree(filepath, ignore_errors=True)
            os.replace(unfinished, filepath)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    @staticmethod
    def cannot_export():
        """Why a SavedModel cannot be written in this process, a sentence; empty where it can."""
        advice = (
            'save the model (model.save("model.keras")), load it in a process with '
            "KERAS_BACKEND=tensorflow, and export it there."
        )
        if keras.backend.backend() == "torch":
            return f"a SavedModel cannot be written from the torch backend: {advice}"
        try:
            import tensorflow  # noqa: F401
        except ImportError:
            return f"a SavedModel needs TensorFlow, which is not installed here: {advice}"
        return ""


def input_spec(network, name):
    """What an endpoint says of the input of a network, for `endpoints`.

    Source: `keras.InputSpec`.

    Args:
        network: `keras.Model`, Functional or Sequential.
        name: str, what to call the input; the parts of a dict keep their own names.

    Returns:
        `keras.InputSpec`, or a dict of them by name.
    """
    specs = {key: _spec(tensor, key or name) for key, tensor in ends(network)[0].items()}
    return specs.get("", specs)


def _spec(tensor, name):
    dtype = "float32" if tensor.dtype.startswith(("float", "bfloat")) else tensor.dtype
    return keras.InputSpec(shape=tensor.shape, dtype=dtype, name=name)


def batch_mean(name, values, sample_weight):
    """Mean over the batch, as Keras means it: weighted sum divided by the number of examples.

    Source: `keras.losses.Loss`, reduction "sum_over_batch_size".

    Args:
        name: str, of the term.
        values: tensor, shape `(batch,)`, or a scalar, which stays.
        sample_weight: tensor, shape `(batch,)`, or `None`.

    Returns:
        Scalar tensor, float32.

    Raises:
        ValueError: when the values have more dimensions.
    """
    if len(values.shape) > 1:
        raise ValueError(
            f"the loss term {name!r} has shape {tuple(values.shape)}: give one value per example, "
            "shape (batch,), by summing over everything else."
        )
    values = ops.cast(values, "float32")
    if sample_weight is not None and len(values.shape) == 1:
        values = values * ops.cast(sample_weight, "float32")
    return ops.mean(values)
