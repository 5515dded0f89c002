"""JAX or PyTorch alone, as on some accelerators: no TensorFlow can be imported."""

import keras
import numpy as np
import pytest

from tests import processes

SCRIPT = """
import sys

class Hiding:
    # a finder that finds everything but TensorFlow

    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        hidden = name.split(".")[0] == "tensorflow"
        return None if hidden else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
import runpy
folder, data = sys.argv[1:]
sys.argv = ["recipes", "autoencoder", "--quick", "--epochs", "5", "--data", data, "--out", folder]
runpy.run_module("recipes", run_name="__main__")
assert "tensorflow" not in sys.modules
from keras_ae import data
assert len(data.load("digits").x_train) == 1437
try:
    data.load("mnist")
except ValueError as error:
    assert "TensorFlow" in str(error), error
else:
    raise AssertionError("mnist was loaded without TensorFlow")
"""


def test_a_recipe_runs_without_tensorflow(tmp_path):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("this is about the other backends: KERAS_BACKEND=jax or torch runs it")
    data = tmp_path / "data.npz"
    np.savez(data, x=np.random.default_rng(0).integers(0, 256, (200, 28, 28), "uint8"))
    process = processes.run("-c", SCRIPT, tmp_path / "run", data)
    assert "no SavedModel" in process.stdout
    assert (tmp_path / "run" / "model.keras").exists()
    assert (tmp_path / "run" / "metrics.json").exists()
    assert not (tmp_path / "run" / "model_savedmodel").exists()
