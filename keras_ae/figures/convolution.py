"""Pictures of convolutional networks and of the transposed convolution."""

import numpy as np

from .style import COLOURS, WIDTH, new_figure


def side_lengths(encoder, decoder, title):
    """The maps of a network in a row: height as drawn, channels as width, the layer between them.

    Source: lecture, "PyTorch Convolutional AE" (the comments of the code).

    Args:
        encoder: `keras.Model` from images to a code map.
        decoder: `keras.Model` from the code map to images.
        title: str.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.patches import Rectangle

    layers = [*encoder.layers, *decoder.layers[1:]]
    maps = [tuple(layer.output.shape[1:]) for layer in layers]
    figure = new_figure(3.0)
    axis = figure.subplots()
    left, ticks, largest = 0.0, [], max(side for side, _, _ in maps)
    for number, (layer, (height, _, channels)) in enumerate(zip(layers, maps)):
        width = 1.0 + 0.25 * channels
        code = number == len(encoder.layers) - 1
        colour = COLOURS[3] if code else COLOURS[0] if number < len(encoder.layers) else COLOURS[2]
        box = (left, -height / 2)
        axis.add_patch(Rectangle(box, width, height, color=colour, alpha=0.6, lw=0))
        middle = left + width / 2
        axis.text(middle, height / 2 + 0.03 * largest, f"{height}", ha="center", fontsize=8)
        axis.text(
            middle, -height / 2 - 0.03 * largest, f"{channels}", ha="center", va="top", fontsize=7
        )
        ticks.append((middle, f"{_words(layer)}{' (code)' if code else ''}"))
        left += width + 2.2
    axis.set_xlim(-1, left)
    axis.set_ylim(-0.62 * largest, 0.62 * largest)
    axis.set_xticks(*zip(*ticks), fontsize=6.5)
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.set_title(f"{title}\nabove a map its side, below it its channels", fontsize=10)
    return figure


def _words(layer):
    kinds = {"Conv2D": "conv", "Conv2DTranspose": "deconv", "MaxPooling2D": "max-pool"}
    kind = kinds.get(type(layer).__name__)
    if kind is None:
        return "input"
    size = getattr(layer, "kernel_size", None) or layer.pool_size
    padding = f"\np{layer.padding}" if isinstance(layer.padding, int) else ""
    return f"{kind}\nf{size[0]} s{layer.strides[0]}{padding}"


def matrices(panels, title, columns=4):
    """Small matrices with their numbers, one panel each: the steps of a convolution.

    Source: lecture, "Transposed Convolutions".

    Args:
        panels: dict, title of a panel to a matrix, or to `(matrix, mask)` with a bool matrix of the
            cells to be framed.
        title: str.
        columns: int, panels side by side. Defaults to `4`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.patches import Rectangle

    rows = -(-len(panels) // columns)
    figure = new_figure(WIDTH / columns * 1.18 * rows + 0.5)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    both = [p if isinstance(p, tuple) else (p, None) for p in panels.values()]
    largest = max(np.abs(matrix).max() for matrix, _ in both)
    for axis, name, (matrix, mask) in zip(axes, panels, both):
        axis.imshow(matrix, cmap="RdBu_r", vmin=-largest, vmax=largest)
        for (row, column), value in np.ndenumerate(matrix):
            framed = mask is not None and mask[row, column]
            if value or framed:
                size = 8 if len(matrix) < 8 else 6
                colour = "white" if abs(value) > 0.7 * largest else "black"
                style = {"ha": "center", "va": "center", "fontsize": size, "color": colour}
                axis.text(column, row, f"{value:g}", **style)
            if framed:
                corner = (column - 0.5, row - 0.5)
                axis.add_patch(Rectangle(corner, 1, 1, fill=False, lw=1.5, color="black"))
        axis.set_xticks(np.arange(-0.5, matrix.shape[1]), [])
        axis.set_yticks(np.arange(-0.5, matrix.shape[0]), [])
        axis.grid(color="0.8", lw=0.5)
        axis.tick_params(length=0)
        axis.set_title(name, fontsize=8)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure
