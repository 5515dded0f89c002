"""StyleGAN2: every constant of the paper, its penalties against finite differences, its styles."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae import losses
from keras_ae.engine import autodiff
from tests.cases.case import SOON, numpy_weights
from tests.cases.gans import stylegan2

K2020 = "Karras et al. 2020, arXiv:1912.04958"


def array(tensor):
    return ops.convert_to_numpy(ops.stop_gradient(tensor))


def find(network, kind):
    """All layers of a class, also of networks inside."""
    return [layer for layer in network._flatten_layers() if isinstance(layer, kind)]


def channels(side):
    return min(32768 // side, 512)


def count_generator(side):
    """Weights that are trained, from the table of channels (configuration F, 512 numbers in w)."""
    dense = lambda inputs, outputs: inputs * outputs + outputs
    convolution = lambda before, after, size: size * size * before * after + dense(512, before)
    number = 8 * dense(512, 512) + 4 * 4 * 512
    number += convolution(512, 512, 3) + 1 + 512 + convolution(512, 3, 1) + 3
    while side > 4:
        before, after = channels(side // 2), channels(side)
        number += convolution(before, after, 3) + convolution(after, after, 3) + 2 * (1 + after)
        number += convolution(after, 3, 1) + 3
        side //= 2
    return number


def count_discriminator(side):
    number = 3 * channels(side) + channels(side)
    while side > 4:
        before, after = channels(side), channels(side // 2)
        number += 9 * before * before + before + 9 * before * after + after + before * after
        side //= 2
    return number + 9 * 513 * 512 + 512 + 16 * 512 * 512 + 512 + 513


@pytest.mark.neutral("torch")
def test_sizes_of_the_paper():
    """1024 pixels: 30.37 M weights in the generator, 29.01 M in the discriminator."""
    networks = keras_ae.stylegan2_networks((1024, 1024, 3))
    trained = {
        name: sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
        for name, network in networks.items()
    }
    assert trained == {
        "generator": count_generator(1024),
        "discriminator": count_discriminator(1024),
    }
    assert trained == {"generator": 30_370_060, "discriminator": 29_012_513}


def test_a_small_one_follows_the_same_table():
    networks = keras_ae.stylegan2_networks((8, 8, 3))
    trained = [
        sum(int(np.prod(weight.shape)) for weight in networks[name].trainable_weights)
        for name in ("generator", "discriminator")
    ]
    assert trained == [count_generator(8), count_discriminator(8)]
    keras.utils.set_random_seed(0)
    generator = networks["generator"]
    mapping = generator.get_layer("mapping")
    # section 2 and appendix C of Karras et al. 2018: 8 layers, a hundredth of the rate, z normed
    dense = find(mapping, keras_ae.layers.EqualizedDense)
    assert len(dense) == 8 and {layer.lr_multiplier for layer in dense} == {0.01}
    assert len(find(mapping, keras_ae.layers.PixelNormalization)) == 1
    # K2020, appendix B: noise begins with 0, one number each; the style's bias with 1; the constant
    # with N(0, 1); kernels with N(0, 1)
    noise = find(generator, keras_ae.layers.NoiseInjection)
    assert len(noise) == 3 and all(layer.strength.shape == () for layer in noise)
    assert all(float(array(layer.strength)) == 0 for layer in noise)
    modulated = find(generator, keras_ae.layers.ModulatedConv2D)
    assert all((array(layer.affine.offset) == 1).all() for layer in modulated)
    (constant,) = find(generator, keras_ae.layers.LearnedConstant)
    assert array(constant.constant).std() == pytest.approx(1, abs=0.03)
    assert all(array(layer.kernel).std() == pytest.approx(1, abs=0.1) for layer in modulated)
    # K2020, section 2: images are made by 1x1 convolutions that are not demodulated
    assert [layer.demodulate for layer in modulated if layer.kernel_size == 1] == [False, False]
    assert all(layer.demodulate for layer in modulated if layer.kernel_size == 3)
    # K2020, appendix B: the mapping's activations are times sqrt(2), their biases too
    assert {layer.gain for layer in dense} == {1.0}
    scales = [layer.scale for layer in find(mapping, keras.layers.Rescaling)]
    assert scales == pytest.approx(8 * [2**0.5])
    # K2020, appendix B: activations times sqrt(2), slope 0.2; not where an image is made
    gains = [layer.gain for layer in find(generator, keras_ae.layers.BiasedLeakyReLU)]
    assert sorted(set(gains)) == pytest.approx([1, 2**0.5]) and gains.count(1.0) == 2
    # Karras et al. 2017, section 3: groups of 4
    (deviation,) = find(networks["discriminator"], keras_ae.layers.MinibatchStandardDeviation)
    assert deviation.group_size == 4
    assert deviation.input.shape[1:3] == (4, 4)


def before(tensor):
    """The layer that made a tensor, and what it was made of."""
    operation, node, _ = tensor._keras_history
    return operation, operation._inbound_nodes[node].input_tensors


def kinds_before(tensor, number):
    """Classes of layers on the way to a tensor, by their first inputs."""
    kinds = []
    for _ in range(number):
        operation, (tensor, *_) = before(tensor)
        kinds.append(type(operation).__name__)
    return kinds[::-1]


def test_the_order_of_layers():
    """K2020, figures 2c and 7."""
    networks = keras_ae.stylegan2_networks((8, 8, 1), 3, 4, 1, 16, 4)
    styled = ["ModulatedConv2D", "NoiseInjection", "BiasedLeakyReLU"]
    made = ["ModulatedConv2D", "BiasedLeakyReLU"]
    total, (skip, own) = before(networks["generator"].get_layer("synthesis").output)
    assert type(total).__name__ == "Add"  # the skip generator: images are summed up
    assert kinds_before(skip, 7) == ["LearnedConstant", *styled, *made, "FIRUpsampling2D"]
    assert kinds_before(own, 12) == ["LearnedConstant", *styled * 3, *made]
    assert before(skip)[0].taps == (1, 3, 3, 1)
    # the residual discriminator: (main + skip) / sqrt(2), and no activation behind the sum
    (deviation,) = find(networks["discriminator"], keras_ae.layers.MinibatchStandardDeviation)
    half, (summed,) = before(deviation.input)
    assert type(half).__name__ == "Rescaling" and half.scale == pytest.approx(2**-0.5)
    total, (main, skip) = before(summed)
    block = ["EqualizedConv2D", "BiasedLeakyReLU"]
    assert type(total).__name__ == "Add" and kinds_before(main, 6) == block * 3
    assert kinds_before(skip, 3) == [*block, "EqualizedConv2D"]
    shortcut, halving = before(skip)[0], before(before(main)[1][0])[0]
    assert (shortcut.kernel_size, shortcut.down) == (1, True)
    assert (halving.kernel_size, halving.down) == (3, True)


def test_configurations_of_small_images():
    """K2020b (arXiv:2006.06676), appendix: R1's automatic weight, and that of CIFAR-10."""
    assert keras_ae.StyleGAN2.automatic_r1(256, 64) == pytest.approx(0.0002 * 256 * 256 / 64)
    networks = keras_ae.stylegan2_networks((8, 8, 3), 3, 4, depth=2, width=16, most=4)
    model = keras_ae.StyleGAN2(**networks, **keras_ae.StyleGAN2.small_images)
    assert (model.r1, model.path_length, model.mixing) == (0.01, 0.0, 0.0)
    assert set(model.term_weights) == {"discriminator", "generator", "r1"}
    assert model.paper_optimizers()["generator"].get_config()["beta_2"] == 0.99


