"""The variational autoencoder, and the importance-weighted bound.

Source: Kingma and Welling 2013, arXiv:1312.6114, equations 3, 7 and 10, appendix B; Burda et al.
2015, arXiv:1509.00519, equation 8 (importance weights); Higgins et al. 2017 (beta); lecture,
"Variational Autoencoders (VAE)", "Reparametrisation trick".

    mean, log_variance = encoder(x)                            q(z|x) = N(mean, variance)
    z = mean + exp(log_variance / 2) * noise,  noise ~ N(0, 1) fresh for every example
    reconstruction = -log p(x|z)                               nats, summed over pixels
    kl = KL(q(z|x) || N(0, 1)) = 1/2 sum (variance + mean^2 - 1 - log_variance)
    J(w) = 1/m sum_i [ reconstruction_i + beta * kl_i ]
    importance weighted: -log 1/k sum_s p(x, z_s) / q(z_s|x)   the same for k = 1, tighter above

The slide "Prior on the latent distribution" prints the KL with the wrong sign and writes sigma for
the variance; it is never negative, and stands here as on the code slide. Both terms are sums, as
on the code slide: a mean over pixels would multiply beta by 784.
"""

import math
import random

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine.checks import as_array, check_positive, check_positive_int, check_shape, ends
from ..engine.coder import Coder, check_linear_end

LEVELS = 256  # of a pixel of 8 bits


