"""A SavedModel in a process that knows neither keras_ae nor Keras."""

import keras
import numpy as np
import pytest

import keras_ae
from tests import processes
from tests.cases import CASES
from tests.cases.case import numpy_weights

LOADER = """
import pathlib, sys
for name in ("keras_ae", "keras"):
    sys.modules[name] = None
import numpy as np, tensorflow as tf
for folder in map(pathlib.Path, sys.argv[1:]):
    signatures = tf.saved_model.load(str(folder / "exported")).signatures
    expected = dict(np.load(folder / "expected.npz"))
    for name in [key for key in expected if "/" not in key]:
        own = [key for key in expected if key.startswith(name + "/")]
        inputs = {key.split("/")[1]: tf.constant(expected[key]) for key in own}
        (value,) = signatures[name.split("@")[0]](**inputs).values()
        np.testing.assert_allclose(value.numpy(), expected[name], atol=1e-5)
        print(folder.name, name, *sorted(inputs))
"""


def dense(*heads):
    encoder = keras_ae.dense_encoder((28, 28, 1), 2, (64,), heads=heads or ("code",))
    return encoder, keras_ae.dense_decoder((28, 28, 1), 2, (64,))


def adversarial(prior, **kwargs):
    width = 2 + (0 if not kwargs else kwargs["num_classes"] + 1)
    judge = keras_ae.dense_encoder((width,), 1, (8,), name="discriminator")
    return keras_ae.AdversarialAutoencoder(*dense(), judge, prior, loss="bernoulli", **kwargs)


def coder(build):
    """A model, and what its endpoints must give: name to the inputs and the output."""
    model, rng = build(), np.random.default_rng(0)
    x = rng.uniform(size=(7, 28, 28, 1)).astype("float32")
    codes = model.encode(x)
    asked = {
        "serve": ({"x": x}, model.predict(x, verbose=0)),
        "encode": ({"x": x}, codes),
        "decode": ({"z": codes}, model.decode(codes)),
    }
    if "sample" in model.endpoints():
        width = 4 if hasattr(model, "prior") else 2
        inputs = {"noise": rng.normal(size=(5, width)).astype("float32")}
        if hasattr(model, "prior"):
            inputs = {"labels": np.array([0, 9, -1, 3, 3], "int32"), **inputs}
        drawn = model.endpoints()["sample"][0](**inputs)
        asked["sample"] = (inputs, keras.ops.convert_to_numpy(drawn))
    return model, asked


def diffusion(name):
    """The same of a diffusion model."""
    model = numpy_weights(next(case for case in CASES if case.name == name).build())
    assert float(getattr(model, "scale", 0.5)) not in (0.0, 1.0)
    rng, labels = np.random.default_rng(0), np.array([2, 0, 1], "int32")
    x = rng.uniform(-1.0, 1.0, (3, *model.example_shape())).astype("float32")
    state = model.sample_noise(3, seed=1)
    told = {"labels": labels, "guidance": np.float32(1.5)}
    step = lambda now, later: {"state": state, "step": np.int32(now), "next_step": np.int32(later)}
    return model, {
        "sample": ({"noise": state, **told}, model.generate(state, **told)),
        "denoise_step": ({**step(13, 4), **told}, model.denoise_step(state, 13, 4, **told)),
        "denoise_step@last": ({**step(4, -1), **told}, model.denoise_step(state, 4, -1, **told)),
        "encode": ({"x": x}, model.encode(x)),
        "decode": ({"z": state}, model.decode(state)),
    }


MODELS = {
    "autoencoder": lambda: coder(lambda: keras_ae.Autoencoder(*dense(), loss="bernoulli")),
    "variational": lambda: coder(lambda: keras_ae.VAE(*dense("mean", "log_variance"))),
    "adversarial": lambda: coder(
        lambda: adversarial(keras_ae.layers.SwissRollPrior(10), num_classes=10)
    ),
    "diffusion_ddpm": lambda: diffusion("diffusion_ddpm"),
    "diffusion_latent": lambda: diffusion("diffusion_latent"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What one process found in the exports of all models, and what must be in them."""
    root, lines = tmp_path_factory.mktemp("exports"), []
    for name, build in MODELS.items():
        model, asked = build()
        if model.cannot_export():
            pytest.skip(model.cannot_export())
        expected = {key: value for key, (_, value) in asked.items()}
        for key, (inputs, _) in asked.items():
            expected |= {f"{key}/{part}": value for part, value in inputs.items()}
            lines.append(" ".join([name, key, *sorted(inputs)]))
        (root / name).mkdir()
        np.savez(root / name / "expected.npz", **expected)
        model.export(root / name / "exported")
    process = processes.run("-c", LOADER, *(root / name for name in MODELS), check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout.strip().splitlines(), lines


@pytest.mark.parametrize("name", MODELS)
def test_plain_tensorflow_loads_the_export(found, name):
    own = [[line for line in lines if line.split()[0] == name] for lines in found]
    assert own[0] == own[1] != []


def test_an_export_replaces_only_exports(tmp_path):
    model = keras_ae.Autoencoder(*dense())
    if model.cannot_export():
        pytest.skip(model.cannot_export())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="not a SavedModel"):
        model.export(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()
    model.export(tmp_path / "exported")
    (tmp_path / "exported" / "old").write_text("of an earlier export, which is replaced")
    model.export(tmp_path / "exported")
    assert not (tmp_path / "exported" / "old").exists()


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
