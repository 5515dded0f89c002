"""Loss terms as pure functions: one value per example, summed over everything else.

Every function computes in float32 at least, whatever the precision of the network. Terms of the
data return shape `(batch,)`, a term of the weights a scalar. They are sums over pixels, not means:
a mean over 784 pixels changes the weight of a reconstruction against any other term by 784.
"""

import keras
from keras import ops


def squared_error(target, output):
    """Squared Euclidean distance, the L_MSE of the slides (which forgot the square).

    Source: lecture, "Autoencoders: compression"; Hinton and Salakhutdinov 2006,
    doi:10.1126/science.1127647 (their reported error is its mean over images).

    Args:
        target: tensor, shape `(batch, ...)`.
        output: tensor of the same shape.

    Returns:
        Tensor of shape `(batch,)`, squared error summed over pixels; `torch.nn.MSELoss` is its mean
        over the batch, divided by the number of pixels.
    """
    return _sum(ops.square(_float(target) - _float(output)))


def bernoulli(target, logits):
    """Negative log-likelihood of pixels under independent Bernoulli variables.

    -sum_j [x_j log p_j + (1 - x_j) log(1 - p_j)] with p = sigmoid(logits), written as
    max(l, 0) - l x + log(1 + exp(-|l|)), which is finite for any logit.

    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix C.1 (equation 11).

    Args:
        target: tensor with values in [0, 1], shape `(batch, ...)`. Grey values are read as
            probabilities; the value is then a cross-entropy.
        logits: tensor of the same shape, before the sigmoid.

    Returns:
        Tensor of shape `(batch,)`, nats per image.
    """
    target, logits = _float(target), _float(logits)
    softplus = ops.log1p(ops.exp(-ops.abs(logits)))
    return _sum(ops.maximum(logits, 0.0) - logits * target + softplus)


def categorical(target, logits):
    """Cross-entropy of a distribution over words (or other categories) under a softmax.

    -sum_j p_j log q_j with q = softmax(logits), finite for any logit. Its least value is the
    entropy of the target, not zero.

    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647, supporting material
    (documents).

    Args:
        target: tensor, shape `(batch, ..., categories)`, non-negative; probabilities sum to 1, and
            counts weigh a document by its length.
        logits: tensor of the same shape, before the softmax.

    Returns:
        Tensor of shape `(batch,)`, nats per document (per word of it where the target holds
        probabilities).
    """
    return -_sum(_float(target) * ops.log_softmax(_float(logits), axis=-1))


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


def _sum(values):
    return ops.sum(ops.reshape(values, (ops.shape(values)[0], -1)), axis=-1)
