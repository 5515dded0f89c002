"""`python -m recipes`: in the checkout what `keras-ae` is where keras_ae is installed.

`python -m recipes` lists the recipes, `python -m recipes NAME [flags]` runs one; `results NAME` and
`slide TITLE` show what was measured and where a slide is.

For those who keep the table of results: `python -m recipes --collect FOLDER...` makes an entry of
`results.json` from finished runs (`--as VARIANT` before it for a second entry of a recipe, run with
other flags), `python -m recipes --gallery FOLDER...` takes the figures of finished runs into the
gallery, and `python -m recipes --table` renews README.md and docs/results.md.
"""

import sys

from . import _command, _gallery, _pages, _quiet, _results
from ._lecture import header as header
from ._lecture import listing as listing
from ._lecture import names as names


def main(arguments):
    """Does what a command line asks for."""
    _quiet.silence()
    if arguments[:1] == ["--table"]:
        _pages.write()
        return
    if arguments[:1] == ["--gallery"]:
        _gallery.collect(arguments[1:])
        return
    variant = arguments[1] if arguments[:1] == ["--as"] and len(arguments) > 1 else ""
    rest = arguments[2:] if variant else arguments
    if rest[:1] == ["--collect"]:
        _results.collect(rest[1:], variant)
        return
    _command.main(arguments, program="python -m recipes")


if __name__ == "__main__":
    main(sys.argv[1:])
