"""Corruptions, their statistics and their noise; the denoising autoencoder."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae.engine import seeds
from keras_ae.layers import MaskingNoise, SaltAndPepperNoise
from tests.cases.autoencoders import Brightness, denoising
from tests.cases.case import decoder, encoder, pixels

X = pixels(np.random.default_rng(0), 64)[0] + 0.5  # no pixel is 0 or 1


def corrupted(layer, x=X):
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(x), training=True))


@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_masking_zeroes_a_share_and_leaves_the_rest(rate):
    seen = corrupted(MaskingNoise(rate, seed=0))
    masked = seen == 0
    spread = np.sqrt(rate * (1 - rate) / masked.size)
    assert abs(masked.mean() - rate) <= 4 * spread
    np.testing.assert_array_equal(seen[~masked], X[~masked])


def test_salt_and_pepper_are_a_fair_coin():
    seen = corrupted(SaltAndPepperNoise(0.4, low=-1.0, high=3.0, seed=0))
    salt, pepper = seen == 3.0, seen == -1.0
    for share in (salt.mean(), pepper.mean()):
        assert abs(share - 0.2) < 4 * np.sqrt(0.2 * 0.8 / seen.size)
    np.testing.assert_array_equal(seen[~salt & ~pepper], X[~salt & ~pepper])


@pytest.mark.parametrize("layer", [MaskingNoise(0.5, seed=1), SaltAndPepperNoise(0.5, seed=1)])
def test_noise_is_fresh_for_every_example_and_call_and_off_in_inference(layer):
    same = np.repeat(X[:1], 2, axis=0)
    first, second = corrupted(layer, same), corrupted(layer, same)
    assert not np.array_equal(first[0], first[1]) and not np.array_equal(first, second)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(X)), X)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(corrupted(again, same), first)  # its seed is in the config


def test_half_precision_keeps_the_rate():
    layer = MaskingNoise(0.003, seed=0, dtype="bfloat16")
    masked = corrupted(layer, np.ones((200, 1000), "float32")).astype("float32") == 0
    assert abs(masked.mean() - 0.003) < 4 * np.sqrt(0.003 / masked.size)


def test_the_loss_is_taken_to_the_clean_input():
    model = denoising(MaskingNoise(1.0))  # sees nothing
    model.compile(keras.optimizers.SGD(0.0))
    history = model.fit(X, batch_size=64, verbose=0).history
    blind = model.predict(np.zeros_like(X), verbose=0)
    expected = np.mean(np.sum((X - blind) ** 2, axis=(1, 2, 3)))
    np.testing.assert_allclose(history["reconstruction"][0], expected, rtol=1e-5)


def test_evaluate_is_clean_unless_asked():
    model = denoising(MaskingNoise(0.5))
    model.compile(keras.optimizers.SGD(0.0))
    clean = np.mean(np.sum((X - model.predict(X, verbose=0)) ** 2, axis=(1, 2, 3)))
    logs = [
        model.evaluate(X, verbose=0, return_dict=True, corrupted=corrupted)["reconstruction"]
        for corrupted in (False, True, True, False)
    ]
    np.testing.assert_allclose(logs[0], clean, rtol=1e-5)
    assert logs[0] == logs[3] and logs[1] == logs[2]  # and the noise of evaluation is its own
    assert abs(logs[1] - logs[0]) > 1e-3
    validated = model.fit(X, validation_data=X, verbose=0).history
    np.testing.assert_allclose(validated["val_reconstruction"][0], clean, rtol=1e-5)


def test_evaluation_leaves_the_noise_of_training_alone():
    def trained(look):
        keras.utils.set_random_seed(0)
        model = denoising(keras.layers.GaussianNoise(0.3))
        model.compile(keras.optimizers.Adam(0.01))
        for _ in range(2):
            held = {"validation_data": X[:8]} if look else {}
            model.fit(X, batch_size=16, verbose=0, **held)
            if look:
                model.evaluate(X, verbose=0, corrupted=True)
                model.corrupt(X)
                model.predict(X, verbose=0)
        return model.get_weights()

    for left, right in zip(trained(True), trained(False)):
        np.testing.assert_array_equal(left, right)


def test_resume_goes_on_with_the_noise(tmp_path):
    """The noise of the third epoch is neither that of the first nor one of a fresh model."""
    keras.utils.set_random_seed(0)
    model = denoising(MaskingNoise(0.5))
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(X, epochs=2, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    states = [ops.convert_to_numpy(s) for s in seeds.states(loaded)]
    np.testing.assert_array_equal(states, [ops.convert_to_numpy(s) for s in seeds.states(model)])
    logs = [m.fit(X, batch_size=16, verbose=0).history["reconstruction"] for m in (model, loaded)]
    assert logs[0] == logs[1]


def test_corrupt_has_a_seed():
    model = denoising(MaskingNoise(0.5))
    np.testing.assert_array_equal(model.corrupt(X, seed=1), model.corrupt(X, seed=1))
    assert not np.array_equal(model.corrupt(X, seed=1), model.corrupt(X, seed=2))
    with pytest.raises(ValueError, match="needed is"):
        model.corrupt(X[0])
    neighbours = [model.corrupt(np.repeat(X, 2, axis=0), seed=seed) for seed in range(3)]
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(neighbours))
    with pytest.raises(ValueError, match="pairs"):
        denoising(None).corrupt(X)
    with pytest.raises(ValueError, match="built for pairs"):
        pairs = denoising(None)
        pairs.compile("adam")
        pairs.evaluate(X, X, verbose=0, corrupted=True)


def test_emphasis_weighs_what_the_corruption_changed():
    noisy = X.copy()
    noisy[:, :2] = 0.0
    model = denoising(None, emphasis=(1.0, 0.25))
    model.compile(keras.optimizers.SGD(0.0))
    errors = (X - model.predict(noisy, verbose=0)) ** 2
    corrupted, kept = (np.mean(np.sum(e, axis=(1, 2, 3))) for e in (errors[:, :2], errors[:, 2:]))
    for logs in (
        model.evaluate(noisy, X, verbose=0, return_dict=True),
        {name: v[0] for name, v in model.fit(noisy, X, batch_size=64, verbose=0).history.items()},
    ):
        np.testing.assert_allclose(logs["corrupted"], corrupted, rtol=1e-5)
        np.testing.assert_allclose(logs["kept"], kept, rtol=1e-5)
        np.testing.assert_allclose(logs["loss"], corrupted + 0.25 * kept, rtol=1e-5)


@pytest.mark.parametrize("dtype", [None, "float32"])
def test_emphasis_in_half_precision_sees_no_rounding(dtype):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = denoising(MaskingNoise(0.0, dtype=dtype), emphasis=(1.0, 1.0))
        assert model.corrupt(X).dtype == np.float32
        model.compile(keras.optimizers.SGD(0.0))
        assert model.fit(X, verbose=0).history["corrupted"] == [0.0]
    finally:
        keras.config.set_dtype_policy("float32")


def test_pairs_of_the_user():
    noisy = np.clip(X + 0.2, 0, None)
    model = denoising(None)
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(noisy, X, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    with pytest.raises(ValueError, match="nothing to undo"):
        model.fit(X, verbose=0)
    with pytest.raises(ValueError, match="validation y is missing"):
        model.fit(noisy, X, validation_data=noisy, verbose=0)
    before = model.get_weights()
    for method, steps in ((model.fit, "steps_per_epoch"), (model.evaluate, "steps")):
        with pytest.raises(ValueError, match="nothing to undo"):  # found out only within the step
            method((batch for batch in [(X,)]), **{steps: 1}, verbose=0)
    for left, right in zip(model.get_weights(), before):
        np.testing.assert_array_equal(left, right)  # nothing was lost
    assert np.isfinite(model.fit(noisy, X, verbose=0).history["loss"]).all()


def test_a_layer_of_the_user(tmp_path):
    model = denoising(Brightness())
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(X, epochs=2, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    logs = [m.fit(X, batch_size=16, verbose=0).history["loss"] for m in (model, loaded)]
    assert logs[0] == logs[1]


class Inside(keras.layers.Layer):
    """A user's corruption with a noise layer inside, and no argument `training`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.noise = keras.layers.GaussianNoise(0.5, seed=1)

    def call(self, x):
        return self.noise(x)


