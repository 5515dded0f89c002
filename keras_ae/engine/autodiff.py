"""Gradients, Jacobian products and the training step, written once for three backends.

This is the only file that touches TensorFlow, JAX or PyTorch for training. A model says what it
computes in a stateful-looking way (`update(data) -> logs`, built from `value_and_grad` and
`apply_gradients`); this file makes that run as Keras' `train_step` on each backend.

On JAX, whose steps must be pure, every function runs in a `keras.StatelessScope`: variables read
their traced values from the scope, and what the function changed besides (seeds, batch-norm
statistics) comes back as auxiliary output and is written to the scope outside. Losses that a layer
adds with `add_loss` inside a differentiated function stay inside it: return them from the function.
"""

import math

import keras
from keras import ops

BACKEND = keras.backend.backend()
if BACKEND == "tensorflow":
    import tensorflow as tf
elif BACKEND == "jax":
    import jax
elif BACKEND == "torch":
    import torch
else:
    raise ImportError(
        f"keras_ae trains on the backends tensorflow, jax and torch, not on {BACKEND!r}: set the "
        "environment variable KERAS_BACKEND to one of them before keras is imported."
    )


def value_and_grad(function, variables, has_aux=False):
    """Value of `function()` and its gradients with respect to Keras variables.

    The gradients are not meant to be differentiated again (torch keeps no graph of them); `vjp`,
    `jvp` and `gradient` are, inside `function`.

    Source: reverse-mode differentiation of the active Keras backend.

    Args:
        function: callable without arguments; returns a scalar tensor, or `(scalar, aux)` with
            `has_aux`. It may read and change variables (seeds, batch-norm statistics).
        variables: list of Keras variables.
        has_aux: bool, whether `function` returns a second value that is not differentiated.

    Returns:
        `(value, gradients)`, or `((value, aux), gradients)` with `has_aux`; one gradient per
        variable, of its shape, zero where the value does not depend on it.
    """
    variables = list(variables)
    if BACKEND == "tensorflow":
        sources = [variable.value for variable in variables]
        with tf.GradientTape() as tape:
            tape.watch(sources)  # also those that are not trainable
            result = function()
        value = result[0] if has_aux else result
        gradients = tape.gradient(value, sources, unconnected_gradients="zero")
    elif BACKEND == "jax":
        pure, write_back = _pure(function, variables, has_aux)
        values = [variable.value for variable in variables]
        (value, (aux, updates)), gradients = jax.value_and_grad(pure, has_aux=True)(values)
        write_back(updates)
        result = (value, aux) if has_aux else value
    else:
        sources = [variable.value for variable in variables]
        frozen = [source for source in sources if not source.requires_grad]
        try:
            for source in frozen:
                source.requires_grad_(True)
            with torch.enable_grad():
                result = function()
            value = result[0] if has_aux else result
            gradients = _torch_gradients(value, sources)
        finally:
            for source in frozen:
                source.requires_grad_(False)
    return result, list(gradients)


def vjp(function, x):
    """Output of a function and its vector-Jacobian product with respect to the input.

    Source: reverse-mode differentiation of the active Keras backend.

    Args:
        function: callable of one tensor; returns one tensor. It may change variables.
        x: tensor, shape `(batch, ...)`.

    Returns:
        `(y, pullback)`: `pullback(v)` is v^T dy/dx, of the shape of `x`, for `v` of the shape of
        `y`. It may be called several times, and can be differentiated again.
    """
    x = ops.convert_to_tensor(x)
    if BACKEND == "tensorflow":
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = function(x)
        return y, lambda v: tape.gradient(y, x, output_gradients=v, unconnected_gradients="zero")
    if BACKEND == "jax":
        pure, write_back = _pure(function)
        y, pullback, (_, updates) = jax.vjp(pure, x, has_aux=True)
        write_back(updates)
        return y, lambda v: pullback(v)[0]
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_(True)
        y = function(x)

    def pullback(v):
        with torch.enable_grad():
            return _torch_gradients(y, [x], v, create_graph=True)[0]

    return y, pullback


def gradient(function, x):
    """Gradient of the sum of `function(x)` with respect to `x`.

    For a function of one value per example this is every example's own gradient.

    Source: reverse-mode differentiation of the active Keras backend.

    Args:
        function: callable of one tensor; returns one tensor, shape `(batch,)` or scalar.
        x: tensor, shape `(batch, ...)`.

    Returns:
        Tensor of the shape of `x`; can be differentiated again.
    """
    y, pullback = vjp(function, x)
    return pullback(ops.ones_like(y))


