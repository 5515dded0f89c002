"""The autoencoder of a latent diffusion model: it compresses what the eye does not miss.

Source: Rombach et al. 2022, arXiv:2112.10752, section 3.1 and appendix G; Esser et al. 2021,
arXiv:2012.09841, equations 4 to 7 (adversary, adaptive weight).

    z = mean + deviation * noise,  or the nearest entries of a codebook;  output = decoder(z)
    1. autoencoder      |x - output| + perceptual(x, output) + kl, or codebook
                        - balance * D(output)
       balance = |slope of the first two| / (|slope of D(output)| + 1e-4), by the last kernel
    2. discriminator    max(0, 1 - D(x)) + max(0, 1 + D(output)), from a later step on
"""

import math
import random

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine.adversarial import Adversarial
from ..engine.checks import check_shape, ends
from ..engine.coder import Coder, check_linear_end
from ..layers.normalization import batch_statistics
from ..layers.quantization import VectorQuantizer
from .adaptive_weight import AdaptiveWeight

VARIANCES = -30.0, 20.0  # least and greatest logarithm of a variance


@keras.saving.register_keras_serializable("keras_ae")
class FirstStage(Adversarial, Coder):
    """An autoencoder with a map of codes, held together by a small KL or by a codebook.

    `compile` takes one optimizer for each of "autoencoder" and "discriminator". All terms are sums
    over the numbers of an image: "reconstruction" (absolute error), "perceptual", "kl" (nats) or
    "codebook", "adversarial" (the critic's verdict times the adaptive weight, which is logged as
    "balance") and "discriminator" (mean over patches). "codebook_use" is the share of entries that
    a batch uses. `encode` gives the mean of the code, or what the codebook would replace; `decode`
    replaces it.

    Source: Rombach et al. 2022, arXiv:2112.10752, section 3.1 and appendix G.

    Args:
        encoder: `keras.Model` from images in [-1, 1] to a dict with "mean" and "log_variance"
            `(batch, h, w, channels)`, or with a quantizer to one such map: `latent_encoder`.
        decoder: `keras.Model` from such a map to images: `latent_decoder`.
        discriminator: `keras.Model` from images to logits of patches `(batch, ..., 1)`:
            `patch_discriminator`.
        quantizer: `keras_ae.layers.VectorQuantizer`, or `None` for a KL. Defaults to `None`.
        features: `keras.Model` from images to features `(batch, ..., channels)` or a list or dict
            of them, frozen, for the perceptual term, or `None` for none: a classifier of the same
            data, say (`keras_ae.evaluation.feature_extractor`, behind a layer that maps [-1, 1] to
            its range). Defaults to `None`.
        kl: float, weight of the KL. Defaults to `1e-6`.
        perceptual: float, weight of the perceptual term, which is multiplied by the numbers of an
            image. Defaults to `1.0`.
        adversarial: float, weight of the adversary beside the adaptive one. Defaults to `0.5`.
        adversarial_start: int, steps before the discriminator begins. Defaults to `10000`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when networks do not fit each other, or a weight is negative.
    """

    def __init__(
        self,
        encoder,
        decoder,
        discriminator,
        quantizer=None,
        features=None,
        kl=1e-6,
        perceptual=1.0,
        adversarial=0.5,
        adversarial_start=10_000,
        **kwargs,
    ):
        _check_encoder(encoder, quantizer)
        if not isinstance(adversarial_start, int) or adversarial_start < 0:
            raise ValueError(f"adversarial_start={adversarial_start!r}: pass a number of steps.")
        terms = {"reconstruction": 1.0}
        terms |= {} if features is None else {"perceptual": perceptual}
        terms |= {"kl": kl} if quantizer is None else {"codebook": 1.0, "codebook_use": 0.0}
        terms |= {"adversarial": adversarial, "balance": 0.0, "discriminator": 1.0}
        head = "mean" if quantizer is None else None
        super().__init__(encoder, decoder, terms, head=head, **kwargs)
        _check_judges(discriminator, features, self.example_shape())
        self.discriminator, self.quantizer, self.features = discriminator, quantizer, features
        self.kl, self.perceptual, self.adversarial = kl, perceptual, adversarial
        self.adversarial_start = adversarial_start
        if features is not None:
            features.trainable = False
        self.synthesis = decoder if quantizer is None else _behind(quantizer, decoder)
        self._adaptive = AdaptiveWeight(decoder)
        kind = {"dtype": "int32", "trainable": False, "aggregation": "only_first_replica"}
        self.steps = self.add_weight((), "zeros", **kind, name="steps")
        self.seed_generator = keras.random.SeedGenerator(random.randrange(2**31))

    @staticmethod
    def paper_optimizers(learning_rate=2e-4):
        """Adam as the paper has it, for `compile`.

        Source: Esser et al. 2021, arXiv:2012.09841 (reference code: betas 0.5 and 0.9).

        Args:
            learning_rate: float, of both; the paper's grows with the batch, 4.5e-6 for each image.
                Defaults to `2e-4`.

        Returns:
            dict of `keras.optimizers.Adam`.
        """
        names = "autoencoder", "discriminator"
        return {name: keras.optimizers.Adam(learning_rate, 0.5, 0.9) for name in names}

    # One training step ---------------------------------------------------------------------------

    def trained_by(self):
        parts = [self.encoder, self.decoder, self.quantizer]
        return {
            "autoencoder": [part for part in parts if part is not None],
            "discriminator": [self.discriminator],
        }

    def update(self, x, target, sample_weight):
        noise, started = self._noise(x), self._started()
        balance = self._balance(x, target, noise, True)

        def reconstruct():
            terms = self._autoencoder_terms(x, target, noise, balance, True)
            output = terms.pop("output")
            return self.total(terms, sample_weight), terms | {"output": output}

        def judge():
            terms = {"discriminator": started * self._hinge(target, output, True)}
            return self.total(terms, sample_weight), terms

        terms = self.minimize("autoencoder", reconstruct)
        output = ops.stop_gradient(terms.pop("output"))
        terms |= self.minimize("discriminator", judge)
        self.log(terms, x, sample_weight)
        self.steps.assign_add(1)
        return output

    def loss_terms(self, x, target, outputs, training):
        noise = self._noise(x)
        balance = self._balance(x, target, noise, training)
        terms = self._autoencoder_terms(x, target, noise, balance, training)
        hinge = self._hinge(target, ops.stop_gradient(terms.pop("output")), training)
        return terms | {"discriminator": self._started() * hinge}

    def _autoencoder_terms(self, x, target, noise, balance, training):
        """All terms but the discriminator's, and the "output"."""
        code, terms = self._drawn_code(x, noise, training)
        output = ops.cast(self.decoder(code, training=training), "float32")
        verdict = ops.mean(self._judge(output, training), axis=1)  # (batch,)
        return {
            **self._errors(target, output),
            **terms,
            "adversarial": -balance * verdict,
            "balance": balance,
            "output": output,
        }

    def _errors(self, target, output):
        terms = {"reconstruction": losses.l1(target - output)}
        if self.features is not None:
            seen = [self.features(images, training=False) for images in (target, output)]
            terms["perceptual"] = math.prod(self.example_shape()) * losses.perceptual(*seen)
        return terms

    def _drawn_code(self, x, noise, training):
        """What the decoder is given in training, and the terms of the code."""
        z = self.encoder(x, training=training)
        if self.quantizer is None:
            mean, log_variance = (ops.cast(z[key], "float32") for key in ("mean", "log_variance"))
            log_variance = ops.clip(log_variance, *VARIANCES)
            code = mean + ops.exp(0.5 * log_variance) * noise  # (batch, h, w, channels)
            return code, {"kl": losses.gaussian_kl(mean, log_variance)}
        chosen = ops.one_hot(ops.ravel(self.quantizer.indices(z)), self.quantizer.num_codes)
        use = ops.mean(ops.max(chosen, axis=0))
        terms = {"codebook": self.quantizer.codebook_loss(z), "codebook_use": use}
        return self.quantizer(z), terms

    def _noise(self, x):
        """Noise of one batch, shape `(batch, h, w, channels)`, or `None`."""
        if self.quantizer is not None:
            return None
        shape = (ops.shape(x)[0], *self.decoder.input_shape[1:])
        return keras.random.normal(shape, dtype="float32", seed=self.seed_generator)

    def _balance(self, x, target, noise, training):
        """How much steeper errors are than the verdict, in the decoder's last kernel: a scalar."""
        code, _ = self._drawn_code(x, noise, training)
        balance = self._adaptive(
            code,
            lambda output: self.total(self._errors(target, output)),
            lambda output: self._judge(output, training),
            training,
        )
        return self._started() * balance

    def _started(self):
        return ops.cast(self.steps.value >= self.adversarial_start, "float32")

    def _judge(self, images, training):
        """Logits of the patches of each image, shape `(batch, patches)`."""
        if training:
            logits = self.discriminator(images, training=True)
        else:
            with batch_statistics(self.discriminator):  # as in training
                logits = self.discriminator(images, training=False)
        return ops.reshape(ops.cast(logits, "float32"), (ops.shape(images)[0], -1))

    def _hinge(self, real, fake, training):
        real, fake = self._judge(real, training), self._judge(fake, training)  # (batch, patches)
        return losses.hinge_discriminator(real, fake) / ops.cast(ops.shape(real)[1], "float32")

    # What a user sees ----------------------------------------------------------------------------

    def call(self, x, training=False):
        code = self.code(self.encoder(x, training=training))
        return ops.cast(self.synthesis(code, training=training), "float32")

    def code(self, outputs):
        return outputs["mean"] if self.quantizer is None else outputs

    def draw_codes(self, x):
        """Codes as the decoder is trained with them: drawn, where there is a KL.

        Args:
            x: tensor, shape `(batch, *image_shape)`.

        Returns:
            Tensor, shape `(batch, h, w, channels)`; what a codebook would replace is as it is.
        """
        if self.quantizer is None:
            return self._drawn_code(x, self._noise(x), False)[0]
        return super().draw_codes(x)

    def code_deviation(self, x):
        """Standard deviation of the numbers of codes, as `draw_codes` gives them.

        Source: Rombach et al. 2022, arXiv:2112.10752, appendix G; the variance of what is drawn is
        that of the means and the mean of the variances.

        Args:
            x: array, shape `(batch, *image_shape)`.

        Returns:
            float.
        """
        if self.quantizer is not None:
            return super().code_deviation(x)
        codes = self.run(self.encoder, x)
        variances = np.exp(np.clip(codes["log_variance"], *VARIANCES))
        return float(np.sqrt(np.var(codes["mean"]) + np.mean(variances)))

    def decode(self, z):
        return self.run(self.synthesis, z, self.prediction)

    def code_indices(self, x):
        """Which entries of the codebook the codes of images are replaced by.

        Args:
            x: array, shape `(batch, *image_shape)`.

        Returns:
            int array, shape `(batch, h, w)`.

        Raises:
            ValueError: when the model has no codebook.
        """
        if self.quantizer is None:
            raise ValueError("this model has a KL and no codebook: build it with quantizer=.")
        return self.run(self.encoder, x, self.quantizer.indices)

    def target_range(self):
        return -1.0, 1.0, "a first stage of diffusion"


