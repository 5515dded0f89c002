"""The semi-supervised adversarial autoencoder: class and style, each made to follow a prior.

Source: Makhzani et al. 2015, arXiv:1511.05644, section 5, figure 8.

    p = softmax(label head), s = style head of encoder(x)
    1. reconstruction   encoder, decoder    L(decoder(p, s), x)
    2. discriminator    both discriminators of one-hot classes against p, of the prior against s
    3. generator        encoder             -log D(p) - log D(s)
    4. classification   encoder             cross-entropy of the labelled examples

One after the other in every step. What tells p from one-hot samples makes it sure of one class, and
all classes equally frequent; the few labels say which is which.
"""

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine import distribution
from ..engine.checks import check_labels, check_positive_int, ends
from ..engine.model import batch_mean
from ..layers.priors import check_prior
from .adversarial import AdversarialCoder, check_discriminator


@keras.saving.register_keras_serializable("keras_ae")
class SemiSupervisedAAE(AdversarialCoder):
    """An adversarial autoencoder that learns classes from few labels: `fit(x, labels)`.

    Examples without a label have -1; `keras_ae.data.AddLabelled` mixes batches of both. `compile`
    takes one optimizer for each of "reconstruction", "discriminator", "generator" and
    "classification". The terms of these names are logged ("classification" per example, zero for
    those without a label). Labelled examples count in the other losses too (in the paper only in
    the fourth), so let most of a batch be unlabelled.

    Source: Makhzani et al. 2015, arXiv:1511.05644, section 5.

    Args:
        encoder: `keras.Model` from images to a dict with "label", logits `(batch, num_classes)`,
            and "style", `(batch, style_dim)`.
        decoder: `keras.Model` from a dict with "label", probabilities, and "style" to images; to
            logits where `loss` is "bernoulli".
        class_discriminator: `keras.Model` from `(batch, num_classes)` to one logit.
        style_discriminator: `keras.Model` from `(batch, style_dim)` to one logit.
        prior: layer from unit Gaussian noise to styles, `keras_ae.layers.GaussianPrior` say.
        loss: "squared_error" (summed over pixels) or "bernoulli" (nats per image). Defaults to
            `"squared_error"`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the networks or the prior do not fit each other, or the loss is unknown.
    """

    PHASES = (*AdversarialCoder.PHASES, "classification")

    def __init__(
        self,
        encoder,
        decoder,
        class_discriminator,
        style_discriminator,
        prior,
        loss="squared_error",
        **kwargs,
    ):
        heads = ends(encoder)[1] if hasattr(encoder, "output_shape") else {}
        if heads.keys() != {"label", "style"} or any(len(h.shape) != 2 for h in heads.values()):
            raise ValueError(
                f"the encoder gives {', '.join(heads) or 'one output'}: needed is a dict with "
                "'label', logits (batch, num_classes), and 'style', (batch, style_dim)."
            )
        end = getattr(heads["label"]._keras_history.operation, "activation", None)
        if getattr(end, "__name__", "linear") != "linear":
            raise ValueError(
                f"the head 'label' ends in {end.__name__!r}, needed are logits: build it without "
                "activation, the model takes their softmax."
            )
        super().__init__(encoder, decoder, prior, loss, heads["label"].shape[1], **kwargs)
        self.style_dim = heads["style"].shape[1]
        check_discriminator(class_discriminator, self.num_classes)
        check_discriminator(style_discriminator, self.style_dim)
        check_prior(prior, self.style_dim)
        self.class_discriminator, self.style_discriminator = (
            class_discriminator,
            style_discriminator,
        )

    def trained_by(self):
        return {
            "reconstruction": [self.encoder, self.decoder],
            "discriminator": [self.class_discriminator, self.style_discriminator],
            "generator": [self.encoder],
            "classification": [self.encoder],
        }

    def _phases(self, x, target, sample_weight):
        def classify():
            terms = {"classification": self._classification(x, target, True)}
            share = ops.mean(ops.cast(target >= 0, "float32"))  # the labelled ones' mean
            mean = batch_mean("classification", terms["classification"], sample_weight)
            share = distribution.mean_over_devices(share)  # of the whole batch
            return mean / ops.maximum(share, 1e-6), terms

        return super()._phases(x, target, sample_weight) | {"classification": classify}

    def _drawn_code(self, x, training):
        return self.code(self.encoder(x, training=training))

    def _discriminator_loss(self, code, labels, training):
        batch = ops.shape(code["style"])[0]
        drawn = keras.random.randint((batch,), 0, self.num_classes, seed=self.seed_generator)
        one_hot, style = ops.one_hot(drawn, self.num_classes), self.prior(self._noise(batch))
        of_class, of_style = self._judges(training)
        return losses.logistic_discriminator(
            of_class(one_hot), of_class(code["label"])
        ) + losses.logistic_discriminator(of_style(style), of_style(code["style"]))

    def _generator_loss(self, code, labels, training):
        of_class, of_style = self._judges(training)
        return losses.logistic_generator(of_class(code["label"])) + losses.logistic_generator(
            of_style(code["style"])
        )

    def _judges(self, training):
        return (
            lambda code: self.class_discriminator(code, training=training),
            lambda code: self.style_discriminator(code, training=training),
        )

    def _classification(self, x, labels, training):
        """-log p(label), zero where there is none: `(batch,)`."""
        labels = ops.cast(labels, "int32")
        logits = self.encoder(x, training=training)["label"]
        one_hot = ops.one_hot(ops.maximum(labels, 0), self.num_classes)
        known = ops.cast(labels >= 0, "float32")
        return known * losses.categorical(one_hot, logits)

    def loss_terms(self, x, target, outputs, training):
        classification = self._classification(x, target, training)
        return super().loss_terms(x, target, outputs, training) | {"classification": classification}

    def code(self, outputs):
        return {
            "label": ops.softmax(ops.cast(outputs["label"], "float32"), axis=-1),
            "style": ops.cast(outputs["style"], "float32"),
        }

    def classify(self, x):
        """Most probable class of images.

        Args:
            x: array, shape `(batch, *image_shape)`.

        Returns:
            int array, shape `(batch,)`.
        """
        return self.encode(x)["label"].argmax(axis=1)

    def sample(self, n, *, labels=None, seed=None):
        """New images, of styles drawn from the prior.

        Args:
            n: int, number of images.
            labels: int array, shape `(n,)`, their classes, or `None` for classes in turn. Defaults
                to `None`.
            seed: int, the same styles each time on every backend, or `None` for others. Defaults
                to `None`.

        Returns:
            array, shape `(n, *image_shape)`.

        Raises:
            ValueError: when `n` is not a positive integer, or the labels do not fit.
        """
        check_positive_int("n", n)
        labels = np.arange(n) % self.num_classes if labels is None else labels
        labels = check_labels("labels", labels, 0, self.num_classes - 1)
        if len(labels) != n:
            raise ValueError(f"{len(labels)} labels for n={n} images: pass one for each.")
        one_hot = np.eye(self.num_classes, dtype="float32")[labels]
        return self.decode({"label": one_hot, "style": self._drawn_from_prior(n, seed)})

    def endpoints(self):
        noise = keras.InputSpec(shape=(None, self.prior.noise_dim), dtype="float32", name="noise")
        labels = keras.InputSpec(shape=(None,), dtype="int32", name="labels")

        def sample(noise, labels):
            style = ops.cast(self.prior(noise), "float32")
            return self.decode({"label": ops.one_hot(labels, self.num_classes), "style": style})

        return super().endpoints() | {"sample": (sample, [noise, labels])}