def test_noise_inside_a_layer_of_the_user():
    model = denoising(Inside())
    model.compile(keras.optimizers.SGD(0.0))
    assert np.abs(model.corrupt(X) - X).mean() > 0.3
    clean = model.evaluate(X, verbose=0, return_dict=True)["loss"]
    noisy = model.evaluate(X, verbose=0, return_dict=True, corrupted=True)["loss"]
    trained = model.fit(X, verbose=0).history["loss"][0]
    assert min(abs(noisy - clean), abs(trained - clean)) > 1e-3
    assert model.test_on_batch(X, return_dict=True)["loss"] == pytest.approx(clean, rel=1e-5)


def test_several_corruptions_in_a_row():
    noise = keras.Sequential([MaskingNoise(0.3), keras.layers.GaussianNoise(0.1)])
    both = keras_ae.DenoisingAutoencoder(encoder(), decoder(), noise)
    assert not np.array_equal(both.corrupt(X), X)
    np.testing.assert_allclose(both.predict(X, verbose=0), both.reconstruct(X), atol=1e-6)


@pytest.mark.neutral("torch")
@pytest.mark.compiled
def test_a_stack_corrupts_every_stage():
    keras.utils.set_random_seed(0)
    shape = X.shape[1:]
    stack = keras_ae.StackedAutoencoder(
        keras_ae.dense_encoder(shape, 3, (8,), "relu", "relu"),
        keras_ae.dense_decoder(shape, 3, (8,), "relu"),
    )
    noise = MaskingNoise(0.5, seed=1)
    stages = stack.stages(noise)
    assert len({stage.corruption.seed for stage in stages}) == 2
    row = keras.Sequential([keras.layers.GaussianNoise(0.1), noise])
    row(X)  # it knows the shape of the pictures now
    assert len(stack.stages(row)) == 2
    with pytest.raises(ValueError, match="pass a layer"):
        stack.pretrain(X, corruption=0.3)
    assert all(type(stage) is keras_ae.DenoisingAutoencoder for stage in stages)
    assert len({id(stage.corruption) for stage in stages} | {id(noise)}) == 3
    histories = stack.pretrain(X, epochs=30, corruption=noise, batch_size=16)
    for history in histories:
        assert history.history["loss"][-1] < history.history["loss"][0]
    stack.compile("adam")
    stack.fit(X, verbose=0)  # unrolled, without noise
