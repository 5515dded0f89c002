"""ProGAN and StyleGAN: constants of the papers, fading, the schedule inside one fit, resume."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae import callbacks, losses
from tests.cases.case import SOON, numpy_weights
from tests.cases.gans import progan, stylegan
from tests.test_stylegan import array, find

K2017, K2018 = "Karras et al. 2017, arXiv:1710.10196", "Karras et al. 2018, arXiv:1812.04948"
GROWS = {"fade_images": 24, "stable_images": 16}  # two epochs of 16 images to fade, one before


def images(number=16, side=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (number, side, side, 1)).astype("float32")


def trained_numbers(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def fading(build=progan, share=0.25, **kwargs):
    """A model whose second level is in its fade, with weights that all matter."""
    model = numpy_weights(build(**{"fade_images": 1000, "stable_images": 0, **kwargs}))
    model.images_seen.assign(int(1000 * share))
    return model


# Constants --------------------------------------------------------------------------------------


def channels(side):
    return min(16384 // side, 512)  # K2017, table 2: 8192 / 2^(log2(side) - 1), 512 at most


def count_progan_generator(side):
    """K2017, table 2: convolutions with a bias, a dense layer whose bias is one for each map."""
    convolution = lambda before, after, size: size * size * before * after + after
    number = 512 * 16 * 512 + 512 + convolution(512, 512, 3) + convolution(512, 3, 1)
    while side > 4:
        before, after = channels(side // 2), channels(side)
        number += convolution(before, after, 3) + convolution(after, after, 3)
        number += convolution(after, 3, 1)
        side //= 2
    return number


def count_stylegan_generator(side):
    """K2018, section 2: two affine styles a side, noise and bias for each map, 8 dense layers."""
    dense = lambda inputs, outputs: inputs * outputs + outputs
    styled = lambda maps: 2 * maps + dense(512, 2 * maps)
    number = 8 * dense(512, 512) + 16 * 512 + styled(512) + 9 * 512 * 512 + styled(512)
    number += dense(512, 3)
    while side > 4:
        before, after = channels(side // 2), channels(side)
        number += 9 * (before * after + after * after) + 2 * styled(after) + dense(after, 3)
        side //= 2
    return number


@pytest.mark.skipif(
    keras.backend.backend() == "jax",
    reason="JAX compiles the start of every shape; counts are equal",
)
@pytest.mark.neutral("torch")
def test_sizes_of_the_papers():
    """At 1024 pixels: ProGAN 23.1 M for each network (K2017, table 2), StyleGAN's generator 26.2 M
    (K2018, section 2)."""
    shape = (1024, 1024, 3)
    generator = trained_numbers(keras_ae.progan_generator(shape))
    assert generator == count_progan_generator(1024) == 23_079_115
    assert trained_numbers(keras_ae.progan_discriminator(shape)) == 23_087_249
    generator = trained_numbers(keras_ae.stylegan_generator(shape))
    assert generator == count_stylegan_generator(1024) == 26_219_627


def test_small_ones_follow_the_same_tables():
    shape = (8, 8, 3)
    progan, stylegan = keras_ae.progan_generator(shape), keras_ae.stylegan_generator(shape)
    assert trained_numbers(progan) == count_progan_generator(8)
    assert trained_numbers(stylegan) == count_stylegan_generator(8)
    cifar = keras_ae.progan_generator((32, 32, 3), width=4096, most=128)  # K2017, appendix A.2
    widths = {layer.filters for layer in find(cifar, keras_ae.layers.EqualizedConv2D)}
    assert widths == {3, 128}


def test_constants_of_progan():
    keras.utils.set_random_seed(0)
    networks = keras_ae.progan_networks((16, 16, 3), most=64)
    generator, discriminator = networks["generator"], networks["discriminator"]
    dense = find(generator, keras_ae.layers.EqualizedDense)
    # K2017, appendix A.1 and reference: the first dense layer's gain is sqrt(2) / 4
    assert [layer.gain for layer in dense] == [pytest.approx(2**0.5 / 4)]
    for network in networks.values():
        for layer in find(network, keras_ae.layers.EqualizedConv2D):
            # section 4.1: N(0, 1), scaled by gain / sqrt(inputs); toRGB is linear, its gain is 1
            linear = layer.name.startswith("to_image")
            assert layer.gain == pytest.approx(1.0 if linear else 2**0.5)
            if layer.kernel_size == 3:
                assert array(layer.kernel).std() == pytest.approx(1, abs=0.02)
            inputs = np.prod(layer.kernel.shape[:-1])
            assert layer.scale == pytest.approx(layer.gain / inputs**0.5)
        # appendix A.1: LeakyReLU 0.2
        for layer in find(network, keras.layers.LeakyReLU):
            assert layer.negative_slope == pytest.approx(0.2)
    # section 4.2: behind every convolution of 3x3 and the dense layer, and of the noise
    assert len(find(generator, keras_ae.layers.PixelNormalization)) == 1 + 1 + 1 + 2 * 2
    # section 3: one map more at 4x4, groups of 4
    (deviation,) = find(discriminator, keras_ae.layers.MinibatchStandardDeviation)
    assert deviation.group_size == 4
    last = find(discriminator, keras_ae.layers.EqualizedDense)
    assert sorted(layer.gain for layer in last) == pytest.approx([1.0, 2**0.5])
    config = keras_ae.ProGAN(**networks).get_config()
    assert (
        config
        | {
            "loss": "wasserstein",  # appendix A.1: WGAN-GP
            "gradient_penalty": 10.0,
            "drift": 0.001,
            "average_decay": 0.999,
            "fade_images": 600_000,
            "stable_images": 600_000,
            "start_side": 4,
        }
        == config
    )
    for optimizer in keras_ae.ProGAN.paper_optimizers().values():
        config = optimizer.get_config()
        assert config["learning_rate"] == pytest.approx(1e-3) and config["epsilon"] == 1e-8
        assert config["beta_1"] == 0 and config["beta_2"] == pytest.approx(0.99)


def test_constants_of_stylegan():
    keras.utils.set_random_seed(0)
    networks = keras_ae.stylegan_networks((16, 16, 3), w_dim=32, most=64)
    generator = networks["generator"]
    mapping = find(generator.get_layer("mapping"), keras_ae.layers.EqualizedDense)
    # K2018, section 2 and appendix C: 8 layers, a hundredth of the rate
    assert len(mapping) == 8 and {layer.lr_multiplier for layer in mapping} == {0.01}
    synthesis = generator.get_layer("synthesis")
    (constant,) = find(synthesis, keras_ae.layers.LearnedConstant)
    assert constant.map_shape == (4, 4, 64) and (array(constant.constant) == 1).all()
    # section 2: a noise for each layer, a weight for each map that begins with 0
    noise = find(synthesis, keras_ae.layers.NoiseInjection)
    assert len(noise) == 6 and all(len(layer.strength.shape) == 1 for layer in noise)
    assert all((array(layer.strength) == 0).all() for layer in noise)
    # equation 1: a style for each of them, s + 1
    assert len(find(synthesis, keras_ae.layers.AdaptiveInstanceNormalization)) == 6
    assert synthesis.input["w"].shape[1:] == (6, 32)
    # section 2: filters of [1, 2, 1] behind each doubling and before each halving
    blurs = [find(networks[name], keras_ae.layers.Blur2D) for name in networks]
    assert all({layer.taps for layer in each} == {(1, 2, 1)} for each in blurs)
    assert [len(each) for each in blurs] == [2, 2]
    assert not find(synthesis, keras_ae.layers.PixelNormalization)
    config = keras_ae.StyleGAN(**networks).get_config()
    assert (
        config
        | {
            "r1": 10.0,  # appendix C: gamma, times 1/2
            "mixing": 0.9,  # section 3.1
            "average_images": 10_000,  # appendix C
            "ramp": None,
            "start_side": 8,  # appendix C
        }
        == config
    )
    assert generator.get_layer("codes").decay == 0.995  # appendix B


def test_the_order_of_a_styled_layer():
    """K2018, figure 1b: convolution, filter, noise, bias and LeakyReLU, normalisation and style."""
    synthesis = stylegan().generator.get_layer("synthesis")
    tensor, kinds = synthesis.get_layer("to_image_8").input, []
    while True:
        operation, node, _ = tensor._keras_history
        if not operation._inbound_nodes[node].input_tensors:
            break
        kinds.append(type(operation).__name__)
        tensor = operation._inbound_nodes[node].input_tensors[0]
    styled = ["NoiseInjection", "BiasedLeakyReLU", "AdaptiveInstanceNormalization"]
    first = ["LearnedConstant", *styled, "EqualizedConv2D", *styled]
    second = ["UpSampling2D", "EqualizedConv2D", "Blur2D", *styled, "EqualizedConv2D", *styled]
    assert kinds[::-1] == first + second


# Fading -----------------------------------------------------------------------------------------


def test_images_fade_from_the_old_side_to_the_new_one():
    """K2017, figure 2: the old image's pixels are repeated, both are mixed."""
    model = fading()
    noise = model.sample_noise(3, seed=0)
    at = lambda share: model.images_seen.assign(int(1000 * share))
    drawn = []
    for share in (0.0, 0.25, 1.0):
        at(share)
        drawn.append(model.generate(noise))
    np.testing.assert_allclose(drawn[1], 0.75 * drawn[0] + 0.25 * drawn[2], atol=1e-5)
    np.testing.assert_array_equal(drawn[0][:, ::2, ::2], drawn[0][:, 1::2, 1::2])
    small = model.average({"noise": noise, "fade": np.ones((3, 1), "float32")})["image_4"]
    np.testing.assert_allclose(drawn[0][:, ::2, ::2], array(small), atol=1e-5)
    assert np.abs(drawn[2] - drawn[0]).max() > 0.1
    at(5.0)  # and stays
    np.testing.assert_allclose(model.generate(noise), drawn[2], atol=1e-6)


