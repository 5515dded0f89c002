"""CoGAN: two generators of one noise that share all but their last layer, and so agree.

Source: Liu and Tuzel 2016, arXiv:1606.07536, sections 3 and 4.1; lecture, "Coupled GAN".

    first, second = generator(z)          one trunk, two last layers
    logit = trunk(front(image))           two first layers, the rest is shared
    1. discriminator    sum over domains of -log D(x) - log(1 - D(fake))
    2. generator        sum over domains of -log D(fake)

High-level layers are shared: the first ones of a generator, the last ones of a discriminator.
(Several public copies share them the other way round.) Images of the two domains are never paired;
both domains go through the shared layers as one batch.
"""

import keras
from keras import layers, ops

from .. import losses
from ..engine.checks import check_positive_int, check_shape, ends
from ..engine.coder import check_linear_end
from .generative import Generative

DOMAINS = ("first", "second")


@keras.saving.register_keras_serializable("keras_ae")
class CoGAN(Generative):
    """Two coupled GANs: `fit(first, second)` with images of two domains, as many of each.

    Networks of the paper: `CoGAN(**cogan_networks((28, 28, 1)))`. `sample` gives a dict with
    "first" and "second", images of the same noise. The terms "discriminator" and "generator" are
    sums over both domains, in nats. `call` and `predict` give the logits of images of the first.

    Source: Liu and Tuzel 2016, arXiv:1606.07536.

    Args:
        generator: `keras.Model` from noise `(batch, noise_dim)` to a dict with "first" and
            "second".
        first_front: `keras.Model` from images of the first domain to features.
        second_front: `keras.Model` from images of the second domain to such features.
        trunk: `keras.Model` from features to one logit `(batch, 1)`.
        second_trunk: `keras.Model`, that of the second domain, where nothing is shared, or `None`
            for the first one's. Defaults to `None`.
        loss: name, as in `GAN`. Defaults to `"non_saturating"`.
        noise: "normal" or "uniform", as in `GAN`. Defaults to `"uniform"`.
        average_decay: float or `None`, as in `GAN`. Defaults to `0.999`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the networks do not fit each other, or an argument is not known.
    """

    def __init__(
        self,
        generator,
        first_front,
        second_front,
        trunk,
        second_trunk=None,
        loss="non_saturating",
        noise="uniform",
        average_decay=0.999,
        **kwargs,
    ):
        terms = {"discriminator": 1.0, "generator": 1.0}
        super().__init__(generator, terms, loss, noise, None, average_decay, **kwargs)
        images = ends(generator)[1]
        if images.keys() != set(DOMAINS):
            raise ValueError(
                f"{generator.name} gives {', '.join(sorted(images)) or 'one tensor'}; needed is a "
                "dict with 'first' and 'second'."
            )
        self.first_front, self.second_front = first_front, second_front
        self.trunk, self.second_trunk = trunk, second_trunk
        for domain, front, rest in zip(DOMAINS, *self._discriminators()):
            image = f"the generator's output {domain!r}"
            check_shape(image, images[domain].shape, front.input_shape[1:])
            check_shape(f"the output of {front.name}", front.output_shape, rest.input_shape[1:])
            check_shape(f"the output of {rest.name}", rest.output_shape, (1,))
            check_linear_end(rest, f"loss={loss!r}")

    def _discriminators(self):
        """`(fronts, trunks)`, one of each for each domain."""
        trunks = (self.trunk, self.second_trunk or self.trunk)
        return (self.first_front, self.second_front), trunks

    # One training step ---------------------------------------------------------------------------

    def trained_by(self):
        networks = [self.first_front, self.second_front, self.trunk, self.second_trunk]
        return {
            "discriminator": [network for network in networks if network is not None],
            "generator": [self.generator],
        }

    def update(self, x, target, sample_weight):
        def judge():
            terms, logits = self._discriminator_terms(x, target, True)
            return self.total(terms, sample_weight), {**terms, "output": logits}

        def deceive():
            terms = self._generator_terms(x, target, True)
            return self.total(terms, sample_weight), terms

        terms = self.minimize("discriminator", judge)
        terms |= self.minimize("generator", deceive)
        self._follow(ops.shape(x)[0])
        self.log(terms, x, sample_weight)
        return terms["output"]

    def _discriminator_terms(self, first, second, training):
        fake = self._generate(ops.shape(first)[0], {}, training)
        fake = {domain: ops.stop_gradient(image) for domain, image in fake.items()}
        real = self._judge({"first": first, "second": second}, training)
        fake = self._judge(fake, training)
        pay = losses.ADVERSARIAL_LOSSES[self.loss][0]
        return {"discriminator": sum(pay(real[d], fake[d]) for d in DOMAINS)}, real["first"]

    def _generator_terms(self, first, second, training):
        fake = self._judge(self._generate(ops.shape(first)[0], {}, training), training)
        pay = losses.ADVERSARIAL_LOSSES[self.loss][1]
        if self.loss == "relativistic":
            real = self._judge({"first": first, "second": second}, training)
            return {"generator": sum(pay(real[d], fake[d]) for d in DOMAINS)}
        return {"generator": sum(pay(fake[d]) for d in DOMAINS)}

    def _judge(self, images, training):
        """Logits by domain, `(batch, 1)` each; the shared part sees both as one batch."""
        fronts, trunks = self._discriminators()
        features = [front(images[d], training=training) for d, front in zip(DOMAINS, fronts)]
        if self.second_trunk is None:
            both = self.trunk(ops.concatenate(features), training=training)  # (2 batch, 1)
            logits = ops.split(both, 2)
        else:
            logits = [trunk(x, training=training) for x, trunk in zip(features, trunks)]
        return dict(zip(DOMAINS, logits))

    # Evaluation, and what a user sees ------------------------------------------------------------

    def call(self, x, training=False):
        return self.trunk(self.first_front(x, training=training), training=training)

    def realness(self, x):
        return self.run(self.first_front, x, then=self.trunk)[:, 0]

    def loss_terms(self, x, target, outputs, training):
        terms, _ = self._discriminator_terms(x, target, training)
        return terms | self._generator_terms(x, target, training)

    def needs_target(self):
        return (
            "this model is trained with images of two domains. Pass fit(first, second), as many of "
            "each; they are not paired."
        )

    def example_range(self):
        return self.target_range()

    def example_shape(self):
        return tuple(self.first_front.input_shape[1:])

    def target_shape(self):
        return tuple(self.second_front.input_shape[1:])


