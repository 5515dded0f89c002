"""The one base class: named loss terms, config, fast defaults, exact resume, export."""

import copy
import inspect
import os
import random
import shutil

import keras
import numpy as np
from keras import ops

from . import distribution
from .batches import Batches
from .checks import as_array, check_shape, check_values

STEPS_PER_EXECUTION = 20  # TensorFlow steps in one call; what `compile` chooses for "auto"


class Model(keras.Model):
    """A Keras model whose loss is a weighted sum of named terms.

    A subclass calls `super().__init__(terms={name: weight})`, keeps every constructor argument as
    an attribute of the same name, and writes `call` (returns what the loss reads), `loss_terms`,
    and, where they differ from the default, `prediction` and `endpoints`. In return it has
    `compile`, `fit`, `evaluate`, `predict`, `.keras` files, exact resume and SavedModel export on
    every backend.

    Source: this library (docs/architecture.md).

    Args:
        terms: dict, name of a loss term to its weight (a number), in the order they are logged.
        **kwargs: `name`, `dtype` and `trainable`, as in `keras.Model`.

    Raises:
        ValueError: when a weight is negative or not a number.
    """

    def __init__(self, terms, **kwargs):
        super().__init__(**kwargs)
        for term, weight in terms.items():
            if not np.isfinite(weight) or weight < 0:
                raise ValueError(
                    f"weight of the loss term {term!r} is {weight}: pass a number >= 0."
                )
        self.term_weights = dict(terms)
        self._term_means = [keras.metrics.Mean(name=term) for term in terms]
        self._regularization = keras.metrics.Mean(name="regularization")
        self._order_seed = random.randint(0, 2**31 - 1)  # keras.utils.set_random_seed rules it
        self.epochs_trained = 0

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
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what its loss is.")

    def prediction(self, outputs):
        """What `predict` and the export give a user, from what `call` returns.

        Args:
            outputs: what `call` returned.

        Returns:
            Tensor in float32.
        """
        return ops.cast(outputs, "float32")

    def example_shape(self):
        """Shape of one input without the batch, a tuple; `None` matches any size."""
        return tuple(self.encoder.input_shape[1:])

    def target_range(self):
        """`(low, high, reason)`: which target values the loss can take, `None` for any."""
        return None, None, ""

    def endpoints(self):
        """What `export` offers: dict, name to `(function, input specs)`, "serve" first."""
        spec = keras.InputSpec(shape=(None, *self.example_shape()), dtype="float32", name="x")
        return {"serve": (lambda x: self.prediction(self(x, training=False)), [spec])}

    # The loss ------------------------------------------------------------------------------------

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        target = x if y is None else y
        check_shape("y", target.shape, self._target_shape(), _LABEL_HINT)
        count = ops.shape(target)[0]
        terms = self.loss_terms(x, target, y_pred, training)
        total = 0.0
        for mean in self._term_means:
            value = _batch_mean(terms[mean.name], sample_weight)
            mean.update_state(value, sample_weight=count)
            total = total + self.term_weights[mean.name] * value
        if self._has_regularization():
            value = sum(ops.cast(ops.sum(loss), "float32") for loss in self.losses)
            self._regularization.update_state(value, sample_weight=count)
            total = total + value
        return distribution.scale_loss(total)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        target = x if y is None else y
        return super().compute_metrics(x, target, self.prediction(y_pred), sample_weight)

    def predict_step(self, *arguments):
        if keras.backend.backend() != "jax":
            return self.prediction(super().predict_step(*arguments))
        outputs, state = super().predict_step(*arguments)
        return self.prediction(outputs), state

    @property
    def metrics(self):
        hidden = [] if self._has_regularization() else [self._regularization]
        return [metric for metric in super().metrics if metric not in hidden]

    def _has_regularization(self):
        """Whether the user's own layers add losses; they are logged as one term."""
        layers = self._flatten_layers(include_self=False)
        return any(
            getattr(layer, "activity_regularizer", None) is not None
            or any(getattr(weight, "regularizer", None) for weight in layer.trainable_weights)
            for layer in layers
        )

    def _target_shape(self):
        return self.example_shape()

    # Training ------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer="adam",
        *,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution="auto",
        jit_compile="auto",
        auto_scale_loss=True,
        **unknown,
    ):
        """As `keras.Model.compile`, without a loss (the model has its own) and with fast defaults.

        "auto" means, on TensorFlow without a strategy, XLA and 20 steps per execution; elsewhere
        what Keras chooses. `execution` says what was chosen. `steps_per_execution` is how often
        callbacks see a batch; results do not depend on it.

        Source: measured, `python -m benchmarks train_step`.

        Args:
            optimizer: name or `keras.optimizers.Optimizer`. Defaults to `"adam"`.
            metrics: Keras metrics of prediction and target. Defaults to `None`.
            weighted_metrics: the same, weighted by `sample_weight`. Defaults to `None`.
            run_eagerly: bool. Defaults to `False`.
            steps_per_execution: int or "auto". Defaults to `"auto"`.
            jit_compile: bool or "auto". Defaults to `"auto"`.
            auto_scale_loss: bool, as in Keras. Defaults to `True`.

        Raises:
            ValueError: when a `loss`, or an argument that does not exist, is passed.
        """
        if unknown:
            advice = "the loss of this model is given to its constructor"
            raise ValueError(
                f"compile() of {type(self).__name__} does not take {', '.join(sorted(unknown))}: "
                f"{advice if unknown.keys() & {'loss', 'loss_weights'} else 'remove it'}."
            )
        self._asked = {"steps_per_execution": steps_per_execution, "jit_compile": jit_compile}
        plain_tensorflow = (
            keras.backend.backend() == "tensorflow"
            and distribution.num_devices() == 1
            and not run_eagerly
        )
        if jit_compile == "auto" and plain_tensorflow:
            jit_compile = all(layer.supports_jit for layer in self._flatten_layers())
        if steps_per_execution == "auto":
            steps_per_execution = STEPS_PER_EXECUTION if plain_tensorflow else 1
        super().compile(
            optimizer=optimizer,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )

    @property
    def execution(self):
        """How steps run: dict with `backend`, `jit_compile`, `steps_per_execution`, `devices`."""
        return {
            "backend": keras.backend.backend(),
            "jit_compile": self.jit_compile,
            "steps_per_execution": self.steps_per_execution,
            "devices": distribution.num_devices(),
        }

    def _limit_steps(self, num_batches):
        """No more steps per execution than an epoch has, where "auto" chose them."""
        if self.compiled and self._asked["steps_per_execution"] == "auto":
            steps = min(num_batches, STEPS_PER_EXECUTION) if self.steps_per_execution > 1 else 1
            if steps != self.steps_per_execution:
                self.steps_per_execution = steps
                self.train_function = self.test_function = None

    def get_compile_config(self):
        config = super().get_compile_config()
        for key in ("loss", "loss_weights"):
            config.pop(key, None)
        return {**config, **self._asked} if config else config

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        **kwargs,
    ):
        """As `keras.Model.fit`; arrays are checked and shuffled in an order that can be resumed.

        Arrays are wrapped in `Batches`: their order depends on the model's seed and on the number
        of epochs it has been trained, both of which are saved with it. (With `steps_per_epoch`,
        and for data sets of your own, Keras' or your order is used.)

        Raises:
            ValueError: when the data cannot be right (NaN, range, shape, labels as `y`), or the
                loss became NaN.
        """
        x, y, sample_weight = self._checked(x, y, sample_weight)
        if validation_data is not None:
            given = keras.utils.unpack_x_y_sample_weight(validation_data)
            given = self._checked(*given, names=("validation x", "validation y"))
            validation_data = keras.utils.pack_x_y_sample_weight(*given)
        if isinstance(x, np.ndarray) and steps_per_epoch is None and isinstance(shuffle, bool):
            if validation_split and validation_data is None:
                at = int(len(x) * (1 - validation_split))
                held, (x, y, sample_weight) = _split((x, y, sample_weight), at)
                validation_data = keras.utils.pack_x_y_sample_weight(*held)
            x = Batches(
                x,
                y,
                sample_weight,
                batch_size=batch_size or 32,
                shuffle=shuffle,
                seed=self._order_seed,
            )
            kwargs.setdefault("validation_batch_size", batch_size)
            y = sample_weight = batch_size = None
            validation_split = 0.0
        watch = _Watch(x if isinstance(x, Batches) else None)
        if isinstance(x, Batches):
            self._limit_steps(x.num_batches)
            x, shuffle = x.for_backend(), False  # or Keras would shuffle the batches once more
        return super().fit(
            x=x,
            y=y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=[watch, *(callbacks or [])] if not _is_list(callbacks) else callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            **kwargs,
        )

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs
    ):
        """As `keras.Model.evaluate`; arrays are checked first."""
        if not kwargs.get("_use_cached_eval_dataset"):
            x, y, sample_weight = self._checked(x, y, sample_weight)
        return super().evaluate(
            x=x,
            y=y,
            batch_size=batch_size,
            verbose=verbose,
            sample_weight=sample_weight,
            **kwargs,
        )

    def predict(self, x, **kwargs):
        """As `keras.Model.predict`: reconstructions, float32, shape of `x`; arrays are checked."""
        x = self._checked_input(x)
        steps, self.steps_per_execution = self.steps_per_execution, 1
        try:  # Keras would unroll the steps of one execution, and concatenate
            return super().predict(x, **kwargs)
        finally:
            self.steps_per_execution = steps

    def run(self, network, x, then=lambda outputs: outputs, batch_size=256):
        """Applies a network of this model: arrays in, arrays out; tensors in, tensors out.

        Args:
            network: `keras.Model`, a part of this model.
            x: NumPy array (computed in batches) or tensor, shape `(batch, ...)`.
            then: function applied to the network's output. Defaults to the identity.
            batch_size: int, for arrays. Defaults to `256`.

        Returns:
            NumPy array or tensor in float32.

        Raises:
            ValueError: when the shape does not fit the network, or a value is NaN or infinite.
        """
        if isinstance(x, (np.ndarray, list, tuple)):
            x = as_array("input", x)
            check_shape("input", x.shape, network.input_shape[1:])
            check_values("input", x)
            outputs = network.predict(x, batch_size=batch_size, verbose=0)
            outputs = then(ops.convert_to_tensor(outputs))
            return ops.convert_to_numpy(ops.cast(outputs, "float32"))
        check_shape("input", x.shape, network.input_shape[1:])
        return ops.cast(then(network(x, training=False)), "float32")

    def _checked(self, x, y, sample_weight, names=("x", "y")):
        """Arrays, checked whole; the first batch of a data set that can be asked for one."""
        array = as_array(names[0], x)
        if array is None:
            first = _first_batch(x)
            if first is not None:
                self._checked(*keras.utils.unpack_x_y_sample_weight(first), names=names)
            return x, y, sample_weight
        check_shape(names[0], array.shape, self.example_shape())
        low, high, reason = self.target_range() if y is None else (None, None, "")
        check_values(names[0], array, low, high, reason)
        if y is not None:
            y = as_array(names[1], y)
            check_shape(names[1], y.shape, self._target_shape(), _LABEL_HINT)
            check_values(names[1], y, *self.target_range())
        if sample_weight is not None:
            sample_weight = as_array("sample_weight", sample_weight)
            check_shape("sample_weight", sample_weight.shape, ())
            check_values("sample_weight", sample_weight)
            y = array if y is None else y  # Keras drops the weights where there is no y
        return array, y, sample_weight

    def _checked_input(self, x):
        array = as_array("x", x)
        if array is None:
            return x
        check_shape("x", array.shape, self.example_shape())
        check_values("x", array)
        return array

    # Saving --------------------------------------------------------------------------------------

    def get_config(self):
        config = super().get_config()
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                config[name] = keras.saving.serialize_keras_object(getattr(self, name))
        return config

    @classmethod
    def from_config(cls, config):
        config = copy.deepcopy(config)  # Keras empties what it reads
        return cls(**{k: keras.saving.deserialize_keras_object(v) for k, v in config.items()})

    def _seed_states(self):
        """States of all seed generators: the variables that are neither weights nor metrics."""
        known = {id(v) for v in (*self.non_trainable_weights, *self.metrics_variables)}
        return [v for v in self.non_trainable_variables if id(v) not in known]

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for index, state in enumerate(self._seed_states()):
            store[f"seed_{index}"] = ops.convert_to_numpy(state)
        store["order"] = np.array([self._order_seed, self.epochs_trained], "int64")

    def load_own_variables(self, store):
        kept = {key: store[key] for key in store.keys()}  # noqa: SIM118, Keras' store is no dict
        super().load_own_variables({key: kept[key] for key in kept if key.isdigit()})
        for index, state in enumerate(self._seed_states()):
            if f"seed_{index}" in kept:
                state.assign(np.asarray(kept[f"seed_{index}"]))
        if "order" in kept:
            self._order_seed, self.epochs_trained = (int(number) for number in kept["order"])

    def export(self, filepath, format="tf_saved_model", **kwargs):
        """Writes a SavedModel with one signature per endpoint, or another format of Keras.

        Plain TensorFlow loads it: `tf.saved_model.load(path).signatures["encode"](x=images)`.
        Nothing is left under `filepath` when writing fails.

        Source: `keras.export.ExportArchive`.

        Args:
            filepath: path of the folder to write; an earlier export there is replaced.
            format: "tf_saved_model", or what `keras.Model.export` takes besides. Defaults to
                `"tf_saved_model"`.

        Raises:
            ValueError: on the torch backend, or where TensorFlow is not installed.
        """
        if format != "tf_saved_model":
            return super().export(filepath, format=format, **kwargs)
        why_not = self.cannot_export()
        if why_not:
            raise ValueError(why_not)
        filepath = os.path.abspath(os.fspath(filepath))
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