def test_a_discriminator_fades_too():
    model, x = fading(share=0.0), images(4)
    small = x.reshape(4, 4, 2, 4, 2, 1).mean((2, 4))
    inputs = {"image_4": small, "image_8": x, "fade": np.zeros((4, 1), "float32")}
    judged = model.discriminator(inputs)
    np.testing.assert_allclose(array(judged["logit_8"]), array(judged["logit_4"]), rtol=1e-4)
    inputs["fade"] = inputs["fade"] + 1.0
    judged = model.discriminator(inputs)
    assert np.abs(array(judged["logit_8"]) - array(judged["logit_4"])).max() > 1e-3
    model.images_seen.assign(1000)
    np.testing.assert_allclose(model.predict(x, verbose=0), array(judged["logit_8"]), rtol=1e-3)
    np.testing.assert_allclose(model.realness(x), array(judged["logit_8"])[:, 0], rtol=1e-3)


def test_real_images_are_faded():
    """K2017, figure 2 and section 2."""
    model, x = fading(share=0.25), images(4)
    small = x.reshape(4, 4, 2, 4, 2, 1).mean((2, 4)).repeat(2, 1).repeat(2, 2)
    seen = array(model._shrunk(ops.convert_to_tensor(x)))
    np.testing.assert_allclose(seen, 0.75 * small + 0.25 * x, atol=1e-6)


