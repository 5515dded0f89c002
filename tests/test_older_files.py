"""What earlier versions wrote is still read: models, finished runs, and runs that were killed.

tests/fixtures/VERSION/ was written by that version (tests/freeze.py), on TensorFlow.
"""

import json
import pathlib
import shutil

import keras
import numpy as np
import pytest

from keras_ae.callbacks import read_log
from keras_ae.engine import file_format, seeds
from recipes import _experiment, autoencoder, drawing_lines
from tests.cases import autoencoders
from tests.cases.case import SOON, numpy_weights

FOLDER = pathlib.Path(__file__).parent / "fixtures"
pytestmark = pytest.mark.filterwarnings("ignore:the first stage .* was never trained")


@pytest.mark.parametrize(
    "file", sorted(FOLDER.glob("*/*.keras")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_a_model_of_an_earlier_version(file):
    """It predicts what it did, has its counters and its noise, and is trained on from there."""
    values = dict(np.load(file.with_suffix(".npz")))
    x, y = values["x"], [values["y"]] if "y" in values else []
    model = keras.saving.load_model(file)
    assert [model._order_seed, model.epochs_trained] == values["order"].tolist()
    assert int(model.optimizer.iterations) == values["steps"] > 0
    for number, state in enumerate(seeds.states(model)):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(state), values[f"seed_{number}"])
    model.compile(model.optimizer, **SOON)
    near = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(model.predict(x, verbose=0), values["prediction"], **near)
    model.fit(x, *y, batch_size=4, verbose=0)
    assert model.epochs_trained == values["order"][1] + 1
    if not seeds.states(model):
        after = model.predict(x, verbose=0)
        np.testing.assert_allclose(after, values["prediction_after_step"], rtol=1e-3, atol=1e-4)


def test_a_file_of_a_later_version_is_refused(tmp_path, monkeypatch):
    """In one sentence, whether it is a model, or weights alone as in backups."""
    model = numpy_weights(autoencoders.autoencoder())
    monkeypatch.setattr(file_format, "FORMAT", file_format.FORMAT + 1)
    model.save(tmp_path / "later.keras")
    model.save_weights(tmp_path / "later.weights.h5")
    assert keras.saving.load_model(tmp_path / "later.keras").count_params() == model.count_params()
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"in format 2 .* formats up to 1: update keras_ae"):
        keras.saving.load_model(tmp_path / "later.keras")
    with pytest.raises(ValueError, match="update keras_ae"):
        model.load_weights(tmp_path / "later.weights.h5")


def of_this_backend(run, tmp_path):
    """A copy of a run, as if this backend had begun it."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    started = json.loads((folder / "run.json").read_text())
    started["backend"] = keras.backend.backend()
    (folder / "run.json").write_text(json.dumps(started))
    return folder


@pytest.mark.parametrize("run", sorted(FOLDER.glob("*/finished_run")), ids=lambda r: r.parent.name)
def test_a_finished_run_of_an_earlier_version(run, tmp_path, capsys):
    folder = of_this_backend(run, tmp_path)
    arguments = ["--data", "digits", "--quick", "--resume", "--out", str(folder)]
    _experiment.command_line(autoencoder.main, arguments)
    assert "nothing is left to do" in capsys.readouterr().out
    content = json.loads((folder / "metrics.json").read_text())
    assert content["metrics"]["test_squared_error"]["value"] > 0 and content["epochs"] == 40
    assert len(read_log(folder / "log.csv")) == 40


@pytest.mark.parametrize("run", sorted(FOLDER.glob("*/killed_run")), ids=lambda r: r.parent.name)
def test_a_killed_run_of_an_earlier_version_goes_on(run, tmp_path):
    """And ends where the unbroken one did."""
    folder = of_this_backend(run, tmp_path)
    arguments = ["--data", "rings", "--epochs", "60", "--resume", "--out", str(folder)]
    _experiment.command_line(drawing_lines.main, arguments)
    rows, unbroken = read_log(folder / "log.csv"), read_log(run.with_name("unbroken_log.csv"))
    assert [row["epoch"] for row in rows] == [row["epoch"] for row in unbroken]
    losses = [[float(row["loss"]) for row in each] for each in (rows, unbroken)]
    np.testing.assert_allclose(*losses, rtol=1e-2)
    metrics, expected = (
        json.loads(file.read_text())["metrics"]
        for file in (folder / "metrics.json", run.with_name("unbroken_metrics.json"))
    )
    assert metrics.keys() == expected.keys()
    for name, metric in expected.items():
        assert metrics[name]["value"] == pytest.approx(metric["value"], abs=0.02)
    assert not (folder / "backup").exists()
