"""Pictures of vector fields in the plane."""

import numpy as np

from .style import COLOURS, WIDTH, new_figure


def fields(panels, points, arrows, title):
    """Arrows round a curve, one panel per field, over the data.

    All arrows are drawn to one scale, so that lengths can be compared.

    Source: lecture, "Learning the manifold" (2-D vector field around a 1-D curved manifold).

    Args:
        panels: dict, title of a panel to vectors, shape `(arrows, 2)`.
        points: array, shape `(examples, 2)`, the data.
        arrows: array, shape `(arrows, 2)`, where the vectors start.
        title: str.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = new_figure(WIDTH / len(panels) + 0.8)
    figure.suptitle(title, fontsize=10)
    limits = np.abs(arrows).max() * 1.08
    for axis, (name, vectors) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items()
    ):
        axis.scatter(*points.T, s=2, color=COLOURS[1], alpha=0.35, linewidths=0)
        axis.quiver(*arrows.T, *vectors.T, angles="xy", scale_units="xy", scale=1.0, width=0.004)
        axis.set_xlim(-limits, limits)
        axis.set_ylim(-limits, limits)
        axis.set_aspect("equal")
        axis.set_title(name, fontsize=9)
        axis.tick_params(labelsize=6)
    return figure
