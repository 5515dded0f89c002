"""Loss terms as pure functions: one value per example, summed over everything else.

Every function computes in float32 at least, whatever the precision of the network. Terms of the
data return shape `(batch,)`, a term of the weights a scalar. They are sums over pixels, not means:
a mean over 784 pixels changes the weight of a reconstruction against any other term by 784.
"""

import math

import keras
from keras import ops

from .engine.autodiff import sum_rows


def squared_error(target, output, weights=None):
    """Squared Euclidean distance, the L_MSE of the slides (which forgot the square).

    Source: lecture, "Autoencoders: compression"; Hinton and Salakhutdinov 2006,
    doi:10.1126/science.1127647 (their reported error is its mean over images).

    Args:
        target: tensor, shape `(batch, ...)`.
        output: tensor of the same shape.
        weights: tensor of the same shape, weight of each pixel, or `None`. Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`, squared error summed over pixels; `torch.nn.MSELoss` is its mean
        over the batch, divided by the number of pixels.
    """
    return _sum(ops.square(_float(target) - _float(output)), weights)


def bernoulli(target, logits, weights=None):
    """Negative log-likelihood of pixels under independent Bernoulli variables.

    -sum_j [x_j log p_j + (1 - x_j) log(1 - p_j)] with p = sigmoid(logits), written as
    max(l, 0) - l x + log(1 + exp(-|l|)), which is finite for any logit.

    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix C.1 (equation 11).

    Args:
        target: tensor with values in [0, 1], shape `(batch, ...)`. Grey values are read as
            probabilities; the value is then a cross-entropy.
        logits: tensor of the same shape, before the sigmoid.
        weights: tensor of the same shape, weight of each pixel, or `None`. Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`, nats per image.
    """
    target, logits = _float(target), _float(logits)
    softplus = ops.log1p(ops.exp(-ops.abs(logits)))
    return _sum(ops.maximum(logits, 0.0) - logits * target + softplus, weights)


def categorical(target, logits, weights=None):
    """Cross-entropy of a distribution over words (or other categories) under a softmax.

    -sum_j p_j log q_j with q = softmax(logits), finite for any logit. Its least value is the
    entropy of the target, not zero.

    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647, supporting material
    (documents).

    Args:
        target: tensor, shape `(batch, ..., categories)`, non-negative; probabilities sum to 1, and
            counts weigh a document by its length.
        logits: tensor of the same shape, before the softmax.
        weights: tensor of the same shape, weight of each word, or `None`. Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`, nats per document (per word of it where the target holds
        probabilities).
    """
    return -_sum(_float(target) * ops.log_softmax(_float(logits), axis=-1), weights)


def gaussian(target, mean, deviation=1.0, weights=None):
    """Negative log-likelihood of pixels under independent Gaussians of one width.

    sum_j [(x_j - m_j)^2 / (2 s^2) + log s + log(2 pi) / 2], with s the standard deviation.

    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix C.2 (equation 12).

    Args:
        target: tensor, shape `(batch, ...)`.
        mean: tensor of the same shape.
        deviation: float, standard deviation of a pixel. Defaults to `1.0`.
        weights: tensor of the same shape, weight of each pixel, or `None`. Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`, nats per image; a density's, so it may be negative.
    """
    scaled = ops.square((_float(target) - _float(mean)) / deviation)
    return _sum(0.5 * scaled + (math.log(deviation) + 0.5 * math.log(2.0 * math.pi)), weights)


def pixel_levels(target, logits, weights=None):
    """Negative log-likelihood of pixels of 8 bits, each a choice among its levels.

    -sum_j log softmax(l_j)[round(255 x_j)], finite for any logit.

    Source: van den Oord et al. 2016, arXiv:1601.06759, section 2.2 (pixels as discrete variables).

    Args:
        target: tensor with values k / 255, shape `(batch, ...)`.
        logits: tensor, shape `(batch, ..., 256)`.
        weights: tensor of the shape of `target`, weight of each pixel, or `None`. Defaults to
            `None`.

    Returns:
        Tensor of shape `(batch,)`, nats per image.
    """
    levels = ops.cast(ops.round(255.0 * _float(target)), "int32")
    log_probabilities = ops.log_softmax(_float(logits), axis=-1)
    chosen = ops.take_along_axis(log_probabilities, levels[..., None], axis=-1)
    return -_sum(ops.squeeze(chosen, axis=-1), weights)


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
    mean, log_variance = _float(mean), _float(log_variance)
    # expm1(l) - l, not exp(l) - 1 - l: a variance near 1 would lose its digits
    return 0.5 * _sum(ops.square(mean) + (ops.expm1(log_variance) - log_variance))


def correntropy(target, output, bandwidth, weights=None):
    """Loss of the maximum correntropy criterion: quadratic for small errors, bounded for large.

    sum_j 2 s^2 [1 - exp(-(x_j - y_j)^2 / (2 s^2))] with the bandwidth s: the correntropy with a
    Gaussian kernel, turned round and scaled so that it tends to `squared_error` as s grows. A pixel
    that is far off costs 2 s^2, however far.

    Source: Charte et al. 2018, arXiv:1801.01586 (robust autoencoders); Liu et al. 2007,
    doi:10.1109/TSP.2007.896065.

    Args:
        target: tensor, shape `(batch, ...)`.
        output: tensor of the same shape.
        bandwidth: float, s above: the error of one pixel from which on it counts as an outlier.
        weights: tensor of the same shape, weight of each pixel, or `None`. Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`, in the unit of squared pixels.
    """
    scale = 2.0 * bandwidth**2
    errors = ops.square(_float(target) - _float(output))
    return _sum(-scale * ops.expm1(-errors / scale), weights)


def logistic_discriminator(real, fake):
    """What a discriminator pays: -log D(real) - log(1 - D(fake)) with D = sigmoid(logit).

    Source: Goodfellow et al. 2014, arXiv:1406.2661, equation 1.

    Args:
        real: tensor of logits, shape `(batch, 1)`.
        fake: tensor of logits of the same shape.

    Returns:
        Tensor of shape `(batch,)`, nats; 2 log 2 where it cannot tell them apart.
    """
    return bernoulli(ops.ones_like(real), real) + bernoulli(ops.zeros_like(fake), fake)


def logistic_generator(fake):
    """What a generator pays: -log D(fake) with D = sigmoid(logit), which does not saturate.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 3.

    Args:
        fake: tensor of logits, shape `(batch, 1)`.

    Returns:
        Tensor of shape `(batch,)`, nats.
    """
    return bernoulli(ops.ones_like(fake), fake)


def l1(codes):
    """Sum of absolute activations, a sparsity penalty.

    Source: lecture, "Regularise by enforcing sparsity"; Charte et al. 2018, arXiv:1801.01586.

    Args:
        codes: tensor, shape `(batch, ...)`.

    Returns:
        Tensor of shape `(batch,)`, sum over the units.
    """
    return _sum(ops.abs(_float(codes)))


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
    codes = _float(codes)
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
    return sum(ops.sum(ops.square(_float(variable))) for variable in variables)


def _float(tensor):
    """At least float32: float64 is kept."""
    tensor = ops.convert_to_tensor(tensor)
    if keras.backend.standardize_dtype(tensor.dtype) == "float64":
        return tensor
    return ops.cast(tensor, "float32")


def _sum(values, weights=None):
    if weights is not None:
        values = values * _float(weights)
    return sum_rows(ops.reshape(values, (ops.shape(values)[0], -1)))
