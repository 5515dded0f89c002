"""What discriminators (critics) and generators pay, of logits of shape `(batch, 1)`."""

from keras import ops

from .reconstruction import bernoulli
from .reduction import as_float, sum_pixels


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


def minimax_generator(fake):
    """What a generator pays in the two-player game itself: log(1 - D(fake)), which saturates.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, equation 1.

    Args:
        fake: tensor of logits, shape `(batch, 1)`.

    Returns:
        Tensor of shape `(batch,)`, nats, at most 0.
    """
    return -bernoulli(ops.zeros_like(fake), fake)


def least_squares_discriminator(real, fake):
    """((D(real) - 1)^2 + D(fake)^2) / 2.

    Source: Mao et al. 2016, arXiv:1611.04076, equation 9 (a = 0, b = c = 1).

    Args:
        real: tensor, shape `(batch, 1)`.
        fake: tensor of the same shape.

    Returns:
        Tensor of shape `(batch,)`.
    """
    return 0.5 * sum_pixels((as_float(real) - 1.0) ** 2 + as_float(fake) ** 2)


def least_squares_generator(fake):
    """(D(fake) - 1)^2 / 2.

    Source: Mao et al. 2016, arXiv:1611.04076, equation 9 (a = 0, b = c = 1).

    Args:
        fake: tensor, shape `(batch, 1)`.

    Returns:
        Tensor of shape `(batch,)`.
    """
    return 0.5 * sum_pixels((as_float(fake) - 1.0) ** 2)


def wasserstein_critic(real, fake):
    """D(fake) - D(real); the critic has to be held to a slope, by a penalty or by clipping.

    Source: Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1.

    Args:
        real: tensor, shape `(batch, 1)`.
        fake: tensor of the same shape.

    Returns:
        Tensor of shape `(batch,)`.
    """
    return sum_pixels(as_float(fake) - as_float(real))


def wasserstein_generator(fake):
    """-D(fake).

    Source: Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1.

    Args:
        fake: tensor, shape `(batch, 1)`.

    Returns:
        Tensor of shape `(batch,)`.
    """
    return -sum_pixels(as_float(fake))


def hinge_discriminator(real, fake):
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)); its generator pays `wasserstein_generator`.

    Source: Lim and Ye 2017, arXiv:1705.02894, section 3; Miyato et al. 2018, arXiv:1802.05957,
    equation 16.

    Args:
        real: tensor, shape `(batch, 1)`.
        fake: tensor of the same shape.

    Returns:
        Tensor of shape `(batch,)`.
    """
    return sum_pixels(ops.relu(1.0 - as_float(real)) + ops.relu(1.0 + as_float(fake)))


def relativistic_discriminator(real, fake):
    """-log sigmoid(D(real) - D(fake)), of pairs of a real and a generated example.

    Source: Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.1 (RSGAN).

    Args:
        real: tensor of logits, shape `(batch, 1)`.
        fake: tensor of logits of the same shape.

    Returns:
        Tensor of shape `(batch,)`, nats; log 2 where it cannot tell them apart.
    """
    return logistic_generator(as_float(real) - as_float(fake))


def relativistic_generator(real, fake):
    """-log sigmoid(D(fake) - D(real)).

    Source: Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.1 (RSGAN).

    Args:
        real: tensor of logits, shape `(batch, 1)`.
        fake: tensor of logits of the same shape.

    Returns:
        Tensor of shape `(batch,)`, nats.
    """
    return logistic_generator(as_float(fake) - as_float(real))


# what the players pay, by the name of the game; "relativistic" alone tells its generator what the
# discriminator says of real examples
ADVERSARIAL_LOSSES = {
    "minimax": (logistic_discriminator, minimax_generator),
    "non_saturating": (logistic_discriminator, logistic_generator),
    "least_squares": (least_squares_discriminator, least_squares_generator),
    "wasserstein": (wasserstein_critic, wasserstein_generator),
    "hinge": (hinge_discriminator, wasserstein_generator),
    "relativistic": (relativistic_discriminator, relativistic_generator),
}