def test_constants_of_training():
    model = stylegan2()
    optimizers = model.paper_optimizers()
    for name, interval in (("discriminator", 16), ("generator", 4)):
        share = interval / (interval + 1)  # K2020, appendix B
        config = optimizers[name].get_config()
        assert config["learning_rate"] == pytest.approx(0.002 * share, rel=1e-5)
        assert config["beta_1"] == 0 and config["beta_2"] == pytest.approx(0.99**share)
        assert config["epsilon"] == 1e-8
    assert (
        model.get_config()
        | {
            "r1": 10.0,  # K2020, appendix B: gamma
            "r1_every": 16,  # section 3.1
            "path_length": 2.0,
            "path_every": 4,
            "path_decay": 0.01,  # section 3.2
            "mixing": 0.9,  # Karras et al. 2018, section 3.1
            "average_images": 10_000,  # appendix B
            "ramp": 0.05,  # reference: the average follows sooner in the beginning
        }
        == model.get_config()
    )
    assert model.generator.get_layer("codes").decay == 0.995  # Karras et al. 2018, appendix B
    plain = stylegan2(r1=0.0, path_length=0.0).paper_optimizers()
    assert plain["generator"].get_config()["beta_2"] == 0.99
    assert set(stylegan2(path_length=0.0).term_weights) == {"discriminator", "generator", "r1"}


