"""The house itself: floors, backends, Cases, docstrings, tests that run, recipes and results."""

import ast
import doctest
import importlib
import inspect
import pathlib
import pkgutil
import re

import keras
import pytest

import keras_ae
from keras_ae.engine.model import Model
from recipes import __main__ as recipes
from recipes import _gallery, _pages, _results
from tests.cases import CASES

ROOT = pathlib.Path(__file__).parent.parent
FLOORS = (
    ("engine", "layers", "losses", "metrics"),
    ("networks",),
    ("autoencoders", "variational", "segmentation", "gans", "diffusion"),
    ("evaluation", "figures", "data"),
    ("callbacks",),
)
BACKENDS = {"tensorflow", "jax", "torch"}
MAY_NAME_A_BACKEND = ("engine/distribution.py", "engine/batches.py", "engine/model.py", "data/")
WITH_SOURCE = (
    "engine.adversarial",
    "engine.coder",
    "engine.compiled",
    "engine.model",
    "engine.optimizers",
    "engine.trainer",
    "losses",
    "layers",
    "networks",
    "autoencoders",
    "variational",
    "segmentation",
    "gans",
    "diffusion",
    "evaluation",
    "callbacks",
)


def modules():
    for info in pkgutil.walk_packages(keras_ae.__path__, "keras_ae."):
        yield importlib.import_module(info.name)


def package_files():
    return sorted((ROOT / "keras_ae").rglob("*.py"))


