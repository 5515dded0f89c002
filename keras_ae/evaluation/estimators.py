"""Two ways to differentiate an expectation over codes that are drawn."""

import numpy as np
from keras import ops

from ..engine import autodiff


def gradient_estimates(model, x, noise):
    """Gradients of E -log p(x|z) with respect to mean and log variance of q(z|x), sample by sample.

    With f(z) = -log p(x|z), z = mean + s * noise, s = exp(log_variance / 2):

        reparametrised   df/dz, and df/dz * s * noise / 2          through the sample
        score function   f * noise / s, and f * (noise^2 - 1) / 2  f * d log q(z|x)
        with a baseline  the same with f - mean of f over the other samples

    All three are right on average.

    Source: Kingma and Welling 2013, arXiv:1312.6114, sections 2.2 and 2.4; Williams 1992,
    doi:10.1007/BF00992696 (score function); Mnih and Rezende 2016, arXiv:1602.06725, equation 8
    (the other samples as baseline).

    Args:
        model: `keras_ae.VAE`.
        x: array, shape `(batch, *image_shape)`.
        noise: array, unit Gaussian, shape `(samples, batch, latent_dim)`, two samples or more.

    Returns:
        dict, name of the estimator to an array of shape `(samples, batch, 2 * latent_dim)`: with
        respect to the means, then to the log variances, in nats.

    Raises:
        ValueError: when a shape does not fit, or there is one sample only.
    """
    noise = np.asarray(noise, "float32")
    if noise.ndim != 3 or len(noise) < 2:
        raise ValueError(
            f"noise has shape {noise.shape}: pass (samples, batch, latent_dim), 2 samples or more."
        )
    posterior = model.encode_distribution(x)
    deviation = np.exp(posterior["log_variance"] / 2)
    z = (posterior["mean"] + deviation * noise).astype("float32")  # (samples, batch, latent_dim)
    parts = [_value_and_slope(model, x, z[at : at + 100]) for at in range(0, len(z), 100)]
    values, slopes = (np.concatenate(each) for each in zip(*parts))  # f, and df/dz
    others = (values.sum(axis=0) - values) / (len(values) - 1)
    both = lambda of_mean, of_log_variance: np.concatenate([of_mean, of_log_variance], axis=-1)
    score = both(noise / deviation, (noise**2 - 1.0) / 2.0)
    return {
        "reparametrised": both(slopes, slopes * deviation * noise / 2.0),
        "score function": values * score,
        "score function, baseline": (values - others) * score,
    }


def _value_and_slope(model, x, z):
    """f at some samples, shape `(samples, batch, 1)`, and its derivative."""
    values, pullback = autodiff.vjp(lambda z: model.conditional(x, z), z)
    slopes = pullback(ops.ones_like(values))
    return tuple(ops.convert_to_numpy(tensor) for tensor in (values[..., None], slopes))