def test_path_lengths_are_those_of_finite_differences():
    keras.utils.set_random_seed(0)
    model = numpy_weights(stylegan2())  # the same on all backends
    synthesis = model.generator.get_layer("synthesis")
    rng = np.random.default_rng(0)
    w = rng.normal(size=(2, model.num_styles, 4)).astype("float32")
    noise = rng.normal(size=(2, 8, 8, 1)).astype("float32")
    found = array(losses.path_lengths(synthesis, ops.convert_to_tensor(w), noise))
    step, slopes = 2e-3, np.zeros(w.shape)
    for place in np.ndindex(*w.shape[1:]):
        ends = []
        for sign in (1, -1):
            moved = w.copy()
            moved[(slice(None), *place)] += sign * step
            ends.append((array(synthesis(moved)) * noise).sum((1, 2, 3)) / 8.0)
        slopes[(slice(None), *place)] = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(found, np.sqrt((slopes**2).sum(2).mean(1)), rtol=1e-2)


def penalties():
    """Each penalty as a function of a network's weights; the same numbers on every backend."""
    model, rng = numpy_weights(stylegan2()), np.random.default_rng(0)
    for weight in model.weights:
        if weight.name == "kernel":
            weight.assign(array(weight) / 0.3)  # of deviation 1
    normal = lambda *shape: ops.convert_to_tensor(rng.normal(size=shape).astype("float32"))
    w, noise, x = normal(2, model.num_styles, 4), normal(2, 8, 8, 1), normal(2, 8, 8, 1)
    synthesis = model.generator.get_layer("synthesis")
    lengths = lambda: ops.mean((losses.path_lengths(synthesis, w, noise) - 1.0) ** 2)
    slopes = lambda: ops.mean(losses.zero_centered_penalty(model.discriminator, x))
    return {"path_length": (lengths, synthesis), "r1": (slopes, model.discriminator)}


@pytest.mark.parametrize("term, value", [("path_length", 0.42252535), ("r1", 0.01316319)])
def test_penalties_have_the_slope_of_finite_differences(term, value):
    """Of their own weights: a second derivative; and the same number on every backend."""
    keras.utils.set_random_seed(0)
    function, network = penalties()[term]
    weights = network.trainable_variables
    found, gradients = autodiff.value_and_grad(function, weights)
    assert float(array(found)) == pytest.approx(value, rel=1e-4)
    rng, step = np.random.default_rng(1), 1e-4  # larger ones go over kinks
    directions = [rng.normal(size=weight.shape).astype("float32") for weight in weights]
    starts, ends = [array(weight) for weight in weights], []
    for sign in (1, -1):
        for weight, start, direction in zip(weights, starts, directions):
            weight.assign(start + sign * step * direction)
        ends.append(float(array(function())))
    slope = sum((array(g) * d).sum() for g, d in zip(gradients, directions))
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-2)


