"""Cases of keras_ae/autoencoders."""

import keras
import numpy as np

import keras_ae

from .case import SHAPE, Case, decoder, encoder, pixels


def half_squared_error(target, output):
    """A user's own loss."""
    return 0.5 * keras_ae.losses.squared_error(target, output)


keras.saving.register_keras_serializable("tests")(half_squared_error)


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


def tied_convolutional(build=keras_ae.Autoencoder, **kwargs):
    encoder = keras_ae.conv_encoder((7, 6, 1), (3, 2), 3, 2, activation="tanh")
    return build(encoder, tied_decoder(encoder), **kwargs)


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


def weighted_squared_error(target, output, weights=None):
    """A user's own loss that takes weights."""
    return 0.5 * keras_ae.losses.squared_error(target, output, weights)


keras.saving.register_keras_serializable("tests")(weighted_squared_error)


class Brightness(keras.layers.Layer):
    """A user's own corruption, without a switch."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(3)

    def call(self, x):
        factors = keras.random.uniform((keras.ops.shape(x)[0], 1, 1, 1), seed=self.seed_generator)
        return x * keras.ops.cast(factors, x.dtype)


keras.saving.register_keras_serializable("tests")(Brightness)


def denoising(corruption="masking", **kwargs):
    noise = keras_ae.layers.MaskingNoise(0.4) if corruption == "masking" else corruption
    return keras_ae.DenoisingAutoencoder(encoder(), decoder(), noise, **kwargs)


def integers():
    """An encoder of word numbers."""
    words = keras.Input((30,), dtype="int32")
    return keras.Model(words, keras.layers.Flatten()(keras.layers.Embedding(5, 2)(words)))


def contractive(encoder, method, **kwargs):
    shape = encoder.input_shape[1:]
    decoder = keras_ae.dense_decoder(
        shape, encoder.output_shape[1], kernel_constraint=keras.constraints.MaxNorm(2.0, axis=1)
    )
    return keras_ae.ContractiveAutoencoder(encoder, decoder, method=method, **kwargs)


def sparse(**kwargs):
    encoder = keras_ae.dense_encoder(SHAPE, 12, (), latent_activation="sigmoid")
    decoder = keras_ae.dense_decoder(SHAPE, 12, tied_to=encoder)
    return keras_ae.SparseAutoencoder(encoder, decoder, **kwargs)


CASES = [
    Case(
        name="autoencoder_bernoulli",
        whole=True,
        build=lambda: autoencoder(loss="bernoulli", l2=1e-2, name="deep"),
        data=pixels,
    ),
    Case(
        name="autoencoder_dropout",
        build=lambda: keras_ae.Autoencoder(
            encoder((9,), dropout=0.2),
            decoder((9,), output_activation="sigmoid"),
            loss=half_squared_error,
        ),
        data=lambda rng, examples: pixels(rng, examples, (9,)) * 2,
    ),
    Case(
        name="autoencoder_tied",
        build=lambda: keras_ae.dense_autoencoder(
            SHAPE, 3, (8,), "tanh", "tanh", tied=True, loss="bernoulli", l2=1e-3
        ),
        data=pixels,
    ),
    Case(
        name="autoencoder_documents",
        build=lambda: keras_ae.Autoencoder(
            encoder((12,), latent_dim=2), decoder((12,), latent_dim=2), loss="categorical"
        ),
        data=documents,
    ),
    Case(
        name="autoencoder_convolutional",
        build=lambda: convolutional(loss="bernoulli"),
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
    ),
    Case(
        name="autoencoder_convolutional_tied",
        build=tied_convolutional,
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
    ),
    Case(
        name="autoencoder_switches",
        build=lambda: unpooling("switches", loss="bernoulli"),
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
    ),
    Case(
        name="autoencoder_unpooling",
        build=lambda: unpooling("transposed"),
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
    ),
    *(
        Case(
            name=f"autoencoder_{up}",
            build=lambda up=up: unpooling(up),
            data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
        )
        for up in ("nearest", "bed_of_nails")
    ),
    Case(
        name="stacked_autoencoder",
        whole=True,
        build=lambda: stacked(loss="bernoulli", l2=1e-3),
        data=pixels,
    ),
    Case(
        name="denoising_autoencoder",
        whole=True,
        build=lambda: denoising(loss="bernoulli", emphasis=(1.0, 0.9), l2=1e-3),
        data=pixels,
    ),
    Case(
        name="denoising_gaussian",
        build=lambda: denoising(keras.layers.GaussianNoise(0.2), loss=weighted_squared_error),
        data=pixels,
    ),
    Case(
        name="denoising_pairs",
        build=lambda: denoising(None, emphasis=(1.0, 0.2)),
        data=lambda rng, examples: (pixels(rng, examples)[0], pixels(rng, examples)[0]),
    ),
    Case(
        name="contractive_closed_form",
        whole=True,
        build=lambda: contractive(encoder(), "closed_form", weight=0.5, loss="bernoulli", l2=1e-3),
        data=pixels,
    ),
    Case(
        name="contractive_exact",
        build=lambda: tied_convolutional(
            keras_ae.ContractiveAutoencoder, weight=0.2, method="exact"
        ),
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
    ),
    Case(
        name="contractive_projection",
        build=lambda: contractive(encoder(dropout=0.2), "projection", num_projections=2),
        data=pixels,
        random_terms=("loss", "contraction"),
    ),
    Case(
        name="sparse_l1",
        whole=True,
        build=lambda: sparse(weight=0.02, loss="bernoulli", l2=1e-3),
        data=pixels,
    ),
    Case(
        name="sparse_kl",
        build=lambda: sparse(penalty="kl", weight=0.5, target=0.2),
        data=pixels,
    ),
    Case(
        name="k_sparse_autoencoder",
        build=lambda: keras_ae.k_sparse_autoencoder(
            SHAPE, 12, 3, alpha=2.0, k_start=6, decay_steps=4, loss="bernoulli"
        ),
        data=pixels,
    ),
    Case(
        name="robust_autoencoder",
        whole=True,
        build=lambda: keras_ae.RobustAutoencoder(encoder(), decoder(), bandwidth=0.7, l2=1e-3),
        data=pixels,
    ),
]
