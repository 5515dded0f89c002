"""A SavedModel in a process that knows neither keras_ae nor Keras."""

import keras
import numpy as np
import pytest

import keras_ae
from tests import processes

LOADER = """
import sys
for name in ("keras_ae", "keras"):
    sys.modules[name] = None
import numpy as np, tensorflow as tf
folder, = sys.argv[1:]
signatures = tf.saved_model.load(folder + "/exported").signatures
expected = np.load(folder + "/expected.npz")
for name, argument in (("serve", "x"), ("encode", "x"), ("decode", "z")):
    outputs = signatures[name](**{argument: tf.constant(expected[name + "_in"])})
    (value,) = outputs.values()
    np.testing.assert_allclose(value.numpy(), expected[name], atol=1e-5)
print("equal")
"""


def test_plain_tensorflow_loads_the_export(tmp_path):
    model = keras_ae.Autoencoder(
        keras_ae.dense_encoder((28, 28, 1), 3, (64, 12)),
        keras_ae.dense_decoder((28, 28, 1), 3, (12, 64)),
        loss="bernoulli",
    )
    if model.cannot_export():
        pytest.skip(model.cannot_export())
    x = np.random.default_rng(0).uniform(size=(7, 28, 28, 1)).astype("float32")
    codes = model.encode(x)
    np.savez(
        tmp_path / "expected.npz",
        serve_in=x,
        serve=model.predict(x, verbose=0),
        encode_in=x,
        encode=codes,
        decode_in=codes,
        decode=model.decode(codes),
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="not a SavedModel"):
        model.export(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()
    model.export(tmp_path / "exported")
    (tmp_path / "exported" / "old").write_text("of an earlier export, which is replaced")
    model.export(tmp_path / "exported")
    assert not (tmp_path / "exported" / "old").exists()
    assert processes.run("-c", LOADER, tmp_path).stdout.strip() == "equal"


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    model = keras_ae.Autoencoder(keras_ae.dense_encoder((4,), 2), keras_ae.dense_decoder((4,), 2))
    if model.cannot_export():
        pytest.skip(model.cannot_export())

    def broken():
        spec = keras.InputSpec(shape=(None, 4), dtype="float32")
        return {"serve": (lambda x: model.no_such_part(x), [spec])}

    monkeypatch.setattr(model, "endpoints", broken)
    with pytest.raises(AttributeError):
        model.export(tmp_path / "exported")
    assert list(tmp_path.iterdir()) == []
