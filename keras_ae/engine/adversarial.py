"""Several networks that are trained in turn, each by an optimizer of its own.

A model says which networks each optimizer trains (`trained_by`), and writes one `update`, which
calls `minimize` for one optimizer after the other: what the first changed, the next one sees. It
runs on three backends as `autodiff.train_step` does, and is saved and resumed as any other model,
with the state of every optimizer.

    def update(self, x, target, sample_weight):
        terms = self.minimize("discriminator", lambda: ...)    # -> (loss, {name: values})
        terms |= self.minimize("generator", lambda: ...)
        self.log(terms, x, sample_weight)
"""

import keras
from keras import ops

from . import autodiff, distribution
from .checks import LABEL_HINT, check_positive_int, check_shape
from .model import batch_mean
from .optimizers import NamedOptimizers


class Adversarial:
    """Mixed into a `Model` whose networks are trained in turn: `class AAE(Adversarial, Coder)`.

    A subclass writes `trained_by` and `update`, and `loss_terms` for `evaluate`. The logged "loss"
    is the sum of all terms, weighted; no optimizer minimises it (the terms of two players pull in
    opposite directions): watch the terms.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1 (alternating updates).
    """

    def trained_by(self):
        """Which networks each optimizer trains.

        Returns:
            dict, name of an optimizer to a list of Keras layers or models.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what it trains.")

    def trained_now(self):
        """The same, of networks that are trained at present: all, unless a subclass says so.

        Returns:
            As `trained_by`.
        """
        return self.trained_by()

    def update(self, x, target, sample_weight):
        """One training step: calls `minimize` and `log`.

        Args:
            x: tensor, shape `(batch, ...)`.
            target: tensor, what came as `y`, or `x` where nothing did.
            sample_weight: tensor, shape `(batch,)`, or `None`.

        Returns:
            What `call` returns, for the user's metrics.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it is trained.")

    def compile(self, optimizer="adam", **kwargs):
        """As `Model.compile`, with one optimizer for each name of `trained_by`.

        Args:
            optimizer: dict, name to Keras optimizer or its name, or one optimizer, of which each
                gets a fresh copy. Defaults to `"adam"`.
            **kwargs: as in `Model.compile`.

        Raises:
            ValueError: when a name is missing or unknown, an optimizer has trained something else,
                the model computes in float16, a layer has an activity regulariser, or as
                `Model.compile` says.
        """
        if self.compute_dtype == "float16":
            raise ValueError(
                "mixed_float16 needs a scaled loss, which several optimizers in turn do not have "
                "here: build the model in mixed_bfloat16 or float32."
            )
        if any(callable(weight) for weight in self.term_weights.values()):
            raise ValueError("terms of several optimizers have no schedules: pass numbers.")
        for layer in self._flatten_layers():
            if getattr(layer, "activity_regularizer", None) is not None:
                raise ValueError(
                    f"{layer.name} has an activity regulariser, which belongs to no optimizer of "
                    "these: leave it out (regularisers of weights count)."
                )
        names = list(self.trained_by())
        if isinstance(optimizer, (str, keras.optimizers.Optimizer)) and not isinstance(
            optimizer, NamedOptimizers
        ):
            one = keras.optimizers.get(optimizer)
            optimizer = {name: type(one).from_config(one.get_config()) for name in names}
        given = getattr(optimizer, "parts", optimizer)
        if not hasattr(given, "keys"):
            raise ValueError(
                f"optimizer={optimizer!r}: pass one, or a dict with one for each of "
                f"{', '.join(map(repr, names))}."
            )
        if given.keys() != set(names):
            raise ValueError(
                f"compile() got optimizers for {', '.join(map(repr, given))}: this model trains "
                f"{', '.join(map(repr, names))}, pass a dict with one for each, or one for all."
            )
        if isinstance(optimizer, NamedOptimizers):
            if optimizer.built and optimizer is not getattr(self, "optimizer", None):
                raise ValueError("this optimizer has trained another model: pass new ones.")
        else:
            optimizer = NamedOptimizers({name: given[name] for name in names})
        optimizer.set_groups(lambda: _groups(self.trained_by()))
        super().compile(optimizer, **{"auto_scale_loss": False, **kwargs})
        optimizer.build()  # all of them, also one that has no turn in the first steps

    def train_step(self, *arguments):
        """Keras' training step, on any backend: `update`, and the logs."""
        return autodiff.train_step(self, self._step, *arguments)

    def _step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if y is None and self.needs_target():  # of a data set that could not be checked before
            raise ValueError(self.needs_target())
        check_shape("y", (x if y is None else y).shape, self.target_shape(), LABEL_HINT)
        regularised = [v for v in self.trainable_variables if v.regularizer]
        self._regularized = bool(regularised)
        if regularised:
            self._regularization.update_state(penalty(regularised), ops.shape(x)[0])
        outputs = self.update(x, x if y is None else y, sample_weight)
        self.optimizer._iterations.assign_add(1)
        return self.compute_metrics(x, y, outputs, sample_weight)

    def minimize(self, name, function):
        """One step of one optimizer.

        Regularisers of weights are added to the loss of the first optimizer that trains them. (What
        layers add by `add_loss` in their call is not.)

        Args:
            name: str, of the optimizer.
            function: callable without arguments that returns `(loss, terms)`: a scalar tensor and a
                dict of tensors.

        Returns:
            The terms.
        """
        groups = _groups(self.trained_now())
        optimizer, variables = self.optimizer[name], groups[name]

        earlier = set()
        for other, group in groups.items():
            if other == name:
                break
            earlier |= {id(variable) for variable in group}
        regularised = [v for v in variables if v.regularizer and id(v) not in earlier]

        def scaled():
            loss, terms = function()
            return distribution.scale_loss(loss + penalty(regularised)), terms

        (_, terms), gradients = autodiff.value_and_grad(scaled, variables, has_aux=True)
        autodiff.apply_gradients(optimizer, gradients, variables)
        return terms

    def every(self, steps, function):
        """Runs a part of `update` in every n-th step only, the first one included.

        Args:
            steps: int, n.
            function: callable without arguments; it may `minimize` and `log`. (A term that had no
                turn in an epoch is logged as zero.)

        Raises:
            ValueError: when `steps` is not a positive integer, or on several devices with
                TensorFlow, whose optimizers cannot run in a part of a step there.
        """
        check_positive_int("steps", steps)
        if steps > 1 and keras.backend.backend() == "tensorflow" and distribution.num_devices() > 1:
            raise ValueError(
                "parts that run in every n-th step work on one device with TensorFlow: train on "
                "JAX, or on one device."
            )
        if steps == 1:
            function()
        else:
            autodiff.when(ops.equal(ops.mod(self.optimizer._iterations.value, steps), 0), function)

    def total(self, terms, sample_weight=None):
        """The weighted sum of terms.

        Args:
            terms: dict, name to tensor of shape `(batch,)` or scalar; some of the model's terms.
            sample_weight: tensor, shape `(batch,)`, or `None`. Defaults to `None`.

        Returns:
            Scalar tensor.
        """
        return sum(
            self.weight_now(term) * batch_mean(term, values, sample_weight)
            for term, values in terms.items()
        )

    def follow(self, pairs, decay):
        """Moving averages follow their networks, closely in the first steps.

        Args:
            pairs: list of pairs of networks, the first of which holds the average of the second.
            decay: float in [0, 1); in step t it is (1 + t) / (10 + t) where that is less.
        """
        step = ops.cast(self.optimizer.iterations, "float32")
        decay = ops.minimum(decay, (1.0 + step) / (10.0 + step))
        for average, network in pairs:
            update_average(average, network, decay)

    def log(self, terms, x, sample_weight=None):
        """Adds to the means that `fit` shows.

        Args:
            terms: dict, name to tensor of shape `(batch,)` or scalar; some of the model's terms.
            x: tensor with the batch first.
            sample_weight: tensor, shape `(batch,)`, or `None`. Defaults to `None`.
        """
        for mean in self._term_means:
            if mean.name in terms:
                value = batch_mean(mean.name, terms[mean.name], sample_weight)
                mean.update_state(value, sample_weight=ops.shape(x)[0])

    def get_metrics_result(self):
        """What is logged; "loss" is the weighted sum of all terms."""
        logs = super().get_metrics_result()
        logs["loss"] = logs.get("regularization", 0.0) + sum(
            self.weight_now(term) * logs[term] for term in self.term_weights
        )
        return logs


