"""Pictures of images: what goes in and what comes out."""

import numpy as np

from .style import WIDTH, draw_image, new_figure


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
    figure = new_figure(cell * len(rows) + 0.7)
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


def tiles(panels, title, columns=None, low=0.0, high=1.0):
    """Many images with thin lines between, one panel for each model: samples, or a grid of codes.

    Source: lecture, "Generative Autoencoders"; Kingma and Welling 2013, arXiv:1312.6114, figures 4
    and 5.

    Args:
        panels: dict, title of a panel to images of shape `(number, height, width[, channels])`, in
            reading order.
        title: str, with the numbers the figure stands for.
        columns: int, images in a row, or `None` for as many as rows. Defaults to `None`.
        low: float, value drawn black. Defaults to `0.0`.
        high: float, value drawn white. Defaults to `1.0`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    walls = {
        name: _wall(np.asarray(images), columns, 0.6 * low + 0.4 * high)
        for name, images in panels.items()
    }
    height, width = next(iter(walls.values())).shape[:2]
    side = min(WIDTH / len(panels), 5.0)
    figure = new_figure(side * height / width + 0.9)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (name, wall) in zip(axes, walls.items()):
        draw_image(axis, wall, low, high)
        axis.set_title(name, fontsize=9)
    return figure


def moving_picture(images, title, low=0.0, high=1.0):
    """Images one after the other.

    Source: Karras et al. 2018, arXiv:1812.04948 (interpolation as a video).

    Args:
        images: array, shape `(frames, height, width[, channels])`.
        title: str.
        low: float, value drawn black. Defaults to `0.0`.
        high: float, value drawn white. Defaults to `1.0`.

    Returns:
        `matplotlib.animation.FuncAnimation`; `save` it with `matplotlib.animation.PillowWriter`.
    """
    from matplotlib.animation import FuncAnimation

    figure = new_figure(3.4, 3.0)
    figure.suptitle(title, fontsize=9)
    axis = figure.subplots()

    def show(number):
        axis.clear()
        draw_image(axis, images[number], low, high)
        return ()

    return FuncAnimation(figure, show, frames=len(images), init_func=lambda: (), blit=False)


def _wall(images, columns, line):
    """One image of many: rows of `columns`, the last one filled up with black."""
    if images.ndim == 3:
        images = images[..., None]
    number, height, width, channels = images.shape
    columns = columns or int(np.ceil(np.sqrt(number)))
    rows = -(-number // columns)
    images = np.pad(images, ((0, rows * columns - number), *[(0, 0)] * 3))
    images = np.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=line)
    wall = images.reshape(rows, columns, height + 1, width + 1, channels).transpose(0, 2, 1, 3, 4)
    return wall.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]
