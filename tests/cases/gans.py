"""Cases of keras_ae/gans."""

import keras

import keras_ae

from .case import SHAPE, Case, pixels, with_classes


def first_gan(generator=None, discriminator=None, **kwargs):
    return keras_ae.GAN(
        generator or keras_ae.dense_generator(SHAPE, 3, (7,)),
        discriminator or keras_ae.maxout_discriminator(SHAPE, (5, 4), 2, seed=0),
        **kwargs,
    )


def wasserstein_gan(**kwargs):
    """With all that holds a critic, and classes."""
    settings = {
        "loss": "wasserstein",
        "noise": "uniform",
        "num_classes": 3,
        "gradient_penalty": 10.0,
        "r1": 0.1,
        "r2": 0.2,
        "weight_clip": 0.5,
        "critic_steps": 3,
        "average_decay": 0.9,
        "augment": keras.layers.GaussianNoise(0.1, seed=3),
    }
    return keras_ae.GAN(
        keras_ae.dense_generator(SHAPE, 3, (7,), "tanh", num_classes=3),
        keras_ae.maxout_discriminator(SHAPE, (5,), 2, num_classes=3, seed=0),
        **{**settings, **kwargs},
    )


def hinge_gan(*more):
    """A discriminator of the user's own, with spectral normalisation; no average."""
    norm = keras_ae.layers.SpectralNormalization
    critic = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            norm(keras.layers.Conv2D(3, 3)),
            keras.layers.LeakyReLU(),
            *more,
            keras.layers.Flatten(),
            norm(keras.layers.Dense(1, use_bias=False), 2),
        ],
        name="critic",
    )
    generator = keras_ae.dense_generator((4, 4, 1), 3, (6,), "tanh")
    return first_gan(generator, critic, loss="hinge", average_decay=None)


def cogan(shared=True, sides=(20, 20, 1), filters=(6, 5, 4, 3), weight_decay=5e-4, **kwargs):
    networks = keras_ae.cogan_networks(sides, 4, filters, (3, 4, 5), weight_decay, shared)
    return keras_ae.CoGAN(**{**networks, **kwargs})


def stylegan2(image_shape=(8, 8, 1), most=4, num_classes=None, group_size=4, **kwargs):
    networks = keras_ae.stylegan2_networks(image_shape, 3, 4, 1, 16, most, num_classes, group_size)
    return keras_ae.StyleGAN2(**{**networks, "num_classes": num_classes, **kwargs})


def progan(image_shape=(8, 8, 1), most=4, group_size=1, **kwargs):
    networks = keras_ae.progan_networks(image_shape, 3, 16, most, group_size)
    return keras_ae.ProGAN(**{**networks, **NO_GROWTH, **kwargs})


def stylegan(image_shape=(8, 8, 1), most=4, group_size=1, **kwargs):
    networks = keras_ae.stylegan_networks(image_shape, 3, 4, 1, 16, most, group_size)
    return keras_ae.StyleGAN(**{**networks, **NO_GROWTH, **kwargs})


FADED_OUT = {
    f"{layer}_image_4/{weight}": "the side before has faded out"
    for layer in ("to", "from")
    for weight in ("kernel", "bias")
}

NO_GROWTH = {"fade_images": 0, "stable_images": 0}  # test_growing.py grows

DIFFERENCE = "these losses are of the difference of two logits"


def two_domains(rng, examples):
    """One light, one dark."""
    light, dark = (pixels(rng, examples, (20, 20, 1))[0] for _ in range(2))
    return 1.0 - 0.2 * light, 0.2 * dark


CASES = [
    Case(
        name="gan_first",
        whole=True,
        build=first_gan,
        data=pixels,
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_wasserstein",
        build=wasserstein_gan,
        data=with_classes(SHAPE),
        unmoved={"logit/bias": DIFFERENCE},
        random_terms=("loss", "discriminator", "generator", "gradient_penalty", "r1", "r2"),
        falling="gradient_penalty",
    ),
    Case(
        name="gan_hinge",
        build=hinge_gan,
        data=lambda rng, examples: pixels(rng, examples, (4, 4, 1)),
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_dcgan",
        whole=True,
        build=lambda: keras_ae.DCGAN((8, 8, 1), 5, 3, num_classes=3, average_decay=0.9),
        data=with_classes((8, 8, 1), 0.5),
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_cogan",
        whole=True,
        build=lambda: cogan(average_decay=0.9, loss="relativistic", noise="normal"),
        data=two_domains,
        unmoved={"logit/bias": DIFFERENCE},
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_cogan_unshared",
        build=lambda: cogan(False, weight_decay=0.0),
        data=two_domains,
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_growing",
        whole=True,
        build=lambda: progan(
            noise="uniform",
            start_side=8,
            loss="least_squares",
            gradient_penalty=2.0,
            drift=0.1,
            average_decay=0.9,
            augment=keras.layers.GaussianNoise(0.1, seed=3),
        ),
        data=lambda rng, examples: with_classes((8, 8, 1))(rng, examples)[:1],
        unmoved=FADED_OUT,
        random_terms=("loss", "discriminator", "generator", "gradient_penalty"),
        falling="",
    ),
    Case(
        name="stylegan_first",
        whole=True,
        build=lambda: stylegan(
            noise="uniform",
            start_side=4,
            loss="least_squares",
            gradient_penalty=2.0,
            r1=0.5,
            mixing=0.8,
            average_images=20,
            ramp=0.5,
            augment=keras.layers.GaussianNoise(0.1, seed=3),
        ),
        data=lambda rng, examples: with_classes((8, 8, 1))(rng, examples)[:1],
        unmoved=FADED_OUT,
        random_terms=("loss", "discriminator", "generator", "gradient_penalty", "r1"),
        falling="",
    ),
    Case(
        name="stylegan_second",
        whole=True,
        build=lambda: stylegan2(
            num_classes=3,
            group_size=1,  # with more, a logit depends on the batch
            noise="uniform",
            r1=0.5,
            r1_every=3,
            path_length=1.0,
            path_every=3,
            path_decay=0.5,
            mixing=0.8,
            average_images=20,
            ramp=None,
            augment=keras.layers.GaussianNoise(0.1, seed=3),
        ),
        data=with_classes((8, 8, 1)),
        # r1 is that of the steps in which it had its turn
        random_terms=("loss", "discriminator", "generator", "path_length", "r1"),
        falling="",
    ),
]
