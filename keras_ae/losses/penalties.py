"""Penalties of gradients: of a discriminator (critic) in the image, of a generator in the style.

A critic is a function from images to logits `(batch, 1)`. Its gradient is differentiated again when
the critic is trained, so the penalties run on every backend through `engine.autodiff`.
"""

from keras import ops

from ..engine import autodiff
from .reduction import as_float, sum_pixels

SMALLEST = 1e-12  # under the root, whose slope at zero is infinite


def gradient_penalty(critic, real, fake, share):
    """(||dD(x)/dx|| - 1)^2 at x = share * real + (1 - share) * fake.

    The share is drawn from U(0, 1), one for each image. (Many public copies draw it from a Gaussian
    or one for the whole batch, and give NaN where the gradient is zero.)

    Source: Gulrajani et al. 2017, arXiv:1704.00028, equation 3 and algorithm 1.

    Args:
        critic: callable from images to logits, shape `(batch, 1)`.
        real: tensor, shape `(batch, ...)`.
        fake: tensor of the same shape.
        share: tensor, numbers in [0, 1], shape `(batch,)`.

    Returns:
        Tensor of shape `(batch,)`.
    """
    real, fake = as_float(real), as_float(fake)
    share = ops.reshape(as_float(share), (-1, *[1] * (len(real.shape) - 1)))
    between = ops.stop_gradient(share * real + (1.0 - share) * fake)  # (batch, ...)
    return (ops.sqrt(2.0 * zero_centered_penalty(critic, between) + SMALLEST) - 1.0) ** 2


def zero_centered_penalty(critic, x):
    """||dD(x)/dx||^2 / 2: called R1 at real images, R2 at generated ones.

    Source: Mescheder et al. 2018, arXiv:1801.04406, equation 9; its gamma is the term's weight.

    Args:
        critic: callable from images to logits, shape `(batch, 1)`.
        x: tensor, shape `(batch, ...)`.

    Returns:
        Tensor of shape `(batch,)`.
    """
    slope = autodiff.gradient(lambda x: sum_pixels(as_float(critic(x))), as_float(x))
    return 0.5 * sum_pixels(as_float(slope) ** 2)


def drift(logits):
    """D(x)^2 of real images, which keeps a critic's output near zero.

    Source: Karras et al. 2017, arXiv:1710.10196, appendix A.1 (weight 0.001).

    Args:
        logits: tensor, what the critic gives real images, shape `(batch, 1)`.

    Returns:
        Tensor of shape `(batch,)`.
    """
    return sum_pixels(as_float(logits) ** 2)


def path_lengths(synthesis, w, noise):
    """How far images move with their styles, in a random direction of images.

    |J^T y| with y = noise / sqrt(height * width): the root of the mean over layers of squares that
    are summed over w.

    Source: Karras et al. 2020, arXiv:1912.04958, section 3.2, equation 4.

    Args:
        synthesis: callable from styles to images.
        w: tensor, shape `(batch, num_styles, w_dim)`.
        noise: tensor, N(0, 1), of the shape of the images.

    Returns:
        Tensor of shape `(batch,)`.
    """
    y = as_float(noise) / (noise.shape[1] * noise.shape[2]) ** 0.5
    along = lambda styles: sum_pixels(as_float(synthesis(styles)) * y)  # (batch,)
    slopes = as_float(autodiff.gradient(along, as_float(w)))
    return ops.sqrt(ops.mean(ops.sum(slopes**2, axis=2), axis=1) + SMALLEST)
