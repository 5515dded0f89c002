"""Sampling by a small network that was trained, and by one that is equal to one in PyTorch."""

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks import diffusion as by_hand
from keras_ae.diffusion import schedule as schedules
from keras_ae.diffusion.ddpm import DDPM
from keras_ae.layers.attention import SinusoidalEmbedding
from keras_ae.networks.denoiser import diffusion_unet
from recipes._diffusion import inpaint
from tests.cases.case import SOON, numpy_weights

pytestmark = pytest.mark.compiled

BEFORE = []  # the weights of the network that `trained` trains


@pytest.fixture(scope="module")
def trained():
    """Light or dark squares, and which of the two they are. PyTorch learns them; the others have
    weights that matter, for tests that ask for no more."""
    keras.utils.set_random_seed(0)
    network = diffusion_unet((4, 4, 1), 8, (1,), 1, (), dropout=0.0, groups=4, token_shape=(1, 4))
    BEFORE[:] = [ops.convert_to_numpy(v).copy() for v in network.trainable_variables]
    model = DDPM(network, "velocity", "cosine", 100, 2, average_decay=0.99)
    labels = np.arange(512) % 2
    noise = 0.1 * np.random.default_rng(0).normal(size=(512, 4, 4, 1))
    x = np.clip(np.where(labels, 0.6, -0.6)[:, None, None, None] + noise, -1, 1).astype("float32")
    if keras.backend.backend() == "torch":
        model.compile(keras.optimizers.Adam(3e-3))
        model.fit(x, labels, batch_size=64, epochs=20, verbose=0)
    else:
        numpy_weights(model)
    return model, x, labels


@pytest.mark.neutral("torch")
def test_samples_are_of_the_class_that_is_asked_for(trained):
    model, _, _ = trained
    means = model.sample(64, seed=0, guidance=2.0, steps=20).mean(axis=(1, 2, 3))
    assert (means[0::2] < 0).all() and (means[1::2] > 0).all()
    assert np.abs(np.abs(means) - 0.6).mean() < 0.2
    again = model.sample(64, seed=0, guidance=2.0, steps=20).mean(axis=(1, 2, 3))
    np.testing.assert_array_equal(again, means)
    averaged, raw = (model.sample(8, seed=0, average=average) for average in (True, False))
    assert not np.array_equal(averaged, raw)


@pytest.mark.neutral("torch")
def test_guidance_leads_away_from_no_prompt(trained):
    model, _, _ = trained
    noise, labels = model.sample_noise(6, seed=1), [0, 1, 1, 0, 0, 1]
    step = lambda guidance, labels=labels: model.denoise_step(
        noise, 75, 74, labels=labels, guidance=guidance
    )
    without, with_prompt = step(1.0, None), step(1.0)
    assert np.abs(with_prompt - without).max() > 1e-3
    clip, model.clip = model.clip, False  # the rest is linear
    try:
        without, with_prompt = (
            model.denoise_step(noise, 76, 74, labels=each) for each in (None, labels)
        )
        guided = model.denoise_step(noise, 76, 74, labels=labels, guidance=3.0)
    finally:
        model.clip = clip
    np.testing.assert_allclose(guided, without + 3.0 * (with_prompt - without), atol=1e-4)


def test_single_steps_follow_clip(trained):
    model, _, _ = trained
    noise = 4.0 * model.sample_noise(4, seed=1)  # what is predicted of it lies outside
    kept = model.denoise_step(noise, 60, -1, labels=[0, 1, 0, 1])
    assert np.abs(kept).max() <= 1.0
    clip, model.clip = model.clip, False
    try:
        free = model.denoise_step(noise, 60, -1, labels=[0, 1, 0, 1])
    finally:
        model.clip = clip
    assert np.abs(free).max() > 1.1
    np.testing.assert_allclose(np.clip(free, -1.0, 1.0), kept, atol=1e-5)


def test_images_do_not_depend_on_how_many_are_drawn_at_once(trained):
    model, _, _ = trained
    told = {"labels": np.arange(6) % 2, "seed": 0, "eta": 1.0, "steps": 5}
    whole, parts = (model.sample(6, batch_size=size, **told) for size in (6, 4))
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    assert not np.array_equal(whole[0], whole[2])
    again = model.sample(6, batch_size=6, **told | {"seed": 1})
    assert np.abs(again - whole).max() > 0.1


def test_steps_one_by_one_are_the_loop(trained):
    model, _, _ = trained
    noise, labels = model.sample_noise(4, seed=2), [0, 1, 0, 1]
    state, times = noise, schedules.chosen_steps(100, 5)[::-1]
    for step, later in zip(times, [*times[1:], -1]):
        state = model.denoise_step(state, int(step), int(later), labels=labels, guidance=1.5)
    drawn = model.generate(noise, labels=labels, guidance=1.5, steps=5)
    np.testing.assert_allclose(state, drawn, atol=1e-4)


