"""The gradient of a log density: where data become denser."""

import numpy as np


def mixture_score(x, centres, variance):
    """Score of equal Gaussians at many centres: gradient of log p(x), in closed form.

    With centres close together along a curve this is the score of data round that curve. Data of
    variance w^2 to which noise of variance s^2 is added have variance w^2 + s^2, and the optimal
    denoising autoencoder moves x by s^2 times this score.

    Source: Alain and Bengio 2014 (JMLR 15), theorem 1; Vincent 2011, doi:10.1162/NECO_a_00142.

    Args:
        x: array, shape `(examples, dimensions)`.
        centres: array, shape `(number, dimensions)`.
        variance: float, of each Gaussian in each dimension.

    Returns:
        Array, shape `(examples, dimensions)`.
    """
    from scipy.special import softmax

    x, centres = np.asarray(x, "float64"), np.asarray(centres, "float64")
    distances = np.sum((x[:, None] - centres[None]) ** 2, axis=-1)  # (examples, number)
    nearby = (
        softmax(-distances / (2 * variance), axis=1) @ centres
    )  # where x comes from, on average
    return (nearby - x) / variance


def cosines(field, other):
    """Cosine of the angle between two vector fields at each point.

    Source: definition.

    Args:
        field: array, shape `(points, dimensions)`.
        other: array of the same shape.

    Returns:
        Array, shape `(points,)`, in [-1, 1]; 0 where a vector is zero.
    """
    lengths = np.linalg.norm(field, axis=1) * np.linalg.norm(other, axis=1)
    return np.sum(field * other, axis=1) / np.maximum(lengths, 1e-12)
