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


def documents(rng, examples):
    return (rng.dirichlet(np.full(12, 0.3), examples).astype("float32"),)


def convolutional(**kwargs):
    """Odd sides, strides, pooling with a stride of its own: the slide's arithmetic, small."""
    encoder = keras_ae.conv_encoder((7, 6, 1), (3, 2), 3, (2, 1), 1, (1, 2), (1, 1), "tanh")
    decoder = keras_ae.conv_decoder(
        (7, 6, 1), (3, 2, 2), (3,), 3, (2, 1), (1, 0), ((0, 1), 0), "tanh"
    )
    return keras_ae.Autoencoder(encoder, decoder, **kwargs)


def tied_convolutional():
    encoder = keras_ae.conv_encoder((7, 6, 1), (3, 2), 3, 2, activation="tanh")
    return keras_ae.Autoencoder(encoder, tied_decoder(encoder))


def tied_decoder(encoder, **kwargs):
    kwargs = {"output_padding": ((1, 0), (0, 1)), "activation": "tanh", **kwargs}
    return keras_ae.conv_decoder((7, 6, 1), (2, 2, 2), (3,), tied_to=encoder, **kwargs)


def unpooling(up, **kwargs):
    encoder = keras_ae.conv_encoder(
        (7, 6, 1), (2, 3), pool_size=2, activation="tanh", switches=up == "switches"
    )
    decoder = keras_ae.unpool_decoder((7, 6, 1), (3, 2), up, activation="tanh")
    return keras_ae.Autoencoder(encoder, decoder, **kwargs)


def stacked(**kwargs):
    return keras_ae.StackedAutoencoder(
        encoder(), keras_ae.dense_decoder(SHAPE, 3, (8,), "tanh"), **kwargs
    )


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
    Case(
        name="autoencoder_tied",
        build=lambda: keras_ae.dense_autoencoder(
            SHAPE, 3, (8,), "tanh", "tanh", tied=True, loss="bernoulli", l2=1e-3
        ),
        data=pixels,
        bad={
            "does not mirror": lambda: decoder(tied_to=encoder()),
            "mirrors a keras Dense": lambda: keras_ae.layers.TiedDense(keras.layers.Flatten()),
            "no kernel yet": lambda: keras_ae.layers.TiedDense(keras.layers.Dense(2)),
        },
    ),
    Case(
        name="autoencoder_documents",
        build=lambda: keras_ae.Autoencoder(
            encoder((12,), latent_dim=2), decoder((12,), latent_dim=2), loss="categorical"
        ),
        data=documents,
        bad={
            "reads logits": lambda: keras_ae.dense_autoencoder(
                (12,), 2, output_activation="softmax", loss="categorical"
            )
        },
    ),
    Case(
        name="autoencoder_convolutional",
        build=lambda: convolutional(loss="bernoulli"),
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
        bad={
            "pass (height, width, channels)": lambda: keras_ae.conv_encoder((28, 28), (2,)),
            "filters=()": lambda: keras_ae.conv_encoder((7, 6, 1), ()),
            "for each of the 2 layers": lambda: keras_ae.conv_encoder((7, 6, 1), (2, 2), (3, 3, 3)),
            "does not fit": lambda: keras_ae.conv_encoder((7, 6, 1), (2,), 9),
            "does not fit into a side of 1": lambda: keras_ae.conv_encoder(
                (7, 6, 1), (2, 2, 2), pool_size=2, pool_strides=(2, 3, 1)
            ),
            "the sides grow 2x2 -> 3x3 -> 5x5": lambda: keras_ae.conv_decoder(
                (7, 6, 1), (2, 2, 2), (3,)
            ),
        },
    ),
    Case(
        name="autoencoder_convolutional_tied",
        build=tied_convolutional,
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
        bad={
            "does not mirror": lambda: tied_decoder(
                keras_ae.conv_encoder((7, 6, 1), (4, 2), strides=2)
            ),
            "has pooling": lambda: tied_decoder(
                keras_ae.conv_encoder((7, 6, 1), (3, 2), pool_size=2)
            ),
            "mirrors a keras_ae Conv2D": lambda: keras_ae.layers.TiedConv2DTranspose(
                keras.layers.Dense(2)
            ),
            "less than the stride": lambda: tied_decoder(
                keras_ae.conv_encoder((7, 6, 1), (3, 2), strides=2), output_padding=2
            ),
        },
    ),
    Case(
        name="autoencoder_switches",
        build=lambda: unpooling("switches", loss="bernoulli"),
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
        bad={
            "switches, say, must be known to both": lambda: keras_ae.Autoencoder(
                keras_ae.conv_encoder((6, 6, 1), (2,), pool_size=2, switches=True),
                keras_ae.unpool_decoder((6, 6, 1), (2,), "nearest"),
            ),
            "up='max'": lambda: keras_ae.unpool_decoder((6, 6, 1), (2,), "max"),
            "odd size": lambda: keras_ae.unpool_decoder((6, 6, 1), (2,), kernel_size=2),
            "does not fit into a side of 1": lambda: keras_ae.unpool_decoder((6, 6, 1), (2, 2, 2)),
        },
    ),
    Case(
        name="autoencoder_unpooling",
        build=lambda: unpooling("transposed"),
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
        bad={"pool_size=0": lambda: keras_ae.unpool_decoder((6, 6, 1), (2,), pool_size=0)},
    ),
    *(
        Case(
            name=f"autoencoder_{up}",
            build=lambda up=up: unpooling(up),
            data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
            bad={},
        )
        for up in ("nearest", "bed_of_nails")
    ),
    Case(
        name="stacked_autoencoder",
        build=lambda: stacked(loss="bernoulli", l2=1e-3),
        data=pixels,
        bad={
            "does not mirror": lambda: keras_ae.StackedAutoencoder(encoder(), decoder()),
            "Pass dense networks": lambda: keras_ae.StackedAutoencoder(
                keras_ae.conv_encoder((6, 6, 1), (2,), strides=2),
                keras_ae.conv_decoder((6, 6, 1), (3, 3, 2), (), output_padding=1),
            ),
        },
    ),
]


def numpy_weights(model, seed=0):
    """Gives a model weights that do not depend on the backend."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.normal(0.0, 0.3, weight.shape).astype("float32"))
    return model