@pytest.mark.neutral("torch")
def test_inpainting_keeps_what_is_known_and_fits_the_rest(trained):
    model, x, labels = trained
    known = np.zeros((4, 4, 1), "float32")
    known[:2] = 1.0
    signs = np.where(labels, 1.0, -1.0)
    fits = lambda drawn: (drawn[:, 2:].mean(axis=(1, 2, 3)) * signs).mean()
    drawn = inpaint(model, x, known, None, seed=3, steps=20)  # no prompt: the known half decides
    np.testing.assert_allclose(drawn[:, :2], x[:, :2], atol=1e-5)
    assert fits(drawn) > 0.2
    assert abs(fits(inpaint(model, x, 0.0 * known, None, seed=3, steps=20))) < 0.1  # by chance
    told = inpaint(model, x, known, labels, seed=3, steps=20)
    assert abs(fits(told) - 0.6) < 0.15


@pytest.mark.neutral("torch")
def test_a_trained_model_returns_what_it_encodes(trained):
    model, x, labels = trained
    z = model.encode(x[:16], 100, labels=labels[:16])
    again = model.decode(z, 100, labels=labels[:16])
    assert np.sqrt(np.mean((again - x[:16]) ** 2)) < 1e-2


def test_the_last_step_adds_no_noise(trained):
    model, _, _ = trained
    noise = model.sample_noise(3, seed=0)
    for eta in (1.0, "fixed_large"):
        one, other = (model.generate(noise, steps=1, eta=eta, seed=seed) for seed in (0, 1))
        np.testing.assert_array_equal(one, other)
        one, other = (model.generate(noise, steps=2, eta=eta, seed=seed) for seed in (0, 1))
        assert not np.array_equal(one, other)


def test_all_images_share_one_program(trained):
    model, _, _ = trained
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch runs as it is written")
    noise, key = model.sample_noise(10, seed=0), (True, True, model.clip)
    model.generate(noise[:4], steps=2)  # makes it, if no other test did
    program = model._programs((*key, "state", "ids", "table", True), None)
    before = program.num_traces
    whole = model.generate(noise, steps=3, batch_size=4)  # 4, 4 and 2 images
    assert program.num_traces == before + 1
    model.generate(noise, steps=3, batch_size=4, labels=np.zeros(10, "int32"))
    assert program.num_traces == before + 1
    np.testing.assert_allclose(model.generate(noise[:4], steps=3), whole[:4], atol=1e-5)


def test_all_programs_share_one_trace_of_the_network(trained):
    model, x, _ = trained
    part = model._programs.part(model.average, None)
    if not hasattr(part, "experimental_get_tracing_count"):
        pytest.skip("TensorFlow alone writes programs down")
    model.generate(x[:5], steps=2)
    before = part.experimental_get_tracing_count()
    model.encode(x[:5], 2)
    model.bits_per_dimension(np.round((x[:5] + 1.0) * 127.5) / 127.5 - 1.0, steps=2, batch_size=5)
    assert part.experimental_get_tracing_count() == before


def test_calls_with_other_weights_leave_no_trace(trained):
    model, x, _ = trained
    expected = ops.convert_to_numpy(model(x[:2]))
    zeros = [
        [ops.zeros(variable.shape, variable.dtype) for variable in group]
        for group in (model.trainable_variables, model.non_trainable_variables)
    ]
    model.stateless_call(*zeros, x[:2])
    np.testing.assert_allclose(ops.convert_to_numpy(model(x[:2])), expected, atol=1e-5)


@pytest.mark.neutral("torch")
def test_every_weight_of_a_network_is_trained(trained):
    model, _, _ = trained
    # one token has all the attention, whatever asks; and what is added to all keys changes none
    idle = ("transformer_norm_2/", "tokens_query/", "tokens_key/", "key/bias")
    for before, weight in zip(BEFORE, model.network.trainable_variables, strict=True):
        if not any(name in weight.path for name in idle):
            assert np.abs(before - ops.convert_to_numpy(weight)).max() > 1e-6, weight.path


@pytest.mark.neutral("torch")
def test_a_file_and_an_export_draw_what_the_model_draws(trained, tmp_path):
    model, _, _ = trained
    noise, labels = model.sample_noise(4, seed=5), np.array([0, 1, 1, 0], "int32")
    drawn = model.generate(noise, labels=labels, guidance=2.0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.generate(noise, labels=labels, guidance=2.0), drawn, atol=1e-5)
    if model.cannot_export():
        return  # says why; TensorFlow exports
    import tensorflow as tf

    model.export(tmp_path / "exported")
    sample = tf.saved_model.load(tmp_path / "exported").signatures["sample"]
    told = {"noise": noise, "labels": labels, "guidance": np.float32(2.0)}
    (served,) = sample(**{name: tf.constant(value) for name, value in told.items()}).values()
    np.testing.assert_allclose(served, drawn, atol=1e-4)


