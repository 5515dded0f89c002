"""Pictures of codes: where the examples lie."""

import numpy as np

from .style import COLOURS, WIDTH, new_figure


def codes(panels, labels, title, names=None, circles=(), behind=None):
    """Codes in two or three dimensions, one panel per embedding, coloured by class.

    In two dimensions the axes end a little beyond the 99 % of the codes in the middle.

    Source: lecture, "Final 2D embeddings"; Hinton and Salakhutdinov 2006, figure 3.

    Args:
        panels: dict, title of a panel to codes of shape `(examples, 2)` or `(examples, 3)`.
        labels: int array, shape `(examples,)`; classes were not used in training unless the title
            says so.
        title: str.
        names: list of str, names of the classes, or `None` for their numbers.
        circles: tuple of float, radii of circles round the origin in two dimensions: the contours
            of N(0, 1) at one, two and three standard deviations, say. Defaults to `()`.
        behind: dict, title of a panel to points that are drawn behind its codes in grey (samples of
            a prior), or `None`. Defaults to `None`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.patches import Circle

    figure = new_figure(min(WIDTH / len(panels), 4.2) + 0.9)
    figure.suptitle(title, fontsize=10)
    size = float(np.clip(9000 / len(labels), 3, 24))
    for index, (name, points) in enumerate(panels.items()):
        in_3d = points.shape[1] == 3
        axis = figure.add_subplot(1, len(panels), index + 1, projection="3d" if in_3d else None)
        if behind is not None:
            axis.scatter(*behind[name].T, s=size, color="0.85", linewidths=0)
        for label in np.unique(labels):
            chosen = points[labels == label]
            colour = COLOURS[int(label) % len(COLOURS)]
            text = str(label) if names is None else names[label]
            style = {"depthshade": False} if in_3d else {}
            axis.scatter(
                *chosen.T, s=size, color=colour, alpha=0.7, linewidths=0, label=text, **style
            )
        axis.set_title(name, fontsize=9)
        for radius in circles:
            axis.add_patch(Circle((0.0, 0.0), radius, fill=False, lw=1.0, color="black"))
        if not in_3d:  # a few far codes would squeeze all others
            low, high = np.percentile(points, [0.5, 99.5], axis=0)
            if circles:  # all of them, in a square, so that they are round
                low, high = np.minimum(low, -max(circles)), np.maximum(high, max(circles))
                middle, half = (low + high) / 2, (high - low).max() / 2
                low, high = middle - half, middle + half
            margin = 0.1 * (high - low) + 1e-6
            axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
            axis.set_ylim(low[1] - margin[1], high[1] + margin[1])
            if circles:
                axis.set_aspect("equal")
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


def paths(panels, labels, title):
    """Where one code goes while its input changes, over the codes of other examples.

    Source: lecture, "Regularise by enforcing smoothness".

    Args:
        panels: dict, title of a panel to `(points, lines)`: codes in two dimensions, shape
            `(examples, 2)`, and a dict from the name of a change to the path of the code, shape
            `(steps, 2)`.
        labels: int array, shape `(examples,)`.
        title: str.

    Returns:
        `matplotlib.figure.Figure`.
    """
    height = WIDTH / len(panels) + 0.9
    figure = new_figure(height)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (name, (points, lines)) in zip(axes, panels.items()):
        for label in np.unique(labels):
            chosen = points[labels == label]
            colour = COLOURS[int(label) % len(COLOURS)]
            axis.scatter(*chosen.T, s=4, color=colour, alpha=0.6, linewidths=0)
        for (change, path), style in zip(lines.items(), ("-", "--", ":")):
            axis.plot(*path.T, style, color="black", lw=1.6, label=change)
            axis.plot(*path[-1], "o", color="black", ms=4)
        axis.plot(*path[0], "*", color="white", mec="black", ms=11)
        axis.set_title(name, fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4, fontsize=8)
    return figure


def activations(panels, title):
    """Which units speak: the code of one example, and how all activations are distributed.

    Source: lecture, "Regularise by enforcing sparsity".

    Args:
        panels: dict, title of a panel to `(code, codes)`, shapes `(units,)` and
            `(examples, units)`.
        title: str.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = new_figure(4.2)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(2, len(panels), squeeze=False)
    for column, (name, (code, codes)) in enumerate(panels.items()):
        above, below = axes[:, column]
        above.vlines(np.arange(len(code)), 0, code, color=COLOURS[0], lw=0.6)
        above.set_title(name, fontsize=8)
        above.set_xlabel("unit", fontsize=7)
        below.hist(np.ravel(codes), bins=40, color=COLOURS[0], log=True)
        below.set_xlabel("activation", fontsize=7)
        for axis in (above, below):
            axis.tick_params(labelsize=6)
    axes[0, 0].set_ylabel("activation", fontsize=7)
    axes[1, 0].set_ylabel("number, logarithmic", fontsize=7)
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
    figure = new_figure(height)
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
