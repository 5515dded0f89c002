"""Every picture a recipe draws. Functions return a `matplotlib.figure.Figure`.

Source of what each must show: the lecture's slides. One colour per class throughout the project
(`COLOURS`); images are grey, dark background as in MNIST.
"""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

COLOURS = matplotlib.colormaps["tab10"].colors  # class i has COLOURS[i % 10], everywhere
WIDTH = 8.0  # inches, the width of a page


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
            _image(axis, image, low, high)
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


def codes(panels, labels, title, names=None):
    """Codes in two or three dimensions, one panel per embedding, coloured by class.

    In two dimensions the axes end a little beyond the 99 % of the codes in the middle.

    Source: lecture, "Final 2D embeddings"; Hinton and Salakhutdinov 2006, figure 3.

    Args:
        panels: dict, title of a panel to codes of shape `(examples, 2)` or `(examples, 3)`.
        labels: int array, shape `(examples,)`; classes were not used in training unless the title
            says so.
        title: str.
        names: list of str, names of the classes, or `None` for their numbers.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = Figure(figsize=(WIDTH, min(WIDTH / len(panels), 4.2) + 0.9), layout="constrained")
    figure.suptitle(title, fontsize=10)
    size = float(np.clip(9000 / len(labels), 3, 24))
    for index, (name, points) in enumerate(panels.items()):
        in_3d = points.shape[1] == 3
        axis = figure.add_subplot(1, len(panels), index + 1, projection="3d" if in_3d else None)
        for label in np.unique(labels):
            chosen = points[labels == label]
            colour = COLOURS[int(label) % len(COLOURS)]
            text = str(label) if names is None else names[label]
            style = {"depthshade": False} if in_3d else {}
            axis.scatter(
                *chosen.T, s=size, color=colour, alpha=0.7, linewidths=0, label=text, **style
            )
        axis.set_title(name, fontsize=9)
        if not in_3d:  # a few far codes would squeeze all others
            low, high = np.percentile(points, [0.5, 99.5], axis=0)
            margin = 0.1 * (high - low) + 1e-6
            axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
            axis.set_ylim(low[1] - margin[1], high[1] + margin[1])
        for set_label, number in ((axis.set_xlabel, 1), (axis.set_ylabel, 2)):
            set_label(f"z{number}", fontsize=8)
        if in_3d:
            axis.view_init(elev=18, azim=-60 + 90 * index)  # each panel from another side
            axis.set_box_aspect(None, zoom=0.95)
            axis.set_zlabel("z3", fontsize=8, labelpad=8)
        axis.tick_params(labelsize=6)
    handles, texts = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=10, fontsize=7, markerscale=2)
    return figure


def curves(lines, title, x_label, y_label, log_x=False, log_y=False, levels=None):
    """Lines with markers: an error against the size of the code, say.

    Source: lecture, "Going deeper", "Comparison with PCA".

    Args:
        lines: dict, name to `(x, y)` or `(x, y, spread)` sequences.
        title: str.
        x_label: str, with unit.
        y_label: str, with unit.
        log_x: bool, logarithmic (base 2) axis. Defaults to `False`.
        log_y: bool. Defaults to `False`.
        levels: dict, name to a value that is drawn as a dashed line. Defaults to `None`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axis = figure.subplots()
    for index, (name, (x, y, *spread)) in enumerate(lines.items()):
        colour = COLOURS[index]
        axis.plot(x, y, "o-", color=colour, label=name)
        if spread:
            lower, upper = np.array(y) - spread[0], np.array(y) + spread[0]
            axis.fill_between(x, lower, upper, color=colour, alpha=0.2, linewidth=0)
    for index, (name, level) in enumerate((levels or {}).items()):
        colour = COLOURS[(len(lines) + index) % len(COLOURS)]
        axis.axhline(level, ls="--", color=colour, label=name)
    if log_x:
        axis.set_xscale("log", base=2)
        ticks = sorted({value for x, *_ in lines.values() for value in x})
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
    if log_y:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("{x:g}")
        axis.tick_params(which="both", labelsize=7)
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    axis.set_title(title, fontsize=10)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def spaces(panels, labels, title, columns=3):
    """Two classes in the plane, one panel per space, each with its best separating line.

    Source: lecture, "Drawing lines in space", "Embedding".

    Args:
        panels: dict, title of a panel to `(points, (w, b))`: points of shape `(examples, 2)` and
            the line w.x + b = 0, or `None` for no line.
        labels: int array of two classes, shape `(examples,)`.
        title: str.
        columns: int, panels side by side. Defaults to `3`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    rows = -(-len(panels) // columns)
    height = WIDTH / columns * rows + 0.6
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (name, (points, line)) in zip(axes, panels.items()):
        low, high = points.min(axis=0), points.max(axis=0)
        margin = 0.08 * (high - low) + 1e-6
        axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axis.set_ylim(low[1] - margin[1], high[1] + margin[1])
        for label in np.unique(labels):
            chosen = points[labels == label]
            axis.scatter(*chosen.T, s=6, color=COLOURS[int(label)], alpha=0.7, linewidths=0)
        if line is not None:
            (w0, w1), b = line
            x, y = np.meshgrid(
                *(
                    np.linspace(*axis_limits, 200)
                    for axis_limits in (axis.get_xlim(), axis.get_ylim())
                )
            )
            side = w0 * x + w1 * y + b
            axis.contourf(x, y, side > 0, levels=[-0.5, 0.5, 1.5], colors=COLOURS[:2], alpha=0.12)
            axis.contour(x, y, side, levels=[0.0], colors="black", linewidths=1.2)
        axis.set_title(name, fontsize=8)
        axis.tick_params(labelsize=6)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure


def edge_on(points, w, b):
    """Points in many dimensions as seen along a hyperplane, so that it is drawn as a line.

    Source: orthogonal projection; the first principal direction within the hyperplane is kept.

    Args:
        points: array, shape `(examples, dimensions)`.
        w: array, shape `(dimensions,)`, normal of the hyperplane w.x + b = 0.
        b: float.

    Returns:
        `(points, (w, b))` in two dimensions: the signed distance to the hyperplane, and the main
        direction within it. Two dimensions are returned as they are.
    """
    if points.shape[1] == 2:
        return points, (w, b)
    norm = np.linalg.norm(w)
    normal, distance = w / norm, (points @ w + b) / norm
    within = points - np.outer(points @ normal, normal)
    within = within - within.mean(axis=0)
    main = np.linalg.svd(within, full_matrices=False)[2][0]
    return np.stack([distance, within @ main], axis=1), (np.array([1.0, 0.0]), 0.0)


def _image(axis, image, low, high):
    image = np.asarray(image, "float32")
    image = np.clip((image - low) / (high - low), 0.0, 1.0)
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    axis.imshow(image, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
