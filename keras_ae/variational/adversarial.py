"""The adversarial autoencoder: a discriminator makes the codes follow a distribution.

Source: Makhzani et al. 2015, arXiv:1511.05644, sections 2.1 to 2.3; lecture, "Variational and
adversarial AEs".

    z = encoder(x),  z' = prior(noise)
    1. reconstruction   encoder, decoder    L(decoder(z), x)
    2. discriminator    discriminator       -log D(z') - log(1 - D(z))
    3. generator        encoder             -log D(z)

One after the other in every step, each with an optimizer of its own. (One sum of the three would
let the discriminator's loss be minimised by the encoder that it should tell on.) With classes the
discriminator also reads the label, one-hot with one more place for "no label", so that each class
gets its own region of the prior.
"""

import random

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine.adversarial import Adversarial
from ..engine.checks import check_labels, check_positive_int, check_shape, ends
from ..engine.coder import Coder, check_linear_end
from ..engine.model import batch_mean
from ..layers.priors import check_prior
from .vae import check_heads


class AdversarialCoder(Adversarial, Coder):
    """What adversarial autoencoders have in common: the three phases of a step, and a prior.

    A subclass says what its encoder makes of images (`_drawn_code`) and how codes are judged
    (`_discriminator_loss`, `_generator_loss`, of codes and labels, values `(batch,)`).

    Source: Makhzani et al. 2015, arXiv:1511.05644, section 2.

    Args:
        encoder: `keras.Model` from images to codes.
        decoder: `keras.Model` from codes to images; to logits where `loss` is "bernoulli".
        prior: layer from unit Gaussian noise to codes.
        loss: "squared_error" or "bernoulli".
        num_classes: int, or `None` for a model that reads no labels.
        **kwargs: `head`, `name` and `dtype`, as in `Coder` and `keras.Model`.

    Raises:
        ValueError: when encoder and decoder do not fit each other, or the loss is unknown.
    """

    LOSSES = {"squared_error": losses.squared_error, "bernoulli": losses.bernoulli}
    PHASES = ("reconstruction", "discriminator", "generator")

    def __init__(self, encoder, decoder, prior, loss, num_classes, **kwargs):
        if loss not in self.LOSSES:
            raise ValueError(f"loss={loss!r}: pass 'squared_error' or 'bernoulli'.")
        super().__init__(encoder, decoder, dict.fromkeys(self.PHASES, 1.0), **kwargs)
        if loss == "bernoulli":
            check_linear_end(decoder, "loss='bernoulli'")
        self.prior, self.loss, self.num_classes = prior, loss, num_classes
        self.seed_generator = keras.random.SeedGenerator(random.randrange(2**31))

    # One training step ---------------------------------------------------------------------------

    def update(self, x, target, sample_weight):
        terms = {}
        for name, phase in self._phases(x, target, sample_weight).items():
            terms |= self.minimize(name, phase)
        self.log(terms, x, sample_weight)
        return terms["output"]

    def _phases(self, x, target, sample_weight):
        """What each optimizer lessens: functions that return a loss and its terms."""
        labels, image = self._read(x, target)

        def reconstruct():
            output = self.decoder(self._drawn_code(x, True), training=True)  # (batch, *image_shape)
            terms = {"reconstruction": self.LOSSES[self.loss](image, output), "output": output}
            return batch_mean("reconstruction", terms["reconstruction"], sample_weight), terms

        def discriminate():
            code = keras.tree.map_structure(ops.stop_gradient, self._drawn_code(x, True))
            terms = {"discriminator": self._discriminator_loss(code, labels, True)}
            return batch_mean("discriminator", terms["discriminator"], sample_weight), terms

        def deceive():
            terms = {"generator": self._generator_loss(self._drawn_code(x, True), labels, True)}
            return batch_mean("generator", terms["generator"], sample_weight), terms

        return dict(zip(self.PHASES, (reconstruct, discriminate, deceive)))

    def _read(self, x, target):
        """`(labels, image)`: what came as `y` is one or the other."""
        if self.num_classes is None:
            return None, target
        return ops.cast(target, "int32"), x

    def _noise(self, batch):
        shape = (batch, self.prior.noise_dim)
        return keras.random.normal(shape, dtype="float32", seed=self.seed_generator)

    # Evaluation, and what a user sees ------------------------------------------------------------

    def call(self, x, training=False):
        return self.decoder(self.code(self.encoder(x, training=training)), training=training)

    def loss_terms(self, x, target, outputs, training):
        labels, image = self._read(x, target)
        code = self._drawn_code(x, training)
        output = self.decoder(code, training=training)
        return {
            "reconstruction": self.LOSSES[self.loss](image, output),
            "discriminator": self._discriminator_loss(code, labels, training),
            "generator": self._generator_loss(code, labels, training),
        }

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, self._read(x, y)[1], y_pred, sample_weight)

    def prediction(self, outputs):
        outputs = super().prediction(outputs)
        return ops.sigmoid(outputs) if self.loss == "bernoulli" else outputs

    def label_range(self):
        return None if self.num_classes is None else (-1, self.num_classes - 1)

    def needs_target(self):
        if self.num_classes is None:
            return ""
        return "this model is trained with labels. Pass fit(x, labels), -1 for images without one."

    def target_range(self):
        if self.loss == "bernoulli":
            return 0.0, 1.0, "loss='bernoulli'"
        return super().target_range()

    def _drawn_from_prior(self, n, seed, labels=None):
        """Codes of NumPy's noise, an array: the same on every backend."""
        noise = np.random.default_rng(seed).normal(size=(n, self.prior.noise_dim))
        known = {} if labels is None else {"labels": ops.convert_to_tensor(labels)}
        z = self.prior(ops.convert_to_tensor(noise.astype("float32")), **known)
        return np.array(ops.convert_to_numpy(ops.cast(z, "float32")))


