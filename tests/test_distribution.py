"""Two devices and one give the same weights."""

import keras
import pytest

from keras_ae.engine import distribution
from tests import processes

SCRIPT = """
import pathlib
import numpy as np, keras, keras_ae
from keras_ae.engine import distribution
distribution.split_cpu(2)

def train(devices, loss, end, low):
    keras.utils.set_random_seed(0)
    with distribution.data_parallel(devices):
        assert distribution.num_devices() == devices
        model = keras_ae.Autoencoder(
            keras_ae.dense_encoder((20,), 3, (16, 8), "tanh"),
            keras_ae.dense_decoder((20,), 3, (8, 16), "tanh", end), loss=loss, l2=1e-3)
        model.compile(keras.optimizers.Adam(0.01))
        x = np.random.default_rng(0).uniform(low, 1, size=(64, 20)).astype("float32")
        logs = model.fit(x, batch_size=16, epochs=4, validation_data=x, verbose=0).history
        assert model.predict(x[:7], verbose=0).shape == model.reconstruct(x[:7]).shape == (7, 20)
        weights = [keras.ops.convert_to_numpy(w) for w in model.weights]
        model.fit(x[:17], batch_size=16, verbose=0)  # an example that cannot be shared
        try:
            model.evaluate(x[:17], verbose=0)
        except ValueError as error:
            assert devices == 2 and "share equally" in str(error)
        else:
            assert devices == 1
    return weights, logs

for network in (("bernoulli", None, 0), ("squared_error", "tanh", -1)):
    (one, logs_one), (two, logs_two) = train(1, *network), train(2, *network)
    for a, b in zip(one, two):
        np.testing.assert_allclose(a, b, atol=1e-5)
    for name in logs_one:
        np.testing.assert_allclose(logs_one[name], logs_two[name], rtol=1e-4)
if keras.backend.backend() == "jax":  # or the two wait for each other for ever, once in a while
    threads = [path.read_text() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
    assert not threads or sum("XLAEigen" in name for name in threads) >= 4, threads
print("equal")
"""

ADVERSARIAL = """
import numpy as np, keras, keras_ae
from keras_ae.engine import distribution
distribution.split_cpu(2)

class Fixed(keras_ae.layers.GaussianPrior):  # noise would differ by device
    def call(self, noise):
        return 0.0 * noise + self.scale

def train(devices):
    keras.utils.set_random_seed(0)
    with distribution.data_parallel(devices):
        model = keras_ae.AdversarialAutoencoder(
            keras_ae.dense_encoder((6,), 2, (5,), "tanh"),
            keras_ae.dense_decoder((6,), 2, (5,), "tanh"),
            keras_ae.dense_encoder((2,), 1, (7,), "tanh", name="discriminator"), Fixed(2, 1.5))
        model.compile(keras.optimizers.Adam(0.01))
        x = np.random.default_rng(0).uniform(size=(64, 6)).astype("float32")
        logs = model.fit(x, batch_size=16, epochs=5, validation_data=x, verbose=0).history
    return [keras.ops.convert_to_numpy(w) for w in model.weights], logs

(one, logs_one), (two, logs_two) = train(1), train(2)
for a, b in zip(one, two):
    np.testing.assert_allclose(a, b, atol=1e-5)
for name in logs_one:
    np.testing.assert_allclose(logs_one[name], logs_two[name], rtol=1e-4)
print("equal")
"""

FEW_LABELS = """
import numpy as np, keras, keras_ae
from keras_ae.engine import distribution
distribution.split_cpu(2)

def classify(devices):  # all labelled examples are the second device's
    keras.utils.set_random_seed(0)
    with distribution.data_parallel(devices):
        codes = {name: keras.Input((2,), name=name) for name in ("label", "style")}
        both = keras.layers.Concatenate()([codes["label"], codes["style"]])
        model = keras_ae.SemiSupervisedAAE(
            keras_ae.dense_encoder((6,), 2, (5,), "tanh", heads=("label", "style")),
            keras.Model(codes, keras_ae.dense_decoder((6,), 4)(both)),
            keras_ae.dense_encoder((2,), 1, name="of_class"),
            keras_ae.dense_encoder((2,), 1, name="of_style"), keras_ae.layers.GaussianPrior(2))
        rates = {name: 0.0 for name in model.trained_by()} | {"classification": 0.5}
        model.compile({name: keras.optimizers.SGD(rate) for name, rate in rates.items()})
        x = np.random.default_rng(0).uniform(size=(16, 6)).astype("float32")
        labels = np.array([-1] * 12 + [0, 1, 1, 0])
        model.fit(x, labels, batch_size=16, epochs=3, shuffle=False, verbose=0)
    return [keras.ops.convert_to_numpy(w) for w in model.encoder.weights]

for a, b in zip(classify(1), classify(2)):
    np.testing.assert_allclose(a, b, atol=1e-5)
print("equal")
"""