class _Watch(keras.callbacks.Callback):
    """Counts the epochs a model was trained, tells its batches, stops when the loss is NaN."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        if self.batches is not None:
            self.batches.epoch = self.model.epochs_trained

    def on_epoch_end(self, epoch, logs=None):
        self.model.epochs_trained += 1
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(float(loss)):
            raise ValueError(
                f"the loss became {float(loss)} in epoch {epoch + 1}: lower the learning rate, or "
                "clip gradients (optimizer clipnorm=1); the weights are not usable."
            )


_LABEL_HINT = (
    " y is the picture to reconstruct (the clean one of a noisy x, say); this model takes no labels"
    ": call fit(x) alone."
)


def _batch_mean(values, sample_weight):
    """Mean over the batch, as Keras means it: weighted sum divided by the number of examples."""
    values = ops.cast(values, "float32")
    if sample_weight is not None and len(values.shape) > 0:
        values = values * ops.cast(sample_weight, "float32")
    return ops.mean(values)


def _split(arrays, at):
    """The examples from `at` on, and those before it."""
    parts = slice(at, None), slice(None, at)
    return tuple(tuple(None if a is None else a[part] for a in arrays) for part in parts)


def _is_list(callbacks):
    return isinstance(callbacks, keras.callbacks.CallbackList)


def _first_batch(data):
    if isinstance(data, keras.utils.PyDataset):
        return data[0]
    if hasattr(data, "take") and hasattr(data, "element_spec"):  # tf.data
        return next(iter(data.take(1)), None)
    return None
