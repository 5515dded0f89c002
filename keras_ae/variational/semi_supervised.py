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

import random

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine.adversarial import Adversarial
from ..engine.checks import check_labels, check_positive_int, ends
from ..engine.coder import Coder, check_linear_end
from ..engine.model import batch_mean
from ..layers.priors import check_prior
from .adversarial import check_discriminator


@keras.saving.register_keras_serializable("keras_ae")
class SemiSupervisedAAE(Adversarial, Coder):
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

    LOSSES = {"squared_error": losses.squared_error, "bernoulli": losses.bernoulli}

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
        if loss not in self.LOSSES:
            raise ValueError(f"loss={loss!r}: pass 'squared_error' or 'bernoulli'.")
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
        names = ("reconstruction", "discriminator", "generator", "classification")
        super().__init__(encoder, decoder, dict.fromkeys(names, 1.0), **kwargs)
        if loss == "bernoulli":
            check_linear_end(decoder, "loss='bernoulli'")
        self.num_classes, self.style_dim = heads["label"].shape[1], heads["style"].shape[1]
        check_discriminator(class_discriminator, self.num_classes)
        check_discriminator(style_discriminator, self.style_dim)
        check_prior(prior, self.style_dim)
        self.class_discriminator, self.style_discriminator = (
            class_discriminator,
            style_discriminator,
        )
        self.prior, self.loss = prior, loss
        self.seed_generator = keras.random.SeedGenerator(random.randrange(2**31))

    # One training step ---------------------------------------------------------------------------

    def trained_by(self):
        return {
            "reconstruction": [self.encoder, self.decoder],
            "discriminator": [self.class_discriminator, self.style_discriminator],
            "generator": [self.encoder],
            "classification": [self.encoder],
        }

    def update(self, x, target, sample_weight):
        def reconstruct():
            output = self.decoder(self._code(x, True), training=True)  # (batch, *image_shape)
            terms = {"reconstruction": self.LOSSES[self.loss](x, output), "output": output}
            return batch_mean("reconstruction", terms["reconstruction"], sample_weight), terms

        def discriminate():
            code = {key: ops.stop_gradient(part) for key, part in self._code(x, True).items()}
            terms = {"discriminator": self._discriminator_loss(code, True)}
            return batch_mean("discriminator", terms["discriminator"], sample_weight), terms

        def deceive():
            terms = {"generator": self._generator_loss(self._code(x, True), True)}
            return batch_mean("generator", terms["generator"], sample_weight), terms

        def classify():
            terms = {"classification": self._classification(x, target, True)}
            share = ops.mean(ops.cast(target >= 0, "float32"))  # the labelled ones' mean
            mean = batch_mean("classification", terms["classification"], sample_weight)
            return mean / ops.maximum(share, 1e-6), terms

        terms = self.minimize("reconstruction", reconstruct)
        terms |= self.minimize("discriminator", discriminate)
        terms |= self.minimize("generator", deceive)
        terms |= self.minimize("classification", classify)
        self.log(terms, x, sample_weight)
        return terms["output"]

    def _code(self, x, training):
        return self.code(self.encoder(x, training=training))

    def _discriminator_loss(self, code, training):
        batch = ops.shape(code["style"])[0]
        drawn = keras.random.randint((batch,), 0, self.num_classes, seed=self.seed_generator)
        one_hot = ops.one_hot(drawn, self.num_classes)
        shape = (batch, self.prior.noise_dim)
        noise = keras.random.normal(shape, dtype="float32", seed=self.seed_generator)
        of_class, of_style = self._judges(training)
        return losses.logistic_discriminator(
            of_class(one_hot), of_class(code["label"])
        ) + losses.logistic_discriminator(of_style(self.prior(noise)), of_style(code["style"]))

    def _generator_loss(self, code, training):
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

    # Evaluation, and what a user sees ------------------------------------------------------------

    def call(self, x, training=False):
        return self.decoder(self._code(x, training), training=training)

    def loss_terms(self, x, target, outputs, training):
        code = self._code(x, training)
        return {
            "reconstruction": self.LOSSES[self.loss](x, outputs),
            "discriminator": self._discriminator_loss(code, training),
            "generator": self._generator_loss(code, training),
            "classification": self._classification(x, target, training),
        }

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, x, y_pred, sample_weight)

    def prediction(self, outputs):
        outputs = super().prediction(outputs)
        return ops.sigmoid(outputs) if self.loss == "bernoulli" else outputs

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
        noise = np.random.default_rng(seed).normal(size=(n, self.prior.noise_dim))
        style = self.prior(ops.convert_to_tensor(noise.astype("float32")))
        one_hot = np.eye(self.num_classes, dtype="float32")[labels]
        return self.decode({"label": one_hot, "style": np.array(ops.convert_to_numpy(style))})

    def label_range(self):
        return -1, self.num_classes - 1

    def needs_target(self):
        return "this model is trained with labels. Pass fit(x, labels), -1 for images without one."

    def target_range(self):
        if self.loss == "bernoulli":
            return 0.0, 1.0, "loss='bernoulli'"
        return super().target_range()

    def endpoints(self):
        noise = keras.InputSpec(shape=(None, self.prior.noise_dim), dtype="float32", name="noise")
        labels = keras.InputSpec(shape=(None,), dtype="int32", name="labels")

        def sample(noise, labels):
            style = ops.cast(self.prior(noise), "float32")
            return self.decode({"label": ops.one_hot(labels, self.num_classes), "style": style})

        return super().endpoints() | {"sample": (sample, [noise, labels])}
