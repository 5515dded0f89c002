"""Latent diffusion: the scale of the codes, the frozen first stage, samples as single steps."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from tests.cases.case import SOON, numpy_weights, pixels
from tests.cases.diffusion import codebook, latent_diffusion, plain_first_stage

untrained = pytest.mark.filterwarnings("ignore:the first stage")


@pytest.fixture
def x():
    return 2.0 * pixels(np.random.default_rng(0), 12, (4, 4, 1))[0] - 1.0


SMALL = {"num_classes": 2, "num_steps": 20, "sampling_steps": 4}


def built(stage=plain_first_stage, **kwargs):
    model = latent_diffusion(stage, **SMALL, **kwargs)
    numpy_weights(model)
    model.scale.assign(0.0)  # not measured
    model.compile("adam", **SOON)
    return model


LABELS = np.arange(12) % 2


@untrained
@pytest.mark.parametrize("stage", [plain_first_stage, codebook])
def test_the_scale_is_measured_once_and_saved(x, tmp_path, stage):
    model = built(stage)
    deviation = model.first_stage.code_deviation(x)
    model.fit(x, LABELS, verbose=0)
    assert float(model.scale) == pytest.approx(1.0 / deviation, rel=1e-5)
    states = [ops.convert_to_numpy(model.to_state(ops.convert_to_tensor(x), True)) for _ in "abc"]
    assert np.std(states) == pytest.approx(1.0, rel=0.15)  # as they are in training
    np.testing.assert_allclose(
        ops.convert_to_numpy(model.to_state(ops.convert_to_tensor(x))),
        model.array_to_state(x),
        atol=1e-5,
    )
    images = model.array_to_images(model.array_to_state(x))
    np.testing.assert_allclose(images, model.first_stage.reconstruct(x), atol=1e-4)
    before = float(model.scale)
    model.fit(0.5 * x, LABELS, verbose=0)
    assert float(model.scale) == before
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.scale) == before
    again = (m.sample(3, labels=[0, 1, 1], seed=0, steps=3) for m in (model, loaded))
    np.testing.assert_array_equal(*again)


@untrained
def test_the_scale_of_data_sets(x):
    model = built()
    batches = keras_ae.Batches(x, LABELS, batch_size=5)
    first = batches[0][0]
    model.fit(batches, verbose=0)
    deviation = model.first_stage.code_deviation(ops.convert_to_numpy(first))
    assert float(model.scale) == pytest.approx(1.0 / deviation, rel=1e-5)
    model = built()
    with pytest.raises(ValueError, match="measure_scale"):
        model.fit(iter([(x, LABELS)]), verbose=0)
    model.measure_scale(x)
    deviation = model.first_stage.code_deviation(x)
    assert float(model.scale) == pytest.approx(1.0 / deviation, rel=1e-5)
    for weight in model.first_stage.encoder.weights:
        weight.assign(np.zeros(weight.shape))
    with pytest.raises(ValueError, match="train it first"):
        model.measure_scale(x)


def test_a_first_stage_that_was_never_trained(x):
    model = built()
    with pytest.warns(UserWarning, match="was never trained, and is frozen here"):
        model.fit(x, LABELS, verbose=0)
    model.first_stage.compile("adam", **SOON)
    with pytest.raises(ValueError, match="Set its trainable = True and compile it again"):
        model.first_stage.fit(x, verbose=0)


def test_a_trained_first_stage_stays_as_it_is(x, recwarn):
    stage = plain_first_stage(adversarial_start=0)
    stage.compile("adam", **SOON)
    stage.fit(x, verbose=0)
    model = latent_diffusion(lambda: stage, **SMALL)
    before = [ops.convert_to_numpy(weight) for weight in stage.weights]
    model.compile("adam", **SOON)
    logs = model.fit(x, LABELS, epochs=2, verbose=0).history
    assert not [each for each in recwarn if "was never trained" in str(each.message)]
    assert set(logs) == {"denoising", "loss"}
    for mine, old in zip(stage.weights, before):
        np.testing.assert_array_equal(ops.convert_to_numpy(mine), old)


@untrained
def test_samples_are_decoded_steps(x):
    """The loop, the scale and the decoder, against single steps."""
    model = built()
    model.fit(x, LABELS, verbose=0)
    noise, labels = model.sample_noise(4, seed=1), np.array([0, 1, 0, 1])
    state, steps = noise, [19, 14, 9, 4]  # four of twenty, evenly spaced
    for step, later in zip(steps, [*steps[1:], -1]):
        state = model.denoise_step(state, step, later, labels=labels, guidance=2.0)
    expected = model.first_stage.decode(state / float(model.scale))
    drawn = model.generate(noise, labels=labels, guidance=2.0, steps=4)
    np.testing.assert_allclose(drawn, expected, atol=1e-4)


def test_codes_are_drawn_in_training(x):
    model = built()
    model.first_stage.encoder.layers[-1].bias.assign([2.0, 2.0])
    drawn = [ops.convert_to_numpy(model.to_state(ops.convert_to_tensor(x), True)) for _ in "ab"]
    assert np.abs(drawn[0] - drawn[1]).mean() > 0.1
    quiet = built(codebook)
    drawn = [ops.convert_to_numpy(quiet.to_state(ops.convert_to_tensor(x), True)) for _ in "ab"]
    np.testing.assert_array_equal(*drawn)
    assert np.abs(drawn[0] - quiet.array_to_state(x)).max() < 1e-5
