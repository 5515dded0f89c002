"""A function of tensors that reads a model's weights, compiled once for each shape."""

from keras import ops, tree

from . import autodiff


class Compiled:
    """Runs a function of arrays as one program (`autodiff.program`); counts how often it is made.

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
        self.num_traces = 0  # how often it was compiled; on PyTorch, called

        def traced(*arguments):
            self.num_traces += 1
            return function(*arguments)

        self._run = autodiff.program(traced, model.variables, jit_compile)

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

    def part(self, key, function):
        """A function that several programs call, of tensors: `autodiff.traced_once`, kept by name.

        Args:
            key: hashable, name of the function.
            function: callable of tensors, or of dicts of them; returns tensors.

        Returns:
            Callable of the same arguments.
        """
        if ("part", key) not in self._known:
            self._known["part", key] = autodiff.traced_once(function)
        return self._known["part", key]
