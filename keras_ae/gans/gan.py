"""Generative adversarial networks: a discriminator tells data from samples, a generator fools it.

Source: Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1; lecture, "The GAN process".

    z ~ noise,  fake = generator(z)
    1. discriminator    -log D(x) - log(1 - D(fake))          D = sigmoid(logit)
    2. generator        -log D(fake), of new noise            what follows from `loss` elsewhere

Real and generated images are judged in separate batches, so that batch normalisation does not mix
their statistics (Radford et al. 2015, arXiv:1511.06434). In a class-conditional model both
networks are told the class (Mirza and Osindero 2014, arXiv:1411.1784).
"""

import random

import keras
import numpy as np
from keras import layers, ops

from .. import losses
from ..engine.checks import check_positive_int, check_shape, ends
from ..engine.coder import check_linear_end
from ..layers.augmentation import AdaptiveAugmentation
from ..layers.maxout import Maxout
from ..layers.normalization import batch_statistics
from ..networks.dense import dense_decoder
from .generative import Generative, check_inputs

CHUNK = 500  # images that are judged at once outside of training
PENALTIES = ("gradient_penalty", "r1", "r2")


@keras.saving.register_keras_serializable("keras_ae")
class GAN(Generative):
    """Any generator and any discriminator, with the losses and penalties of the GAN literature.

    `compile` takes one optimizer for each of "discriminator" and "generator". The terms of these
    names are logged (nats for the logistic losses), beside the penalties that have a weight. `call`
    and `predict` give the discriminator's logits of images, of a class-conditional model the
    greatest over the classes.

    Source: Goodfellow et al. 2014, arXiv:1406.2661; of the losses and penalties `keras_ae.losses`;
    Arjovsky et al. 2017, arXiv:1701.07875 (critic steps, clipping).

    Args:
        generator: `keras.Model` from noise `(batch, noise_dim)` to images; with `num_classes` from
            a dict with "noise" and "label" `(batch, num_classes)`.
        discriminator: `keras.Model` from images to one logit `(batch, 1)`; with `num_classes` from
            a dict with "image" and "label". (Spectral normalisation is the layer
            `keras_ae.layers.SpectralNormalization`, round its layers.)
        loss: "minimax", "non_saturating", "least_squares", "wasserstein", "hinge" or
            "relativistic". Defaults to `"non_saturating"`.
        noise: "normal" for N(0, 1) or "uniform" for U(-1, 1). Defaults to `"normal"`.
        num_classes: int, for `fit(x, labels)`, or `None` for `fit(x)`. Defaults to `None`.
        gradient_penalty: float, weight of `losses.gradient_penalty`. Defaults to `0.0`.
        r1: float, weight (gamma) of `losses.zero_centered_penalty` at real images. Defaults to
            `0.0`.
        r2: float, the same at generated images. Defaults to `0.0`.
        weight_clip: float, bound of the discriminator's weights after each of its steps, or `None`
            for none. Defaults to `None`.
        critic_steps: int, the generator is trained in every n-th step only. Defaults to `1`.
        average_decay: float in [0, 1), of the generator's moving average, which `sample` and the
            export use, or `None` for none. Defaults to `0.999`.
        augment: Keras layer, differentiable, called with `training=True` on every image that the
            discriminator is trained with, real or generated, or `None`. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the networks do not fit each other, or an argument is not known.
    """

    def __init__(
        self,
        generator,
        discriminator,
        loss="non_saturating",
        noise="normal",
        num_classes=None,
        gradient_penalty=0.0,
        r1=0.0,
        r2=0.0,
        weight_clip=None,
        critic_steps=1,
        average_decay=0.999,
        augment=None,
        **kwargs,
    ):
        weights = dict(zip(PENALTIES, (gradient_penalty, r1, r2)))
        terms = {"discriminator": 1.0, "generator": 1.0}
        terms |= {term: weight for term, weight in weights.items() if weight}
        terms |= kwargs.pop("terms", {})  # of a subclass
        super().__init__(generator, terms, loss, noise, num_classes, average_decay, **kwargs)
        self.image_shape = self.check_discriminator(discriminator)
        check_positive_int("critic_steps", critic_steps)
        if weight_clip is not None and not weight_clip > 0:
            raise ValueError(f"weight_clip={weight_clip!r}: pass a positive number, or None.")
        normed = [
            layer.name
            for layer in discriminator._flatten_layers()
            if isinstance(layer, layers.BatchNormalization)
        ]
        if loss == "wasserstein" and adaptive_parts(augment):
            raise ValueError(
                "AdaptiveAugmentation reads the sign of a logit, and a Wasserstein critic gives "
                "none: pass another loss, or another layer as augment."
            )
        if normed and any(weights.values()):
            raise ValueError(
                f"{discriminator.name} has batch normalisation ({', '.join(normed)}): its logit of "
                "an image depends on the others, and a penalty of gradients is one of single "
                "images (Gulrajani et al. 2017, section 4). Leave one of the two out; "
                "keras_ae.dcgan_discriminator takes batch_norm=False."
            )
        self.discriminator = discriminator
        self.gradient_penalty, self.r1, self.r2 = gradient_penalty, r1, r2
        self.weight_clip, self.critic_steps, self.augment = weight_clip, critic_steps, augment

    def check_discriminator(self, discriminator):
        """Refuses a discriminator that does not fit the generator or the loss.

        Args:
            discriminator: `keras.Model`.

        Returns:
            tuple, shape of an image.

        Raises:
            ValueError: when it does not fit.
        """
        check_inputs(discriminator, "image", self.num_classes)
        inputs = ends(discriminator)[0]
        image = inputs.get("image", next(iter(inputs.values())))
        check_shape("the generator's output", self.generator.output_shape, image.shape[1:])
        check_shape("the discriminator's output", discriminator.output_shape, (1,))
        check_linear_end(discriminator, f"loss={self.loss!r}")
        return tuple(image.shape[1:])

    # One training step ---------------------------------------------------------------------------

    def trained_by(self):
        return {"discriminator": [self.discriminator], "generator": [self.generator]}

    def update(self, x, target, sample_weight):
        label = self._label(target)

        def judge():
            terms, logits = self._discriminator_terms(x, label, True)
            return self.total(terms, sample_weight), {**terms, "output": logits}

        def deceive():
            terms = self._generator_terms(x, label, True)
            return self.total(terms, sample_weight), terms

        def generators_turn():
            self.log(self.minimize("generator", deceive), x, sample_weight)
            self._follow(ops.shape(x)[0])

        terms = self.minimize("discriminator", judge)
        self._observe(terms["output"])
        self.log(terms, x, sample_weight)
        if self.weight_clip is not None:
            for weight in self.discriminator.trainable_variables:
                weight.assign(ops.clip(weight, -self.weight_clip, self.weight_clip))
        self.every(self.critic_steps, generators_turn)
        if self.num_classes is not None and self._compile_metrics is not None:
            return self(x, training=False)  # as `evaluate`, not of the class that it was told
        return terms["output"]

    def _observe(self, logits):
        """Tells an augmentation that adapts itself what the discriminator said of real images."""
        for part in adaptive_parts(self.augment):
            part.observe(logits)

    def get_metrics_result(self):
        logs = super().get_metrics_result()
        for part in adaptive_parts(self.augment)[:1]:
            # 0.0 + makes a number of what is a variable of several devices
            logs["augmentation"] = 0.0 + part.probability.value
            logs["overfitting"] = 0.0 + part.overfitting.value
        return logs

    def _discriminator_terms(self, x, label, training):
        fake = ops.stop_gradient(self._generate(ops.shape(x)[0], label, training))
        critic = lambda images: self._judge(images, label, training)  # (batch, 1)
        pay = losses.ADVERSARIAL_LOSSES[self.loss][0]
        real = critic(x)
        terms = {"discriminator": pay(real, critic(fake))}
        if self.gradient_penalty:
            shares = self._shares(ops.shape(x)[0])
            terms["gradient_penalty"] = losses.gradient_penalty(critic, x, fake, shares)
        if self.r1:
            terms["r1"] = losses.zero_centered_penalty(critic, x)
        if self.r2:
            terms["r2"] = losses.zero_centered_penalty(critic, fake)
        return terms, real

    def _generator_terms(self, x, label, training):
        fake = self._judge(self._generate(ops.shape(x)[0], label, training), label, training)
        pay = losses.ADVERSARIAL_LOSSES[self.loss][1]
        if self.loss == "relativistic":
            return {"generator": pay(self._judge(x, label, training), fake)}
        return {"generator": pay(fake)}

    def _shares(self, batch):
        """How much of each image between is real, shape `(batch,)`."""
        return keras.random.uniform((batch,), dtype="float32", seed=self.seed_generator)

    def _judge(self, images, label, training):
        if training and self.augment is not None:
            images = self.augment(images, training=True)
        inputs = {"image": images, **label} if label else images
        if training:
            return self.discriminator(inputs, training=True)  # (batch, 1)
        with batch_statistics(self.discriminator):  # of batches of one kind, as in training
            return self.discriminator(inputs, training=False)

    # Evaluation, and what a user sees ------------------------------------------------------------

    def call(self, x, training=False):
        if self.num_classes is None:
            return self.discriminator(x, training=training)
        classes = range(self.num_classes)
        every = [self._label(ops.full((ops.shape(x)[0],), number)) for number in classes]
        judged = [self.discriminator({"image": x, **label}, training=training) for label in every]
        return ops.max(ops.concatenate(judged, axis=-1), axis=-1, keepdims=True)  # (batch, 1)

    def realness(self, x):
        logits = []
        for start in range(0, len(x), CHUNK):
            few = ops.convert_to_tensor(x[start : start + CHUNK])
            classes = [None] if self.num_classes is None else range(self.num_classes)
            labels = [self._label(None if n is None else ops.full((len(few),), n)) for n in classes]
            judged = [self._judge(few, label, False)[:, 0] for label in labels]
            logits.append(np.max([ops.convert_to_numpy(each) for each in judged], axis=0))
        return np.concatenate(logits).astype("float32")

    def loss_terms(self, x, target, outputs, training):
        label = self._label(target)
        terms, _ = self._discriminator_terms(x, label, training)
        return terms | self._generator_terms(x, label, training)

    def no_target(self):
        if self.num_classes is not None:
            return ""
        return "this GAN learns from images alone and takes no y: fit(x)."

    def example_shape(self):
        return self.image_shape


