"""How a model is fed and driven: checked data, an order that can be resumed, fast defaults."""

import contextlib
import random

import keras
import numpy as np
from keras import ops, tree

from . import checks, distribution, file_format, recovery, seeds
from .batches import Batches

STEPS_PER_EXECUTION = 20  # what `compile` chooses for "auto"
_xla = [True]  # whether `compile` chooses XLA on TensorFlow for "auto"


@contextlib.contextmanager
def without_xla():
    """Within it `compile` does without XLA on TensorFlow, unless it is asked for.

    Other backends are left alone.

    Source: measured, `deep_autoencoder --quick`: XLA takes 3 seconds to compile a dense
    autoencoder, and its steps are then no faster on a CPU.
    """
    before, _xla[0] = _xla[0], False
    try:
        yield
    finally:
        _xla[0] = before


class Trainer(keras.Model):
    """`compile`, `fit`, `evaluate` and `predict` of every keras_ae model.

    A subclass says what data it takes (`example_shape`, `target_shape`, `target_range`) and what a
    user sees (`prediction`). Seeds and the order of the batches are saved with the weights, so that
    training goes on exactly where it was.

    Source: this library (docs/architecture.md).

    Args:
        **kwargs: `name`, `dtype` and `trainable`, as in `keras.Model`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._order_seed = random.randint(0, 2**31 - 1)  # keras.utils.set_random_seed rules it
        self.epochs_trained = 0

    # What a subclass says about its data ---------------------------------------------------------

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

    def example_range(self):
        """The same of `x` where a picture comes as `y`: any values, unless a subclass says so."""
        return None, None, ""

    def check_target(self, name, target):
        """Refuses targets that shape and range do not tell; a subclass raises ValueError.

        Args:
            name: str, what to call them in messages.
            target: NumPy array, shape `(examples, ...)`.
        """

    def check_batches(self, batches):
        """Refuses batches that a step cannot take; a subclass raises ValueError.

        Args:
            batches: `Batches`.
        """

    def needs_target(self):
        """Why a target must be passed, a sentence; empty where `x` is its own."""
        return ""

    def no_target(self):
        """Why no target may be passed, a sentence; empty where one may."""
        return ""

    def target_shape(self):
        """Shape of one target without the batch, a tuple."""
        return () if self.label_range() else self.example_shape()

    def label_range(self):
        """`(low, high)` of the class numbers that come as `y`, -1 for none; `None` where `y` is a
        picture to reconstruct."""
        return None

    def void_label(self):
        """The number of pixels that do not count in a label map, or `None`."""
        return None

    def weight_shapes(self):
        """Shapes that the `sample_weight` of one example can have, a list of tuples."""
        return [()]

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

        "auto" means XLA and 20 steps per execution on TensorFlow (without a strategy) and on JAX;
        elsewhere what Keras chooses. Networks that convolve images are the exception: TensorFlow
        runs them without XLA on a CPU, where its convolutions are slower. `execution` says what was
        chosen. `steps_per_execution` is how often callbacks see a batch; results do not depend on
        it.

        Source: measured, `python -m benchmarks train_step` and `segmentation`.

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
            slow = distribution.on_cpu() and any(len(v.shape) > 3 for v in self.trainable_variables)
            able = all(layer.supports_jit for layer in self._flatten_layers())
            jit_compile = able and not slow and _xla[0]
        if steps_per_execution == "auto":
            many = plain_tensorflow or (keras.backend.backend() == "jax" and not run_eagerly)
            steps_per_execution = STEPS_PER_EXECUTION if many else 1
        self._chosen_steps = steps_per_execution
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
            steps = min(num_batches, self._chosen_steps)
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
            ValueError: when the data cannot be right (NaN, range, shape, labels as `y`), nothing
                can be trained, or the loss became NaN.
        """
        if not self.trainable_variables:
            raise ValueError(
                f"nothing of {self.name} can be trained: it has no weights, or they are frozen (by "
                "a model that it is part of, say). Set its trainable = True and compile it again."
            )
        x, y, sample_weight = checks.training_data(self, x, y, sample_weight)
        self.before_fit(x)
        if validation_data is not None:
            given = keras.utils.unpack_x_y_sample_weight(validation_data)
            given = checks.training_data(self, *given, name="validation ")
            checks.check_shares("validation x", given[0], distribution.num_devices())
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
            kwargs.setdefault("validation_batch_size", distribution.share(batch_size or 32))
            y = sample_weight = batch_size = None
            validation_split = 0.0
        watch = _Watch(x)
        if isinstance(x, Batches):
            self.check_batches(x)
            self._limit_steps(x.num_batches)
            x, shuffle = x.for_backend(), False  # or Keras would shuffle the batches once more
        with recovery.keep_weights(self):
            return super().fit(
                x=x,
                y=y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=[watch, *as_list(callbacks)],
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=shuffle,
                class_weight=class_weight,
                sample_weight=sample_weight,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                **kwargs,
            )

    def before_fit(self, x):
        """What a subclass does before it is trained, with data that were checked: nothing.

        Args:
            x: as in `fit`.
        """

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs
    ):
        """As `keras.Model.evaluate`; arrays are checked first.

        What is random in it is the same in each call, and leaves the noise of training alone.
        """
        if not kwargs.get("_use_cached_eval_dataset"):
            x, y, sample_weight = checks.training_data(self, x, y, sample_weight)
            checks.check_shares("x", x, distribution.num_devices())
        if isinstance(x, np.ndarray):
            batch_size = distribution.share(batch_size or 32)
        with seeds.fixed(self), recovery.keep_weights(self):
            return super().evaluate(
                x=x,
                y=y,
                batch_size=batch_size,
                verbose=verbose,
                sample_weight=sample_weight,
                **kwargs,
            )

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """As `keras.Model.predict`: reconstructions, float32, shape of `x`; arrays are checked."""
        x = checks.inputs(self, x)
        size = None
        if isinstance(x, np.ndarray):
            size, x, batch_size = len(x), distribution.pad(x), distribution.share(batch_size or 32)
        kept, self.steps_per_execution = self.steps_per_execution, 1
        try:  # Keras would unroll the steps of one execution, and concatenate
            outputs = super().predict(x, batch_size, verbose, steps, callbacks)
        finally:
            self.steps_per_execution = kept
        return tree.map_structure(lambda output: output[:size], outputs)

    def run(self, network, x, then=lambda outputs: outputs, batch_size=256):
        """Applies a network of this model: arrays in, arrays out; tensors in, tensors out.

        Args:
            network: `keras.Model`, a part of this model.
            x: NumPy array (computed in batches) or tensor, shape `(batch, ...)`, or a dict of them
                where the network takes one.
            then: function applied to the network's output. Defaults to the identity.
            batch_size: int, for arrays. Defaults to `256`.

        Returns:
            NumPy array or tensor in float32 (integers stay integers), or a dict of them.

        Raises:
            ValueError: when shapes do not fit the network, or a value is NaN or infinite.
        """
        given, arrays = checks.network_inputs(network, x)
        if not arrays:
            return tree.map_structure(_as_float32, then(network(x, training=False)))
        size = len(next(iter(given.values())))
        padded = {key: distribution.pad(part) for key, part in given.items()}
        batch_size = distribution.share(batch_size)
        outputs = network.predict(padded.get("", padded), batch_size=batch_size, verbose=0)
        parts = []
        for start in range(0, size, batch_size):  # `then` in batches too
            chosen = slice(start, min(start + batch_size, size))
            part = tree.map_structure(lambda y, c=chosen: ops.convert_to_tensor(y[c]), outputs)
            part = tree.map_structure(_as_float32, then(part))
            parts.append(tree.map_structure(ops.convert_to_numpy, part))
        return tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)

    def predict_step(self, *arguments):
        if keras.backend.backend() != "jax":
            return self.prediction(super().predict_step(*arguments))
        outputs, state = super().predict_step(*arguments)
        return self.prediction(outputs), state

    # Saving what makes a run exact ---------------------------------------------------------------

    def save_own_variables(self, store):
        super().save_own_variables(store)
        seeds.save(self, store)
        store[file_format.KEY] = np.array(file_format.FORMAT)
        store["order"] = np.array([self._order_seed, self.epochs_trained], "int64")

    def load_own_variables(self, store):
        kept = {key: store[key] for key in store.keys()}  # noqa: SIM118, Keras' store is no dict
        file_format.check(kept.get(file_format.KEY, 1))
        super().load_own_variables({key: kept[key] for key in kept if key.isdigit()})
        seeds.load(self, kept)
        if "order" in kept:
            self._order_seed, self.epochs_trained = (int(number) for number in kept["order"])


