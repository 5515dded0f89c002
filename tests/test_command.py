"""`keras-ae`: the lecture in its order, results, slides, and one line for what it does not know."""

import re
import sys

import pytest

from recipes import __main__ as maintenance
from recipes import _command, _lecture, _results
from tests import processes

pytestmark = pytest.mark.neutral
ROOT = processes.ROOT


def test_every_recipe_is_in_the_lecture():
    lecture = _lecture.load()
    assert set(lecture) == set(_lecture.names())
    for name, entry in lecture.items():
        assert set(entry) == {"slides", "shows", "model", "figure", "seconds"}
        assert (ROOT / entry["model"]).is_file() and entry["model"].startswith("keras_ae/")
        assert _lecture.model_file(name) == ROOT / entry["model"]
        assert entry["seconds"] is None or entry["seconds"] > 0
        text = "".join(
            (ROOT / "recipes" / f"{file}.py").read_text(encoding="utf-8")
            for file in (name, "_samples")
        )
        figure = entry["figure"]
        stem = figure.partition("_")[0]
        assert f'"{figure}"' in text or f'f"{stem}_{{' in text, f"{name} draws no {figure}"


@pytest.mark.parametrize("name", _lecture.names())
def test_headers_name_the_slides_of_the_lecture(name):
    header = _lecture.header(name)["Slide"]
    slides = _lecture.load()[name]["slides"]
    for slide in slides:
        assert slide.casefold() in header.casefold()
    for part in re.sub(r"\([^)]*;[^)]*\)", "", header).split(";"):
        assert any(slide.casefold() in part.casefold() for slide in slides), part


def test_the_lectures_order_in_41_lines(capsys):
    _command.main([])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 41 and max(map(len, lines)) <= 110
    assert [line.split()[0] for line in lines[1:-1]] == list(_lecture.load())
    order = ("drawing_lines", "autoencoder", "unpooling", "sparse", "manifold", "vae")
    order += ("reparametrisation", "fcn_skips", "gan", "stylegan2", "diffusion")
    places = [list(_lecture.load()).index(name) for name in order]
    assert places == sorted(places)


def test_the_table_has_a_line_a_recipe():
    lines = _lecture.table().splitlines()
    assert len(lines) == 2 + len(_lecture.names())
    for line in lines[2:]:
        for link in re.findall(r"\]\(([^)]+)\)", line):
            assert (ROOT / link).is_file()
        for picture in re.findall(r'src="([^"]+)"', line):
            assert (ROOT / picture).is_file()
        assert line.count("|") == 5


@pytest.mark.parametrize(
    "seconds, text", [(None, "-"), (41.6, "42 s"), (89, "89 s"), (120, "2 min"), (5600, "93 min")]
)
def test_durations(seconds, text):
    assert _lecture.duration(seconds) == text


@pytest.mark.parametrize(
    "title, names",
    [
        ("Reparametrisation trick", ["reparametrisation"]),
        ("reparametrization", ["reparametrisation"]),  # the other spelling
        ("Transponsed Convolutions (Deconvolutions)", ["transposed_convolution"]),  # the slide's
        ("u-net", ["unet_membranes", "fcn_skips"]),  # that of its own slide first
        ("Style-based GAN", ["stylegan", "gan_progress"]),
        ("VAE", ["vae", "iwae"]),
        ("And now? Stable Difussion Models", [*("diffusion", "latent_diffusion", "text_to_digit")]),
        ("PCA", ["deep_autoencoder"]),
        ("quantum", []),
        ("", []),
        ("?!", []),
    ],
)
def test_slides_are_found_by_nearly_their_title(title, names):
    found = list(_lecture.find(title))
    assert found[: len(names)] == names and bool(found) == bool(names)


def test_the_slide_of_the_trick(capsys):
    _command.main(["slide", "Reparametrisation", "trick"])
    output = capsys.readouterr().out
    assert "recipes/reparametrisation.py" in output.replace("\\", "/")
    assert "keras_ae/variational/vae.py" in output.replace("\\", "/")
    assert "variance.png" in output and "keras-ae run reparametrisation --quick" in output


