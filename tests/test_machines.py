"""Other machines: what may be missing there (POSIX, UTF-8, packages), and what must not be read."""

import ast
import tomllib

import pytest

import keras_ae
from keras_ae import figures
from tests import processes

pytestmark = pytest.mark.neutral
ROOT = processes.ROOT
FILES = [
    ROOT / "keras_ae_command.py",
    *sorted((ROOT / "keras_ae").rglob("*.py")),
    *sorted((ROOT / "recipes").rglob("*.py")),
]
POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
POSIX_CALLS = {
    *("os.chown", "os.fork", "os.getloadavg", "os.getuid", "os.killpg", "os.mkfifo", "os.nice"),
    *("os.sched_getaffinity", "os.setsid", "os.uname"),
}
POSIX_FOLDERS = ("/proc/", "/tmp/", "/dev/", "/etc/", "/sys/")
TEXT = {"read_text": 0, "write_text": 1}  # and the position of `encoding`
HEAVY = ("matplotlib", "scipy", "skimage", "sklearn", "tensorflow_datasets", "tyro", "PIL")


def faults(source):
    """What a module does that other machines cannot do, or do otherwise."""
    tree = ast.parse(source)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)]
    inside = {node for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        for name in names:
            if name.split(".")[0] in POSIX and node not in inside:
                yield f"line {node.lineno}: imports {name}, which Windows lacks"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in POSIX_CALLS:
            yield f"line {node.lineno}: {ast.unparse(node)}, which Windows lacks"
        if isinstance(node, ast.Constant) and str(node.value).startswith(POSIX_FOLDERS):
            yield f"line {node.lineno}: {node.value}, which other systems lack"
        if isinstance(node, ast.Call) and not _has_encoding(node):
            yield f"line {node.lineno}: text without an encoding, which is cp1252 on Windows"


def _has_encoding(call):
    name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
    keywords = {keyword.arg for keyword in call.keywords}
    if "encoding" in keywords:
        return True
    if name in TEXT:
        return len(call.args) > TEXT[name]
    if name == "open" and isinstance(call.func, ast.Name):
        modes = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "mode")]
        return any("b" in str(getattr(mode, "value", "")) for mode in modes)
    return True


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_is_of_one_system(file):
    assert list(faults(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source, fault",
    [
        ("import fcntl", "fcntl"),
        ("if True:\n    from resource import getrusage", "resource"),
        ("def f():\n    import fcntl", None),
        ("from . import resource", None),
        ("import os\nos.getuid()", "getuid"),
        ("x = '/proc/self/status'", "/proc/self/status"),
        ("open('a')", "encoding"),
        ("open('a', 'w', newline='')", "encoding"),
        ("open('a', 'rb')", None),
        ("open('a', mode='wb')", None),
        ("open('a', encoding='utf-8')", None),
        ("p.read_text()", "encoding"),
        ("p.write_text('a')", "encoding"),
        ("p.write_text('a', 'utf-8')", None),
        ("Image.open('a')", None),
    ],
)
def test_what_counts_as_a_fault(source, fault):
    found = list(faults(source))
    assert (fault in found[0] and len(found) == 1) if fault else not found


HIDING = """
import sys

class Missing:
    # finds none of these packages

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)

sys.meta_path.insert(0, Missing())
import keras_ae
loaded = {{name.split(".")[0] for name in sys.modules}}
assert not loaded & set({heavy!r}), loaded
x = keras_ae.data.Batches
model = keras_ae.Autoencoder(
    keras_ae.dense_encoder((4,), 2), keras_ae.dense_decoder((4,), 2)
)
print(model.count_params())
"""


def test_keras_ae_needs_no_heavy_packages_to_be_imported():
    process = processes.run("-c", HIDING.format(heavy=HEAVY), KERAS_BACKEND="tensorflow")
    assert int(process.stdout.split()[-1]) == (4 * 2 + 2) + (2 * 4 + 4)


def test_colours_are_those_of_matplotlib():
    matplotlib = pytest.importorskip("matplotlib")
    assert matplotlib.colormaps["tab10"].colors == figures.style.COLOURS


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"] and "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "keras_ae.__version__"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = [line for line in changes.splitlines() if line.startswith("## ")]
    assert sections[0] == "## Unreleased"
    number, _, date = sections[1].removeprefix("## ").partition(" ")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert number == keras_ae.__version__
    assert f"version: {number}" in citation and f"date-released: {date.strip('()')}" in citation