def test_drift():
    logits = np.array([[-3.0], [0.5]], "float32")
    np.testing.assert_allclose(array(losses.drift(logits)), [9.0, 0.25])
    model, x = fading(share=1.0, drift=0.5, gradient_penalty=0.0), images(8)
    model.compile("sgd", **SOON)
    logs = model.evaluate(x, verbose=0, return_dict=True)
    assert logs["drift"] == pytest.approx((model.predict(x, verbose=0) ** 2).mean(), rel=1e-3)
    total = logs["discriminator"] + logs["generator"] + 0.5 * logs["drift"]
    assert logs["loss"] == pytest.approx(total, rel=1e-4)


# The schedule -----------------------------------------------------------------------------------


def test_a_schedule():
    model = progan((32, 32, 1), fade_images=30, stable_images=20)
    # 20 at 4; 50 each at 8 and 16; then 32: each begins with an epoch (of 10 images)
    assert model.schedule(10, 14) == [0] * 2 + [1] * 5 + [2] * 5 + [3] * 2
    assert model.schedule(25, 7) == [0, 1, 1, 2, 2, 3, 3]
    assert model.schedule(1000, 5) == [0, 1, 2, 3, 3]
    assert progan((32, 32, 1)).schedule(1, 2) == [3, 3]  # no images before: the last side at once
    started = stylegan((32, 32, 1), start_side=16, stable_images=10, fade_images=5)
    assert started.side == 16 and started.schedule(10, 3) == [0, 1, 1]