COUNTERS = """
import numpy as np, keras, keras_ae
from keras_ae.engine import distribution
distribution.split_cpu(2)
x = np.random.default_rng(0).uniform(-1, 1, size=(32, 8, 8, 1)).astype("float32")

with distribution.data_parallel(2):  # growth, and an augmentation that adapts itself
    networks = keras_ae.progan_networks((8, 8, 1), 3, 16, 4, group_size=1)
    model = keras_ae.ProGAN(**networks, fade_images=64, stable_images=32)
    model.compile(keras.optimizers.SGD(0.001))
    model.fit(x, batch_size=8, epochs=2, verbose=0)
    assert int(keras.ops.convert_to_numpy(model.images_seen)) == 64
    assert model.side == 8 and abs(float(model.fade_now()) - 0.5) < 1e-6

    layer = keras_ae.layers.AdaptiveAugmentation(images_per_unit=80, every=2, target=-0.9, seed=0)
    model = keras_ae.GAN(
        keras_ae.dense_generator((8, 8, 1), 3, (7,), "tanh"),
        keras_ae.maxout_discriminator((8, 8, 1), (5,), 2, seed=0), augment=layer)
    model.compile(keras.optimizers.SGD(0.0))
    logs = model.fit(x, batch_size=8, epochs=1, verbose=0).history
    assert abs(float(logs["augmentation"][0]) - 0.4) < 1e-6, logs  # 32 images of 80
    assert -1 <= float(logs["overfitting"][0]) <= 1
print("equal")
"""

DIFFUSION = """
import numpy as np, keras, keras_ae
from keras_ae.engine import distribution
distribution.split_cpu(2)
x = np.random.default_rng(0).uniform(-1, 1, size=(32, 4, 4, 1)).astype("float32")
labels = np.arange(32) % 3

class Fixed(keras_ae.DDPM):  # noise and steps would differ by device
    def loss_terms(self, x, target, outputs, training):
        time = keras.ops.arange(8, 9) * keras.ops.ones_like(target)
        return {"denoising": self.errors(x, time, x[:, ::-1], self._ids(target), training)}

def train(devices):
    keras.utils.set_random_seed(0)
    with distribution.data_parallel(devices):
        unet = keras_ae.diffusion_unet((4, 4, 1), 4, (1,), 1, (), 0.0, 2, (1, 6))
        model = Fixed(unet, num_steps=20, sampling_steps=5, num_classes=3, average_decay=0.5)
        model.compile(keras.optimizers.SGD(0.1))
        before = model.network.get_weights()
        logs = model.fit(x, labels, batch_size=16, epochs=3, verbose=0).history
        drawn = model.sample(4, labels=labels[:4], seed=0, eta=1.0, guidance=2.0)
    assert max(np.abs(a - b).max() for a, b in zip(before, model.network.get_weights())) > 0.01
    return [*model.network.get_weights(), *model.average.get_weights(), drawn], logs

(one, logs_one), (two, logs_two) = train(1), train(2)
for a, b in zip(one, two, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-4)
for name in logs_one:
    np.testing.assert_allclose(logs_one[name], logs_two[name], rtol=1e-4)
print("equal")
"""


@pytest.mark.parametrize(
    "script",  # two strategies in one process do not get on
    (
        pytest.param(SCRIPT, id="plain", marks=pytest.mark.neutral("jax")),
        pytest.param(ADVERSARIAL, id="adversarial", marks=pytest.mark.slow),
        pytest.param(FEW_LABELS, id="few_labels", marks=pytest.mark.neutral),
        pytest.param(COUNTERS, id="counters", marks=pytest.mark.slow),
        pytest.param(DIFFUSION, id="diffusion", marks=pytest.mark.slow),
    ),
)
def test_two_devices_equal_one(script):
    if keras.backend.backend() == "torch":
        pytest.skip("no data parallelism on the torch backend: keras_ae says so")
    if keras.backend.backend() == "jax" and script is COUNTERS:
        pytest.skip("a batch is one array there: there is nothing to add up")
    assert processes.run("-c", script).stdout.strip().endswith("equal")


def test_what_cannot_be_distributed_is_refused():
    with distribution.data_parallel(1):
        assert distribution.num_devices() == 1
    with pytest.raises(ValueError), distribution.data_parallel(64):
        pass