def imports(file):
    """Absolute names of the modules that a file imports, and whether outside all functions."""
    package = ["keras_ae", *file.relative_to(ROOT / "keras_ae").parts[:-1]]
    tree = ast.parse(file.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {node for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node not in inside
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names if module in ("keras_ae", ".".join(package)) else [None]:
                yield f"{module}.{alias.name}" if alias else module, node not in inside


def room(name):
    parts = name.split(".")
    return parts[1] if parts[0] == "keras_ae" and len(parts) > 1 else None


def floor(name):
    return next((n for n, rooms in enumerate(FLOORS) if name in rooms), None)


def test_imports_do_not_go_up_a_floor():
    for file in package_files():
        own = file.relative_to(ROOT / "keras_ae").parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        assert floor(own) is not None, f"{own} has no floor: add it to FLOORS"
        for name, _ in imports(file):
            other = room(name)
            if other is None or other == own:
                continue
            ground = floor(own) == floor(other) == 0
            assert floor(other) < floor(own) or ground, f"{file} imports {name}"


def test_only_the_engine_names_a_backend_at_its_top():
    for file in package_files():
        path = file.relative_to(ROOT / "keras_ae").as_posix()
        for name, _ in imports(file):
            if name.split(".")[0] in BACKENDS and path != "engine/autodiff.py":
                assert path.startswith(MAY_NAME_A_BACKEND), f"{path} imports {name}"
        for name, top in imports(file):
            if top and name.split(".")[0] in BACKENDS and path != "engine/autodiff.py":
                pytest.fail(f"{path} imports {name} at its top: import it where it is used")


def test_every_model_has_a_case():
    models = {
        value
        for module in modules()
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Model)
        if not value.__module__.startswith("keras_ae.engine")  # what models have in common
        if value.__name__ in vars(keras_ae) or ">" in keras.saving.get_registered_name(value)
    }
    assert models == {type(case.build()) for case in CASES}
    assert len({case.name for case in CASES}) == len(CASES)
    for model in models:
        assert keras.saving.get_registered_name(model).startswith("keras_ae>")


def public():
    """Public functions and classes where they are defined, with their methods."""
    for module in modules():
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__
            if not own or name.startswith("_"):
                continue
            if inspect.isfunction(value) or inspect.isclass(value):
                yield module.__name__, name, value
            if inspect.isclass(value):
                for method, function in vars(value).items():
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield module.__name__, f"{name}.{method}", function


def overrides_keras(name, module):
    """Methods that Keras declares and documents."""
    cls, _, method = name.partition(".")
    if not method:
        return False
    bases = getattr(importlib.import_module(module), cls).__mro__[1:]
    return any(hasattr(base, method) for base in bases)


def test_public_names_are_documented():
    problems = []
    for module, name, value in public():
        text = inspect.getdoc(value) or ""
        if overrides_keras(name, module):
            continue
        if not text:
            problems.append(f"{module}.{name}: no docstring")
            continue
        target = value.__init__ if inspect.isclass(value) else value
        names = [
            p.name
            for p in inspect.signature(target).parameters.values()
            if p.name not in ("self", "logs") and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        ]
        one_liner = "." in name and len(names) <= 2  # a method that one sentence tells
        if names and not one_liner and "Args:" not in text:
            problems.append(f"{module}.{name}: no Args")
        if "Args:" in text:
            missing = [n for n in names if not re.search(rf"^\s*\*?{n}: ", text, re.M)]
            problems += [f"{module}.{name}: argument {n} is not told" for n in missing]
        is_function = inspect.isfunction(value) and "." not in name
        if is_function and returns(value) and not re.search("Returns:|Yields:", text):
            problems.append(f"{module}.{name}: no Returns")
        if raises(value) and "Raises:" not in text:
            problems.append(f"{module}.{name}: no Raises")
        sourced = any(module.startswith(f"keras_ae.{part}") for part in WITH_SOURCE)
        if sourced and "." not in name and "Source:" not in text:
            problems.append(f"{module}.{name}: no Source")
    assert not problems, "\n".join(problems)


def returns(function):
    tree = ast.parse(inspect.getsource(function).lstrip())
    return any(isinstance(node, ast.Return) and node.value for node in ast.walk(tree))


def raises(value):
    source = inspect.getsource(value)
    if inspect.isclass(value):
        source = source.partition("def __init__")[2].partition("\n    def ")[0]
    return "raise ValueError" in source


def test_examples_run():
    """Those of docstrings that begin with >>>, as a reader would type them."""
    tried = 0
    for module in modules():
        for test in doctest.DocTestFinder(exclude_empty=True).find(module):
            if test.examples:
                result = doctest.DocTestRunner().run(test)
                assert not result.failed, test.name
                tried += result.attempted
    assert tried >= 9


def test_every_test_is_collected():
    for file in (ROOT / "tests").rglob("*.py"):
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                methods = [n.name for n in node.body if isinstance(n, ast.FunctionDef)]
                if any(name.startswith("test") for name in methods):
                    assert node.name.startswith("Test") and "__init__" not in methods, node.name
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert file.name.startswith("test_"), f"{node.name} in {file} is never run"
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert len(names) == len(set(names)), f"{file} has two functions of one name"


@pytest.mark.parametrize("name", recipes.names())
def test_recipe(name):
    fields = recipes.header(name)
    assert {"Title", "Slide", "Source", "Expected", "Measured", "Run"} <= set(fields)
    main = importlib.import_module(f"recipes.{name}").main
    parameters = inspect.signature(main).parameters
    common = ["data", "epochs", "seed", "out", "quick", "resume", "precision", "distribute"]
    assert list(parameters)[: len(common)] == common
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert f"`{name}`" in (ROOT / "README.md").read_text()
    assert name in recipes.listing()


def test_results_have_their_form():
    metric = _results.load()["deep_autoencoder"]["metrics"]["test_squared_error"]
    assert len(metric["seeds"]) >= 3
    for recipe, entry in _results.load().items():
        assert recipe.split("/")[0] in recipes.names()  # "/..." is a second entry, of other flags
        assert set(entry) == {"metrics", "paper", "protocol"}
        for metric in entry["metrics"].values():
            assert set(metric) == {"mean", "std", "seeds", "unit"}
            assert isinstance(metric["mean"], float) and isinstance(metric["std"], float)
            assert metric["std"] >= 0 and isinstance(metric["unit"], str) and metric["unit"]
            assert len(set(metric["seeds"])) == len(metric["seeds"])
            assert metric["seeds"] and all(isinstance(seed, int) for seed in metric["seeds"])
            assert len(metric["seeds"]) > 1 or metric["std"] == 0
        for name, paper in entry["paper"].items():
            assert name in entry["metrics"] and set(paper) == {"value", "source"}
            assert isinstance(paper["value"], float) and paper["source"]
        protocol = entry["protocol"]
        assert set(protocol) == {
            "command",
            "data",
            "budget",
            "backend",
            "device",
            "commit",
            "date",
            "seconds",
        }
        assert protocol["command"].split()[1:4] == ["python", "-m", "recipes"]
        assert re.fullmatch(r"[0-9a-f]{7,40}", protocol["commit"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", protocol["date"]) and protocol["seconds"] > 0


@pytest.mark.parametrize("name", _pages.parts())
def test_pages_are_those_of_their_data(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    assert _pages.renewed(page, _pages.parts()[name]) == page, "run python -m recipes --table"


def test_the_readme_is_two_screens():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 130
    for name in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", page):
        target = "".join(name)
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_pictures_of_the_gallery_are_web_sized_and_say_their_command():
    pictures = sorted((ROOT / "docs" / "gallery").glob("*.png"))
    assert {file.stem for file in pictures} == set(_gallery.load())
    for file in pictures:
        assert file.stat().st_size <= 80_000, file.name
        made = _gallery.load()[file.stem]
        assert made["command"].startswith(f"python -m recipes {file.stem}")
        assert not {"camvid", "reuters21578"} & set(made["data"].split("/"))
