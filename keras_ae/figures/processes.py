"""The GAN process over the line of numbers: as panels, and as an animation."""

import numpy as np

from .style import COLOURS, new_figure


def best_discriminator(data, samples, points, least=0.02):
    """p(data) / (p(data) + p(samples)), from histograms.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, proposition 1.

    Args:
        data: array of numbers, shape `(examples,)`.
        samples: array of numbers.
        points: array, where it is wanted.
        least: float, sum of densities below which nothing is known. Defaults to `0.02`.

    Returns:
        array, shape of `points`, NaN where neither has mass.
    """
    own, drawn = (_density(values, points) for values in (data, samples))
    total = own + drawn
    return np.where(total > least, own / np.maximum(total, least), np.nan)


def gan_process(data, points, frames, title):
    """Densities of data and samples, and the discriminator between them, one panel per moment.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, figure 1; lecture, "The GAN process".

    Args:
        data: array of numbers, shape `(examples,)`.
        points: array, where the discriminator was asked.
        frames: dict, title of a panel to `(samples, discriminator)`: numbers drawn, and how real
            (0 to 1) the points are found.
        title: str, with the numbers the figure stands for.

    Returns:
        `matplotlib.figure.Figure`.
    """
    columns = 3
    rows = -(-len(frames) // columns)
    figure = new_figure(2.3 * rows + 0.8)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    for axis, (name, frame) in zip(axes, frames.items()):
        _draw(axis, data, points, *frame)
        axis.set_title(name, fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    return figure


def gan_animation(data, points, frames, title):
    """The same as a moving picture.

    Source: lecture, "The GAN process".

    Args:
        data: as in `gan_process`.
        points: as in `gan_process`.
        frames: as in `gan_process`.
        title: str.

    Returns:
        `matplotlib.animation.FuncAnimation`; `save` it with `matplotlib.animation.PillowWriter`.
    """
    from matplotlib.animation import FuncAnimation

    figure = new_figure(4.0)
    figure.suptitle(title, fontsize=10)
    axis, moments = figure.subplots(), list(frames.items())

    def show(number):
        axis.clear()
        name, frame = moments[number]
        _draw(axis, data, points, *frame)
        axis.set_title(name, fontsize=9)
        axis.legend(loc="upper right", fontsize=8)
        return ()

    return FuncAnimation(figure, show, frames=len(moments), init_func=lambda: (), blit=False)


def _draw(axis, data, points, samples, discriminator):
    own, drawn = (_density(values, points) for values in (data, samples))
    axis.fill_between(points, own, color=COLOURS[7], alpha=0.35, lw=0, label="data, density")
    axis.plot(points, drawn, color=COLOURS[2], label="generated, density")
    axis.plot(points, discriminator, color=COLOURS[0], ls="--", label="discriminator")
    best = best_discriminator(data, samples, points)
    axis.plot(points, best, color=COLOURS[1], ls=":", label="best discriminator")
    axis.axhline(0.5, color="0.8", lw=0.5, zorder=0)
    axis.set_xlim(points[0], points[-1])
    axis.set_ylim(0.0, 3.0)


def _density(values, points):
    """Kernel estimate of a density at evenly spaced points, with a bandwidth of two steps."""
    step = points[1] - points[0]
    edges = np.concatenate([points - step / 2, [points[-1] + step / 2]])
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
    return np.convolve(counts / (len(values) * step), kernel / kernel.sum(), "same")