def test_lazy_terms_count_for_the_steps_that_they_miss():
    """K2020, section 3.1 and appendix B: times their interval; path lengths of half of a batch."""
    keras.utils.set_random_seed(0)
    model = stylegan2(r1_every=3, path_every=5)
    model.compile("sgd", **SOON)
    steps, intervals = [], []
    model.minimize = lambda name, function: steps.append((name, *function())) or steps[-1][2]
    model.every = lambda interval, function: intervals.append(interval) or function()
    model.log = lambda *_: None
    x = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 1)).astype("float32")
    model.update(ops.convert_to_tensor(x), None, None)
    (_, r1_loss, r1), (_, path_loss, path) = steps[1], steps[3]
    assert [step[0] for step in steps] == 2 * ["discriminator"] + 2 * ["generator"]
    assert intervals == [3, 5] and list(r1) == ["r1"] and list(path) == ["path_length"]
    assert float(array(r1_loss)) == pytest.approx(3 * 10.0 * array(r1["r1"]).mean(), rel=1e-5)
    lengths = array(path["path_length"])
    assert float(array(path_loss)) == pytest.approx(5 * 2.0 * lengths.mean(), rel=1e-5)
    assert array(r1["r1"]).shape == (5,) and lengths.shape == (3,)


@pytest.mark.neutral("torch")
def test_lengths_come_to_their_mean():
    """The mean of lengths follows, and the penalty falls when it alone is trained."""
    keras.utils.set_random_seed(0)
    model = stylegan2(r1=0.0, path_every=1, path_decay=0.1, mixing=0.0)
    rates = {"discriminator": keras.optimizers.SGD(0.0), "generator": keras.optimizers.Adam(1e-3)}
    model.compile(rates, **SOON)
    x = np.random.default_rng(0).uniform(-1, 1, (32, 8, 8, 1)).astype("float32")
    history = model.fit(x, batch_size=16, epochs=25, verbose=0).history["path_length"]
    assert float(array(model.mean_length)) > 0.01
    assert np.mean(history[-5:]) < 0.5 * history[0]


def test_lazy_terms_have_their_turns():
    """Before: R1 in steps 0 and 2 of 4, path lengths in 0 and 3."""
    keras.utils.set_random_seed(0)
    model = stylegan2(r1_every=2, path_every=3)
    model.compile("sgd", **SOON)
    x = np.random.default_rng(0).uniform(-1, 1, (16, 8, 8, 1)).astype("float32")
    model.fit(x, batch_size=4, verbose=0)
    counts = {mean.name: float(array(mean.count)) for mean in model._term_means}
    assert counts == {"discriminator": 16, "generator": 16, "r1": 8, "path_length": 8}


def test_r1_means_the_same_in_fit_and_in_evaluate():
    """Where it has its turn in every step; its weights do not move here."""
    keras.utils.set_random_seed(0)
    model = stylegan2(r1_every=1, path_length=0.0, group_size=1)
    model.compile(keras.optimizers.SGD(0.0), **SOON)
    x = np.random.default_rng(0).uniform(-1, 1, (16, 8, 8, 1)).astype("float32")
    fitted = model.fit(x, batch_size=4, verbose=0).history["r1"][0]
    assert fitted == pytest.approx(model.evaluate(x, verbose=0, return_dict=True)["r1"], rel=1e-4)
    assert fitted > 0


def test_mixing_takes_two_styles():
    keras.utils.set_random_seed(0)
    model = stylegan2(image_shape=(16, 16, 1), mixing=0.5)
    styles = array(model._styles(400, {}, True))  # (400, 6, 4)
    changes = np.abs(np.diff(styles, axis=1)).max(axis=2) > 1e-6  # (400, 5)
    assert set(changes.sum(axis=1)) == {0, 1}
    assert changes.any(axis=1).mean() == pytest.approx(0.5, abs=0.1)
    assert (changes.sum(axis=0) > 20).all()  # each place is a crossover
    np.testing.assert_array_equal(np.diff(array(model._styles(4, {}, False)), axis=1), 0)


