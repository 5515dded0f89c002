"""Numbers side by side, for those who look at pictures only."""

from .style import new_figure


def table(rows, title):
    """A table: what is compared at the left, what was measured at the top.

    Source: lecture, "Types of autoencoders".

    Args:
        rows: dict, name of a row to a dict, name of a column to a text or a number (drawn with
            three digits, large ones whole); the first row names the columns.
        title: str, what the columns mean, with units.

    Returns:
        `matplotlib.figure.Figure`.
    """
    columns = list(next(iter(rows.values())))
    cells = [[_text(row[column]) for column in columns] for row in rows.values()]
    figure = new_figure(0.28 * len(rows) + 1.5)
    figure.suptitle(title, fontsize=10)
    axis = figure.subplots()
    axis.set_axis_off()
    drawn = axis.table(cells, rowLabels=list(rows), colLabels=columns, loc="center")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(8)
    drawn.scale(1.0, 1.4)
    for (row, _), cell in drawn.get_celld().items():
        cell.set_linewidth(0.4)
        if row == 0:
            cell.set_height(2.0 * cell.get_height())
    return figure


def _text(cell):
    if isinstance(cell, str):
        return cell
    return f"{cell:.3g}" if abs(cell) < 1000 else f"{cell:,.0f}"