def _groups(trained):
    """Trainable variables of each optimizer, no variable twice."""
    groups = {}
    for name, networks in trained.items():
        variables = [v for network in networks for v in network.trainable_variables]
        groups[name] = list({id(variable): variable for variable in variables}.values())
    return groups


def penalty(variables):
    """Sum of what the regularisers of weights cost.

    Source: `keras.regularizers`.

    Args:
        variables: list of Keras variables that have a regulariser.

    Returns:
        Scalar tensor, zero for none.
    """
    return sum(ops.cast(v.regularizer(v), "float32") for v in variables)


def average_of(network, name):
    """A copy of a network that holds a moving average of its weights.

    It is no part of what is trained; give it to the model as an attribute, so that it is saved.

    Source: Karras et al. 2017, arXiv:1710.10196, section 4.1 (moving average of the generator).

    Args:
        network: `keras.Model`, Functional or Sequential, built.
        name: str, of the copy.

    Returns:
        `keras.Model` with the same weights, not trainable.
    """
    copy = keras.models.clone_model(network)
    copy.name = name
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def update_average(average, network, decay):
    """average = decay * average + (1 - decay) * network, inside a training step on any backend.

    What is not trained (statistics of batch normalisation) is copied.

    Source: Karras et al. 2017, arXiv:1710.10196, section 4.1.

    Args:
        average: `keras.Model`, what `average_of` returned.
        network: `keras.Model`, the one that is trained.
        decay: float or scalar tensor in [0, 1].
    """
    trained = {id(variable) for variable in network.trainable_variables}
    for mean, variable in zip(average.weights, network.weights):
        value = ops.convert_to_tensor(variable.value)
        if id(variable) in trained:
            value = decay * mean.value + (1.0 - decay) * ops.stop_gradient(value)
        mean.assign(value)
