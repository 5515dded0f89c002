"""Curves of numbers, with their spread."""

import numpy as np
from matplotlib.figure import Figure

from .style import COLOURS, WIDTH


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
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axis = figure.subplots()
    for index, (name, (x, y, *spread)) in enumerate(lines.items()):
        colour = COLOURS[index]
        if bars and spread:
            axis.errorbar(x, y, spread[0], fmt="o-", color=colour, label=name, capsize=4)
            continue
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
        near = 0.05 * np.log2(ticks[-1] / ticks[0])  # labels that would run into the next one's
        ticks = [t for t, after in zip(ticks, [*ticks[1:], np.inf]) if np.log2(after / t) > near]
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
