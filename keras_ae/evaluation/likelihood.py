"""How probable a model finds images: the bound, the importance-sampled likelihood, its units."""

import math

import keras
import numpy as np
from keras import ops

from ..engine import distribution
from ..engine.checks import check_positive_int, training_data

MOST_NUMBERS = 2**27  # of what the decoder gives, that are held at once


def elbo(model, x, num_samples=1, seed=0, batch_size=100, samples_at_once=50):
    """Evidence lower bound of every image, with the KL as the model has it.

    Source: Kingma and Welling 2013, arXiv:1312.6114, equation 10.

    Args:
        model: `keras_ae.VAE`.
        x: array, shape `(examples, *image_shape)`, as the model is trained on (binarised, say).
        num_samples: int, codes drawn per image, over which the bound is averaged. Defaults to `1`.
        seed: int, of the noise. Defaults to `0`.
        batch_size: int. Defaults to `100`.
        samples_at_once: int, codes of an image that are held at once, at most. Defaults to `50`.

    Returns:
        array, shape `(examples,)`, nats; below log p(x) on average.

    Raises:
        ValueError: when the data do not fit the model, or a number is not a positive integer.
    """

    def bound(x, noise):
        terms = model.terms(x, noise)
        return -(terms["reconstruction"] + terms["kl"])

    passes = _passes(model, x, bound, num_samples, seed, batch_size, samples_at_once)
    return sum(samples * values for samples, values in passes) / num_samples


def negative_log_likelihood(model, x, num_samples=5000, seed=0, batch_size=100, samples_at_once=50):
    """-log p(x) of every image, estimated by importance sampling from the encoder.

    -log 1/k sum_s p(x, z_s) / q(z_s|x) with z_s ~ q(z|x). Too high on average, the less the more
    samples. Memory is that of `batch_size * samples_at_once` images.

    Source: Burda et al. 2015, arXiv:1509.00519, equation 8 (k = 5000 in their tables).

    Args:
        model: `keras_ae.VAE`, whatever bound it was trained with.
        x: array, shape `(examples, *image_shape)`, as the model is trained on (binarised, say).
        num_samples: int, k: exactly so many codes are drawn for each image. Defaults to `5000`.
        seed: int, of the noise. Defaults to `0`.
        batch_size: int. Defaults to `100`.
        samples_at_once: int, codes of an image that are held at once, at most (fewer where images
            are large). Defaults to `50`.

    Returns:
        array, shape `(examples,)`, nats: the negative logarithm, small is good.

    Raises:
        ValueError: when the data do not fit the model, or a number is not a positive integer.
    """
    sums = lambda x, noise: ops.logsumexp(model.log_weights(x, noise), axis=0)
    passes = _passes(model, x, sums, num_samples, seed, batch_size, samples_at_once)
    total = np.logaddexp.reduce([values for _, values in passes], axis=0)
    return math.log(num_samples) - total


def active_units(model, x, threshold=0.01):
    """How many latents the model uses: those whose mean varies from image to image.

    Source: Burda et al. 2015, arXiv:1509.00519, section 5.2 (variance of the mean above 0.01).

    Args:
        model: `keras_ae.VAE`.
        x: array, shape `(examples, *image_shape)`.
        threshold: float, least variance of a latent's mean. Defaults to `0.01`.

    Returns:
        int.

    Raises:
        ValueError: when the data do not fit the model.
    """
    return int(np.sum(np.var(model.encode(x).astype("float64"), axis=0) > threshold))


def bits_per_dimension(nats, image_shape):
    """A negative log-likelihood in bits, shared out among the pixels.

    Source: definition; van den Oord et al. 2016, arXiv:1601.06759, section 5.1.

    Args:
        nats: float or array, nats per image of a discrete likelihood ("bernoulli",
            "categorical"). A density over [0, 1] ("gaussian") needs log(256) nats more for each
            pixel before it can stand beside one of 8-bit pixels.
        image_shape: tuple, shape of one image.

    Returns:
        float or array, bits per pixel and channel.
    """
    return nats / (math.prod(image_shape) * math.log(2.0))


class _Pass(keras.Model):
    """Applies a function of images and fresh noise, compiled and in batches, by `predict`."""

    def __init__(self, function, samples, latent_dim, seed):
        super().__init__(name="noisy_pass", dtype="float32")  # or it would round the images
        self.function, self.shape = function, (samples, latent_dim)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x):
        samples, latent_dim = self.shape
        shape = (samples, ops.shape(x)[0], latent_dim)
        return self.function(
            x, keras.random.normal(shape, dtype="float32", seed=self.seed_generator)
        )


def _passes(model, x, function, num_samples, seed, batch_size, at_once):
    """`(samples, values)` of each pass over the images, together `num_samples`."""
    for name, number in (
        ("num_samples", num_samples),
        ("batch_size", batch_size),
        ("samples_at_once", at_once),
    ):
        check_positive_int(name, number)
    x, _, _ = training_data(model, x, None, None)
    of_one = math.prod(model.decoder.output_shape[1:])
    batch_size = max(min(batch_size, MOST_NUMBERS // of_one), 1)
    largest = MOST_NUMBERS // (batch_size * of_one)
    whole, rest = divmod(num_samples, max(min(at_once, largest), 1))
    at_once = (num_samples - rest) // max(whole, 1)
    padded, batch_size = distribution.pad(x), distribution.share(batch_size)
    for samples, times in ((at_once, whole), (rest, min(rest, 1))):
        own = int(np.random.SeedSequence([seed, samples]).generate_state(1)[0] >> 1)
        one = _Pass(function, samples, model.latent_dim, own)
        for _ in range(times):
            values = one.predict(padded, batch_size=batch_size, verbose=0)[: len(x)]
            yield samples, values.astype("float64")
