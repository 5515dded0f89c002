"""One `Case` per model and variant: what the contract (test_contract.py) is run on.

Tiny in width and depth. Constructor arguments stand off their defaults, so that a lost one shows.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

import keras_ae

# for `compile` in tests: on TensorFlow without XLA, which is built sooner (JAX has no other way)
SOON = (
    {"jit_compile": False, "steps_per_execution": 1}
    if keras.backend.backend() == "tensorflow"
    else {}
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, small, with data that fit it.

    Args:
        name: str, also the name of its golden file; the first word is that of its family, whose
            first Case is checked in full by the README's test command, too (see conftest.py).
        build: callable that returns the model, not compiled.
        data: callable `(rng, examples) -> (x,)` or `(x, y)`.
        bad: dict, a part of the message to a callable that must raise ValueError with it.
        unmoved: dict, path of a weight that need not move in a few steps to the reason.
        random_terms: tuple of str, terms that are drawn in evaluation: each backend has its own.
        falling: str, what training lowers: a term where the loss is that of two players; empty for
            none (tests/test_gans.py trains GANs until their samples fit the data).
        deviation: float, of the weights of golden values; less where many layers would saturate.
        whole: bool, whether every check runs on every backend, as for one Case of each model; of
            the others PyTorch alone has those that compile a model of their own (see conftest.py).
    """

    name: str
    build: Callable
    data: Callable
    bad: dict
    unmoved: dict = dataclasses.field(default_factory=dict)
    random_terms: tuple = ()
    falling: str = "loss"
    deviation: float = 0.3
    whole: bool = False


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


def fitted_alone(model):
    model.compile("adam")
    model.fit(np.zeros((4, *SHAPE), "float32"), verbose=0)


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


def label_maps(shape, num_classes=3, void=None):
    """Images, and classes that their brightness tells."""

    def data(rng, examples):
        (x,) = pixels(rng, examples, shape)
        y = (x.mean(axis=-1) * num_classes).astype("int32")
        if void is not None:
            y[:, 0] = void
        return x, y

    return data


def plain_cross_entropy(target, logits):
    """A user's own loss of label maps."""
    return keras_ae.losses.cross_entropy(target, logits, void=9)


keras.saving.register_keras_serializable("tests")(plain_cross_entropy)


