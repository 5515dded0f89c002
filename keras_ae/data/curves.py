"""Points round a curve in the plane: data whose density, and its gradient, are known."""

import numpy as np

from ..engine.checks import check_positive_int

CURVES = ("circle", "spiral")


def curve(name, num_points):
    """Points on a curve, evenly spread along it.

    Source: lecture, "Learning the manifold" (a curved 1-D manifold in 2-D); Alain and Bengio 2014
    (JMLR 15), figure 5 (a spiral).

    Args:
        name: "circle" (radius 1 round the origin) or "spiral" (one and a half turns).
        num_points: int.

    Returns:
        Array of float32, shape `(num_points, 2)`.

    Raises:
        ValueError: when the name is unknown or the number not positive.
    """
    check_positive_int("num_points", num_points)
    if name == "circle":
        angle = 2 * np.pi * np.arange(num_points) / num_points
        radius = np.ones(num_points)
    elif name == "spiral":  # its length grows with the square of the angle
        angle = 3 * np.pi * np.sqrt(np.linspace(0.02, 1, num_points))
        radius = 1.4 * angle / (3 * np.pi)
    else:
        raise ValueError(f"there is no curve {name!r}: pass one of {', '.join(CURVES)}.")
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype("float32")


def noisy_curve(name, examples, width, seed=0):
    """Data that concentrate round a curve: points on it with Gaussian noise.

    Source: lecture, "Learning the manifold".

    Args:
        name: str, as in `curve`.
        examples: int.
        width: float, standard deviation of the noise.
        seed: int. Defaults to `0`.

    Returns:
        Array of float32, shape `(examples, 2)`.

    Raises:
        ValueError: when the name is unknown or the number not positive.
    """
    rng = np.random.default_rng(seed)
    points = rng.permutation(curve(name, examples))
    return points + rng.normal(0.0, width, points.shape).astype("float32")