@keras.saving.register_keras_serializable("keras_ae")
class VAE(Coder):
    """A generative autoencoder: codes follow N(0, 1), so that random codes decode to new images.

    The loss is the negative evidence lower bound in nats per image. `encode` gives the mean of the
    code, and so do `predict` and `reconstruct`; `fit` and `evaluate` sample (`evaluate` with the
    same noise in each call).

    Source: Kingma and Welling 2013, arXiv:1312.6114; Burda et al. 2015, arXiv:1509.00519.

    Args:
        encoder: `keras.Model` from images to a dict with "mean" and "log_variance", both of shape
            `(batch, latent_dim)`: `dense_encoder(..., heads=("mean", "log_variance"))`.
        decoder: `keras.Model` from `(batch, latent_dim)` to logits of the pixels ("bernoulli"), to
            their means ("gaussian"), or to logits `(batch, *image_shape, 256)` ("categorical").
        likelihood: "bernoulli" (pixels in [0, 1]; grey ones are read as probabilities),
            "gaussian", or "categorical" (pixels of 8 bits, divided by 255). Defaults to
            `"bernoulli"`.
        beta: float, weight of the KL, or a `keras.optimizers.schedules.LearningRateSchedule` of the
            training step, for a warm-up. Defaults to `1.0`.
        num_samples: int, codes drawn per image. Defaults to `1`.
        importance_weighted: bool, whether the samples make one tighter bound (an IWAE), logged as
            the term "bound" beside the other two, rather than a mean of bounds. Defaults to
            `False`.
        kl: "analytic", or "sampled": log q(z|x) - log p(z) at the codes that were drawn, as the
            importance-weighted bound has it in any case. Defaults to `"analytic"`.
        deviation: float, standard deviation of a "gaussian" pixel. Defaults to `1.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the encoder has not the two heads, encoder and decoder do not fit, an
            argument is unknown or out of range, or the decoder of a likelihood that reads logits
            ends in an activation.
    """

    def __init__(
        self,
        encoder,
        decoder,
        likelihood="bernoulli",
        beta=1.0,
        num_samples=1,
        importance_weighted=False,
        kl="analytic",
        deviation=1.0,
        **kwargs,
    ):
        for name, value, known in (
            ("likelihood", likelihood, ("bernoulli", "gaussian", "categorical")),
            ("kl", kl, ("analytic", "sampled")),
        ):
            if value not in known:
                raise ValueError(f"{name}={value!r}: pass one of {', '.join(known)}.")
        check_positive_int("num_samples", num_samples)
        check_positive("deviation", deviation)
        if importance_weighted and beta != 1.0:
            raise ValueError(f"beta={beta!r}: the importance-weighted bound has none, pass 1.0.")
        latent_dim = check_heads(encoder)
        terms = {"reconstruction": 1.0, "kl": beta}
        if importance_weighted:
            terms = {"bound": 1.0, "reconstruction": 0.0, "kl": 0.0}
        image_shape = tuple(encoder.input_shape[1:])
        levels = (LEVELS,) if likelihood == "categorical" else ()
        super().__init__(encoder, decoder, terms, "mean", (*image_shape, *levels), **kwargs)
        if likelihood != "gaussian":
            check_linear_end(decoder, f"likelihood={likelihood!r}")
        self.likelihood, self.beta, self.num_samples = likelihood, beta, num_samples
        self.importance_weighted, self.kl, self.deviation = importance_weighted, kl, deviation
        self.latent_dim = latent_dim
        self.seed_generator = keras.random.SeedGenerator(random.randrange(2**31))

    # The model and its loss ----------------------------------------------------------------------

    def call(self, x, training=False):
        outputs = _float32(self.encoder(x, training=training))  # (batch, latent_dim) each
        if training:
            outputs |= self._drawn(outputs, training)
            return outputs | {"output": outputs["images"][0]}  # (batch, *image_shape)
        return outputs | {"output": self.decoder(outputs["mean"], training=False)}

    def loss_terms(self, x, target, outputs, training):
        if "images" not in outputs:  # evaluation: the images so far are those of the means
            outputs = outputs | self._drawn(outputs, training)
        return self._terms(target, outputs)

    def terms(self, x, noise):
        """The terms of the loss with noise that is given, for a closer look.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`.
            noise: array or tensor, unit Gaussian, shape `(samples, batch, latent_dim)`.

        Returns:
            dict by name, tensors of shape `(batch,)`, nats per image.

        Raises:
            ValueError: when a shape does not fit.
        """
        return self._terms(x, self._given(x, noise))

    def log_weights(self, x, noise):
        """log p(x, z) - log q(z|x) at z = mean + exp(log_variance / 2) * noise.

        The logarithm of the mean of the exponentials over samples estimates log p(x); it is that of
        the likelihood, whatever `beta`.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`.
            noise: array or tensor, unit Gaussian, shape `(samples, batch, latent_dim)`.

        Returns:
            Tensor, shape `(samples, batch)`, nats.

        Raises:
            ValueError: when a shape does not fit.
        """
        outputs = self._given(x, noise)
        return -self._reconstruction(x, outputs["images"]) - _sampled_kl(outputs)

    def conditional(self, x, z):
        """-log p(x|z) at codes that are given.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`.
            z: array or tensor, shape `(samples, batch, latent_dim)`.

        Returns:
            Tensor, shape `(samples, batch)`, nats.

        Raises:
            ValueError: when a shape does not fit.
        """
        x, z = ops.convert_to_tensor(x), ops.convert_to_tensor(z)
        check_shape("x", x.shape, self.example_shape())
        check_shape("z", z.shape, (x.shape[0], self.latent_dim))
        return self._reconstruction(x, self._images(z, False))

    def _given(self, x, noise):
        x, noise = ops.convert_to_tensor(x), ops.convert_to_tensor(noise)
        check_shape("x", x.shape, self.example_shape())
        check_shape("noise", noise.shape, (x.shape[0], self.latent_dim))
        outputs = _float32(self.encoder(x, training=False))
        return outputs | self._drawn(outputs, False, noise)

    def _drawn(self, outputs, training, noise=None):
        """Codes by the reparametrisation trick, and their images."""
        mean, log_variance = outputs["mean"], outputs["log_variance"]  # (batch, latent_dim)
        if noise is None:
            shape = (self.num_samples, *ops.shape(mean))
            noise = keras.random.normal(shape, dtype="float32", seed=self.seed_generator)
        z = mean + ops.exp(0.5 * log_variance) * noise  # (samples, batch, latent_dim)
        return {"noise": noise, "z": z, "images": self._images(z, training)}

    def _images(self, z, training):
        """What the decoder gives for each sample: `(samples, batch, *decoded)`."""
        images = self.decoder(ops.reshape(z, (-1, self.latent_dim)), training=training)
        return ops.reshape(images, (*ops.shape(z)[:2], *self.decoder.output_shape[1:]))

    def _terms(self, target, outputs):
        reconstruction = self._reconstruction(target, outputs["images"])  # (samples, batch)
        sampled = _sampled_kl(outputs) if self.kl == "sampled" or self.importance_weighted else None
        analytic = losses.gaussian_kl(outputs["mean"], outputs["log_variance"])
        terms = {
            "reconstruction": ops.mean(reconstruction, axis=0),
            "kl": ops.mean(sampled, axis=0) if self.kl == "sampled" else analytic,
        }
        if self.importance_weighted:
            weights = -(reconstruction + sampled)  # log p(x, z) - log q(z|x)
            bound = ops.logsumexp(weights, axis=0) - math.log(weights.shape[0])
            terms["bound"] = -bound
        return terms

    def _reconstruction(self, target, images):
        """-log p(x|z) of every sample: `(samples, batch)`."""
        samples = images.shape[0]
        target = ops.convert_to_tensor(target)
        if samples > 1:  # one row for each sample and image
            target = ops.tile(target, (samples, *[1] * (len(target.shape) - 1)))
        flat = ops.reshape(images, (-1, *images.shape[2:]))
        if self.likelihood == "bernoulli":
            values = losses.bernoulli(target, flat)
        elif self.likelihood == "gaussian":
            values = losses.gaussian(target, flat, self.deviation)
        else:
            values = losses.pixel_levels(target, flat)
        return ops.reshape(values, (samples, -1))

    # What a user sees ----------------------------------------------------------------------------

    def prediction(self, outputs):
        outputs = super().prediction(outputs["output"] if isinstance(outputs, dict) else outputs)
        if self.likelihood == "bernoulli":
            return ops.sigmoid(outputs)
        if self.likelihood == "categorical":  # the mean level
            return ops.matmul(ops.softmax(outputs), ops.arange(LEVELS, dtype="float32")) / 255.0
        return outputs

    def code(self, outputs):
        return outputs["mean"]

    def encode_distribution(self, x):
        """Mean and logarithm of the variance of the codes of images.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`.

        Returns:
            dict with "mean" and "log_variance", shape `(batch, latent_dim)` each.
        """
        return self.run(self.encoder, x)

    def sample(self, n, *, labels=None, seed=None):
        """New images, of codes drawn from N(0, 1).

        Args:
            n: int, number of images.
            labels: must be `None`, the model knows none. Defaults to `None`.
            seed: int, the same images (with the same weights) each time on every backend, or
                `None` for others. Defaults to `None`.

        Returns:
            array, shape `(n, *image_shape)`: the mean of each pixel given the code.

        Raises:
            ValueError: when `n` is not a positive integer, or labels are passed.
        """
        check_positive_int("n", n)
        if labels is not None:
            raise ValueError("this model was trained without labels: leave labels out.")
        noise = np.random.default_rng(seed).normal(size=(n, self.latent_dim))
        return self.decode(noise.astype("float32"))

    def target_range(self):
        if self.likelihood == "gaussian":
            return super().target_range()
        return 0.0, 1.0, f"likelihood={self.likelihood!r}"

    def check_target(self, name, target):
        if self.likelihood != "categorical":
            return
        levels = 255.0 * as_array(name, target)
        if np.abs(levels - np.round(levels)).max() > 1e-2:
            raise ValueError(
                f"{name} has values between the 256 levels k / 255, likelihood='categorical' needs "
                "pixels of 8 bits: round them, numpy.round(255 * x) / 255."
            )

    def endpoints(self):
        noise = keras.InputSpec(shape=(None, self.latent_dim), dtype="float32", name="noise")
        return super().endpoints() | {"sample": (lambda noise: self.decode(noise), [noise])}


