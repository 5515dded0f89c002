"""`keras-ae`: lists the recipes in the lecture's order, runs one, shows results, finds a slide.

keras_ae is imported for `run` alone, so that the rest answers at once.
"""

import difflib
import importlib
import os
import pathlib
import sys

from . import _lecture, _quiet, _results

COMMANDS = ("list", "run", "results", "slide")


def main(arguments=None, program="keras-ae"):
    """Does what a command line asks for.

    Args:
        arguments: list of str. Defaults to `sys.argv[1:]`.
        program: str, what the user called: it stands in hints. Defaults to `"keras-ae"`.

    Raises:
        SystemExit: with code 2 where a command, a recipe or a slide is unknown, 1 where a recipe
            refuses its input.
    """
    sys.stdout.reconfigure(errors="replace")  # "±" on a console that lacks it
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _do(arguments or ["list"], program)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough, as in `keras-ae | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _do(arguments, program):
    command, *rest = arguments
    if command in ("list", "-h", "--help"):
        print(_lecture.heading())
        print(_lecture.listing())
        print(f"{program} run NAME --quick | run NAME --help | results NAME | slide TITLE")
    elif command == "run":
        run(_recipe(rest, "run", program), rest[1:], program)
    elif command == "results":
        print(results(_recipe(rest, "results", program), program))
    elif command == "slide":
        print(slide(" ".join(rest), program))
    elif command.removesuffix(".py") in _lecture.names():
        run(command.removesuffix(".py"), rest, program)
    else:
        _unknown("recipe or command", command, [*_lecture.names(), *COMMANDS], program)


def run(name, flags, program="keras-ae"):
    """Runs a recipe with flags, `["--quick"]` say."""
    _quiet.silence()
    try:
        recipe = importlib.import_module(f"{__package__}.{name}")
        from ._experiment import command_line
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing in ("", "keras_ae", "recipes", __package__.split(".")[0]):
            raise
        hint = "docs/install.md lists what recipes need"
        if missing in ("tensorflow", "jax", "torch"):
            hint += ", and KERAS_BACKEND=tensorflow, jax or torch chooses a backend that is there"
        _fail(f"{name} needs {missing}, which is not installed: {hint}.", code=1)
    command_line(recipe.main, flags, program=f"{program} run {name}")


def results(name, program="keras-ae"):
    """What was measured with a recipe, the paper's numbers beside ours, as text."""
    lines = [f"{name}: {_lecture.header(name)['Title']}"]
    entries = {key: r for key, r in _results.load().items() if key.split("/")[0] == name}
    if not entries:
        lines.append("Nobody has measured it yet.")
    for entry in entries.values():
        protocol = entry["protocol"]
        command = protocol["command"].replace("python -m recipes", f"{program} run")
        time = _lecture.duration(protocol["seconds"])
        lines += ["", command, f"{time} on {protocol['device']}, {protocol['date']}", ""]
        rows = [("", "paper", "ours", "")]
        for metric, ours in entry["metrics"].items():
            paper = entry["paper"].get(metric)
            theirs = f"{paper['value']:g}" if paper else "-"
            rows.append((metric, theirs, _results.shown(ours), ours["unit"]))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for metric, theirs, ours, unit in rows:
            cells = (metric.ljust(widths[0]), theirs.rjust(widths[1]), ours.ljust(widths[2]), unit)
            lines.append("  ".join(cells).rstrip())
        sources = {paper["source"]: None for paper in entry["paper"].values()}
        lines += ["", f"paper: {'; '.join(sources)}"] if sources else []
    return "\n".join(lines)


def slide(title, program="keras-ae"):
    """Recipe, model file and figure of the slides that a title means, as text."""
    if not title.strip():
        _fail(f'name a slide: {program} slide "Reparametrisation trick"')
    found = _lecture.find(title)
    if not found:
        near = ", ".join(f'"{each}"' for each in _lecture.close(title))
        hint = f"near it are {near}." if near else f"{program} lists them."
        _fail(f'no slide is called "{title}": {hint}')
    lectures, lines = _lecture.load(), []
    for name, heading in found.items():
        entry = lectures[name]
        figure = pathlib.Path("runs") / name / f"{entry['figure']}.png"
        lines += [
            "",
            f"{heading}: {entry['shows']}",
            f"  recipe      {name}, {_shown(_lecture.FOLDER / f'{name}.py')}",
            f"  model file  {_shown(_lecture.model_file(name))}",
            f"  figure      {figure}, after: {program} run {name} --quick",
        ]
    return "\n".join(lines[1:])


def _shown(path):
    """A path as short as it can be opened from here."""
    try:
        return path.relative_to(pathlib.Path.cwd().resolve())
    except ValueError:
        return path


def _recipe(arguments, command, program):
    if not arguments or arguments[0].startswith("-"):
        _fail(f"name a recipe: {program} {command} vae; {program} lists them.")
    name = arguments[0].removesuffix(".py")
    if name not in _lecture.names():
        _unknown("recipe", name, _lecture.names(), program)
    return name


def _unknown(what, name, known, program):
    close = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"{program} lists them."
    _fail(f"there is no {what} {name!r}: {hint}")


def _fail(message, code=2):
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(code)
