"""Cases of keras_ae/variational."""

import keras

import keras_ae

from .case import SHAPE, Case, decoder, encoder, pixels


def vae(encoder_=None, shape=SHAPE, **kwargs):
    if encoder_ is None:
        encoder_ = encoder(shape, heads=("mean", "log_variance"))
    return keras_ae.VAE(encoder_, decoder(shape), **kwargs)


def discriminator(width=2, **kwargs):
    return keras_ae.dense_encoder((width,), 1, (9,), "relu", name="discriminator", **kwargs)


def adversarial(encoder_=None, prior=None, judge=None, **kwargs):
    return keras_ae.AdversarialAutoencoder(
        encoder_ or encoder(latent_dim=2),
        decoder(latent_dim=2),
        judge or discriminator(),
        prior or keras_ae.layers.GaussianPrior(2, 5.0),
        **kwargs,
    )


def semi_supervised(encoder_=None, prior=None, **kwargs):
    heads = ("label", "style")
    codes = {head: keras.Input((4,), name=head) for head in heads}
    both = keras.layers.Concatenate()([codes[head] for head in heads])
    return keras_ae.SemiSupervisedAAE(
        encoder_ or encoder(latent_dim=4, heads=heads),
        keras.Model(codes, decoder(latent_dim=8)(both)),
        discriminator(4),
        keras_ae.dense_encoder((4,), 1, (6,), name="style_discriminator"),
        prior or keras_ae.layers.GaussianPrior(4),
        **kwargs,
    )


def with_labels(rng, examples):
    return (*pixels(rng, examples), rng.integers(-1, 4, examples))


def eight_bits(rng, examples):
    return (rng.integers(0, 256, (examples, 5)).astype("float32") / 255.0,)


def levels_decoder():
    """256 logits for each of 5 pixels."""
    code = keras.Input((3,))
    return keras.Model(code, keras.layers.Reshape((5, 256))(keras.layers.Dense(1280)(code)))


CASES = [
    Case(
        name="vae",
        whole=True,
        build=lambda: vae(num_samples=2, kl="sampled", beta=0.5),
        data=pixels,
        random_terms=("loss", "reconstruction", "kl"),
    ),
    Case(
        name="vae_importance_weighted",
        build=lambda: vae(importance_weighted=True, num_samples=3),
        data=pixels,
        random_terms=("loss", "bound", "reconstruction", "kl"),
    ),
    Case(
        name="vae_gaussian",
        build=lambda: vae(
            likelihood="gaussian",
            deviation=0.3,
            beta=keras.optimizers.schedules.PolynomialDecay(0.1, 1000, 1.0),
        ),
        data=pixels,
        random_terms=("loss", "reconstruction"),
    ),
    Case(
        name="vae_categorical",
        build=lambda: keras_ae.VAE(
            encoder((5,), heads=("mean", "log_variance")), levels_decoder(), "categorical"
        ),
        data=eight_bits,
        random_terms=("loss", "reconstruction"),
    ),
    Case(
        name="adversarial_autoencoder",
        whole=True,
        build=lambda: adversarial(loss="bernoulli"),
        data=pixels,
        random_terms=("loss", "discriminator"),
        falling="",  # in six steps; tests/test_aae.py trains one
    ),
    Case(
        name="adversarial_labels",
        build=lambda: adversarial(
            encoder(latent_dim=2, heads=("mean", "log_variance")),
            keras_ae.layers.GaussianMixturePrior(4, 3.0, 0.5, 0.2),
            discriminator(7),
            num_classes=4,
        ),
        data=with_labels,
        random_terms=("loss", "reconstruction", "discriminator", "generator"),
        falling="reconstruction",
    ),
    Case(
        name="semi_supervised_aae",
        whole=True,
        build=lambda: semi_supervised(loss="bernoulli"),
        data=with_labels,
        random_terms=("loss", "discriminator"),
        falling="reconstruction",
    ),
]
