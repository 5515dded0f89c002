"""`python -m recipes` lists the recipes, `python -m recipes NAME [flags]` runs one.

For those who keep the table of results: `python -m recipes --collect FOLDER...` makes an entry of
`results.json` from finished runs (`--as VARIANT` before it for a second entry of a recipe, run with
other flags), `python -m recipes --table` writes the tables of docs/results.md and README.md.
"""

import ast
import difflib
import importlib
import pathlib
import sys

from . import _quiet, _results

FOLDER = pathlib.Path(__file__).parent


def names():
    """Names of all recipes, in alphabetical order."""
    return sorted(f.stem for f in FOLDER.glob("*.py") if not f.stem.startswith("_"))


def header(name):
    """The lines `Key: text` of a recipe's docstring, as a dict (read, not imported)."""
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text()))
    fields, key = {"Title": text.splitlines()[0]}, None
    for line in text.splitlines()[1:]:
        word, colon, rest = line.partition(":")
        if colon and word.isalpha() and word[0].isupper():
            key, fields[word] = word, rest.strip()
        elif key and line.strip():
            fields[key] += " " + line.strip()
    return fields


def listing():
    """Every recipe with its slide, its source, the paper's number and ours."""
    results = _results.load()
    lines = []
    for name in names():
        fields = header(name)
        lines += [name, f"    {fields['Title']}"]
        lines += [f"    {key.lower():7}{fields[key]}" for key in ("Slide", "Source")]
        lines.append(f"    paper  {fields['Expected']}")
        for result in (r for key, r in results.items() if key.split("/")[0] == name):
            for metric, ours in result["metrics"].items():
                paper = result["paper"].get(metric)
                theirs = f"paper {paper['value']}" if paper else "no published number"
                lines.append(f"    {metric}: {theirs}, ours {_results.shown(ours)}, {ours['unit']}")
    return "\n".join(lines)


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help"):
        print(listing())
        print("\nrun one:  python -m recipes NAME [flags]      its flags:  ... NAME --help")
        return
    if arguments[0] == "--table":
        _results.write_tables()
        return
    variant = arguments[1] if arguments[0] == "--as" and len(arguments) > 1 else ""
    if arguments[2 * bool(variant)] == "--collect":
        _results.collect(arguments[2 * bool(variant) + 1 :], variant)
        return
    name = arguments[0].removesuffix(".py")
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {close[0]}?" if close else "python -m recipes lists them."
        print(f"error: there is no recipe {name!r}: {hint}", file=sys.stderr)
        raise SystemExit(2)
    _quiet.silence()
    recipe = importlib.import_module(f"{__package__}.{name}")
    from ._experiment import command_line

    command_line(recipe.main, arguments[1:], program=f"python -m recipes {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