def own_network():
    image = keras.Input((5, 6, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(image)
    return keras.Model(image, keras.layers.Conv2D(3, 1)(x))


# off their defaults, for every segmentation network
WEIGHED = {"class_weights": (1.0, 2.0, 0.5), "void": 9, "l2": 1e-3}


def unet(image_shape=(20, 18, 2), num_classes=3, filters=(3, 4), **kwargs):
    return keras_ae.UNet(image_shape, num_classes, filters, **kwargs)


def segnet(image_shape=(11, 8, 1), num_classes=3, filters=((3,), (4, 3)), **kwargs):
    return keras_ae.SegNet(image_shape, num_classes, filters, **kwargs)


def fc_densenet(image_shape=(7, 8, 3), blocks=(1, 2, 1), **kwargs):
    return keras_ae.FCDenseNet(image_shape, 3, 2, blocks, stem=3, **kwargs)


def fcn(stride=8, width=1 / 64, **kwargs):
    return keras_ae.FCN((12, 10, 3), 3, stride, width=width, **kwargs)


def encoder_decoder(decoder="unet", image_shape=(7, 9, 2), **kwargs):
    encoder = keras_ae.conv_pyramid((None, None, 2), (3, 4), depth=1)
    return keras_ae.EncoderDecoder(encoder, decoder, 3, image_shape, width=2, **kwargs)


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
        "critic_steps": 2,
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


def front(features):
    image = keras.Input((20, 20, 1))
    x = keras.layers.MaxPooling2D()(keras.layers.Conv2D(features, 5)(image))
    return keras.Model(image, x)


def stylegan2(image_shape=(8, 8, 1), most=4, num_classes=None, group_size=4, **kwargs):
    networks = keras_ae.stylegan2_networks(image_shape, 3, 4, 1, 16, most, num_classes, group_size)
    return keras_ae.StyleGAN2(**{**networks, "num_classes": num_classes, **kwargs})


def progan(image_shape=(8, 8, 1), most=4, group_size=1, **kwargs):
    networks = keras_ae.progan_networks(image_shape, 3, 16, most, group_size)
    return keras_ae.ProGAN(**{**networks, **NO_GROWTH, **kwargs})


def stylegan(image_shape=(8, 8, 1), most=4, group_size=1, **kwargs):
    networks = keras_ae.stylegan_networks(image_shape, 3, 4, 1, 16, most, group_size)
    return keras_ae.StyleGAN(**{**networks, **NO_GROWTH, **kwargs})


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
        keras.Model(image, {name: conv(2)(x) for name in ("mean", "log_variance")}),
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


FADED_OUT = {
    f"{layer}_image_4/{weight}": "the side before has faded out"
    for layer in ("to", "from")
    for weight in ("kernel", "bias")
}
NO_GROWTH = {"fade_images": 0, "stable_images": 0}  # test_growing.py grows


def fitted(model, x, y=None, batch_size=None):
    model.compile("adam", **SOON)
    return model.fit(x, y, batch_size, verbose=0)


DIFFERENCE = "these losses are of the difference of two logits"


def two_domains(rng, examples):
    """One light, one dark."""
    light, dark = (pixels(rng, examples, (20, 20, 1))[0] for _ in range(2))
    return 1.0 - 0.2 * light, 0.2 * dark


def with_classes(shape, low=-1.0):
    return lambda rng, examples: (
        rng.uniform(low, 1.0, (examples, *shape)).astype("float32"),
        rng.integers(0, 3, examples),
    )


CASES = [
    Case(
        name="autoencoder_bernoulli",
        whole=True,
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
        whole=True,
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
    Case(
        name="denoising_autoencoder",
        whole=True,
        build=lambda: denoising(loss="bernoulli", emphasis=(1.0, 0.9), l2=1e-3),
        data=pixels,
        bad={
            "rate=1.5": lambda: keras_ae.layers.MaskingNoise(1.5),
            "rate=-0.1": lambda: keras_ae.layers.SaltAndPepperNoise(-0.1),
            "low value below": lambda: keras_ae.layers.SaltAndPepperNoise(0.1, 1.0, 0.0),
            "pass a layer": lambda: denoising(0.3),
            "keeps the shape": lambda: denoising(keras.layers.Flatten()),
            "pass two weights": lambda: denoising(emphasis=1.0),
            "(target, output, weights)": lambda: denoising(
                emphasis=(1.0, 0.5), loss=half_squared_error
            ),
            "number >= 0": lambda: denoising(emphasis=(1.0, -1.0)),
            "nothing to undo": lambda: fitted_alone(denoising(None)),
        },
    ),
    Case(
        name="denoising_gaussian",
        build=lambda: denoising(keras.layers.GaussianNoise(0.2), loss=weighted_squared_error),
        data=pixels,
        bad={},
    ),
    Case(
        name="denoising_pairs",
        build=lambda: denoising(None, emphasis=(1.0, 0.2)),
        data=lambda rng, examples: (pixels(rng, examples)[0], pixels(rng, examples)[0]),
        bad={},
    ),
    Case(
        name="contractive_closed_form",
        whole=True,
        build=lambda: contractive(encoder(), "closed_form", weight=0.5, loss="bernoulli", l2=1e-3),
        data=pixels,
        bad={
            "pass one of auto": lambda: contractive(encoder(), "best"),
            "number >= 0": lambda: contractive(encoder(), "auto", weight=-0.1),
            "num_projections=0": lambda: contractive(encoder(), "auto", num_projections=0),
            "chain of Dense layers": lambda: contractive(
                keras_ae.dense_encoder(SHAPE, 3, (4,), "gelu"), "closed_form"
            ),
            "must be real numbers": lambda: contractive(integers(), "exact"),
            "tied_to or kernel_constraint": lambda: keras_ae.dense_decoder(
                SHAPE, 3, (8,), tied_to=encoder(), kernel_constraint="non_neg"
            ),
        },
    ),
    Case(
        name="contractive_exact",
        build=lambda: tied_convolutional(
            keras_ae.ContractiveAutoencoder, weight=0.2, method="exact"
        ),
        data=lambda rng, examples: pixels(rng, examples, (7, 6, 1)),
        bad={},
    ),
    Case(
        name="contractive_projection",
        build=lambda: contractive(encoder(dropout=0.2), "projection", num_projections=2),
        data=pixels,
        bad={},
        random_terms=("loss", "contraction"),
    ),
    Case(
        name="sparse_l1",
        whole=True,
        build=lambda: sparse(weight=0.02, loss="bernoulli", l2=1e-3),
        data=pixels,
        bad={
            "penalty='l2'": lambda: sparse(penalty="l2"),
            "target=1.0": lambda: sparse(target=1.0),
            "number >= 0": lambda: sparse(weight=-1.0),
            "build it with latent_activation='sigmoid'": lambda: keras_ae.SparseAutoencoder(
                encoder(), decoder(), penalty="kl"
            ),
        },
    ),
    Case(
        name="sparse_kl",
        build=lambda: sparse(penalty="kl", weight=0.5, target=0.2),
        data=pixels,
        bad={},
    ),
    Case(
        name="k_sparse_autoencoder",
        build=lambda: keras_ae.k_sparse_autoencoder(
            SHAPE, 12, 3, alpha=2.0, k_start=6, decay_steps=4, loss="bernoulli"
        ),
        data=pixels,
        bad={
            "k is 13": lambda: keras_ae.k_sparse_autoencoder(SHAPE, 12, 13),
            "alpha * k is 18": lambda: keras_ae.k_sparse_autoencoder(SHAPE, 12, 9, alpha=2.0),
            "k_start is 20": lambda: keras_ae.k_sparse_autoencoder(
                SHAPE, 12, 3, k_start=20, decay_steps=5
            ),
            "k_start=2 is below": lambda: keras_ae.layers.KSparse(3, k_start=2, decay_steps=5),
            "needs k_start": lambda: keras_ae.layers.KSparse(3, decay_steps=5),
            "decay_steps=0": lambda: keras_ae.layers.KSparse(3, k_start=5),
            "alpha=0.5": lambda: keras_ae.layers.KSparse(3, alpha=0.5),
        },
    ),
    Case(
        name="robust_autoencoder",
        whole=True,
        build=lambda: keras_ae.RobustAutoencoder(encoder(), decoder(), bandwidth=0.7, l2=1e-3),
        data=pixels,
        bad={
            "leave loss out": lambda: keras_ae.RobustAutoencoder(
                encoder(), decoder(), loss="bernoulli"
            ),
            "bandwidth=0": lambda: keras_ae.RobustAutoencoder(encoder(), decoder(), bandwidth=0),
        },
    ),
    Case(
        name="vae",
        whole=True,
        build=lambda: vae(num_samples=2, kl="sampled", beta=0.5),
        data=pixels,
        bad={
            "the encoder gives one output": lambda: vae(encoder()),
            "the encoder gives 'code', 'mean'": lambda: vae(encoder(heads=("mean", "code"))),
            "encoder's output": lambda: vae(encoder(latent_dim=2, heads=("mean", "log_variance"))),
            "likelihood='poisson'": lambda: vae(likelihood="poisson"),
            "kl='exact'": lambda: vae(kl="exact"),
            "num_samples=0": lambda: vae(num_samples=0),
            "deviation=0.0": lambda: vae(likelihood="gaussian", deviation=0.0),
            "number >= 0": lambda: vae(beta=-1.0),
            "pass 1.0": lambda: vae(beta=0.5, importance_weighted=True),
            "reads logits": lambda: keras_ae.VAE(
                encoder(heads=("mean", "log_variance")), decoder(output_activation="sigmoid")
            ),
            "decoder's output": lambda: vae(likelihood="categorical"),
        },
        random_terms=("loss", "reconstruction", "kl"),
    ),
    Case(
        name="vae_importance_weighted",
        build=lambda: vae(importance_weighted=True, num_samples=3),
        data=pixels,
        bad={},
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
        bad={},
        random_terms=("loss", "reconstruction"),
    ),
    Case(
        name="vae_categorical",
        build=lambda: keras_ae.VAE(
            encoder((5,), heads=("mean", "log_variance")), levels_decoder(), "categorical"
        ),
        data=eight_bits,
        bad={},
        random_terms=("loss", "reconstruction"),
    ),
    Case(
        name="adversarial_autoencoder",
        whole=True,
        build=lambda: adversarial(loss="bernoulli"),
        data=pixels,
        bad={
            "loss='mse'": lambda: adversarial(loss="mse"),
            "needed is (batch, 2)": lambda: adversarial(judge=discriminator(3)),
            "reads logits": lambda: adversarial(judge=discriminator(latent_activation="sigmoid")),
            "pass one of that size": lambda: adversarial(prior=keras_ae.layers.GaussianPrior(3)),
            "with the attribute noise_dim": lambda: adversarial(prior=keras.layers.Flatten()),
            "scale=0": lambda: keras_ae.layers.GaussianPrior(2, 0),
            "the encoder gives 'code', 'mean'": lambda: adversarial(
                encoder(latent_dim=2, heads=("mean", "code"))
            ),
            "knows None classes": lambda: adversarial(num_classes=4, judge=discriminator(7)),
            "got optimizers for 'generator'": lambda: adversarial().compile({"generator": "adam"}),
        },
        random_terms=("loss", "discriminator"),
        falling="reconstruction",
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
        bad={"num_classes=0": lambda: adversarial(num_classes=0)},
        random_terms=("loss", "reconstruction", "discriminator", "generator"),
        falling="reconstruction",
    ),
    Case(
        name="semi_supervised_aae",
        whole=True,
        build=lambda: semi_supervised(loss="bernoulli"),
        data=with_labels,
        bad={
            "loss='mse'": lambda: semi_supervised(loss="mse"),
            "needed is a dict with 'label'": lambda: semi_supervised(encoder()),
            "pass one of that size": lambda: semi_supervised(
                prior=keras_ae.layers.SwissRollPrior(4)
            ),
        },
        random_terms=("loss", "discriminator"),
        falling="reconstruction",
    ),
    Case(
        name="segmentation_unet",
        whole=True,
        build=lambda: unet(
            dropout=0.2, seed=3, loss={"cross_entropy": 1.0, "dice": 0.5}, **WEIGHED
        ),
        data=label_maps((20, 18, 2), void=9),
        bad={
            "nearest allowed are 18 and 20": lambda: unet((19, 20, 1)),
            "nearest allowed are 188 and 204": lambda: keras_ae.UNet((190, 204, 1), 2),
            "padding='full'": lambda: unet(padding="full"),
            "filters=(3,)": lambda: unet(filters=(3,)),
            "dropout=1.0": lambda: unet(dropout=1.0),
            "num_classes=1": lambda: unet(num_classes=1),
            "loss='mse'": lambda: unet(loss="mse"),
            "class_weights=[1.0]": lambda: unet(class_weights=[1]),
            "number >= 0": lambda: unet(l2=-1.0),
            "pass (height, width, channels)": lambda: unet((20, 20)),
        },
    ),
    Case(
        name="segmentation_unet_same",
        build=lambda: unet((7, 6, 1), padding="same", loss="lovasz"),
        data=label_maps((7, 6, 1)),
        bad={},
    ),
    Case(
        name="segmentation_segnet",
        whole=True,
        build=lambda: segnet(loss="focal", **WEIGHED),
        data=label_maps((11, 8, 1), void=9),
        bad={
            "up='max'": lambda: segnet(up="max"),
            "known sides": lambda: segnet((None, 8, 1)),
            "sides of at least 4": lambda: segnet((3, 8, 1)),
            "filters=()": lambda: segnet(filters=()),
        },
    ),
    Case(
        name="segmentation_segnet_add",
        build=lambda: segnet(up="add"),
        data=label_maps((11, 8, 1)),
        bad={},
    ),
    Case(
        name="segmentation_fc_densenet",
        whole=True,
        build=lambda: fc_densenet(dropout=0.1, seed=2, loss="jaccard", **WEIGHED),
        data=label_maps((7, 8, 3), void=9),
        bad={
            "an odd number": lambda: fc_densenet(blocks=(1, 1)),
            "a number in blocks=0": lambda: fc_densenet(blocks=(1, 0, 1)),
            "dropout=-0.1": lambda: fc_densenet(dropout=-0.1),
        },
    ),
    Case(
        name="segmentation_fcn",
        whole=True,
        deviation=0.12,
        build=lambda: fcn(
            16,
            1 / 32,  # of one channel PyTorch trains no bfloat16 kernel on CPUs without AVX-512
            dropout=0.1,
            learned_upsampling=True,
            seed=4,
            loss="tversky",
            **WEIGHED,
        ),
        data=label_maps((12, 10, 3), void=9),
        bad={
            "stride=4": lambda: fcn(4),
            "dropout=1": lambda: fcn(dropout=1),
            "width=0": lambda: keras_ae.FCN((12, 10, 3), 3, width=0),
            "no layer of fcn8s": lambda: fcn().transplant(own_network()),
            "of equal width": lambda: fcn().transplant(keras_ae.FCN((12, 10, 3), 3, width=1 / 16)),
        },
    ),
    Case(
        name="segmentation_encoder_decoder",
        whole=True,
        build=lambda: encoder_decoder(loss="dice", **WEIGHED),
        data=label_maps((7, 9, 2), void=9),
        bad={
            "decoder='deeplab'": lambda: encoder_decoder("deeplab"),
            "needed is a dict of maps": lambda: keras_ae.EncoderDecoder(own_network(), "fcn", 3),
            "known sides": lambda: encoder_decoder("psp", (None, None, 2)),
            "build it with sides of None": lambda: keras_ae.EncoderDecoder(
                keras_ae.conv_pyramid((7, 9, 2), (3, 4)), "fcn", 3
            ),
            "is not in the table": lambda: keras_ae.pyramid_encoder("ResNet51"),
            "gives no pyramid": lambda: keras_ae.pyramid_encoder(own_network()),
            "has no layer middle": lambda: keras_ae.pyramid_encoder(
                own_network(), taps={2: "middle"}
            ),
        },
    ),
    Case(
        name="segmentation_frozen",
        build=lambda: encoder_decoder("fpn", frozen=True),
        data=label_maps((7, 9, 2)),
        bad={},
    ),
    Case(
        name="segmentation_network",
        whole=True,
        build=lambda: keras_ae.Segmenter(own_network(), plain_cross_entropy, void=9, l2=1e-3),
        data=label_maps((5, 6, 1), void=9),
        bad={
            "pass a Functional model": lambda: keras_ae.Segmenter(encoder()),
            "loss=3": lambda: keras_ae.Segmenter(own_network(), 3),
            "give them to it": lambda: keras_ae.Segmenter(
                own_network(), plain_cross_entropy, class_weights=(1.0, 1.0, 2.0)
            ),
        },
    ),
    Case(
        name="segmentation_weighted",
        build=lambda: keras_ae.Segmenter(own_network(), class_weights=(1.0, 2.0, 0.5)),
        data=label_maps((5, 6, 1)),
        bad={},
    ),
    Case(
        name="gan_first",
        whole=True,
        build=first_gan,
        data=pixels,
        bad={
            "loss='vanilla': pass one of 'minimax'": lambda: first_gan(loss="vanilla"),
            "noise='gauss'": lambda: first_gan(noise="gauss"),
            "num_classes=0": lambda: first_gan(num_classes=0),
            "average_decay=1": lambda: first_gan(average_decay=1),
            "weight_clip=0": lambda: first_gan(weight_clip=0),
            "critic_steps=0": lambda: first_gan(critic_steps=0),
            "'r1' is -1": lambda: first_gan(r1=-1.0),
            "generator takes one tensor": lambda: first_gan(num_classes=3),
            "without num_classes it is given one tensor": lambda: first_gan(
                keras_ae.dense_generator(SHAPE, 3, num_classes=3)
            ),
            "needed is (batch, 4)": lambda: wasserstein_gan(num_classes=4),
            "needed is (batch, 6, 5, 1)": lambda: first_gan(keras_ae.dense_generator((5, 5, 1), 3)),
            "needed is (batch, 1)": lambda: first_gan(discriminator=encoder()),
            "reads logits": lambda: first_gan(
                discriminator=encoder(latent_dim=1, latent_activation="sigmoid")
            ),
            "got optimizers for 'generator'": lambda: first_gan().compile({"generator": "adam"}),
            "takes no y": lambda: fitted(first_gan(), np.zeros((4, *SHAPE)), np.zeros((4, *SHAPE))),
            "from -2 to -2": lambda: fitted(first_gan(), np.full((4, *SHAPE), -2.0)),
            "groups of 2 images": lambda: fitted(
                hinge_gan(keras_ae.layers.MinibatchStandardDeviation(2)),
                np.zeros((5, 4, 4, 1)),
                None,
                4,
            ),
            "leave labels out": lambda: first_gan().sample(2, labels=[0, 1]),
            "labels from 3": lambda: wasserstein_gan().sample(1, labels=[3]),
            "2 labels for 3": lambda: wasserstein_gan().sample(3, labels=[0, 1]),
            "n=0": lambda: first_gan().sample(0),
        },
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_wasserstein",
        build=wasserstein_gan,
        data=with_classes(SHAPE),
        bad={},
        unmoved={"logit/bias": DIFFERENCE},
        random_terms=("loss", "discriminator", "generator", "gradient_penalty", "r1", "r2"),
        falling="gradient_penalty",
    ),
    Case(
        name="gan_hinge",
        build=hinge_gan,
        data=lambda rng, examples: pixels(rng, examples, (4, 4, 1)),
        bad={
            "group_size=0": lambda: keras_ae.layers.MinibatchStandardDeviation(0),
            "power_iterations=0": lambda: keras_ae.layers.SpectralNormalization(
                keras.layers.Dense(1), 0
            ),
            "ends in 'relu'": lambda: keras_ae.layers.SpectralNormalization(
                keras.layers.Dense(1, "relu")
            ),
        },
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_dcgan",
        whole=True,
        build=lambda: keras_ae.DCGAN((8, 8, 1), 5, 3, num_classes=3, average_decay=0.9),
        data=with_classes((8, 8, 1), 0.5),
        bad={
            "the nearest are 16 and 32": lambda: keras_ae.DCGAN((28, 28, 1)),
            "the nearest are 8 and 16": lambda: keras_ae.DCGAN((4, 4, 1)),
            "pass (side, side, channels)": lambda: keras_ae.DCGAN((8, 8)),
            "width=0": lambda: keras_ae.DCGAN((8, 8, 1), width=0),
            "noise_dim=0": lambda: keras_ae.DCGAN((8, 8, 1), 0),
        },
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_cogan",
        whole=True,
        build=lambda: cogan(average_decay=0.9, loss="relativistic", noise="normal"),
        data=two_domains,
        unmoved={"logit/bias": DIFFERENCE},
        bad={
            "the nearest are 28 and 36": lambda: cogan(sides=(32, 32, 1)),
            "filters=(3, 4)": lambda: cogan(filters=(3, 4)),
            "filters=(6, 5, 4, 0)": lambda: cogan(filters=(6, 5, 4, 0)),
            "with 'first' and 'second'": lambda: cogan(
                generator=keras_ae.dense_generator((20, 20, 1), 4)
            ),
            "needed is (batch, 8, 8, 3)": lambda: cogan(first_front=front(5)),
            "y is missing": lambda: fitted(cogan(), np.zeros((4, 20, 20, 1))),
            "x has values from 2 to 2": lambda: fitted(
                cogan(), np.full((4, 20, 20, 1), 2.0), np.zeros((4, 20, 20, 1))
            ),
        },
        random_terms=("loss", "discriminator", "generator"),
        falling="",
    ),
    Case(
        name="gan_cogan_unshared",
        build=lambda: cogan(False, weight_decay=0.0),
        data=two_domains,
        bad={},
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
        bad={
            "the nearest are 16 and 32": lambda: progan((24, 24, 1)),
            "most=0": lambda: progan(most=0),
            "start_side=16: pass one of 4, 8": lambda: progan(start_side=16),
            "fade_images=-1": lambda: progan(fade_images=-1),
            "stable_images=0.5": lambda: progan(stable_images=0.5),
            "discriminator takes one tensor and gives one tensor: needed are": lambda: progan(
                discriminator=keras_ae.dcgan_discriminator((8, 8, 1), 2)
            ),
            "generator takes one tensor and gives one tensor: needed are": lambda: progan(
                generator=keras_ae.dcgan_generator((8, 8, 1), 3, 2)
            ),
            "loss='mse'": lambda: progan(loss="mse"),
            "never reach 8, where epoch 3 would begin": lambda: fitted(
                progan(stable_images=9), np.zeros((8, 8, 8, 1), "float32")
            ),
            "reach=32: pass one of 4, 8": lambda: progan().fit(
                np.zeros((8, 8, 8, 1), "float32"), reach=32
            ),
            "sides of this model are 4, 8": lambda: fitted(
                progan(), np.zeros((8, 8, 8, 1), "float32"), batch_size={16: 4}
            ),
            "divide by 127.5": lambda: fitted(progan(), np.full((8, 8, 8, 1), 255.0)),
            "compares groups of 4": lambda: fitted(
                progan(group_size=4), np.zeros((8, 8, 8, 1), "float32"), batch_size=3
            ),
        },
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
            r1=0.5,
            mixing=0.8,
            average_images=20,
            ramp=0.5,
            augment=keras.layers.GaussianNoise(0.1, seed=3),
        ),
        data=lambda rng, examples: with_classes((8, 8, 1))(rng, examples)[:1],
        bad={
            "the nearest are 16 and 32": lambda: stylegan((24, 24, 1)),
            "start_side=2: pass one of 4, 8": lambda: stylegan(start_side=2),
            "mixing=2": lambda: stylegan(mixing=2),
            "no layer 'mapping' or 'codes' or 'synthesis'": lambda: stylegan(
                generator=keras_ae.progan_generator((8, 8, 1), 3, 16, 4)
            ),
            "truncation=1.5: pass 0": lambda: stylegan().sample(2, truncation=1.5),
        },
        unmoved=FADED_OUT,
        random_terms=("loss", "discriminator", "generator", "r1"),
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
            r1_every=2,
            path_length=1.0,
            path_every=2,
            path_decay=0.5,
            mixing=0.8,
            average_images=20,
            ramp=None,
            augment=keras.layers.GaussianNoise(0.1, seed=3),
        ),
        data=with_classes((8, 8, 1)),
        bad={
            "the nearest are 16 and 32": lambda: stylegan2((24, 24, 1)),
            "the nearest are 8 and 16": lambda: stylegan2((4, 4, 1)),
            "pass (side, side, channels)": lambda: stylegan2((8, 16, 1)),
            "most=0": lambda: stylegan2(most=0),
            "mixing=2": lambda: stylegan2(mixing=2),
            "average_images=0": lambda: stylegan2(average_images=0),
            "path_decay=0": lambda: stylegan2(path_decay=0),
            "path_every=0": lambda: stylegan2(path_every=0),
            "r1_every=0": lambda: stylegan2(r1_every=0),
            "no layer 'mapping' or 'codes' or 'synthesis'": lambda: stylegan2(
                generator=keras_ae.dcgan_generator((8, 8, 1), 3, 2)
            ),
            "truncation=1.5: pass 0": lambda: stylegan2().sample(2, truncation=1.5),
            "truncation=-0.1": lambda: stylegan2().sample(2, truncation=-0.1),
            "layers=0": lambda: stylegan2().map(np.zeros((2, 3), "float32"), layers=0),
        },
        # r1 is that of the steps in which it had its turn
        random_terms=("loss", "discriminator", "generator", "path_length", "r1"),
        falling="",
    ),
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
        bad={
            "predicts='pixels'": lambda: ddpm(predicts="pixels"),
            "schedule='exp'": lambda: ddpm(schedule="exp"),
            "num_steps=0": lambda: ddpm(num_steps=0),
            "at most": lambda: ddpm(num_steps=20, sampling_steps=21),
            "sampling_steps=0": lambda: ddpm(sampling_steps=0),
            "condition_dropout=1": lambda: ddpm(condition_dropout=1),
            "average_decay=1": lambda: ddpm(average_decay=1),
            "needed are 'image', 'time': ": lambda: ddpm(num_classes=None),
            "'image', 'time' and tokens": lambda: ddpm(
                keras_ae.diffusion_unet((4, 4, 1), 4, (1,), 1, (), groups=2)
            ),
            "num_classes=0": lambda: ddpm(num_classes=0),
            "multiples of 8": lambda: keras_ae.diffusion_unet((4, 4, 1), 4, (1, 1, 1, 1)),
            "given one number for each image": lambda: ddpm(conditioner=tokens(2)),
        },
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
            adversarial_start=2,
        ),
        data=lambda rng, examples: pixels(rng, examples, (4, 4, 1)),
        bad={
            "one output; without a quantizer": lambda: first_stage(heads=None),
            "'log_variance', 'mean'; with a quantizer": lambda: first_stage(
                keras_ae.layers.VectorQuantizer(5)
            ),
            "pass a keras_ae.layers.VectorQuantizer": lambda: first_stage("codes", heads=None),
            "adversarial_start=-1": lambda: first_stage(adversarial_start=-1),
            "loss term 'kl' is -1": lambda: first_stage(kl=-1),
            "the input of discriminator": lambda: first_stage(
                judge=keras_ae.patch_discriminator((6, 6, 1), 2, 1)
            ),
            "one logit for each patch": lambda: first_stage(judge=features()),
            "at least 8": lambda: keras_ae.patch_discriminator((4, 4, 1)),
            "multiples of 4": lambda: keras_ae.latent_encoder((6, 6, 1)),
        },
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
        bad={
            "pass a model with an encoder": lambda: latent_diffusion(features),
            "code, switches_1": lambda: latent_diffusion(
                lambda: unpooling("switches"), num_classes=3
            ),
            "Pass (2, 2, 2) to": lambda: latent_diffusion(
                network=lambda: ddpm().network, num_classes=3
            ),
            "'image', 'time': ": lambda: latent_diffusion(),
        },
        random_terms=("loss", "denoising"),
        falling="",
    ),
    Case(
        name="diffusion_codebook",
        build=codebook,
        data=lambda rng, examples: pixels(rng, examples, (4, 4, 1)),
        bad={
            "num_codes=0": lambda: keras_ae.layers.VectorQuantizer(0),
            "commitment": lambda: keras_ae.layers.VectorQuantizer(2, 0.0),
        },
        falling="reconstruction",
    ),
]


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
