"""What discriminators and generators pay."""

from keras import ops

from .reconstruction import bernoulli


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