@keras.saving.register_keras_serializable("keras_ae")
class AdversarialAutoencoder(AdversarialCoder):
    """An autoencoder whose codes cannot be told from samples of a prior.

    `compile` takes one optimizer for each of "reconstruction", "discriminator" and "generator".
    The terms of these names are logged, in pixels squared or nats per image, and nats.

    Source: Makhzani et al. 2015, arXiv:1511.05644.

    Args:
        encoder: `keras.Model` from images to codes `(batch, latent_dim)`, or to a dict with "mean"
            and "log_variance" for a Gaussian posterior, which is sampled in training.
        decoder: `keras.Model` from codes to images; to logits where `loss` is "bernoulli".
        discriminator: `keras.Model` from codes to one logit `(batch, 1)`; with `num_classes` from
            `(batch, latent_dim + num_classes + 1)`.
        prior: layer from unit Gaussian noise to codes: `keras_ae.layers.GaussianPrior`,
            `GaussianMixturePrior`, `SwissRollPrior`, or one of the user's with an attribute
            `noise_dim`; with `num_classes` it is also called with labels.
        loss: "squared_error" (summed over pixels) or "bernoulli" (nats per image). Defaults to
            `"squared_error"`.
        num_classes: int, for `fit(x, labels)`, with -1 for images without a label; or `None` for
            `fit(x)`. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when networks or prior do not fit each other, or the loss is unknown.
    """

    def __init__(
        self,
        encoder,
        decoder,
        discriminator,
        prior,
        loss="squared_error",
        num_classes=None,
        **kwargs,
    ):
        if num_classes is not None:
            check_positive_int("num_classes", num_classes)
        codes = ends(encoder)[1] if hasattr(encoder, "output_shape") else {"": None}
        gaussian = "" not in codes
        if gaussian:
            check_heads(encoder)
        head = "mean" if gaussian else None
        super().__init__(encoder, decoder, prior, loss, num_classes, head=head, **kwargs)
        check_shape("the decoder's input", decoder.input_shape, decoder.input_shape[-1:])
        self.latent_dim = decoder.input_shape[-1]
        check_prior(prior, self.latent_dim)
        if num_classes is not None and getattr(prior, "num_classes", None) != num_classes:
            raise ValueError(
                f"the prior {prior.name} knows {getattr(prior, 'num_classes', None)} classes, the "
                f"model {num_classes}: pass GaussianMixturePrior({num_classes}), say."
            )
        width = self.latent_dim + (0 if num_classes is None else num_classes + 1)
        check_discriminator(discriminator, width)
        self.discriminator = discriminator

    def trained_by(self):
        return {
            "reconstruction": [self.encoder, self.decoder],
            "discriminator": [self.discriminator],
            "generator": [self.encoder],
        }

    def _discriminator_loss(self, code, labels, training):
        real = self._judge(self._prior(ops.shape(code)[0], labels), labels, training)
        fake = self._judge(code, labels, training)  # (batch, 1) each
        return losses.logistic_discriminator(real, fake)

    def _generator_loss(self, code, labels, training):
        return losses.logistic_generator(self._judge(code, labels, training))

    def _judge(self, code, labels, training):
        if labels is not None:  # -1, no label, is the last place
            place = ops.where(labels < 0, self.num_classes, labels)
            code = ops.concatenate([code, ops.one_hot(place, self.num_classes + 1)], axis=-1)
        return self.discriminator(code, training=training)

    def _prior(self, batch, labels):
        noise = self._noise(batch)
        z = self.prior(noise) if labels is None else self.prior(noise, labels=labels)
        return ops.cast(z, "float32")  # (batch, latent_dim)

    def _drawn_code(self, x, training):
        """Codes as training sees them: drawn where the encoder gives a distribution."""
        z = self.encoder(x, training=training)
        if not isinstance(z, dict):
            return ops.cast(z, "float32")  # (batch, latent_dim)
        mean, log_variance = (ops.cast(z[head], "float32") for head in ("mean", "log_variance"))
        noise = keras.random.normal(ops.shape(mean), dtype="float32", seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise

    def code(self, outputs):
        return outputs["mean"] if isinstance(outputs, dict) else outputs

    def sample(self, n, *, labels=None, seed=None):
        """New images, of codes drawn from the prior.

        Args:
            n: int, number of images.
            labels: int array, shape `(n,)`, classes of a prior that knows them (-1 for any), or
                `None`. Defaults to `None`.
            seed: int, the same images (with the same weights) each time on every backend, or
                `None` for others. Defaults to `None`.

        Returns:
            array, shape `(n, *image_shape)`.

        Raises:
            ValueError: when `n` is not a positive integer, or the labels do not fit.
        """
        return self.decode(self.sample_codes(n, labels=labels, seed=seed))

    def sample_codes(self, n, *, labels=None, seed=None):
        """Codes drawn from the prior, as `sample` decodes them.

        Args:
            n: int, number of codes.
            labels: as in `sample`. Defaults to `None`.
            seed: as in `sample`. Defaults to `None`.

        Returns:
            array, shape `(n, latent_dim)`.

        Raises:
            ValueError: as `sample` says.
        """
        check_positive_int("n", n)
        if labels is not None:
            if not getattr(self.prior, "num_classes", None):
                raise ValueError(f"the prior {self.prior.name} knows no classes: leave labels out.")
            labels = check_labels("labels", labels, -1, self.prior.num_classes - 1)
            if len(labels) != n:
                raise ValueError(f"{len(labels)} labels for n={n} images: pass one for each.")
        return self._drawn_from_prior(n, seed, labels)

    def endpoints(self):
        shape = (None, self.prior.noise_dim)
        specs = [keras.InputSpec(shape=shape, dtype="float32", name="noise")]
        if self.num_classes is not None:  # -1 for any
            specs.append(keras.InputSpec(shape=(None,), dtype="int32", name="labels"))

        def sample(noise, labels=None):
            known = {} if labels is None else {"labels": labels}
            return self.decode(ops.cast(self.prior(noise, **known), "float32"))

        return super().endpoints() | {"sample": (sample, specs)}


def check_discriminator(discriminator, width):
    """Refuses what cannot judge codes.

    Source: this library.

    Args:
        discriminator: should be a `keras.Model` from `(batch, width)` to one logit `(batch, 1)`.
        width: int.

    Raises:
        ValueError: when it is something else.
    """
    if not hasattr(discriminator, "output_shape"):
        raise ValueError(f"{discriminator} has no fixed shapes: pass a Functional model.")
    check_shape("the discriminator's input", discriminator.input_shape, (width,))
    check_shape("the discriminator's output", discriminator.output_shape, (1,))
    check_linear_end(discriminator, "its loss")