def adaptive_parts(augment):
    """The augmentations that adapt themselves: a layer itself, or layers within it.

    Source: Karras et al. 2020, arXiv:2006.06676.

    Args:
        augment: Keras layer or `None`.

    Returns:
        list of `keras_ae.layers.AdaptiveAugmentation`.
    """
    inside = [] if augment is None else augment._flatten_layers()
    return [layer for layer in inside if isinstance(layer, AdaptiveAugmentation)]


def dense_generator(
    image_shape, noise_dim=100, units=(1200, 1200), output_activation="sigmoid", num_classes=None
):
    """Dense layers from noise to an image: the generator of the first GAN.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 5.

    Args:
        image_shape: tuple, shape of an image, `(28, 28, 1)`.
        noise_dim: int. Defaults to `100`.
        units: tuple of int, hidden layers (ReLU). Defaults to `(1200, 1200)`.
        output_activation: "sigmoid" for pixels in [0, 1], "tanh" for [-1, 1]. Defaults to
            `"sigmoid"`.
        num_classes: int, for a class-conditional one, or `None`. Defaults to `None`.

    Returns:
        `keras.Model` from `(batch, noise_dim)`, or from a dict with "noise" and "label", to
        `(batch, *image_shape)`.

    Raises:
        ValueError: when a size is not a positive integer.
    """
    build = lambda size: dense_decoder(
        image_shape, size, units, output_activation=output_activation, name="generator"
    )
    if num_classes is None:
        return build(noise_dim)
    inputs = noise_and_label(noise_dim, num_classes)
    body = build(noise_dim + num_classes)
    return keras.Model(inputs, body(layers.Concatenate()(list(inputs.values()))), name="generator")