@pytest.mark.neutral("torch")
def test_half_precision_trains_a_network(trained):
    _, x, labels = trained
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = diffusion_unet((4, 4, 1), 4, (1,), 1, (4,), groups=2, token_shape=(1, 4))
        model = DDPM(network, num_steps=20, num_classes=2, sampling_steps=2)
        model.compile(keras.optimizers.Adam(1e-2), **SOON)
        losses = model.fit(x, labels, batch_size=256, epochs=4, verbose=0).history["loss"]
        assert network.compute_dtype == "bfloat16" and model.sample(2, seed=0).dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")
    assert losses[-1] < losses[0]


def test_half_precision_knows_every_step():
    """bfloat16 has no 997, 998 or 999."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inputs = {"image": keras.Input((6,), name="image"), "time": keras.Input((), name="time")}
        told = SinusoidalEmbedding(6)(inputs["time"])
        network = keras.Model(inputs, keras.layers.Add()([told, inputs["image"]]))
    finally:
        keras.config.set_dtype_policy("float32")
    steps = np.arange(990, 1000, dtype="float32")
    given = network({"image": np.zeros((10, 6), "float32"), "time": steps})
    given = ops.convert_to_numpy(ops.cast(given, "float32"))
    angles = steps[:, None] * 10000.0 ** (-np.arange(3) / 2)
    expected = np.hstack([np.sin(angles), np.cos(angles)])
    np.testing.assert_allclose(given, expected, atol=5e-3)  # bfloat16 has 8 bits
    assert len(np.unique(given, axis=0)) == 10


def test_bad_input(trained):
    model, x, _ = trained
    for message, call in {
        "at most": lambda: model.sample(2, steps=101),
        "positive integer": lambda: model.sample(2, steps=0),
        "eta=2": lambda: model.sample(2, eta=2),
        "spacing=": lambda: model.sample(2, spacing="cubic"),
        "guidance=-1": lambda: model.sample(2, guidance=-1),
        "guidance=np.float32(-2.0)": lambda: model.sample(2, guidance=np.float32(-2)),
        "time=array([-1,  3]): pass whole": lambda: model.add_noise(x[:2], [-1, 3], x[:2]),
        "100]): pass whole numbers of 0 to 99": lambda: model.add_noise(x[:2], [0, 100], x[:2]),
        "time=array(-1)": lambda: model.add_noise(x[:2], -1, x[:2]),
        "time=array([0.5])": lambda: model.add_noise(x[:1], np.array([0.5]), x[:1]),
        "labels from 2": lambda: model.sample(2, labels=[2, 2]),
        "3 labels for 2": lambda: model.sample(2, labels=[0, 1, 0]),
        "needed is (batch": lambda: model.encode(x[:, :3]),
        "pass a step of": lambda: model.denoise_step(x[:2], 100, 3),
        "smaller one": lambda: model.denoise_step(x[:2], 5, 5),
        "NaN": lambda: model.decode(np.full((1, 4, 4, 1), np.nan)),
        "positive integer.": lambda: model.sample(0),
    }.items():
        with pytest.raises(ValueError) as error:
            call()
        assert message in str(error.value)


def test_images_equal_those_of_a_loop_by_hand_in_pytorch():
    """The U-Net, and 10 steps of DDIM, with equal weights."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    ours, theirs = by_hand.network(8, 8), by_hand.by_hand(torch, 8, 8)
    rng, parts = np.random.default_rng(0), dict(theirs.parts)
    for layer in ours.layers:
        if not layer.weights:
            continue
        shapes = [weight.shape for weight in layer.weights]
        values = [0.3 * rng.normal(size=shape).astype("float32") for shape in shapes]
        layer.set_weights(values)
        kernel = np.moveaxis(values[0], (-1, -2), (0, 1)) if values[0].ndim > 1 else values[0]
        part = parts.pop(layer.name)
        with torch.no_grad():
            part.weight.copy_(torch.tensor(np.ascontiguousarray(kernel)))
            part.bias.copy_(torch.tensor(values[1]))
    assert not parts  # all of theirs have been given weights
    model = DDPM(ours, average_decay=None)
    noise = rng.normal(size=(3, 8, 8, 1)).astype("float32")
    drawn = model.generate(noise, steps=10)
    start = torch.tensor(np.moveaxis(noise, -1, 1).copy())
    expected = by_hand.sample_by_hand(torch, theirs, start, 10)
    np.testing.assert_allclose(drawn, np.moveaxis(expected.cpu().numpy(), 1, -1), atol=1e-3)
    assert 0.1 < np.abs(drawn).mean() < 0.99  # neither grey nor all at an end