def test_where_a_side_begins_is_told_at_once():
    """In closed form, equal to a walk through the schedule; also where that is far off."""
    for numbers in ((30, 20), (0, 20), (30, 0), (7, 5)):
        model = progan((32, 32, 1), fade_images=numbers[0], stable_images=numbers[1])
        for images_ in (3, 10, 1000):
            levels = model.schedule(images_, 60)
            for level, side in enumerate(model.sides):
                assert model._epochs_before(side, images_) == levels.index(
                    next(n for n in levels if n >= level)
                )
    model = progan((32, 32, 1), fade_images=600_000, stable_images=600_000)
    model.compile("sgd", **SOON)
    with pytest.raises(ValueError, match="epoch 1000001 would begin"):  # 3 millions, 3 an epoch
        model.fit(images(3, 32), epochs=2, verbose=0)


def test_what_counts_as_an_epoch():
    model = progan(fade_images=0, stable_images=16)
    model.compile("sgd", **SOON)
    for arguments, message in (
        ({"x": images(), "steps_per_epoch": 1}, "steps_per_epoch"),
        ({"x": images(0)}, "empty"),
        ({"x": keras_ae.Batches(images(), batch_size=8), "batch_size": 4}, "batches of its own"),
        ({"x": images(), "validation_split": 0.5, "epochs": 2}, "2 epochs of 8 images"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(**arguments, verbose=0)
    assert model.fit(images(), epochs=0, verbose=0).history == {}


class Notes(keras.callbacks.Callback):
    """What a run looks like from outside, after each epoch."""

    def __init__(self):
        super().__init__()
        self.sides, self.steps, self.fades = [], [], []

    def on_epoch_end(self, epoch, logs=None):
        self.sides.append(self.model.side)
        self.steps.append(int(array(self.model.optimizer["generator"].iterations)))
        self.fades.append(float(array(self.model.fade_now())))


def test_one_fit_grows():
    keras.utils.set_random_seed(0)
    model, notes = progan(**GROWS), Notes()
    model.compile(model.paper_optimizers(), **SOON)
    before = {v.path: array(v) for v in model.generator.trainable_weights}
    moved = lambda: {
        v.path for v in model.generator.trainable_weights if (array(v) != before[v.path]).any()
    }
    large = {v.path for v in model.generator.trainable_weights} - {
        v.path for v in model.grown(model.generator).trainable_weights
    }
    first = model.fit(images(), batch_size=8, epochs=1, reach=4, callbacks=notes, verbose=0)
    assert large and not moved() & large and model.sample(2, seed=0).shape == (2, 8, 8, 1)
    drawn = model.sample(2, seed=0)
    np.testing.assert_array_equal(drawn[:, ::2, ::2], drawn[:, 1::2, 1::2])
    rest = model.fit(
        images(), batch_size={4: 8, 8: 4}, epochs=4, initial_epoch=1, callbacks=notes, verbose=0
    )
    assert moved() == set(before)
    assert notes.sides == [4, 8, 8, 8]
    assert notes.steps == [2, 4, 8, 12]  # Adam counts anew at the new level: K2017, appendix A.1
    np.testing.assert_allclose(notes.fades, [1, 16 / 24, 1, 1])
    assert first.epoch + rest.epoch == [0, 1, 2, 3]
    assert set(first.history) == set(rest.history)
    assert {len(values) for values in rest.history.values()} == {3}
    assert int(array(model.images_seen)) == 64
    drawn = model.sample(2, seed=0)
    assert np.abs(drawn[:, ::2, ::2] - drawn[:, 1::2, 1::2]).max() > 0


def test_a_step_trains_its_level_alone():
    """What is not drawn or judged at a level is not in what its optimizers are given."""
    for build in (progan, stylegan):
        model = build((16, 16, 1), start_side=4, stable_images=9)
        names = {w.path for nets in model.trained_now().values() for n in nets for w in n.weights}
        assert "to_image_4/kernel" in names and "from_image_4/kernel" in names
        assert not names & {"to_image_8/kernel", "from_image_8/kernel", "to_image_16/kernel"}
        assert len(names) < 0.6 * len(model.generator.weights + model.discriminator.weights)


def test_data_sets_and_batches():
    """Growth is counted in images, whatever they come in."""
    model = progan(fade_images=0, stable_images=16)
    model.compile("sgd", **SOON)
    batches = keras_ae.Batches(images(), batch_size=8)
    model.fit(batches, epochs=2, verbose=0)
    assert model.side == 8

    class Own(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return images(8, seed=index)

    model = progan(fade_images=0, stable_images=16)
    model.compile("sgd", **SOON)
    model.fit(Own(), epochs=2, verbose=0)
    assert model.side == 8
    with pytest.raises(ValueError, match="batches of its own"):
        model.fit(Own(), batch_size={4: 8}, verbose=0)
    with pytest.raises(ValueError, match="cannot be told of a generator"):
        model.fit((images(8) for _ in range(3)), verbose=0)


class Kill(keras.callbacks.Callback):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_begin(self, batch, logs=None):
        self.batch -= 1
        if self.batch < 0:
            raise KeyboardInterrupt


@pytest.mark.neutral("torch")
@pytest.mark.parametrize(
    "build, batch",
    [(progan, 5), (stylegan, 6)],
)
def test_killed_in_the_middle_of_a_fade(build, batch, tmp_path):
    """Two batches an epoch: the third and fourth epochs are in the fade of the second side."""

    def run(folder, *more):
        keras.utils.set_random_seed(0)
        model = build(start_side=4, fade_images=48, stable_images=16)
        model.compile(keras.optimizers.Adam(0.01), **{**SOON, "steps_per_execution": 1})
        watching = [callbacks.Backup(tmp_path / folder), *more]
        model.fit(images(), batch_size=8, epochs=5, callbacks=watching, verbose=0)
        return model

    unbroken = run("unbroken")
    with pytest.raises(KeyboardInterrupt):
        run("broken", Kill(batch))
    keras.utils.set_random_seed(1)
    resumed = run("broken")
    state = lambda model: [*model.weights, *model.optimizer.variables]
    for mine, other in zip(state(resumed), state(unbroken), strict=True):
        np.testing.assert_array_equal(array(mine), array(other))
    assert resumed.side == 8 and 0 < float(array(resumed.fade_now())) <= 1


def test_a_level_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    model = progan(fade_images=48, stable_images=16)
    model.compile("adam", **SOON)
    model.fit(images(), batch_size=8, epochs=3, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.side == 8 and float(array(loaded.fade_now())) == pytest.approx(32 / 48)
    np.testing.assert_array_equal(loaded.sample(2, seed=0), model.sample(2, seed=0))
    assert loaded.schedule(16, 1) == [1]


# Styles -----------------------------------------------------------------------------------------


def test_mixing_stays_within_the_styles_of_the_present_side():
    model = stylegan((16, 16, 1), start_side=8, stable_images=99, mixing=1.0)
    styles = array(model._styles(300, {}, True))  # (300, 6, 4)
    changes = np.abs(np.diff(styles, axis=1)).max(axis=2) > 1e-6
    assert (changes[:, :3].sum(axis=1) == 1).all() and not changes[:, 3:].any()


def test_a_larger_image_depends_on_its_own_styles():
    model = numpy_weights(stylegan((16, 16, 1), start_side=8, stable_images=99))
    w = model.map(model.sample_noise(2, seed=0))
    drawn, other = model.synthesize(w), w.copy()
    assert drawn.shape == (2, 16, 16, 1)
    np.testing.assert_array_equal(drawn[:, ::2, ::2], drawn[:, 1::2, 1::2])
    other[:, 4:] += 1.0  # of 16 x 16, which is not drawn yet
    np.testing.assert_array_equal(model.synthesize(other), drawn)
    other[:, 3] += 1.0
    assert np.abs(model.synthesize(other) - drawn).max() > 1e-3
    found = model.project(drawn, steps=5)
    assert found.shape == w.shape


def test_stylegan_takes_the_other_loss_of_its_paper():
    """Wasserstein with a gradient penalty: of generated images that are the real ones it is 0."""
    other = {"loss": "wasserstein", "gradient_penalty": 10.0, "r1": 0.0}
    model = numpy_weights(stylegan(**other))
    assert {name: model.get_config()[name] for name in other} == other
    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32"))
    model._generate = lambda batch, label, training: x
    terms = {name: array(term) for name, term in model.loss_terms(x, None, None, False).items()}
    assert terms.keys() == {"discriminator", "generator", "gradient_penalty"}
    judge = lambda images: model._judge(images, {}, False)
    np.testing.assert_allclose(terms["discriminator"], 0.0, atol=1e-6)
    np.testing.assert_allclose(terms["generator"], -array(judge(x))[:, 0], rtol=1e-5)
    slope = np.sqrt(2.0 * array(losses.zero_centered_penalty(judge, x)))
    np.testing.assert_allclose(terms["gradient_penalty"], (slope - 1.0) ** 2, rtol=1e-3)
