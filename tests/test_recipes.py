"""Recipes as a user runs them: what they leave, what they refuse, and going on after a kill."""

import ast
import json
import platform
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from keras_ae.callbacks import read_log
from recipes import __main__ as recipes
from recipes import _experiment as experiment
from recipes import _lecture, autoencoder, pretraining
from tests import processes
from tests.quick_runs import CONVOLUTIONAL, QUICK

EXPORTS = keras.backend.backend() != "torch"


SETTINGS = ("--data", "digits", "--quick", "--epochs", "20")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished quick run, started as a script."""
    folder = tmp_path_factory.mktemp("runs") / "quick"
    processes.run("-m", "recipes.autoencoder", *SETTINGS, "--out", folder)
    return folder


def test_a_run_leaves_what_it_promises(finished):
    left = {file.name for file in finished.iterdir()}
    expected = {"run.json", "metrics.json", "log.csv", "pairs.png", "codes.png", "model.keras"}
    assert left == expected | ({"model_savedmodel"} if EXPORTS else set())
    content = json.loads((finished / "metrics.json").read_text())
    numbers = {name: metric["value"] for name, metric in content["metrics"].items()}
    assert numbers["test_squared_error"] < 0.6 * numbers["mean_image_squared_error"]
    assert numbers["knn_accuracy"] > 0.5
    assert content["backend"] == keras.backend.backend() and content["seconds"] < 60
    rows = read_log(finished / "log.csv")
    assert [int(row["epoch"]) for row in rows] == list(range(content["epochs"]))
    assert {"loss", "reconstruction", "val_loss", "seconds"} <= set(rows[0])
    assert keras.saving.load_model(finished / "model.keras").count_params() == 219_891


def test_resuming_a_finished_run_does_nothing(finished, capsys):
    before = (finished / "metrics.json").stat().st_mtime_ns
    experiment.command_line(autoencoder.main, [*SETTINGS, "--resume", "--out", str(finished)])
    assert "nothing is left to do" in capsys.readouterr().out
    assert (finished / "metrics.json").stat().st_mtime_ns == before


def fails(arguments, capsys, code=1):
    with pytest.raises(SystemExit) as exit_:
        experiment.command_line(autoencoder.main, arguments)
    assert exit_.value.code == code
    output = capsys.readouterr().err
    if code == 1:
        assert output.startswith("error: ") and output.count("\n") == 1
    return output


def test_wrong_input_is_one_line_and_leaves_nothing_finished(tmp_path, capsys, finished):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "corrupt.npz").write_bytes(b"PK\x03\x04 but not really")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    bad = np.full((20, 28, 28), np.nan, "float32")
    np.savez(tmp_path / "nan.npz", x=bad)
    for arguments, message in (
        (["--data", "no_such_data"], "there is no data set"),
        (["--data", str(tmp_path / "none.npz")], "does not exist"),
        (["--data", str(tmp_path / "corrupt.npz")], "cannot be read"),
        (["--data", str(tmp_path / "nan.npz")], "NaN"),
        (["--precision", "float7"], "mixed_bfloat16"),
        (["--epochs", "0"], "positive"),
    ):
        out = tmp_path / "out"
        assert message in fails([*arguments, "--out", str(out)], capsys)
        assert not (out / "metrics.json").exists() and not (out / "model.keras").exists()
        assert not out.exists()
    assert "cannot be used" in fails(["--out", str(tmp_path / "file" / "below")], capsys)
    assert "not a run" in fails(["--out", str(tmp_path / "mine")], capsys)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    settings = [*SETTINGS, "--resume", "--seed", "5", "--out", str(finished)]
    assert "seed=0" in fails(settings, capsys)
    fails(["--no-such-flag"], capsys, code=2)
    before = (finished / "metrics.json").read_text()
    fails(["--data", "no_such_data", "--out", str(finished)], capsys)
    assert (finished / "metrics.json").read_text() == before  # moved away, and back
    assert not finished.with_name("quick.1").exists()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.json").write_text("{}")
    assert "--resume goes on" in fails(["--out", str(tmp_path / "half")], capsys)


def test_an_earlier_run_is_kept(tmp_path):
    settings = {
        "quick": True,
        "seed": 0,
        "epochs": 1,
        "out": str(tmp_path / "run"),
        "resume": False,
        "precision": "float32",
        "distribute": 1,
    }
    for number in range(3):
        with experiment.Run("autoencoder", {**settings, "seed": number}) as run:
            (run.folder / "metrics.json").write_text(str(number))
    kept = {f.name: (f / "metrics.json").read_text() for f in tmp_path.iterdir()}
    assert kept == {"run": "2", "run.1": "0", "run.2": "1"}


@pytest.mark.neutral
@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_the_same(tmp_path):
    # enough to be killed in between: an epoch is over soonest on JAX
    epochs = 100 if keras.backend.backend() == "jax" else 60
    flags = ["-m", "recipes", "autoencoder", "--epochs", str(epochs), "--seed", "3", "--out"]
    command = [sys.executable, *flags, str(tmp_path / "killed")]
    environment = processes.with_backend({"KERAS_AE_BACKUP_SECONDS": "0.2"})
    process = subprocess.Popen(
        command,
        cwd=processes.ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    backup = tmp_path / "killed" / "backup"
    deadline = time.monotonic() + 120
    while not list(backup.glob("*.epoch*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(backup.glob("*.epoch*")), "it was killed before its first backup"
    assert not (tmp_path / "killed" / "metrics.json").exists(), "it was killed too late"
    stopped_at = len(read_log(tmp_path / "killed" / "log.csv"))
    assert 0 < stopped_at < epochs
    processes.run(*flags, tmp_path / "killed", "--resume")
    processes.run(*flags, tmp_path / "unbroken")
    models = [keras.saving.load_model(tmp_path / n / "model.keras") for n in ("killed", "unbroken")]
    assert models[0].epochs_trained == models[1].epochs_trained == epochs
    for left, right in zip(*(model.weights for model in models)):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (left, right)))
    rows = [read_log(tmp_path / name / "log.csv") for name in ("killed", "unbroken")]
    assert [r["epoch"] for r in rows[0]] == [r["epoch"] for r in rows[1]]
    assert rows[0][-1]["val_loss"] == rows[1][-1]["val_loss"]
    assert not backup.exists()


def test_memory_of_tensors_that_are_gone_is_used_again():
    """New pages would be asked of Linux in every round: a fault for each of 4096 bytes."""
    program = """