def jvp(function, x, tangent):
    """Output of a function and its Jacobian-vector product with respect to the input.

    Source: forward-mode differentiation of the active Keras backend.

    Args:
        function: callable of one tensor; returns one tensor. It may change variables.
        x: tensor, shape `(batch, ...)`.
        tangent: tensor of the shape of `x`, the direction.

    Returns:
        `(y, dy)`: the output and dy/dx times `tangent`, of the same shape; both can be
        differentiated again by `vjp`, `gradient` or `value_and_grad` (torch has no `jvp` of a
        `jvp`).
    """
    x, tangent = ops.convert_to_tensor(x), ops.convert_to_tensor(tangent)
    if BACKEND == "tensorflow":
        with tf.autodiff.ForwardAccumulator(x, tangent) as accumulator:
            y = function(x)
        return y, accumulator.jvp(y, unconnected_gradients="zero")
    if BACKEND == "jax":
        pure, write_back = _pure(function)
        y, dy, (_, updates) = jax.jvp(pure, (x,), (tangent,), has_aux=True)
        write_back(updates)
        return y, dy
    with torch.enable_grad(), torch.autograd.forward_ad.dual_level():
        y, dy = torch.autograd.forward_ad.unpack_dual(
            function(torch.autograd.forward_ad.make_dual(x, tangent))
        )
        return y, torch.zeros_like(y) if dy is None else dy


def jacobian(function, x, forward=False):
    """Jacobian of every example, all its vector products at once.

    In reverse one vector-Jacobian product per output, vectorised by the backend
    (`tf.GradientTape.batch_jacobian`, `jax.vmap`, batched `torch.autograd.grad`); forward one
    Jacobian-vector product per input, on a batch that holds every example once for each.

    Source: reverse- and forward-mode differentiation of the active Keras backend.

    Args:
        function: callable of one tensor, shape `(batch, ...)`; returns one tensor, shape
            `(batch, outputs)`, and treats examples independently of each other.
        x: tensor, shape `(batch, *input_shape)` with a known `input_shape`.
        forward: bool, the cheaper way where there are fewer inputs than outputs. Defaults to
            `False`.

    Returns:
        Tensor, shape `(batch, outputs, inputs)` with the input flattened; can be differentiated
        again.
    """
    x = ops.convert_to_tensor(x)
    batch, inputs = ops.shape(x)[0], math.prod(x.shape[1:])
    if forward:
        again = ops.repeat(x, inputs, axis=0)  # (batch * inputs, *input_shape)
        directions = ops.tile(ops.eye(inputs, dtype=x.dtype), (batch, 1))
        _, columns = jvp(function, again, ops.reshape(directions, ops.shape(again)))
        columns = ops.reshape(columns, (batch, inputs, columns.shape[1]))
        return ops.transpose(columns, (0, 2, 1))
    if BACKEND == "tensorflow":
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = function(x)
        rows = tape.batch_jacobian(y, x, unconnected_gradients="zero")
    elif BACKEND == "jax":
        y, pullback = vjp(function, x)
        rows = jax.vmap(pullback, out_axes=1)(_units(y))
    else:
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_(True)
            y = function(x)
            rows = _torch_gradients(y, [x], _units(y), create_graph=True, is_grads_batched=True)[0]
            rows = ops.moveaxis(rows, 0, 1)
    return ops.reshape(rows, (batch, y.shape[1], inputs))


def _units(y):
    """One for one output of every example, and zero for the others: `(outputs, *y.shape)`."""
    return ops.broadcast_to(
        ops.eye(y.shape[1], dtype=y.dtype)[:, None], (y.shape[1], *ops.shape(y))
    )


def when(predicate, function):
    """Runs a stateful function only where a predicate holds, inside a training step.

    Source: `tf.cond`, `jax.lax.cond`; PyTorch runs eagerly and needs nothing.

    Args:
        predicate: scalar bool tensor.
        function: callable without arguments, run for what it changes (weights, optimizer, metrics,
            seeds); what it returns is dropped.
    """
    if BACKEND == "torch":
        if bool(predicate):
            function()
    elif BACKEND == "tensorflow":
        nothing = lambda *_: tf.constant(0)
        tf.cond(predicate, lambda: nothing(function()), nothing)
    else:
        pure, write_back = _pure(function, [])
        run = lambda: pure([])[1][1]
        jax.eval_shape(run)  # tells what the function changes
        kept = [variable.value for variable in write_back.changed]
        write_back(jax.lax.cond(predicate, run, lambda: kept))


def sum_rows(values):
    """Sum of every row.

    On JAX a product with ones at full precision: what a reduction is fused with, XLA computes on a
    CPU one number at a time, and a cross-entropy takes sixteen times as long.

    Source: this library.

    Args:
        values: tensor, shape `(rows, columns)`, floats.

    Returns:
        Tensor, shape `(rows,)`.
    """
    if BACKEND == "jax":
        ones = jax.numpy.ones(values.shape[1], values.dtype)
        return jax.numpy.matmul(values, ones, precision="highest")
    return ops.sum(values, axis=-1)


