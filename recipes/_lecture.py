"""The lecture in its order: each slide's recipe, model file and figure, from `lecture.json`.

An entry of `lecture.json` is one recipe. Its `slides` are the titles that its header names, the
first of them the one it is listed under; `seconds` is the processor time of `--quick`, null where
nobody measured it.
"""

import ast
import difflib
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent
FILE = FOLDER / "lecture.json"
GALLERY = "docs/gallery"


def load():
    """All entries by recipe, in the lecture's order."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def names():
    """Names of all recipes, in alphabetical order."""
    return sorted(f.stem for f in FOLDER.glob("*.py") if not f.stem.startswith("_"))


def header(name):
    """The lines `Key: text` of a recipe's docstring, as a dict (read, not imported)."""
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source))
    fields, key = {"Title": text.splitlines()[0]}, None
    for line in text.splitlines()[1:]:
        word, colon, rest = line.partition(":")
        if colon and word.isalpha() and word[0].isupper():
            key, fields[word] = word, rest.strip()
        elif key and line.strip():
            fields[key] += " " + line.strip()
    return fields


def duration(seconds):
    """Seconds as text: "40 s", "2 min", or "-" where nobody measured them."""
    if seconds is None:
        return "-"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def listing():
    """A line for each recipe in the lecture's order: name, slide, what it shows, its duration."""
    return "\n".join(
        _line(name, entry["slides"][0], entry["shows"], duration(entry["seconds"]))
        for name, entry in load().items()
    )


def heading():
    """The line above `listing`; its times are processor time."""
    return _line("recipe", "slide", "what it shows", "quick")


def _line(name, slide, shows, time):
    return f"{f'{name:25} {slide:38} {shows}':104} {time:>5}"


def table():
    """The lecture as a table in Markdown: slide, thumbnail, recipe, model file."""
    lines = ["| slide | | recipe | model file |", "|---|---|---|---|"]
    for name, entry in load().items():
        picture, model = f"{GALLERY}/{name}.png", entry["model"]
        image = f'<img src="{picture}" width="96" alt="{name}">'
        cells = (
            entry["slides"][0],
            image if (FOLDER.parent / picture).exists() else "",
            f"[`{name}`](recipes/{name}.py)",
            f"[`{model.removeprefix('keras_ae/')}`]({model})",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def model_file(name):
    """The path of a recipe's model file, in the checkout or where keras_ae is installed."""
    model = load()[name]["model"]
    return next(
        folder / model
        for folder in (FOLDER.parent, FOLDER.parent.parent)
        if (folder / model).exists()
    )


def find(title):
    """Recipes of the slides that a title means: the same, a part, all its words, words like them.

    Args:
        title: str, as on the slide or nearly so.

    Returns:
        dict from the name of a recipe to the title of its slide, those listed under it first.
    """
    asked, words = _plain(title), set(_plain(title).split())
    if not asked:
        return {}
    ways = (
        lambda slide: slide == asked,
        lambda slide: asked in slide or (slide in asked and len(slide) > len(asked) / 2),
        lambda slide: words <= set(slide.split()),
        lambda slide: all(difflib.get_close_matches(w, slide.split(), 1, 0.8) for w in words),
    )
    for way in ways:
        hits = [
            (place, name, slide)
            for name, entry in load().items()
            for place, slide in enumerate(entry["slides"])
            if way(_plain(slide))
        ]
        if hits:
            hits.sort(key=lambda hit: hit[0] > 0)  # stable: the lecture's order within
            found = {}
            for _, name, slide in hits:
                found.setdefault(name, slide)
            return found
    return {}


def close(title):
    """Titles of slides that are nearest to one that no slide has, at most three."""
    slides = list(dict.fromkeys(s for entry in load().values() for s in entry["slides"]))
    asked, words = _plain(title), set(_plain(title).split())

    def likeness(slide):
        shared = len(words & set(_plain(slide).split()))
        return shared + difflib.SequenceMatcher(None, asked, _plain(slide)).ratio()

    ranked = sorted(slides, key=likeness, reverse=True)
    return [slide for slide in ranked if likeness(slide) > 0.5][:3]


def _plain(text):
    return " ".join(re.findall(r"\w+", text.casefold()))
