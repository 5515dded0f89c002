"""Pictures of segmentation: classes of pixels, their boundaries, scores of classes and of pairs."""

import itertools

import numpy as np

from .style import COLOURS, WIDTH, draw_image, new_figure

VOID = (0.93, 0.93, 0.93)


def class_colours(num_classes):
    """One colour per class: the first dark, as background is, the others those of the project.

    (From the 32nd class on colours come again.)

    Source: this library.

    Args:
        num_classes: int.

    Returns:
        float array, shape `(num_classes, 3)`, red, green and blue in [0, 1].
    """
    import matplotlib

    more = matplotlib.colormaps["tab20b"].colors
    others = itertools.cycle([*COLOURS, *more])
    return np.array([(0.08, 0.08, 0.08), *itertools.islice(others, num_classes - 1)])


def painted(labels, num_classes, void=None):
    """A label map as a picture.

    Source: this library.

    Args:
        labels: int array, shape `(height, width)`.
        num_classes: int.
        void: int, label that is drawn white, or `None`. Defaults to `None`.

    Returns:
        float array, shape `(height, width, 3)`.
    """
    labels = np.asarray(labels)
    picture = class_colours(num_classes)[np.clip(labels, 0, num_classes - 1)]
    return picture if void is None else np.where((labels == void)[..., None], VOID, picture)


def overlays(images, targets, predictions, class_names, title, void=None, zoom=None):
    """Input, ground truth, and what each network says; below each, its boundaries enlarged.

    Source: lecture, "Extending the concept" (coarse segmentation and its solution); Long et al.
    2015, arXiv:1411.4038, figure 4.

    Args:
        images: array in [0, 1], shape `(rows, height, width, channels)`.
        targets: int array, shape `(rows, height, width)`.
        predictions: dict, name of a network (with its score) to label maps of that shape.
        class_names: sequence of str, one per class.
        title: str, with the numbers the figure stands for.
        void: int, label that is drawn white, or `None`. Defaults to `None`.
        zoom: int, side of the enlarged part in pixels, or `None` for no such rows. The part with
            most boundaries in the truth is taken. Defaults to `None`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.patches import Patch

    count, columns = len(class_names), 2 + len(predictions)
    rows = []
    for number, (image, target) in enumerate(zip(images, targets)):
        maps = [target, *(each[number] for each in predictions.values())]
        cells = [image, *(painted(each, count, void) for each in maps)]
        rows.append(cells)
        if zoom:
            top, left = _busiest(target, zoom)
            part = (slice(top, top + zoom), slice(left, left + zoom))
            rows.append([cell[part] for cell in cells])
    cell = (WIDTH - 0.2) / columns
    heights = [row[0].shape[0] / row[0].shape[1] for row in rows]
    figure = new_figure(cell * sum(heights) + 1.5)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(rows), columns, squeeze=False, height_ratios=heights)
    for line, cells in zip(axes, rows):
        for axis, picture in zip(line, cells):
            draw_image(axis, picture)
    for axis, name in zip(axes[0], ("input", "ground truth", *predictions)):
        axis.set_title(name, fontsize=8)
    if zoom:
        for line in axes[1::2]:
            line[0].set_ylabel("enlarged", fontsize=7)
    present = np.unique(np.concatenate([np.ravel(targets), *map(np.ravel, predictions.values())]))
    colours = class_colours(count)
    patches = [Patch(color=colours[k], label=n) for k, n in enumerate(class_names) if k in present]
    if void is not None and void in present:
        patches.append(Patch(color=VOID, label="void"))
    figure.legend(
        handles=patches, loc="outside lower center", ncols=min(6, len(patches)), fontsize=7
    )
    return figure


def class_bars(scores, title):
    """A score of every class, networks (or the paper) beside one another.

    Source: Jégou et al. 2017, arXiv:1611.09326, table 3 (per class).

    Args:
        scores: dict, name of a network to a dict, name of a class to a share from 0 to 1, or `None`
            where the class never occurs.
        title: str, with the numbers the figure stands for.

    Returns:
        `matplotlib.figure.Figure`.
    """
    classes = list(next(iter(scores.values())))
    figure = new_figure(3.4)
    axis = figure.subplots()
    width = 0.8 / len(scores)
    for number, (name, values) in enumerate(scores.items()):
        heights = [np.nan if values[each] is None else values[each] for each in classes]
        places = np.arange(len(classes)) + (number - (len(scores) - 1) / 2) * width
        axis.bar(places, heights, width, label=name, color=COLOURS[number % 10])
    axis.set_xticks(range(len(classes)), classes, rotation=35, ha="right", fontsize=8)
    axis.set_ylim(0.0, 1.0)
    axis.set_ylabel("intersection over union", fontsize=8)
    axis.tick_params(axis="y", labelsize=8)
    axis.legend(fontsize=8, frameon=False)
    axis.set_title(title, fontsize=10)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    return figure


def heat_grid(values, notes, title, unit):
    """A grid of numbers as colours, each cell with its number and a note.

    Source: lecture, "Mixing and matching encoders and decoders".

    Args:
        values: dict, name of a row to a dict, name of a column to a float, or `None` where there is
            none.
        notes: dict of the same form, texts below the numbers.
        title: str, with what is shown.
        unit: str, of the colour bar.

    Returns:
        `matplotlib.figure.Figure`.
    """
    rows, columns = list(values), list(next(iter(values.values())))
    table = np.array([[values[r][c] for c in columns] for r in rows], "float64")  # None is NaN
    figure = new_figure(0.8 * len(rows) + 1.6)
    axis = figure.subplots()
    shown = axis.imshow(table, cmap="cividis", aspect="auto")
    axis.set_xticks(range(len(columns)), columns, fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    middle = np.nanmean([np.nanmin(table), np.nanmax(table)])
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            text = "-" if np.isnan(table[i, j]) else f"{table[i, j]:.3f}\n{notes[row][column]}"
            dark = not table[i, j] > middle
            colour = "white" if dark else "black"
            axis.text(j, i, text, ha="center", va="center", fontsize=7, color=colour)
    figure.colorbar(shown, ax=axis, label=unit)
    axis.set_title(title, fontsize=10)
    return figure


def weight_maps(images, labels, weights, title):
    """Images, their classes, and the weights of their pixels in the loss.

    Source: Ronneberger et al. 2015, arXiv:1505.04597, figure 3.

    Args:
        images: array in [0, 1], shape `(rows, height, width, channels)`.
        labels: int array of two classes, shape `(rows, height, width)`.
        weights: float array of that shape.
        title: str, with the numbers the figure stands for.

    Returns:
        `matplotlib.figure.Figure`.
    """
    cell = (WIDTH - 1.0) / 3
    figure = new_figure(cell * len(images) + 0.8)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(images), 3, squeeze=False)
    for line, image, label, weight in zip(axes, images, labels, weights):
        draw_image(line[0], image)
        draw_image(line[1], label, 0, 1)
        shown = line[2].imshow(weight, cmap="magma")
        line[2].set_xticks([])
        line[2].set_yticks([])
        figure.colorbar(shown, ax=line[2], label="weight in the loss")
    for axis, name in zip(axes[0], ("image", "class 1 white", "weight")):
        axis.set_title(name, fontsize=9)
    return figure


def _busiest(labels, side):
    """Corner of the part in which most neighbours differ."""
    labels = np.asarray(labels)
    differ = np.zeros(labels.shape)
    differ[1:] += labels[1:] != labels[:-1]
    differ[:, 1:] += labels[:, 1:] != labels[:, :-1]
    sums = np.pad(differ.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.unravel_index(np.argmax(inside), inside.shape)