import resource
import numpy as np
from recipes import _experiment

assert _experiment.keep_freed_memory()
faults = []
for _ in range(6):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.full(3_000_000, 1.0) for _ in range(5)]  # 24 MB each
    del arrays
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
assert max(faults[1:]) < 100, faults
"""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another system's allocator is left as it is")
    processes.run("-c", program)


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_quick_runs_learn_something(tmp_path, name):
    if keras.backend.backend() != "jax":
        pytest.skip("this quick run is tested on JAX")
    run_quickly(name, tmp_path / "run", QUICK[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_quick_runs_of_convolutions_learn_something(tmp_path, name):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("this quick run is tested on TensorFlow")
    run_quickly(name, tmp_path / "run", CONVOLUTIONAL[name])


def run_quickly(name, folder, quick):
    processes.run("-m", "recipes", name, "--quick", "--out", folder)
    content = json.loads((folder / "metrics.json").read_text())
    numbers = {key: metric["value"] for key, metric in content["metrics"].items()}
    assert quick.shows(numbers), (quick.point, numbers)
    assert {file.stem for file in folder.glob("*.png")} == quick.figures


def test_every_recipe_has_a_quick_run():
    assert {*QUICK, *CONVOLUTIONAL} == set(recipes.names())


@pytest.mark.neutral
@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_ends_with_what_came_out_and_where_to_look(name):
    tree = ast.parse((_lecture.FOLDER / f"{name}.py").read_text())
    frame = next(f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == "main").body
    last = next(step for step in frame if isinstance(step, ast.With)).body[-1].value
    assert ast.unparse(last.func) == "run.finish" and len(last.args) == 2, ast.unparse(last)
    outcome, figure = last.args
    assert not isinstance(outcome, ast.Constant), "the outcome is a sentence with its numbers"
    assert figure.value in (QUICK | CONVOLUTIONAL)[name].figures


def test_numbers_are_computed_once_per_run(tmp_path):
    settings = {"quick": True, "seed": 0, "epochs": 1, "out": str(tmp_path / "run")}
    settings |= {"resume": False, "precision": "float32", "distribute": 1}
    calls = []
    with pytest.raises(KeyboardInterrupt), experiment.Run("autoencoder", settings) as run:
        assert run.once("a", lambda x: calls.append(x) or 0.5, 1) == 0.5
        raise KeyboardInterrupt
    with experiment.Run("autoencoder", {**settings, "resume": True}) as run:
        assert run.once("a", lambda x: calls.append(x) or 0.7, 2) == 0.5
        assert run.once("b", lambda: 0.9) == 0.9
        run.finish()
    assert calls == [1] and not (tmp_path / "run" / "backup").exists()


def test_more_labels_than_there_are(tmp_path, capsys):
    with pytest.raises(SystemExit):
        arguments = ["--data", "digits", "--labels", "100", "50000", "--out", str(tmp_path / "out")]
        experiment.command_line(pretraining.main, arguments)
    error = capsys.readouterr().err
    assert "50000 labels are asked for: pass a multiple of 10" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.neutral
def test_a_recipe_shows_its_flags(capsys):
    with pytest.raises(SystemExit) as exit_:
        experiment.command_line(autoencoder.main, ["--help"])
    assert exit_.value.code == 0 and "--quick" in capsys.readouterr().out


@pytest.mark.neutral
def test_the_example_of_the_readme(tmp_path, monkeypatch):
    """As it stands, on fewer images and for one epoch; and what the sentence below it says."""
    text = (processes.ROOT / "README.md").read_text()
    example = text.partition("```python\n")[2].partition("```")[0]
    assert len([line for line in example.splitlines() if line]) == 5
    example = example.replace('"pen"', '"digits"').replace("epochs=5", "epochs=1")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(example, names)
    model, x = names["model"], names["digits"].x_test[:3]
    assert model.encode(x).shape == (3, 30) and model.decode(model.encode(x)).shape == x.shape
    model.save("model.keras")
    again = keras.saving.load_model("model.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
