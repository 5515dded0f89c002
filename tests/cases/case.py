"""What a Case is, and what the Cases of all families are made of."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

import keras_ae

# for `compile` in tests that take few steps: op by op on TensorFlow, where writing a step down
# takes longer than many of them (tests marked `compiled` are about what is written down)
SOON = {"run_eagerly": True} if keras.backend.backend() == "tensorflow" else {}
# for those that take many: TensorFlow writes the step down, without XLA
MANY_STEPS = {"jit_compile": False} if keras.backend.backend() == "tensorflow" else {}


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, small, with data that fit it.

    Args:
        name: str, also the name of its golden file.
        build: callable that returns the model, not compiled.
        data: callable `(rng, examples) -> (x,)` or `(x, y)`.
        unmoved: dict, path of a weight that need not move in a few steps to the reason.
        random_terms: tuple of str, terms that are drawn in evaluation: each backend has its own.
        falling: str, what training lowers: a term where the loss is that of two players; empty for
            none (tests/test_gans.py trains GANs until their samples fit the data).
        deviation: float, of the weights of golden values; less where many layers would saturate.
        whole: bool, one Case of each model, which has every check on every backend (see
            conftest.py for what the others have in the first tier).
    """

    name: str
    build: Callable
    data: Callable
    unmoved: dict = dataclasses.field(default_factory=dict)
    random_terms: tuple = ()
    falling: str = "loss"
    deviation: float = 0.3
    whole: bool = False


SHAPE = (6, 5, 1)


def pixels(rng, examples, shape=SHAPE):
    return (rng.uniform(0.0, 1.0, (examples, *shape)).astype("float32"),)


def encoder(shape=SHAPE, latent_dim=3, **kwargs):
    return keras_ae.dense_encoder(shape, latent_dim, (8,), "tanh", **kwargs)


def decoder(shape=SHAPE, latent_dim=3, **kwargs):
    return keras_ae.dense_decoder(shape, latent_dim, (7,), "tanh", **kwargs)


def fitted(model, x, y=None, batch_size=None):
    model.compile("adam", **SOON)
    return model.fit(x, y, batch_size, verbose=0)


def with_classes(shape, low=-1.0):
    return lambda rng, examples: (
        rng.uniform(low, 1.0, (examples, *shape)).astype("float32"),
        rng.integers(0, 3, examples),
    )


def numpy_weights(model, seed=0, deviation=0.3):
    """Gives a model weights that do not depend on the backend."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "int" in weight.dtype:  # a counter
            continue
        values = rng.normal(0.0, deviation, weight.shape)
        positive = weight.name == "moving_variance"
        weight.assign((0.5 + abs(values) if positive else values).astype("float32"))
    return model