class _Watch(keras.callbacks.Callback):
    """Counts the epochs a model was trained, tells its batches, stops when the loss is NaN."""

    def __init__(self, data):
        super().__init__()
        self.data = data

    def on_epoch_begin(self, epoch, logs=None):
        if isinstance(self.data, Batches):
            self.data.epoch = self.model.epochs_trained

    def on_epoch_end(self, epoch, logs=None):
        self.model.epochs_trained += 1
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(float(loss)):
            raise ValueError(
                f"the loss became {float(loss)} in epoch {epoch + 1}: lower the learning rate, or "
                "clip gradients (optimizer clipnorm=1); the weights are not usable."
            )


def _as_float32(tensor):
    """float32 for numbers of any other precision; integers (switches, say) stay."""
    floating = keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype))
    return ops.cast(tensor, "float32") if floating else tensor


def _split(arrays, at):
    """The examples from `at` on, and those before it."""
    parts = slice(at, None), slice(None, at)
    return tuple(tuple(None if a is None else a[part] for a in arrays) for part in parts)


def as_list(callbacks):
    """Callbacks as a list.

    Source: this library.

    Args:
        callbacks: as Keras takes them: none, one, a list, or Keras' own list of them.

    Returns:
        list of `keras.callbacks.Callback`.
    """
    callbacks = getattr(callbacks, "callbacks", callbacks)
    if isinstance(callbacks, keras.callbacks.Callback):
        return [callbacks]
    return list(callbacks or [])
