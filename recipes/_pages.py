"""Parts of README.md and docs/ that come from data: the lecture, its pictures, the results."""

import pathlib

from . import _gallery, _lecture, _results

ROOT = pathlib.Path(__file__).resolve().parent.parent


def parts():
    """The generated parts of each page, by their marks."""
    return {
        "README.md": {"strip": _gallery.strip(), "lecture": _lecture.table()},
        "docs/results.md": {"headlines": _results.table(), "all": _results.table(whole=True)},
    }


def renewed(text, parts):
    """A page whose parts, between `<!-- MARK -->` and `<!-- end -->`, are up to date."""
    for mark, part in parts.items():
        before, start, rest = text.partition(f"<!-- {mark} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not start or not end:
            raise ValueError(f"the page has no <!-- {mark} --> with an <!-- end --> below it.")
        text = f"{before}{start}{part}\n{end}{after}"
    return text


def write():
    """Renews all pages."""
    for name, own in parts().items():
        text = renewed((ROOT / name).read_text(encoding="utf-8"), own)
        (ROOT / name).write_text(text, encoding="utf-8")