def cogan_networks(
    image_shape,
    noise_dim=100,
    filters=(1024, 512, 256, 128),
    features=(20, 50, 500),
    weight_decay=5e-4,
    shared=True,
):
    """The networks of the paper's digits: five layers that are transposed convolutions, and LeNet.

    Source: Liu and Tuzel 2016, arXiv:1606.07536, section 4.1 and supplement (kernel sizes as in the
    authors' code).

    Args:
        image_shape: tuple `(side, side, channels)` of both domains, side 28 (or 8 n - 4).
        noise_dim: int. Defaults to `100`.
        filters: four int, channels of the generator's maps from the noise outwards. Defaults to
            `(1024, 512, 256, 128)`.
        features: three int, channels of the discriminator's two convolutions and units of its
            hidden layer. Defaults to `(20, 50, 500)`.
        weight_decay: float, gradient of the decay over the weight, of all kernels. Defaults to
            `5e-4`.
        shared: bool; with `False` the two GANs have the same noise and nothing else in common, to
            compare with. Defaults to `True`.

    Returns:
        dict with "generator", "first_front", "second_front", "trunk" and "second_trunk", the
        arguments of `CoGAN`.

    Raises:
        ValueError: when a size is not allowed.
    """
    for name, number, length in (("filters", filters, 4), ("features", features, 3)):
        if not isinstance(number, (tuple, list)) or len(number) != length:
            raise ValueError(f"{name}={number!r}: pass {length} numbers.")
        for each in number:
            check_positive_int(f"a number in {name}={tuple(number)}", each)
    side, other, channels = image_shape
    if side != other or side < 20 or side % 8 != 4:
        below = max(20, (min(side, other) + 4) // 8 * 8 - 4)
        raise ValueError(
            f"image_shape={tuple(image_shape)}: images are square, with a side of 8 n - 4, 20 or "
            f"more; the nearest are {below} and {below + 8}."
        )
    # slopes as He et al. 2015, arXiv:1502.01852, begin them; with Keras' 0 images stay black
    slopes = {"alpha_initializer": keras.initializers.Constant(0.25)}
    decay = {"kernel_regularizer": keras.regularizers.L2(weight_decay / 2)} if weight_decay else {}

    def up(x, number, kernel, stride=2, crop=1):
        x = layers.Conv2DTranspose(number, kernel, stride, **decay)(x)
        return layers.Cropping2D(crop)(x) if crop else x

    def trunk_of_generator(z):
        x = layers.Reshape((1, 1, noise_dim))(z)
        x = up(x, filters[0], (side + 4) // 8, 1, 0)  # (batch, n, n, filters)
        for number in filters[1:]:
            x = layers.PReLU(shared_axes=(1, 2), **slopes)(layers.BatchNormalization()(x))
            x = up(x, number, 3)  # n -> 2 n - 1
        return layers.PReLU(shared_axes=(1, 2), **slopes)(layers.BatchNormalization()(x))

    z = keras.Input((noise_dim,), name="noise")
    common = trunk_of_generator(z)  # (batch, side - 3, side - 3, filters)
    rest = {"first": common, "second": common if shared else trunk_of_generator(z)}
    images = {
        domain: layers.Activation("sigmoid", name=domain)(up(x, channels, 6, 1))
        for domain, x in rest.items()
    }

    def front(name):
        image = keras.Input(image_shape, name="image")
        x = layers.MaxPooling2D()(layers.Conv2D(features[0], 5, **decay)(image))
        return keras.Model(image, x, name=name)

    def trunk(name, shape):
        inputs = keras.Input(shape, name="features")
        x = layers.MaxPooling2D()(layers.Conv2D(features[1], 5, **decay)(inputs))
        x = layers.PReLU(**slopes)(layers.Dense(features[2], **decay)(layers.Flatten()(x)))
        return keras.Model(inputs, layers.Dense(1, name="logit", **decay)(x), name=name)

    fronts = [front(f"{domain}_front") for domain in DOMAINS]
    shape = fronts[0].output_shape[1:]
    return {
        "generator": keras.Model(z, images, name="generator"),
        "first_front": fronts[0],
        "second_front": fronts[1],
        "trunk": trunk("trunk", shape),
        "second_trunk": None if shared else trunk("second_trunk", shape),
    }
