"""Schedules and samplers against closed forms: of the posterior, and of Gaussian data."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from benchmarks import diffusion as by_hand
from keras_ae.diffusion import schedule as schedules
from keras_ae.diffusion.ddpm import DDPM
from keras_ae.layers.attention import DotProductAttention, SinusoidalEmbedding
from keras_ae.networks.denoiser import diffusion_unet
from recipes.latent_diffusion import inpaint
from tests.cases import SOON

NAMES = ("linear", "sqrt_linear", "cosine")
MEAN = np.array([0.6, -0.3])
COVARIANCE = np.array([[0.30, 0.12], [0.12, 0.10]])


# Schedules ---------------------------------------------------------------------------------------


def test_schedules_are_those_of_the_papers():
    linear, root, cosine = (schedules.noise_schedule(name) for name in NAMES)
    assert all(part.dtype == "float64" for part in linear.values())
    np.testing.assert_allclose(linear["beta"][[0, 1, -1]], [1e-4, 1e-4 + 0.0199 / 999, 0.02])
    np.testing.assert_allclose(root["beta"][[0, -1]], [0.0015, 0.0195])
    np.testing.assert_allclose(np.diff(np.sqrt(root["beta"])), (0.0195**0.5 - 0.0015**0.5) / 999)
    t = np.arange(1, 990)  # the last betas are kept below 0.999
    f = lambda t: np.cos((t / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(cosine["signal"][t - 1], f(t) / f(0), rtol=1e-9)
    assert cosine["beta"].max() == 0.999


@pytest.mark.parametrize("name", NAMES)
def test_signal_is_what_single_steps_leave(name):
    schedule = schedules.noise_schedule(name, 20)
    variance = 0.0  # of the noise after t steps, x_t = sqrt(1 - beta) x + sqrt(beta) noise
    for beta, signal in zip(schedule["beta"], schedule["signal"]):
        variance = (1.0 - beta) * variance + beta
        np.testing.assert_allclose(variance, 1.0 - signal, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_all_steps_with_eta_one_are_the_posterior(name):
    """Ho et al. 2020, equation 7: the mean and variance of x_{t-1} given x_t and x_0."""
    schedule = schedules.noise_schedule(name, 30)
    beta, signal = schedule["beta"], schedule["signal"]
    before = np.append(1.0, signal[:-1])
    of_image = np.sqrt(before) * beta / (1.0 - signal)
    of_state = np.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - signal)
    time, now, rest, later, later_rest, fresh = schedules.steps_back(schedule, 30, 1.0)[::-1].T
    np.testing.assert_array_equal(time, np.arange(30))
    np.testing.assert_allclose(now, np.sqrt(signal))
    # x' = later image + later_rest noise, with noise = (x - now image) / rest
    np.testing.assert_allclose(later - later_rest * now / rest, of_image, atol=1e-9)
    np.testing.assert_allclose(later_rest / rest, of_state, atol=1e-7)
    np.testing.assert_allclose(fresh**2, schedule["posterior"], atol=1e-12)
    large = schedules.steps_back(schedule, 30, "fixed_large")[::-1].T
    np.testing.assert_allclose(large[5][1:] ** 2, beta[1:])
    np.testing.assert_array_equal(large[:5], (time, now, rest, later, later_rest))


def test_both_ends_of_a_way():
    schedule = schedules.noise_schedule("linear")
    for steps in (1, 7, 10, 1000):
        for spacing in schedules.SPACINGS:
            chosen = schedules.chosen_steps(1000, steps, spacing)
            assert len(set(chosen)) == steps and chosen[-1] == 999 and chosen[0] >= 0
            for eta in (0.0, 1.0, "fixed_large"):
                table = schedules.steps_back(schedule, steps, eta, spacing)
                np.testing.assert_array_equal(table[:, 0], chosen[::-1])
                np.testing.assert_allclose(table[0, 1] ** 2, schedule["signal"][999])
                np.testing.assert_array_equal(table[-1, 3:], [1.0, 0.0, 0.0])  # no noise is added
                np.testing.assert_array_equal(table[1:, 1], table[:-1, 3])
                assert not np.any(table[:, 5]) if eta == 0.0 else np.all(table[:-1, 5] > 0)
            forth = schedules.steps_forth(schedule, steps, spacing)
            np.testing.assert_array_equal(forth[0, 1:3], [1.0, 0.0])  # from the image itself
            np.testing.assert_array_equal(forth[-1, 0], 999)
    np.testing.assert_array_equal(schedules.chosen_steps(1000, 10), np.arange(99, 1000, 100))
    np.testing.assert_array_equal(schedules.chosen_steps(100, 5, "quadratic"), [3, 15, 35, 63, 99])


# Gaussian data, whose best denoiser is known -----------------------------------------------------


@keras.saving.register_keras_serializable("tests")
class BestDenoiser(keras.layers.Layer):
    """What can be known of the noise in x_t = sqrt(a) x_0 + sqrt(1 - a) noise, of N(m, C) data:
    sqrt(1 - a) (a C + (1 - a) I)^-1 (x_t - sqrt(a) m)."""

    def __init__(self, schedule, predicts, num_steps, share, **kwargs):
        super().__init__(**kwargs)
        self.schedule, self.predicts, self.num_steps = schedule, predicts, num_steps
        self.share = share  # of the covariance
        a = schedules.noise_schedule(schedule, num_steps)["signal"][:, None, None]
        variances = a * share * COVARIANCE + (1.0 - a) * np.eye(2)
        roots = a[..., 0] ** 0.5, (1.0 - a[..., 0]) ** 0.5  # (T, 1) each
        self.tables = (*roots, roots[1][:, None] * np.linalg.inv(variances))

    def call(self, inputs):
        time = ops.cast(inputs["time"], "int32")
        signal, rest, matrices = (
            ops.take(ops.convert_to_tensor(table, "float32"), time, axis=0) for table in self.tables
        )
        state = inputs["image"]
        away = state - signal * MEAN.astype("float32")
        noise = ops.sum(matrices * away[:, None, :], axis=-1)
        image = (state - rest * noise) / signal
        return {"noise": noise, "image": image, "velocity": signal * noise - rest * image}[
            self.predicts
        ]

    def get_config(self):
        own = {name: getattr(self, name) for name in ("schedule", "predicts", "num_steps", "share")}
        return {**super().get_config(), **own}


def gaussian_model(schedule="linear", predicts="noise", num_steps=1000, share=1.0):
    inputs = {
        name: keras.Input(shape, name=name) for name, shape in (("image", (2,)), ("time", ()))
    }
    network = keras.Model(inputs, BestDenoiser(schedule, predicts, num_steps, share)(inputs))
    more = {"average_decay": None, "sampling_steps": min(50, num_steps), "clip": False}
    return DDPM(network, predicts, schedule, num_steps, **more)


@pytest.mark.parametrize(
    ("schedule", "predicts", "eta", "steps"),
    [
        ("linear", "noise", 0.0, 200),
        ("cosine", "noise", 1.0, 400),
        ("cosine", "image", "fixed_large", 400),
        ("sqrt_linear", "velocity", 0.0, 200),
    ],
)
def test_samples_of_gaussian_data_have_its_mean_and_covariance(schedule, predicts, eta, steps):
    model = gaussian_model(schedule, predicts)
    drawn = model.sample(4000, seed=0, steps=steps, eta=eta, batch_size=4000)
    np.testing.assert_allclose(drawn.mean(axis=0), MEAN, atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), COVARIANCE, atol=0.03)


@pytest.mark.parametrize("predicts", ("noise", "image", "velocity"))
def test_encode_then_decode_returns_the_point(predicts):
    model = gaussian_model("cosine", predicts, 250)
    x = np.random.default_rng(0).multivariate_normal(MEAN, COVARIANCE, 200).astype("float32")
    z = model.encode(x, steps=250)
    again = model.decode(z, steps=250)
    assert np.sqrt(np.mean((again - x) ** 2)) < 1e-2
    np.testing.assert_allclose(np.cov(z.T), np.eye(2), atol=0.3)  # and the code is unit noise
    far = np.sqrt(np.mean((model.reconstruct(x, 5) - x) ** 2))
    assert np.sqrt(np.mean((again - x) ** 2)) < 3e-3 < far  # few steps cannot


# The bound ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variance", "gap"), [("fixed_large", 0.25), ("fixed_small", 0.9)])
def test_the_bound_of_gaussian_data_is_their_entropy(variance, gap):
    """With the best denoiser hardly more, a variance that is for single images costs some; with a
    worse denoiser much more."""
    x = np.random.default_rng(0).multivariate_normal(MEAN, 0.02 * COVARIANCE, 400)
    x = (np.round(127.5 * (x + 1)) / 127.5 - 1).astype("float32")
    model = gaussian_model(num_steps=400, share=0.02)
    entropy = 0.5 * np.log(np.linalg.det(2 * np.pi * np.e * 0.02 * COVARIANCE))  # nats of a pair
    least = (entropy / 2 - np.log(2 / 255)) / np.log(2.0)  # bits, of levels 2 / 255 apart
    bits = model.bits_per_dimension(x, variance=variance, batch_size=400)
    assert bits.shape == (400,) and bits.dtype == np.float32
    assert least - 0.1 < bits.mean() < least + gap
    few = model.bits_per_dimension(x, variance=variance, steps=200, batch_size=80)
    assert few.mean() == pytest.approx(bits.mean(), abs=0.5)
    worse = gaussian_model(num_steps=400, share=1.0)
    assert worse.bits_per_dimension(x, steps=100, batch_size=400).mean() > bits.mean() + 0.3


def test_the_bound_of_one_step_is_its_formula():
    """T = 2, written out with SciPy."""
    model = gaussian_model(num_steps=2)
    x = np.array([[-1.0, 1.0], [0.2 * 127.5 // 1 / 127.5 - 1, 1 / 127.5 - 1]], "float32")
    noise = np.random.default_rng(3)
    noise.integers([0, 1], [1, 2])
    noise = noise.standard_normal((2, 2, 2), "float32").astype("float64")
    beta, signal = model.levels["beta"], model.levels["signal"]
    ask = lambda state, time: ops.convert_to_numpy(
        model.network({"image": state.astype("float32"), "time": np.full(2, time, "float32")})
    )
    seen = [np.sqrt(a) * x + np.sqrt(1 - a) * noise[t] for t, a in enumerate(signal)]
    image = [
        (state - np.sqrt(1 - a) * ask(state, t)) / np.sqrt(a)
        for t, (state, a) in enumerate(zip(seen, signal))
    ]
    posterior = beta[1] * (1 - signal[0]) / (1 - signal[1])
    ends = [stats.norm.cdf(x + s / 255, image[0], posterior**0.5) for s in (1, -1)]
    ends = np.where(x > 0.999, 1.0, ends[0]) - np.where(x < -0.999, 0.0, ends[1])
    first = -np.log(np.maximum(ends, 1e-12))
    away = np.sqrt(signal[0]) * beta[1] / (1 - signal[1]) * (x - image[1])
    second = 0.5 * (np.log(beta[1] / posterior) - 1 + (posterior + away**2) / beta[1])
    prior = 0.5 * (signal[1] * x**2 - signal[1] - np.log(1 - signal[1]))
    bits = (first + second + prior).mean(axis=1) / np.log(2.0)
    given = model.bits_per_dimension(x, seed=3)
    np.testing.assert_allclose(given, bits, rtol=1e-3)
    with pytest.raises(ValueError, match="256 levels"):
        model.bits_per_dimension(x + 0.001)
    with pytest.raises(ValueError, match="variance='learned'"):
        model.bits_per_dimension(x, variance="learned")


# Networks ----------------------------------------------------------------------------------------


def test_the_papers_network_has_the_papers_size():
    """35,746,307 = 1,318,016 shared (stem, time, last) and blocks; see the parts below."""
    network = diffusion_unet((32, 32, 3))
    assert network.count_params() == 35_746_307
    parts = {"down": 0, "middle": 0, "up": 0, "time": 0, "stem": 0, "last": 0}
    for layer in network.layers:
        if layer.weights:
            parts[layer.name.split("_")[0]] += layer.count_params()
    conv = lambda inputs, outputs: 9 * inputs * outputs + outputs
    dense = lambda inputs, outputs: inputs * outputs + outputs
    block = lambda i, o: (
        2 * (i + o) + conv(i, o) + dense(512, o) + conv(o, o) + (i != o) * dense(i, o)
    )
    attend = 2 * 256 + 4 * dense(256, 256)
    assert parts["time"] == dense(128, 512) + dense(512, 512)
    assert parts["stem"] == conv(3, 128) and parts["last"] == 2 * 128 + conv(128, 3)
    assert parts["middle"] == 2 * block(256, 256) + attend
    widths = [(128, 128)] * 2 + [(128, 256)] + [(256, 256)] * 5
    down = sum(block(*pair) for pair in widths) + 2 * attend + conv(128, 128) + 2 * conv(256, 256)
    assert parts["down"] == down
    passed = [512] * 8 + [384] + [384] + [256] * 2  # what each block on the way up is given
    outputs = [256] * 9 + [128] * 3
    up = sum(block(i, o) for i, o in zip(passed, outputs)) + 3 * attend + 3 * conv(256, 256)
    assert parts["up"] == up


def test_attention_is_a_softmax_of_products():
    rng = np.random.default_rng(0)
    query, key, value = (rng.normal(size=(2, n, 6)).astype("float32") for n in (3, 4, 4))
    given = ops.convert_to_numpy(DotProductAttention(2)([query, key, value]))
    for head in (slice(0, 3), slice(3, 6)):
        scores = np.exp(query[..., head] @ key[..., head].transpose(0, 2, 1) / 3**0.5)
        wanted = scores / scores.sum(axis=-1, keepdims=True) @ value[..., head]
        np.testing.assert_allclose(given[..., head], wanted, atol=1e-5)
    with pytest.raises(ValueError, match="do not divide"):
        DotProductAttention(4)([query, key, value])


def test_time_is_told_in_sines_and_cosines():
    given = ops.convert_to_numpy(SinusoidalEmbedding(6)(np.array([0.0, 2.0, 999.0], "float32")))
    angles = np.array([[0.0], [2.0], [999.0]]) * 10000.0 ** (-np.arange(3) / 2)
    np.testing.assert_allclose(given, np.hstack([np.sin(angles), np.cos(angles)]), atol=1e-4)
    with pytest.raises(ValueError, match="even"):
        SinusoidalEmbedding(5)


# A network that is trained -----------------------------------------------------------------------


BEFORE = []  # the weights of the network that `trained` trains


@pytest.fixture(scope="module")
def trained():
    """Light or dark squares, and which of the two they are."""
    keras.utils.set_random_seed(0)
    network = diffusion_unet((4, 4, 1), 8, (1,), 1, (), dropout=0.0, groups=4, token_shape=(1, 4))
    BEFORE[:] = [ops.convert_to_numpy(v).copy() for v in network.trainable_variables]
    model = DDPM(network, "velocity", "cosine", 100, 2, average_decay=0.99)
    labels = np.arange(512) % 2
    noise = 0.1 * np.random.default_rng(0).normal(size=(512, 4, 4, 1))
    x = np.clip(np.where(labels, 0.6, -0.6)[:, None, None, None] + noise, -1, 1).astype("float32")
    model.compile(keras.optimizers.Adam(3e-3), **SOON)
    model.fit(x, labels, batch_size=64, epochs=20, verbose=0)
    return model, x, labels


def test_samples_are_of_the_class_that_is_asked_for(trained):
    model, _, _ = trained
    means = model.sample(64, seed=0, guidance=2.0, steps=20).mean(axis=(1, 2, 3))
    assert (means[0::2] < 0).all() and (means[1::2] > 0).all()
    assert np.abs(np.abs(means) - 0.6).mean() < 0.2
    again = model.sample(64, seed=0, guidance=2.0, steps=20).mean(axis=(1, 2, 3))
    np.testing.assert_array_equal(again, means)
    averaged, raw = (model.sample(8, seed=0, average=average) for average in (True, False))
    assert not np.array_equal(averaged, raw)


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


def test_steps_one_by_one_are_the_loop(trained):
    model, _, _ = trained
    noise, labels = model.sample_noise(4, seed=2), [0, 1, 0, 1]
    state, times = noise, schedules.chosen_steps(100, 5)[::-1]
    for step, later in zip(times, [*times[1:], -1]):
        state = model.denoise_step(state, int(step), int(later), labels=labels, guidance=1.5)
    drawn = model.generate(noise, labels=labels, guidance=1.5, steps=5)
    np.testing.assert_allclose(state, drawn, atol=1e-4)


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


def test_every_weight_of_a_network_is_trained(trained):
    model, _, _ = trained
    # one token has all the attention, whatever asks; and what is added to all keys changes none
    idle = ("transformer_norm_2/", "tokens_query/", "tokens_key/", "key/bias")
    for before, weight in zip(BEFORE, model.network.trainable_variables, strict=True):
        if not any(name in weight.path for name in idle):
            assert np.abs(before - ops.convert_to_numpy(weight)).max() > 1e-6, weight.path


@pytest.mark.long
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


@pytest.mark.once
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


def test_bad_input(trained):
    model, x, _ = trained
    for message, call in {
        "at most": lambda: model.sample(2, steps=101),
        "positive integer": lambda: model.sample(2, steps=0),
        "eta=2": lambda: model.sample(2, eta=2),
        "spacing=": lambda: model.sample(2, spacing="cubic"),
        "guidance=-1": lambda: model.sample(2, guidance=-1),
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
    without = gaussian_model()
    with pytest.raises(ValueError, match="knows no prompts"):
        without.sample(2, labels=[0, 1])
    with pytest.raises(ValueError, match="knows no prompts"):
        without.sample(2, guidance=2.0)


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
