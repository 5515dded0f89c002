"""An error inside `fit` or `evaluate` costs no weights.

Keras' JAX trainer takes the values out of the variables while its steps run, and gives them back at
the end; an error in between (a wrong shape found while tracing, a callback that raises) would leave
a model without weights.
"""

import contextlib

import keras


@contextlib.contextmanager
def keep_weights(model):
    """Gives a model its values back when the body raises: the newest that there are.

    Args:
        model: `keras.Model`.

    Yields:
        Nothing.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else [])]
    kept = [(variable, variable.value) for variable in variables]
    try:
        yield
    except BaseException:
        model.jax_state_sync()  # after some steps: the state of the last one
        for variable, value in kept:
            if variable._value is None and not value.is_deleted():
                variable.assign(value)
        raise
