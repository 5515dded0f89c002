"""Pictures of documents: a query and what is found."""

import textwrap

from .style import new_figure


def neighbours(queries, title, width=86):
    """Queries, each above the documents that lie nearest to it.

    Source: lecture, "Example: Document retrieval".

    Args:
        queries: list of lists of `(text, topics, relevant)`, the query first: what it says, what
            it is about (str), and whether it shares a topic with the query (`None` for the query).
        title: str.
        width: int, characters of the text that are shown. Defaults to `86`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    lines = sum(len(group) + 1 for group in queries)
    figure = new_figure(0.21 * lines + 0.6)
    figure.suptitle(title, fontsize=10)
    axis = figure.subplots()
    axis.set_axis_off()
    axis.set_xlim(0, 1)
    axis.set_ylim(lines, 0)
    row = 0
    for group in queries:
        for number, (text, topics, relevant) in enumerate(group):
            text = textwrap.shorten(text.replace("$", r"\$"), width, placeholder=" ...")
            style = {"fontsize": 7.5, "va": "center", "family": "monospace"}
            if number == 0:
                axis.text(0.0, row + 0.5, f"? {text}", weight="bold", **style)
            else:
                colour, mark = ("tab:green", "+") if relevant else ("tab:red", "-")
                axis.text(0.0, row + 0.5, f"{mark} {text}", color=colour, **style)
            topics = textwrap.shorten(topics, 28, placeholder="...")
            axis.text(1.0, row + 0.5, topics, ha="right", style="italic", **style)
            row += 1
        row += 1
    return figure
