"""The wheel: built, installed without the checkout, and used from another folder."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest

import keras_ae
from recipes import _lecture
from tests import processes

pytestmark = pytest.mark.neutral
ROOT = processes.ROOT
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
# the README's model, built and not trained
EXAMPLE = (ROOT / "README.md").read_text(encoding="utf-8").partition("```python\n")[2]
BUILD = [
    line
    for line in EXAMPLE.partition("```")[0].splitlines()
    if line.startswith(("import ", "model = ", "model.compile("))
]
MODEL = (
    "\n".join(BUILD)
    + """
import numpy, keras_ae.recipes.vae
x = numpy.zeros((2, 28, 28, 1), "float32")
print(model.reconstruct(x).shape == x.shape, keras_ae.__file__, keras_ae.recipes.vae.__file__)
"""
)


def called(*command, **options):
    process = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=300, **options
    )
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-3000:]
    return process.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the checkout, built from a copy of what it is made of."""
    folder = tmp_path_factory.mktemp("wheel")
    source, _ = folder / "source", (folder / "built").mkdir()
    names = ("pyproject.toml", "README.md", "LICENSE", "keras_ae_command.py", "keras_ae", "recipes")
    for name in names:  # a build leaves folders beside its source
        files = [ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*"))
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                copy = source / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
    options = ("--no-deps", "--no-build-isolation", "--no-index")
    called(*PIP, "wheel", *options, "--wheel-dir", folder / "built", source)
    (file,) = (folder / "built").glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder where the wheel is installed, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    called(*PIP, "install", "--no-deps", "--no-index", "--target", folder / "site", wheel)
    return folder


def without_checkout(installed, *arguments):
    """What Python prints in the folder of the installation; the checkout cannot be imported."""
    kept = [path for path in sys.path if path and pathlib.Path(path).resolve() != ROOT]
    script = f"""
import sys
hides = lambda finder: "Editable" in getattr(finder, "__name__", "")
sys.meta_path[:] = [finder for finder in sys.meta_path if not hides(finder)]
sys.path[:] = {[str(installed / "site"), *kept]!r}
sys.argv[:] = {["keras-ae", *map(str, arguments[1:])]!r}
{arguments[0]}
"""
    environment = processes.with_backend({})
    environment.pop("PYTHONPATH", None)
    return called(sys.executable, "-c", script, cwd=installed, env=environment)


COMMAND = "import keras_ae_command; keras_ae_command.main()"


def test_every_package_is_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {file.parent for file in (ROOT / "keras_ae").rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)
    packages = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(project["tool"]["setuptools"]["packages"]) == packages | {"keras_ae.recipes"}
    assert project["tool"]["setuptools"]["package-dir"] == {"keras_ae.recipes": "recipes"}


def test_what_the_wheel_holds(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        told = archive.read(metadata).decode()
        entries = archive.read(metadata.replace("METADATA", "entry_points.txt")).decode()
    checkout = [f for name in ("keras_ae", "recipes") for f in (ROOT / name).rglob("*")]
    expected = {
        re.sub("^recipes/", "keras_ae/recipes/", file.relative_to(ROOT).as_posix())
        for file in checkout
        if file.suffix in (".py", ".json")
    }
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == expected | {"keras_ae_command.py"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert f"\nVersion: {keras_ae.__version__}\n" in told
    assert "\nLicense-Expression: Apache-2.0\n" in told and "\nAuthor: keras_ae maint" in told
    assert "Project-URL" not in told and "Home-page" not in told
    assert "keras-ae = keras_ae_command:main" in entries


def test_the_command_lists_and_finds_without_the_checkout(installed):
    lines = without_checkout(installed, COMMAND).splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == list(_lecture.load())
    found = without_checkout(installed, COMMAND, "slide", "Reparametrisation trick")
    model = pathlib.Path("site", "keras_ae", "variational", "vae.py")
    assert str(model) in found and (installed / model).exists()
    assert "102" in without_checkout(installed, COMMAND, "results", "vae")


def test_the_script_that_pip_writes(installed):
    (script,) = (installed / "site" / ("Scripts" if os.name == "nt" else "bin")).glob("keras-ae*")
    environment = {**processes.with_backend({}), "PYTHONPATH": str(installed / "site")}
    assert called(script, cwd=installed, env=environment).count("\n") == 41


def test_a_recipe_and_a_model_without_the_checkout(installed):
    flags = ("--quick", "--epochs", "1", "--out", "run")
    output = without_checkout(installed, f"{COMMAND}\n{MODEL}", "run", "autoencoder", *flags)
    assert "numbers, pictures and the model are in run" in output
    run = json.loads((installed / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert run["versions"]["keras_ae"] == keras_ae.__version__ and run["commit"] == "unknown"
    assert run["metrics"]["test_squared_error"]["value"] > 0
    assert (installed / "run" / "pairs.png").exists()
    assert len(BUILD) == 3
    right, *files = output.split()[-3:]
    assert right == "True"
    assert all(pathlib.Path(file).is_relative_to(installed / "site") for file in files)
