"""The table of results: `results.json`, its text forms, and how runs become an entry."""

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


def collect(folders):
    """Writes the entry of one recipe from finished runs that differ in nothing but the seed."""
    runs = [json.loads((pathlib.Path(folder) / "metrics.json").read_text()) for folder in folders]
    first = runs[0]
    for run in runs:
        same = [
            k for k in ("recipe", "backend", "device", "epochs", "commit") if run[k] != first[k]
        ]
        if same:
            raise ValueError(f"the runs differ in {', '.join(same)}: collect equal ones.")
    ignored = ("seed", "out", "resume", "distribute", "precision")
    flags = {k: v for k, v in first["settings"].items() if k not in ignored}
    command = f"KERAS_BACKEND={first['backend']} python -m recipes {first['recipe']}"
    for flag, value in flags.items():
        if value is True:
            command += f" --{flag}"
        elif flag in ("data", "epochs"):
            command += f" --{flag} {value}"
    metrics = {}
    for name in dict.fromkeys(name for run in runs for name in run["metrics"]):
        having = [run for run in runs if name in run["metrics"]]
        values = [run["metrics"][name]["value"] for run in having]
        metrics[name] = {
            "mean": statistics.fmean(values),
            "std": statistics.stdev(values) if len(values) > 1 else 0.0,
            "seeds": [run["settings"]["seed"] for run in having],
            "unit": having[0]["metrics"][name]["unit"],
        }
    results = load()
    results[first["recipe"]] = {
        "metrics": metrics,
        "paper": results.get(first["recipe"], {}).get("paper", {}),
        "protocol": {
            "command": f"{command} --seed SEED",
            "data": first["settings"]["data"],
            "budget": f"{first['epochs']} epochs",
            "backend": first["backend"],
            "device": first["device"],
            "commit": first["commit"],
            "date": first["date"],
            "seconds": round(statistics.fmean(run["seconds"] for run in runs), 1),
        },
    }
    FILE.write_text(json.dumps(dict(sorted(results.items())), indent=2, ensure_ascii=False) + "\n")
