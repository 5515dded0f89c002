"""A function of tensors that reads a model's weights, compiled once for each shape."""

import keras
from keras import ops, tree


class Compiled:
    """Runs a function as one program: `tf.function`, `jax.jit`; PyTorch runs it as it is.

    The function computes, and changes nothing: no noise from a `SeedGenerator`, no statistics.
    Weights are read at each call, so a trained or loaded model needs no new one.

    Source: `tf.function`, `jax.jit`, `torch.no_grad`.

    Args:
        function: callable of tensors, or of dicts of them; returns tensors.
        model: `keras.Model` whose weights it reads.
        jit_compile: bool, whether TensorFlow uses XLA. Defaults to `False`.

    Call arguments:
        *arguments: arrays or tensors, or dicts of them.

    Returns:
        What the function returns, as NumPy arrays.
    """

    def __init__(self, function, model, jit_compile=False):
        self.num_traces = 0  # how often it was compiled
        self._variables = []
        backend = keras.backend.backend()

        def traced(*arguments):
            self.num_traces += 1
            return function(*arguments)

        if backend == "tensorflow":
            import tensorflow as tf

            self._run = tf.function(traced, jit_compile=jit_compile)
        elif backend == "jax":
            import jax

            self._variables = model.variables

            def pure(values, *arguments):
                with keras.StatelessScope(state_mapping=list(zip(self._variables, values))):
                    return traced(*arguments)

            compiled = jax.jit(pure)
            self._run = lambda *arguments: compiled([v.value for v in self._variables], *arguments)
        else:
            import torch

            self._run = torch.no_grad()(function)

    def __call__(self, *arguments):
        arguments = tree.map_structure(ops.convert_to_tensor, arguments)
        return tree.map_structure(ops.convert_to_numpy, self._run(*arguments))


class Programs:
    """The compiled functions of a model, by name: each is made when it is first asked for.

    Source: this library.

    Args:
        model: `keras.Model`, compiled or not; TensorFlow uses XLA where its steps do.

    Call arguments:
        key: hashable, name of the function.
        function: callable, as in `Compiled`.

    Returns:
        `Compiled`.
    """

    def __init__(self, model):
        self._model, self._known = model, {}

    def __call__(self, key, function):
        key = (key, self._model.compiled and self._model.jit_compile is True)
        if key not in self._known:
            self._known[key] = Compiled(function, self._model, key[1])
        return self._known[key]
