"""Terms of codes and of weights: divergence from a prior, sparsity, weight decay."""

import math

import keras
from keras import ops

from .reduction import as_float, sum_pixels


def gaussian_kl(mean, log_variance):
    """KL divergence of Gaussians with independent components from N(0, 1).

    1/2 sum_j (variance_j + mean_j^2 - 1 - log variance_j), never negative. (The slide "Prior on the
    latent distribution" has the sign wrong and writes sigma for the variance.)

    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix B.

    Args:
        mean: tensor, shape `(batch, latent_dim)`.
        log_variance: tensor of the same shape.

    Returns:
        Tensor of shape `(batch,)`, nats, summed over the latents.
    """
    mean, log_variance = as_float(mean), as_float(log_variance)
    # expm1(l) - l, not exp(l) - 1 - l: a variance near 1 would lose its digits
    return 0.5 * sum_pixels(ops.square(mean) + (ops.expm1(log_variance) - log_variance))


def l1(codes):
    """Sum of absolute activations, a sparsity penalty.

    Source: lecture, "Regularise by enforcing sparsity"; Charte et al. 2018, arXiv:1801.01586.

    Args:
        codes: tensor, shape `(batch, ...)`.

    Returns:
        Tensor of shape `(batch,)`, sum over the units.
    """
    return sum_pixels(ops.abs(as_float(codes)))


def kl_sparsity(codes, target):
    """Divergence between the activation that is wanted and each unit's mean over the batch.

    sum_i [r log(r / m_i) + (1 - r) log((1 - r) / (1 - m_i))], m_i the mean of unit i over the
    batch and r the target, both read as the probability that the unit speaks.

    Source: Ng 2011, "Sparse autoencoder" (CS294A lecture notes), section 3; Charte et al. 2018,
    arXiv:1801.01586 (sparse autoencoders).

    Args:
        codes: tensor with values in [0, 1], shape `(batch, ...)`.
        target: float in (0, 1), mean activation that is wanted.

    Returns:
        Scalar tensor, nats, summed over the units; only a whole batch defines it.
    """
    codes = as_float(codes)
    means, least = ops.mean(codes, axis=0), keras.config.epsilon()  # keeps silent units' slopes
    on = target * (math.log(target) - ops.log(means + least))
    off = (1.0 - target) * (math.log(1.0 - target) - ops.log(1.0 - means + least))
    return ops.sum(on + off)


def sum_of_squares(variables):
    """Sum of all squared weights, the L2 term of the slides.

    Source: lecture, "Autoencoders: compression", sum over k of w_k^2.

    Args:
        variables: list of Keras variables or tensors.

    Returns:
        Scalar tensor; it belongs to the model, not to an example.
    """
    return sum(ops.sum(ops.square(as_float(variable))) for variable in variables)
