"""Schedules and samplers against closed forms: of the posterior, and of Gaussian data."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_ae
from keras_ae.diffusion import schedule as schedules
from keras_ae.diffusion.ddpm import DDPM
from keras_ae.layers.attention import DotProductAttention, SinusoidalEmbedding
from keras_ae.networks.denoiser import diffusion_unet

pytestmark = pytest.mark.compiled

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
@pytest.mark.parametrize("num_steps", (1, 5, 50, 100, 250, 4000))
def test_any_number_of_steps_ends_in_noise(name, num_steps):
    schedule = schedules.noise_schedule(name, num_steps)
    assert schedule["signal"][-1] < 6e-3
    assert schedule["beta"].min() > 0 and schedule["beta"].max() < 1
    if name != "cosine":  # the same process, in finer or coarser steps
        whole = schedules.noise_schedule(name)["signal"]
        finer = max(num_steps // 1000, 1)
        coarser = max(1000 // num_steps, 1)
        same = schedule["signal"][finer - 1 :: finer], whole[coarser - 1 :: coarser]
        np.testing.assert_allclose(*same, rtol=1e-9)


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


def test_a_model_without_prompts_refuses_them():
    without = gaussian_model()
    with pytest.raises(ValueError, match="knows no prompts"):
        without.sample(2, labels=[0, 1])
    with pytest.raises(ValueError, match="knows no prompts"):
        without.sample(2, guidance=2.0)
    without.compile("adam")
    x = np.zeros((2, 2), "float32")
    for y in (x, np.zeros(2, "int32")):
        with pytest.raises(ValueError, match=r"call fit.x. alone"):
            without.evaluate(x, y, verbose=0)
    weighted = keras_ae.Batches(x, sample_weight=np.ones(2, "float32"))
    without.evaluate(weighted, verbose=0)  # its target is x
    with pytest.raises(ValueError, match=r"nothing of .* can be trained: it has no weights, or"):
        without.fit(x, verbose=0)  # the best denoiser


class WordsAndPlaces(keras.layers.Layer):
    def __init__(self, num_words, length, **kwargs):
        super().__init__(**kwargs)
        self.words, self.places = (keras.layers.Embedding(n, 4) for n in (num_words, length))

    def call(self, ids):
        return self.words(ids) + self.places(ops.arange(2))

    def compute_output_shape(self, input_shape):
        return (*input_shape, 4)

    def get_config(self):
        sizes = {"num_words": self.words.input_dim, "length": self.places.input_dim}
        return {**super().get_config(), **sizes}


def test_what_prompts_may_hold():
    inputs = {
        name: keras.Input(shape, name=name)
        for name, shape in (("image", (2,)), ("time", ()), ("tokens", (2, 4)))
    }
    network = keras.Model(inputs, keras.layers.Identity()(inputs["image"]))
    words = keras.Input((2,), dtype="int32")
    places = keras.layers.Embedding(2, 4)(ops.zeros_like(words) + ops.arange(2))
    told = keras.layers.Add()([keras.layers.Embedding(50, 4)(words), places])
    model = DDPM(network, conditioner=keras.Model(words, told))
    assert model.label_range() == (0, 49)
    assert model.sample(2, labels=[[3, 40], [1, 2]], steps=1).shape == (2, 2)
    with pytest.raises(ValueError, match=r"from 3 to 50: pass 0 to 49\.$"):
        model.sample(1, labels=[[3, 50]])
    with pytest.raises(ValueError, match="one whole number for each place of each prompt"):
        model.sample(1, labels=[[0.5, 1.0]])
    inner = keras.Model(words, told)
    for outer, greatest in {
        keras.Model(words, inner(words)): 49,
        keras.Model(words, WordsAndPlaces(50, 60)(words)): 59,  # not seen into
        keras.Model(words, told + keras.layers.Embedding(10, 4)(words)): 9,
    }.items():
        assert DDPM(network, conditioner=outer).label_range() == (0, greatest)
    named = {
        name: keras.Input((2,), dtype="int32", name=name) for name in ("token_ids", "padding_mask")
    }
    told = keras.layers.Embedding(50, 4)(named["token_ids"] * named["padding_mask"])
    for several in (named, list(named.values())):
        with pytest.raises(ValueError, match="needed is one array of whole numbers"):
            DDPM(network, conditioner=keras.Model(several, told))


# The bound ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variance", "gap"), [("fixed_large", 0.25), ("fixed_small", 0.9)])
def test_the_bound_of_gaussian_data_is_their_entropy(variance, gap):
    """With the best denoiser hardly more, a variance that is for single images costs some; with a
    worse denoiser much more."""
    x = np.random.default_rng(0).multivariate_normal(MEAN, 0.02 * COVARIANCE, 400)
    x = (np.round(127.5 * (x + 1)) / 127.5 - 1).astype("float32")
    model = gaussian_model(share=0.02)
    entropy = 0.5 * np.log(np.linalg.det(2 * np.pi * np.e * 0.02 * COVARIANCE))  # nats of a pair
    least = (entropy / 2 - np.log(2 / 255)) / np.log(2.0)  # bits, of levels 2 / 255 apart
    bits = model.bits_per_dimension(x, variance=variance, batch_size=400)
    assert bits.shape == (400,) and bits.dtype == np.float32
    assert least - 0.1 < bits.mean() < least + gap
    few = model.bits_per_dimension(x, variance=variance, steps=500, batch_size=80)
    assert few.mean() == pytest.approx(bits.mean(), abs=0.5)
    worse = gaussian_model(share=1.0)
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
    """As the docstring has them; see the sums below."""
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
    told = {"stem": 3_584, "time": 328_704, "down": 10_190_720, "middle": 2_888_704}
    assert parts == told | {"up": 22_330_880, "last": 3_715}


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
