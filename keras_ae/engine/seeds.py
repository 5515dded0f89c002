"""The noise of a model: where it stands, saved with the weights; and evaluation has its own.

Keras stores no state of a `SeedGenerator`, neither in `.keras` files nor in backups.
"""

import contextlib

import numpy as np
from keras import ops

EVALUATION = 0x5EED  # the seed of the noise in `evaluate`, the same each time


def states(model):
    """States of all seed generators: the variables that are neither weights nor metrics.

    Args:
        model: `keras.Model`.

    Returns:
        list of Keras variables, each `(seed, number drawn)`, shape `(2,)`.
    """
    known = {id(v) for v in (*model.non_trainable_weights, *model.metrics_variables)}
    return [v for v in model.non_trainable_variables if id(v) not in known]


def save(model, store):
    """Puts the states into the store that `save_own_variables` gets.

    Args:
        model: `keras.Model`.
        store: dict-like.
    """
    for index, state in enumerate(states(model)):
        store[f"seed_{index}"] = ops.convert_to_numpy(state)


def load(model, store):
    """Takes the states that `save` put there; states that are missing stay as they are.

    Args:
        model: `keras.Model`.
        store: dict-like.
    """
    for index, state in enumerate(states(model)):
        if f"seed_{index}" in store:
            state.assign(np.asarray(store[f"seed_{index}"]))


@contextlib.contextmanager
def fixed(model, seed=EVALUATION):
    """Noise that depends on `seed` alone; afterwards that of training goes on where it was.

    Args:
        model: `keras.Model`, or a layer.
        seed: int. Defaults to that of `evaluate`.

    Yields:
        Nothing.
    """
    kept = [(state, np.array(ops.convert_to_numpy(state))) for state in states(model)]  # copies
    try:
        for index, (state, value) in enumerate(kept):
            own = np.random.SeedSequence([seed, index]).generate_state(1)[0] >> 1  # fits an int32
            state.assign(np.array([own, 0], value.dtype))
        yield
    finally:
        for state, value in kept:
            state.assign(value)