def noise_and_label(noise_dim, num_classes):
    """Inputs of a class-conditional generator.

    Source: Mirza and Osindero 2014, arXiv:1411.1784.

    Args:
        noise_dim: int.
        num_classes: int.

    Returns:
        dict with "noise" and "label", Keras tensors.
    """
    return {
        "noise": keras.Input((noise_dim,), name="noise"),
        "label": keras.Input((num_classes,), name="label"),
    }


def maxout_discriminator(
    image_shape, units=(240, 240), pieces=5, dropout=(0.2, 0.5), num_classes=None, seed=None
):
    """Maxout layers with dropout: the discriminator of the first GAN.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 5; Goodfellow et al. 2013,
    arXiv:1302.4389 (maxout).

    Args:
        image_shape: tuple, shape of an image.
        units: tuple of int, hidden layers. Defaults to `(240, 240)`.
        pieces: int, linear pieces that each unit takes the greatest of. Defaults to `5`.
        dropout: `(input, hidden)`, rates in [0, 1). Defaults to `(0.2, 0.5)`.
        num_classes: int, for a class-conditional one, or `None`. Defaults to `None`.
        seed: int, of the dropout, or `None` for any. Defaults to `None`.

    Returns:
        `keras.Model` from images, or from a dict with "image" and "label", to `(batch, 1)` logits.

    Raises:
        ValueError: when a size is not a positive integer.
    """
    seeds = random.Random(seed)
    image = keras.Input(image_shape, name="image")
    x = layers.Flatten()(image)  # (batch, pixels)
    inputs = image
    if num_classes is not None:
        label = keras.Input((num_classes,), name="label")
        inputs, x = {"image": image, "label": label}, layers.Concatenate()([x, label])
    for width, rate in zip(units, (dropout[0], *[dropout[1]] * len(units))):
        x = layers.Dropout(rate, seed=seeds.randrange(2**31))(x)
        x = Maxout(width, pieces)(x)  # (batch, width)
    x = layers.Dropout(dropout[1], seed=seeds.randrange(2**31))(x)
    return keras.Model(inputs, layers.Dense(1, name="logit")(x), name="discriminator")
