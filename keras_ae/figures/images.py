"""Pictures of images: what goes in and what comes out."""

import numpy as np
from matplotlib.figure import Figure

from .style import WIDTH, draw_image


def strips(rows, title, low=0.0, high=1.0):
    """Rows of images under one another, each with its name: inputs, and what models make of them.

    Source: lecture, "Comparison with PCA"; Hinton and Salakhutdinov 2006, figure 2.

    Args:
        rows: dict, name of a row to images of shape `(columns, height, width[, channels])`.
        title: str, with the numbers the figure stands for.
        low: float, value drawn black. Defaults to `0.0`.
        high: float, value drawn white. Defaults to `1.0`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    columns = len(next(iter(rows.values())))
    cell = (WIDTH - 1.4) / columns
    figure = Figure(figsize=(WIDTH, cell * len(rows) + 0.7), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (name, images) in zip(axes, rows.items()):
        for axis, image in zip(line, images):
            draw_image(axis, image, low, high)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    return figure


def bitmaps(images, seed=0):
    """Random bitmaps above digits: the data are a tiny fraction of what pixels can be.

    Source: lecture, compression, "Motivation" ({0, 1}^784).

    Args:
        images: array of grey values in [0, 1], shape `(columns, height, width[, channels])`; they
            are made black and white at 0.5.
        seed: int, of the random bitmaps. Defaults to `0`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    noise = np.random.default_rng(seed).integers(0, 2, (2, *images.shape))
    rows = {"random\nbitmaps": noise[0], "again": noise[1], "digits >= 0.5": images >= 0.5}
    pixels = images[0].size
    return strips(
        rows, f"Digits are a tiny fraction of the 2^{pixels} bitmaps in {{0, 1}}^{pixels}"
    )