def check_heads(encoder):
    """Size of the code of an encoder with two heads.

    Source: this library.

    Args:
        encoder: should be a `keras.Model` with outputs "mean" and "log_variance" of one shape
            `(batch, latent_dim)`.

    Returns:
        int.

    Raises:
        ValueError: when it has others.
    """
    heads = ends(encoder)[1] if hasattr(encoder, "output_shape") else {}
    advice = 'dense_encoder(..., heads=("mean", "log_variance")) has both'
    if heads.keys() != {"mean", "log_variance"}:
        given = ", ".join(repr(head) for head in sorted(heads)) if "" not in heads else "one output"
        raise ValueError(
            f"the encoder gives {given or 'no fixed shapes'}; needed is a Functional model whose "
            f"outputs are a dict with 'mean' and 'log_variance': {advice}."
        )
    shapes = {tuple(head.shape) for head in heads.values()}
    if len(shapes) != 1 or len(heads["mean"].shape) != 2:
        raise ValueError(
            f"the heads of the encoder have shapes {sorted(shapes)}: both must be (batch, "
            f"latent_dim), {advice}."
        )
    return heads["mean"].shape[1]


def _float32(outputs):
    return {name: ops.cast(tensor, "float32") for name, tensor in outputs.items()}


def _sampled_kl(outputs):
    """log q(z|x) - log p(z) of every sample: `(samples, batch)`; the constants cancel."""
    z, noise, log_variance = outputs["z"], outputs["noise"], outputs["log_variance"]
    return 0.5 * ops.sum(ops.square(z) - ops.square(noise) - log_variance, axis=-1)
