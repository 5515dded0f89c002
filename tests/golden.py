"""Golden values: what each Case computes with weights from NumPy, the same on every backend.

`python -m tests.golden` writes those that are missing, `python -m tests.golden NAME...` some anew
(do so only when a model is meant to compute something else); test_contract.py compares every
backend with them.
"""

import pathlib
import sys

import keras
import numpy as np

from keras_ae.engine import seeds
from tests.cases import CASES
from tests.cases.case import numpy_weights

FOLDER = pathlib.Path(__file__).parent / "golden"


def prepared(case):
    """The Case's compiled model with weights from NumPy."""
    model = numpy_weights(case.build(), deviation=case.deviation)
    model.compile(keras.optimizers.SGD(0.01))
    return model


def compute(case):
    """Predictions, drawn images, and terms before and after one step of gradient descent."""
    model = prepared(case)
    arrays = case.data(np.random.default_rng(1), 4)
    values = {"prediction": model.predict(arrays[0], verbose=0)}
    logs = model.evaluate(*arrays, verbose=0, return_dict=True)
    if hasattr(model, "generate"):
        shape = model.sample_noise(4).shape
        noise = np.random.default_rng(2).uniform(-1.0, 1.0, shape).astype("float32")
        classes = {} if model.num_classes is None else {"labels": np.arange(4) % model.num_classes}
        drawn = model.generate(noise, **classes)
        drawn = drawn if isinstance(drawn, dict) else {"image": drawn}
        values |= {f"drawn_{name}": images for name, images in drawn.items()}
    same = logs.keys() - set(case.random_terms)
    values |= {f"evaluate_{name}": np.float32(logs[name]) for name in sorted(same)}
    if not seeds.states(model):  # noise differs by backend
        model.fit(*arrays, batch_size=4, verbose=0)
        values["prediction_after_step"] = model.predict(arrays[0], verbose=0)
    return values


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    missing = [case.name for case in CASES if not (FOLDER / f"{case.name}.npz").exists()]
    for case in CASES:
        if case.name not in (sys.argv[1:] or missing):
            continue
        np.savez_compressed(FOLDER / f"{case.name}.npz", **compute(case))
        if case.whole:  # a file of another backend: one of each model
            prepared(case).save(FOLDER / f"{case.name}.keras")
