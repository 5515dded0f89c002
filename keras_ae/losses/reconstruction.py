"""How far an output is from its target: squared error and negative log-likelihoods."""

import math

from keras import ops

from .reduction import as_float, sum_pixels


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
    return sum_pixels(ops.square(as_float(target) - as_float(output)), weights)


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
    target, logits = as_float(target), as_float(logits)
    softplus = ops.log1p(ops.exp(-ops.abs(logits)))
    return sum_pixels(ops.maximum(logits, 0.0) - logits * target + softplus, weights)


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
    return -sum_pixels(as_float(target) * ops.log_softmax(as_float(logits), axis=-1), weights)


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
    scaled = ops.square((as_float(target) - as_float(mean)) / deviation)
    return sum_pixels(0.5 * scaled + (math.log(deviation) + 0.5 * math.log(2.0 * math.pi)), weights)


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
    levels = ops.cast(ops.round(255.0 * as_float(target)), "int32")
    log_probabilities = ops.log_softmax(as_float(logits), axis=-1)
    chosen = ops.take_along_axis(log_probabilities, levels[..., None], axis=-1)
    return -sum_pixels(ops.squeeze(chosen, axis=-1), weights)


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
    errors = ops.square(as_float(target) - as_float(output))
    return sum_pixels(-scale * ops.expm1(-errors / scale), weights)
