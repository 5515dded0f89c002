"""The pictures of README.md: figures of finished runs, made small enough for a web page."""

import io
import json
import pathlib

from . import _lecture, _results

FOLDER = pathlib.Path(__file__).parent.parent / "docs/gallery"
MOST_BYTES = 80_000
STRIP = ("autoencoder", "denoising", "latent_space", "fcn_skips", "cogan", "text_to_digit")
WIDTHS = (900, 760, 640, 520, 420, 320, 240)


def web_sized(file):
    """A picture as PNG of at most `MOST_BYTES`, no wider than its first width that allows it."""
    from PIL import Image

    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    for width in WIDTHS:
        scale = min(1.0, width / picture.width)
        size = (round(picture.width * scale), round(picture.height * scale))
        small = picture.resize(size, Image.Resampling.LANCZOS)
        # few colours are enough for curves and grey digits, and a third of the bytes
        for colours in (256, 64):
            buffer = io.BytesIO()
            small.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
            if buffer.tell() <= MOST_BYTES:
                return buffer.getvalue()
    raise ValueError(f"{file} does not fit into {MOST_BYTES} bytes: draw a simpler figure.")


def collect(folders):
    """Puts the figure of each finished run that `lecture.json` names into the gallery."""
    FOLDER.mkdir(exist_ok=True)
    made, lecture = load(), _lecture.load()
    for folder in map(pathlib.Path, folders):
        run = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        name = run["recipe"]
        (FOLDER / f"{name}.png").write_bytes(web_sized(folder / f"{lecture[name]['figure']}.png"))
        command = " ".join(["python -m recipes", name, *_results.flags(run)])
        made[name] = {
            "figure": lecture[name]["figure"],
            "command": command,
            "data": pathlib.Path(run["settings"]["data"]).name,
            "commit": run["commit"],
            "date": run["date"],
        }
    text = json.dumps(dict(sorted(made.items())), indent=2) + "\n"
    (FOLDER / "made.json").write_text(text, encoding="utf-8")


def load():
    """How each picture was made, as a dict by recipe."""
    file = FOLDER / "made.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def strip():
    """Six pictures in two rows, with the command that made each, for README.md."""
    made = load()
    cells = [
        f'<td><img src="docs/gallery/{name}.png" width="270" alt="{name}"><br>'
        f"<code>{made[name]['command'].replace('python -m recipes', 'keras-ae run')}</code></td>"
        for name in STRIP
        if name in made
    ]
    rows = ["<tr>" + "".join(cells[start : start + 3]) + "</tr>" for start in (0, 3)]
    return "\n".join(["<table>", *rows, "</table>"])