def apply_gradients(optimizer, gradients, variables):
    """One step of an optimizer, inside a training step on any backend.

    In mixed_float16 the optimizer is a `LossScaleOptimizer`: differentiate
    `optimizer.scale_loss(loss)` then, as Keras' own step does.

    Source: `keras.optimizers.Optimizer.apply`.

    Args:
        optimizer: built `keras.optimizers.Optimizer`.
        gradients: list of tensors, one per variable.
        variables: list of Keras variables, those that the optimizer was built with.
    """
    if BACKEND == "torch":
        with torch.no_grad():
            optimizer.apply(gradients, variables)
    else:
        optimizer.apply(gradients, variables)


def train_step(model, update, *arguments):
    """Runs a stateful-looking `update(data) -> logs` as Keras' `train_step`.

    A model writes `def train_step(self, *arguments): return train_step(self, self.update,
    *arguments)`; on JAX Keras calls it with `(state, data)`, elsewhere with `(data,)`.

    Source: Keras 3 trainers (`keras.Model.train_step` on each backend).

    Args:
        model: the compiled, built `keras.Model` that is trained.
        update: callable of one batch of data; reads and changes the model's variables, those of
            `model.optimizer` and of its metrics, and returns the logs, a dict of scalar tensors.
        *arguments: what Keras handed to `train_step`.

    Returns:
        The logs; on JAX `(logs, new_state)`.
    """
    if BACKEND != "jax":
        return update(*arguments)
    state, data = arguments
    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    mapping = [pair for group, values in zip(groups, state) for pair in zip(group, values)]
    with keras.StatelessScope(state_mapping=mapping) as scope:
        logs = update(data)
    return logs, tuple([scope.get_current_value(v) for v in group] for group in groups)


def program(function, variables, jit_compile=False):
    """A function of tensors that reads Keras variables, as one program without gradients.

    It changes nothing: no noise from a `SeedGenerator`, no statistics. Variables are read at each
    call.

    Source: `tf.function`, `jax.jit`, `torch.no_grad`.

    Args:
        function: callable of tensors, or of dicts of them; returns tensors.
        variables: list of the Keras variables that it reads.
        jit_compile: bool, whether TensorFlow uses XLA. Defaults to `False`.

    Returns:
        Callable of the same arguments; it runs `function` itself once for each kind of them, on
        PyTorch in every call.
    """
    if BACKEND == "tensorflow":
        return tf.function(function, jit_compile=jit_compile)
    if BACKEND == "torch":
        return torch.no_grad()(function)

    def pure(values, *arguments):
        with keras.StatelessScope(state_mapping=list(zip(variables, values))):
            return function(*arguments)

    compiled = jax.jit(pure)
    return lambda *arguments: compiled([variable.value for variable in variables], *arguments)


def traced_once(function):
    """A function of tensors that larger programs contain several times, or one after another.

    TensorFlow writes it down once for each kind of tensors, not for each place that calls it, which
    takes seconds for a deep network; elsewhere it is the function itself. It changes nothing, and
    reads its variables where they are: not for calls within a `keras.StatelessScope`.

    Source: `tf.function`.

    Args:
        function: callable of tensors, or of dicts of them; returns tensors.

    Returns:
        Callable of the same arguments.
    """
    return tf.function(function) if BACKEND == "tensorflow" else function


def _torch_gradients(value, sources, v=None, **kwargs):
    """`torch.autograd.grad` with zeros where the value does not depend on a source."""
    many = v.shape[:1] if kwargs.get("is_grads_batched") else ()
    zeros = lambda source: source.new_zeros((*many, *source.shape))
    if not value.requires_grad:
        return [zeros(source) for source in sources]
    gradients = torch.autograd.grad(value, sources, v, allow_unused=True, **kwargs)
    return [zeros(source) if g is None else g for g, source in zip(gradients, sources)]


class _RecordingScope(keras.StatelessScope if BACKEND == "jax" else object):
    """A stateless scope that sees the values of the scope around it and remembers changes."""

    def __init__(self, state_mapping):
        super().__init__(state_mapping=state_mapping)
        self.changed = {}  # id of a variable -> the variable

    def __enter__(self):
        super().__enter__()
        if self.original_scope is not None:
            self.state_mapping = {**self.original_scope.state_mapping, **self.state_mapping}
        return self

    def add_update(self, update):
        self.changed[id(update[0])] = update[0]
        super().add_update(update)


def _pure(function, variables=None, has_aux=False):
    """A pure JAX form of `function`: of the variables' values, or of its own input.

    Returns the pure function, whose output is `(result, (aux, updates))`, and `write_back`, which
    assigns those updates to their variables in the scope outside.
    """
    changed = []

    def pure(value):
        with _RecordingScope(None if variables is None else zip(variables, value)) as scope:
            result = function() if variables is not None else function(value)
        result, aux = result if has_aux else (result, None)
        changed[:] = scope.changed.values()
        return result, (aux, [scope.get_current_value(variable) for variable in changed])

    def write_back(updates):
        for variable, update in zip(changed, updates):
            variable.assign(update)

    write_back.changed = changed
    return pure, write_back
