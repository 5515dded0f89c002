"""Cases of keras_ae/diffusion."""

import keras

import keras_ae

from .case import Case, pixels, with_classes


def tokens(length):
    """Two tokens for each class; the fourth is no class."""
    table = keras.layers.Embedding(4, 8)
    return keras.Sequential(
        [keras.Input((length,), dtype="int32"), table, keras.layers.Reshape((-1, 4))]
    )


def ddpm(network=None, **kwargs):
    network = network or plain_denoiser((4, 4, 1))
    return keras_ae.DDPM(network, **{"num_classes": 3, **kwargs})


def first_stage(quantizer=None, judge=None, heads=("mean", "log_variance"), **kwargs):
    shape = (4, 4, 1)
    sizes = {"latent_channels": 2, "width": 4, "multipliers": (1, 2), "num_blocks": 1, "groups": 2}
    return keras_ae.FirstStage(
        keras_ae.latent_encoder(shape, heads=heads, **sizes),
        keras_ae.latent_decoder(shape, **sizes),
        judge or keras_ae.patch_discriminator(shape, 2, 1),
        quantizer,
        **kwargs,
    )


def plain_first_stage(**kwargs):
    """Of few layers, compiled in a third of the time; the codebook's Case has the library's."""
    conv = lambda filters, strides=1, **more: keras.layers.Conv2D(
        filters, 3, strides, "same", **more
    )
    image, code = keras.Input((4, 4, 1)), keras.Input((2, 2, 2))
    x = conv(3, 2, activation="tanh")(image)
    y = keras.layers.UpSampling2D()(conv(3, activation="tanh")(code))
    return keras_ae.FirstStage(
        keras.Model(image, {name: conv(2, name=name)(x) for name in ("mean", "log_variance")}),
        keras.Model(code, conv(1, dtype="float32")(y)),
        keras_ae.patch_discriminator((4, 4, 1), 2, 1),
        **kwargs,
    )


def plain_denoiser(shape=(2, 2, 2)):
    """Image, time and tokens through few layers (test_sampling.py trains and saves a U-Net)."""
    inputs = {
        "image": keras.Input(shape, name="image"),
        "time": keras.Input((), name="time"),
        "tokens": keras.Input((2, 4), name="tokens"),
    }
    when = keras_ae.layers.SinusoidalEmbedding(4)(inputs["time"])
    told = keras.layers.Concatenate()([when, keras.layers.Flatten()(inputs["tokens"])])
    told = keras.layers.Reshape((1, 1, 3))(keras.layers.Dense(3)(told))
    x = keras.layers.Conv2D(3, 3, padding="same")(inputs["image"])
    x = keras.layers.Activation("tanh")(keras.layers.Add()([x, told]))
    last = keras.layers.Conv2D(shape[-1], 3, padding="same", dtype="float32")  # as in U-Nets
    return keras.Model(inputs, last(x), name="network")


def features():
    return keras_ae.conv_encoder((4, 4, 1), (3,), activation="tanh", name="features")


def codebook(**kwargs):
    quantizer = keras_ae.layers.VectorQuantizer(5, 0.5)
    model = first_stage(quantizer, heads=None, **{"adversarial_start": 0, **kwargs})
    # some patches lie beyond the hinge's margin: where none does, the slopes of this bias cancel
    model.discriminator.get_layer("logits").bias.assign([1.0])
    return model


def latent_diffusion(stage=plain_first_stage, network=plain_denoiser, **kwargs):
    return keras_ae.LatentDiffusion(stage(), network(), **kwargs)


CASES = [
    Case(
        name="diffusion_ddpm",
        whole=True,
        build=lambda: ddpm(
            predicts="velocity",
            schedule="cosine",
            num_steps=20,
            conditioner=tokens(1),
            condition_dropout=0.3,
            average_decay=0.9,
            sampling_steps=3,
            clip=False,
        ),
        data=with_classes((4, 4, 1)),
        random_terms=("loss", "denoising"),
        falling="",
    ),
    Case(
        name="diffusion_first_stage",
        whole=True,
        build=lambda: plain_first_stage(
            features=features(),
            kl=1e-3,
            perceptual=0.5,
            adversarial=0.3,
            adversarial_start=1,
        ),
        data=lambda rng, examples: pixels(rng, examples, (4, 4, 1)),
        random_terms=(
            *("loss", "reconstruction", "perceptual"),
            *("adversarial", "balance", "discriminator"),
        ),
        falling="reconstruction",
    ),
    Case(
        name="diffusion_latent",
        whole=True,
        build=lambda: latent_diffusion(
            predicts="image",
            schedule="linear",
            num_steps=20,
            num_classes=3,
            conditioner=tokens(1),
            condition_dropout=0.3,
            average_decay=0.9,
            sampling_steps=3,
        ),
        data=with_classes((4, 4, 1)),
        random_terms=("loss", "denoising"),
        falling="",
    ),
    Case(
        name="diffusion_codebook",
        build=codebook,
        data=lambda rng, examples: pixels(rng, examples, (4, 4, 1)),
        falling="reconstruction",
    ),
]
