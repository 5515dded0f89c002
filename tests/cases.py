"""One `Case` per model and variant: what the contract (test_contract.py) is run on.

Tiny in width and depth. Constructor arguments stand off their defaults, so that a lost one shows.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

import keras_ae


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, small, with data that fit it.

    Args:
        name: str, also the name of its golden file.
        build: callable that returns the model, not compiled.
        data: callable `(rng, examples) -> (x,)` or `(x, y)`.
        bad: dict, a part of the message to a callable that must raise ValueError with it.
        unmoved: dict, path of a weight that need not move in a few steps to the reason.
    """

    name: str
    build: Callable
    data: Callable
    bad: dict
    unmoved: dict = dataclasses.field(default_factory=dict)


SHAPE = (6, 5, 1)


def pixels(rng, examples, shape=SHAPE):
    return (rng.uniform(0.0, 1.0, (examples, *shape)).astype("float32"),)


def half_squared_error(target, output):
    """A user's own loss."""
    return 0.5 * keras_ae.losses.squared_error(target, output)


keras.saving.register_keras_serializable("tests")(half_squared_error)


def encoder(shape=SHAPE, latent_dim=3, **kwargs):
    return keras_ae.dense_encoder(shape, latent_dim, (8,), "tanh", **kwargs)


def decoder(shape=SHAPE, latent_dim=3, **kwargs):
    return keras_ae.dense_decoder(shape, latent_dim, (7,), "tanh", **kwargs)


def autoencoder(**kwargs):
    return keras_ae.Autoencoder(encoder(), decoder(), **kwargs)


CASES = [
    Case(
        name="autoencoder_bernoulli",
        build=lambda: autoencoder(loss="bernoulli", l2=1e-2, name="deep"),
        data=pixels,
        bad={
            "is not known": lambda: autoencoder(loss="mse"),
            "number >= 0": lambda: autoencoder(l2=-1.0),
            "reads logits": lambda: keras_ae.Autoencoder(
                encoder(), decoder(output_activation="sigmoid"), loss="bernoulli"
            ),
            "encoder's output": lambda: keras_ae.Autoencoder(encoder(), decoder(latent_dim=2)),
            "decoder's output": lambda: keras_ae.Autoencoder(encoder(), decoder((6, 6, 1))),
            "latent_dim=0": lambda: encoder(latent_dim=0),
            "units=": lambda: keras_ae.dense_encoder(SHAPE, 2, (8, 0)),
            "dropout=1.0": lambda: encoder(dropout=1.0),
            "heads=": lambda: encoder(heads=()),
        },
    ),
    Case(
        name="autoencoder_dropout",
        build=lambda: keras_ae.Autoencoder(
            encoder((9,), dropout=0.2),
            decoder((9,), output_activation="sigmoid"),
            loss=half_squared_error,
        ),
        data=lambda rng, examples: pixels(rng, examples, (9,)) * 2,
        bad={"pass a positive integer": lambda: decoder((0,))},
    ),
]


def numpy_weights(model, seed=0):
    """Gives a model weights that do not depend on the backend."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.normal(0.0, 0.3, weight.shape).astype("float32"))
    return model
