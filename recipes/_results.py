"""The table of results: `results.json`, its text forms, and how runs become an entry."""

import importlib
import inspect
import json
import pathlib
import statistics

FILE = pathlib.Path(__file__).parent / "results.json"


def load():
    """All entries, as a dict by recipe."""
    return json.loads(FILE.read_text())


def shown(metric):
    """A measured number as text, with the spread over seeds where there is one."""
    seeds = len(metric["seeds"])
    spread = f" ± {metric['std']:.2g}" if seeds > 1 else ""
    return f"{metric['mean']:.4g}{spread} ({seeds} seed{'s' if seeds > 1 else ''})"


def table():
    """The README's table, in Markdown."""
    lines = ["| recipe | number | paper | ours | unit | budget |", "|---|---|---|---|---|---|"]
    for recipe, entry in load().items():
        protocol = entry["protocol"]
        budget = f"{protocol['data']}, {protocol['budget']}, {protocol['backend']}"
        for name, metric in entry["metrics"].items():
            paper = entry["paper"].get(name)
            theirs = f"{paper['value']:g}" if paper else "-"
            cells = (recipe, name, theirs, shown(metric), metric["unit"], budget)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def collect(folders, variant=""):
    """Writes an entry from finished runs of a recipe that differ in nothing but the seed.

    `variant` tells apart several entries of one recipe that was run with other flags, `pretraining`
    and `pretraining/reuse` say.
    """
    runs = [json.loads((pathlib.Path(folder) / "metrics.json").read_text()) for folder in folders]
    if not runs:
        raise SystemExit("error: name the folders of finished runs.")
    first, seeds = runs[0], [run["settings"]["seed"] for run in runs]
    for run in runs:
        differ = [k for k in ("recipe", "backend", "device", "commit") if run[k] != first[k]]
        if differ or flags(run) != flags(first) or len(set(seeds)) < len(seeds):
            what = ", ".join(differ) or "their flags, or share a seed"
            raise SystemExit(
                f"error: the runs differ in {what}: collect runs equal but for the seed."
            )
    metrics = {}
    for name in first["metrics"]:
        values = [run["metrics"][name]["value"] for run in runs]
        metrics[name] = {
            "mean": statistics.fmean(values),
            "std": statistics.stdev(values) if len(values) > 1 else 0.0,
            "seeds": seeds,
            "unit": first["metrics"][name]["unit"],
        }
    command = f"KERAS_BACKEND={first['backend']} python -m recipes {first['recipe']}"
    results, name = load(), "/".join([first["recipe"], *([variant] if variant else [])])
    results[name] = {
        "metrics": metrics,
        "paper": results.get(name, {}).get("paper", {}),
        "protocol": {
            "command": " ".join([command, *flags(first), "--seed SEED"]),
            "data": pathlib.Path(first["settings"]["data"]).name,
            "budget": f"{first['epochs']} epochs",
            "backend": first["backend"],
            "device": first["device"],
            "commit": first["commit"],
            "date": first["date"],
            "seconds": round(statistics.fmean(run["seconds"] for run in runs), 1),
        },
    }
    unfinished = FILE.with_suffix(".unfinished")
    unfinished.write_text(
        json.dumps(dict(sorted(results.items())), indent=2, ensure_ascii=False) + "\n"
    )
    unfinished.replace(FILE)


def flags(run):
    """The flags of a run that are off their defaults, seed and folder aside."""
    main = importlib.import_module(f"recipes.{run['recipe']}").main
    words = []
    for name, parameter in inspect.signature(main).parameters.items():
        value = run["settings"][name]
        value = tuple(value) if isinstance(value, list) else value
        if name in ("seed", "out", "resume") or value == parameter.default:
            continue
        flag = f"--{name.replace('_', '-')}"
        values = value if isinstance(value, tuple) else () if value is True else (value,)
        words.append(" ".join([flag, *map(str, values)]))
    return words