@pytest.mark.neutral("torch")
def test_truncation_goes_to_the_mean_that_training_saw():
    keras.utils.set_random_seed(0)
    model = stylegan2()
    model.compile("sgd", **SOON)
    x = np.random.default_rng(0).uniform(-1, 1, (200, 8, 8, 1)).astype("float32")
    model.fit(x, batch_size=20, verbose=0)
    mean = array(model.average.get_layer("codes").mean)
    noise = model.sample_noise(20_000, seed=0)
    w = model.map(noise)
    assert np.abs(mean).max() > 0.01
    # 10 steps, two draws of 20 each: the mean has gone 1 - 0.995^20 of the way
    np.testing.assert_allclose(mean, (1 - 0.995**20) * w[:, 0].mean(0), rtol=0.4, atol=0.01)
    np.testing.assert_allclose(
        model.map(noise[:3], truncation=0.0), np.tile(mean, (3, 4, 1)), atol=1e-6
    )
    listed = model.map(noise[:3].tolist())
    assert isinstance(listed, np.ndarray)
    np.testing.assert_allclose(listed, w[:3], atol=1e-6)
    half = model.map(noise[:3], truncation=0.5, layers=2)
    np.testing.assert_allclose(half[:, :2], (w[:3, :2] + mean) / 2, atol=1e-5)
    np.testing.assert_allclose(half[:, 2:], w[:3, 2:], atol=1e-6)
    np.testing.assert_array_equal(  # Karras et al. 2018, appendix B: of 4 layers all are truncated
        model.sample(3, seed=0, **model.paper_truncation),
        model.sample(3, seed=0, truncation=0.7, layers=4),
    )
    images = model.sample(3, seed=0, truncation=0.0)
    np.testing.assert_allclose(images[0], images[1], atol=1e-5)
    np.testing.assert_allclose(model.synthesize(model.map(noise[:3])), model.generate(noise[:3]))


@pytest.mark.neutral("torch")
def test_projection_finds_images_that_it_drew():
    keras.utils.set_random_seed(0)
    model = stylegan2()
    for layer in find(model.average, keras_ae.layers.ModulatedConv2D):
        layer.affine.kernel.assign(2.0 * array(layer.affine.kernel))  # styles that matter
    x = model.sample(2, seed=0)
    before = ((model.sample(2, seed=0, truncation=0.0) - x) ** 2).sum()
    found = model.synthesize(model.project(x, steps=60))
    assert ((found - x) ** 2).sum() < 0.2 * before
    with pytest.raises(ValueError, match=r"needed is \(batch, 8, 8, 1\)"):
        model.project(x[:, :4])


def test_the_average_follows_by_images_seen():
    """K2020, appendix B: half of it is new after 10,000 images; in the beginning, as in the
    reference, after a share of those seen so far."""
    keras.utils.set_random_seed(0)
    model = stylegan2(average_images=12, ramp=0.5, mixing=0.0)
    rates = {"discriminator": keras.optimizers.SGD(0.0), "generator": keras.optimizers.SGD(0.0)}
    model.compile(rates, **SOON)
    x = np.random.default_rng(0).uniform(-1, 1, (30, 8, 8, 1)).astype("float32")
    means = [array(weight) for weight in model.average.trainable_weights]
    for weight in model.generator.trainable_weights:
        weight.assign(array(weight) + 1.0)
    model.fit(x[:10], batch_size=10, verbose=0)  # none were seen before: it is a copy
    for weight, mean in zip(model.average.trainable_weights, means):
        np.testing.assert_allclose(array(weight), mean + 1.0, rtol=1e-5, atol=1e-6)
    for weight, mean in zip(model.generator.trainable_weights, means):
        weight.assign(mean)
    model.fit(x, batch_size=10, verbose=0)  # 10, 20 and 30 images were seen: 5, 10 and 12 count
    left = 0.5 ** (10 / 5 + 10 / 10 + 10 / 12)
    for weight, mean in zip(model.average.trainable_weights, means):
        np.testing.assert_allclose(array(weight) - mean, left, rtol=1e-3)


@pytest.mark.slow
def test_a_large_image_is_drawn():
    """1024 pixels, one forward pass."""
    keras.utils.set_random_seed(0)
    generator = keras_ae.stylegan2_generator((1024, 1024, 3))
    image = generator(np.random.default_rng(0).normal(size=(1, 512)).astype("float32"))
    assert image.shape == (1, 1024, 1024, 3) and np.isfinite(array(image)).all()