def _behind(quantizer, decoder):
    code = keras.Input(decoder.input_shape[1:], name="code")
    return keras.Model(code, decoder(quantizer(code)), name="synthesis")


def _check_encoder(encoder, quantizer):
    codes = ends(encoder)[1] if hasattr(encoder, "output_shape") else {}
    given = ", ".join(repr(key) for key in sorted(codes)) if "" not in codes else "one output"
    if quantizer is not None and not isinstance(quantizer, VectorQuantizer):
        raise ValueError(f"quantizer={quantizer!r}: pass a keras_ae.layers.VectorQuantizer.")
    if quantizer is None and codes.keys() != {"mean", "log_variance"}:
        raise ValueError(
            f"the encoder gives {given or 'no fixed shapes'}; without a quantizer it needs 'mean' "
            "and 'log_variance', as latent_encoder gives them."
        )
    if quantizer is not None and codes.keys() != {""}:
        raise ValueError(
            f"the encoder gives {given or 'no fixed shapes'}; with a quantizer it needs one code, "
            "as latent_encoder(..., heads=None) gives it."
        )
    if quantizer is None:
        check_shape("log_variance", codes["log_variance"].shape, codes["mean"].shape[1:])


def _check_judges(discriminator, features, image_shape):
    for network in (discriminator, *([] if features is None else [features])):
        if not hasattr(network, "output_shape"):
            raise ValueError(f"{network} has no fixed shapes: pass a Functional model.")
        check_shape(f"the input of {network.name}", network.input_shape, image_shape)
    if discriminator.output_shape[-1] != 1:
        raise ValueError(
            f"{discriminator.name} gives {discriminator.output_shape}: needed is one logit for "
            "each patch, as patch_discriminator gives it."
        )
    check_linear_end(discriminator, "the hinge loss")