def test_results_show_the_paper_beside_ours(capsys):
    _command.main(["results", "stacked_denoising"])
    output = capsys.readouterr().out
    entry = _results.load()["stacked_denoising"]
    ours = _results.shown(entry["metrics"]["stacked_denoising_3_layers"])
    assert re.search(rf"stacked_denoising_3_layers +1\.28 +{re.escape(ours)}", output)
    assert re.search(r"random_weights_1_layers +- +", output) and "Vincent et al. 2010" in output
    assert "keras-ae run stacked_denoising --data mnist" in output


@pytest.mark.parametrize("name", _lecture.names())
def test_results_of_every_recipe(name):
    text = _command.results(name)
    entries = [r for key, r in _results.load().items() if key.split("/")[0] == name]
    assert text.startswith(name) and (entries or "Nobody has measured it" in text)
    for entry in entries:
        assert all(metric in text for metric in entry["metrics"])


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["autoencodr"], "did you mean autoencoder"),
        (["resutls", "vae"], "did you mean results"),
        (["qqqq"], "keras-ae lists them"),
        (["run"], "name a recipe"),
        (["run", "--quick"], "name a recipe"),
        (["run", "vea"], "did you mean vae"),
        (["results", "vea"], "did you mean vae"),
        (["results"], "name a recipe"),
        (["slide"], "name a slide"),
        (["slide", "Generative", "stuff"], '"Generative Autoencoders"'),
        (["slide", "quantum"], "keras-ae lists them"),
        (["--table"], "no recipe or command"),  # that is for those who have the checkout
    ],
)
def test_what_it_does_not_know_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        _command.main(arguments)
    output = capsys.readouterr()
    assert exit_.value.code == 2 and not output.out
    assert output.err.startswith("error: ") and output.err.count("\n") == 1
    assert message in output.err


def test_the_maintainers_flags(capsys, monkeypatch):
    done = []
    monkeypatch.setattr(maintenance._pages, "write", lambda: done.append("table"))
    monkeypatch.setattr(maintenance._gallery, "collect", done.append)
    monkeypatch.setattr(_results, "collect", lambda *arguments: done.append(arguments))
    maintenance.main(["--table"])
    maintenance.main(["--collect", "runs/a", "runs/b"])
    maintenance.main(["--as", "reuse", "--collect", "runs/c"])
    maintenance.main(["--gallery", "runs/a"])
    assert done == ["table", (["runs/a", "runs/b"], ""), (["runs/c"], "reuse"), ["runs/a"]]
    maintenance.main([])
    assert "python -m recipes run NAME" in capsys.readouterr().out


SCRIPT = """
import sys
import keras_ae_command
keras_ae_command.main()
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & {"keras", "numpy", "tensorflow", "jax", "torch", "tyro"}, loaded
"""


def test_answers_without_a_backend():
    process = processes.run("-c", SCRIPT)
    assert process.stdout.count("\n") == 41 and not process.stderr
    assert "vae.py" in processes.run("-c", SCRIPT, "slide", "Reparametrisation trick").stdout


def test_files_and_consoles_that_are_not_utf_8():
    strict = ("-X", "warn_default_encoding", "-W", "error::EncodingWarning")
    for arguments in ([], ["slide", "U-Net"], ["results", "deep_autoencoder"]):
        process = processes.run(*strict, "-c", SCRIPT, *arguments, PYTHONIOENCODING="ascii")
        assert not process.stderr
    assert re.search(r"test_squared_error +\S+ +[\d.]+ \? [\d.]+ \(", process.stdout)  # no "±"


@pytest.mark.parametrize("package, hint", [("jax", "KERAS_BACKEND"), ("tyro", "docs/install.md")])
def test_a_package_that_is_missing_is_one_line(package, hint, capsys, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(_command.importlib, "import_module", missing)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    with pytest.raises(SystemExit) as exit_:
        _command.main(["run", "vae"])
    error = capsys.readouterr().err
    assert exit_.value.code == 1 and error.count("\n") == 1
    assert f"vae needs {package}, which is not installed" in error and hint in error
