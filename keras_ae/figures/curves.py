"""Curves of numbers, with their spread."""

import numpy as np

from .style import COLOURS, new_figure


def curves(lines, title, x_label, y_label, log_x=False, log_y=False, levels=None, bars=False):
    """Lines with markers: an error against the size of the code, say.

    Source: lecture, "Going deeper", "Comparison with PCA".

    Args:
        lines: dict, name to `(x, y)` or `(x, y, spread)` sequences.
        title: str.
        x_label: str, with unit.
        y_label: str, with unit.
        log_x: bool, logarithmic (base 2) axis. Defaults to `False`.
        log_y: bool. Defaults to `False`.
        bars: bool, whether the spread is drawn as bars rather than as a band. Defaults to `False`.
        levels: dict, name to a value that is drawn as a dashed line. Defaults to `None`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    return curve_panels({"": lines}, title, [x_label], y_label, log_x, log_y, levels, bars)


def curve_panels(
    panels, title, x_labels, y_label, log_x=False, log_y=False, levels=None, bars=False
):
    """Curves in panels side by side that share the vertical axis and the names of the lines.

    Source: lecture, "Regularise by enforcing smoothness" (a code against the change of its input).

    Args:
        panels: dict, title of a panel to its lines, as in `curves`.
        title: str.
        x_labels: list of str, one per panel, with unit.
        y_label: str, with unit.
        log_x: bool, logarithmic (base 2) axis. Defaults to `False`.
        log_y: bool. Defaults to `False`.
        levels: dict, name to a value that is drawn as a dashed line. Defaults to `None`.
        bars: bool, whether the spread is drawn as bars rather than as a band. Defaults to `False`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = new_figure(4.2 if len(panels) == 1 else 3.7)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (name, lines), x_label in zip(axes, panels.items(), x_labels):
        _draw(axis, lines, log_x, log_y, levels or {}, bars)
        axis.set_xlabel(x_label)
        axis.set_title(name, fontsize=9)
    axes[0].set_ylabel(y_label)
    if len(panels) == 1:
        axes[0].legend(fontsize=8)
    else:
        lines = axes[0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside lower center", ncols=4, fontsize=8)
    figure.suptitle(title, fontsize=10)
    return figure


def histograms(panels, title, x_label, bins=60):
    """How values are distributed, one row for each name, all on one axis of values.

    The means are marked; values beyond the outermost 1 % are counted at the edges.

    Source: lecture, "Reparametrisation trick".

    Args:
        panels: dict, name to array of values.
        title: str.
        x_label: str, with unit.
        bins: int. Defaults to `60`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = new_figure(1.3 * len(panels) + 0.9)
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    low = min(np.percentile(values, 1) for values in panels.values())
    high = max(np.percentile(values, 99) for values in panels.values())
    for index, (axis, (name, values)) in enumerate(zip(axes, panels.items())):
        axis.hist(np.clip(values, low, high), np.linspace(low, high, bins), color=COLOURS[index])
        axis.axvline(np.mean(values), color="black", lw=1.2)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        axis.set_yticks([])
    axes[-1].set_xlabel(x_label)
    return figure


def _draw(axis, lines, log_x, log_y, levels, bars):
    for index, (name, (x, y, *spread)) in enumerate(lines.items()):
        colour = COLOURS[index]
        if bars and spread:
            axis.errorbar(x, y, spread[0], fmt="o-", color=colour, label=name, capsize=4)
            continue
        axis.plot(x, y, "o-" if len(x) < 40 else "-", color=colour, label=name)
        if spread:
            lower, upper = np.array(y) - spread[0], np.array(y) + spread[0]
            axis.fill_between(x, lower, upper, color=colour, alpha=0.2, linewidth=0)
    for index, (name, level) in enumerate(levels.items()):
        colour = COLOURS[(len(lines) + index) % len(COLOURS)]
        axis.axhline(level, ls="--", color=colour, label=name)
    if log_x:
        axis.set_xscale("log", base=2)
        ticks = sorted({value for x, *_ in lines.values() for value in x})
        near = 0.05 * np.log2(ticks[-1] / ticks[0])  # labels that would run into the next one's
        ticks = [t for t, after in zip(ticks, [*ticks[1:], np.inf]) if np.log2(after / t) > near]
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
    elif all(float(value).is_integer() for x, *_ in lines.values() for value in x):
        axis.xaxis.get_major_locator().set_params(integer=True)
    if log_y:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
        low, high = axis.get_ylim()
        axis.yaxis.set_minor_formatter("{x:g}" if high / low < 30 else "")
        axis.tick_params(which="both", labelsize=7)
    axis.grid(alpha=0.3)
