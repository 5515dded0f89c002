"""GANs: losses and penalties in closed form, a step by hand in PyTorch, the architectures."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae import losses
from keras_ae.engine import autodiff
from tests.cases.case import SHAPE, SOON, numpy_weights, pixels
from tests.cases.gans import cogan, first_gan, two_domains
from tests.test_adversarial import by_hand, numbers, step, weights_of

LOGITS = np.array([[-200.0], [-1.5], [0.0], [0.5], [200.0]], "float32")


def value_of(tensor):
    return ops.convert_to_numpy(ops.stop_gradient(tensor))


def softplus(x):
    return np.logaddexp(0.0, x.astype("float64"))[:, 0]


def test_losses_in_closed_form():
    real, fake = LOGITS, LOGITS[::-1]
    logistic = softplus(-real) + softplus(fake)
    expected = {
        "minimax": (logistic, -softplus(fake)),
        "non_saturating": (logistic, softplus(-fake)),
        "least_squares": (
            0.5 * ((real - 1) ** 2 + fake**2)[:, 0],
            0.5 * (fake - 1)[:, 0] ** 2,
        ),
        "wasserstein": ((fake - real)[:, 0], -fake[:, 0]),
        "hinge": (np.maximum(0, 1 - real)[:, 0] + np.maximum(0, 1 + fake)[:, 0], -fake[:, 0]),
        "relativistic": (softplus(-(real - fake)), softplus(-(fake - real))),
    }
    assert expected.keys() == losses.ADVERSARIAL_LOSSES.keys()
    for name, (discriminator, generator) in losses.ADVERSARIAL_LOSSES.items():
        both = (real, fake) if name == "relativistic" else (fake,)
        for value, wanted in zip((discriminator(real, fake), generator(*both)), expected[name]):
            value = ops.convert_to_numpy(value)
            assert value.shape == (5,)
            np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6, err_msg=name)


def test_penalties_in_closed_form():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 4, 3, 2)).astype("float32")
    slope = rng.normal(size=(3, 2)).astype("float32")
    length = np.linalg.norm(slope)
    linear = lambda x: ops.sum(x * ops.convert_to_tensor(slope), axis=(1, 2))[:, None]
    share = np.array([0.0, 0.3, 0.7, 1.0], "float32")
    penalty = value_of(losses.gradient_penalty(linear, real, fake, share))
    np.testing.assert_allclose(penalty, np.full(4, (length - 1) ** 2), rtol=1e-5)
    r1 = value_of(losses.zero_centered_penalty(linear, real))
    np.testing.assert_allclose(r1, np.full(4, length**2 / 2), rtol=1e-5)

    # of ||x||^2 / 2 the slope is x: each image has a point of its own between real and fake
    bowl = lambda x: 0.5 * ops.sum(x**2, axis=(1, 2))[:, None]
    between = share[:, None, None] * real + (1 - share[:, None, None]) * fake
    lengths = np.linalg.norm(between.reshape(4, -1), axis=1)
    penalty = value_of(losses.gradient_penalty(bowl, real, fake, share))
    np.testing.assert_allclose(penalty, (lengths - 1) ** 2, rtol=1e-4)
    r1 = value_of(losses.zero_centered_penalty(bowl, real))
    np.testing.assert_allclose(r1, (real.reshape(4, -1) ** 2).sum(axis=1) / 2, rtol=1e-5)


def test_a_flat_critic_has_a_penalty_that_can_be_learned_from():
    critic = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")]
    )
    x = np.ones((2, 3), "float32")
    share = np.full(2, 0.5, "float32")
    function = lambda: ops.mean(losses.gradient_penalty(critic, x, -x, share))
    value, gradients = autodiff.value_and_grad(function, critic.trainable_variables)
    np.testing.assert_allclose(float(value), 1.0, rtol=1e-4)
    assert all(np.isfinite(number).all() for number in numbers(gradients))


@pytest.mark.parametrize("loss", ["non_saturating", "wasserstein"])
def test_a_step_equals_one_written_by_hand_in_pytorch(loss):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    generator = keras_ae.dense_decoder((6,), 3, (5,), "tanh", name="generator")
    critic = keras_ae.dense_encoder((6,), 1, (7,), "tanh", name="discriminator")
    ours = keras_ae.GAN(
        generator, critic, loss, gradient_penalty=10.0, r1=0.3, r2=0.2, average_decay=0.75
    )
    numpy_weights(ours)
    ours.average.set_weights(generator.get_weights())
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (8, 6)).astype("float32")
    z, share = rng.normal(size=(8, 3)).astype("float32"), rng.uniform(size=8).astype("float32")
    ours._noise = lambda batch: ops.convert_to_tensor(z)
    ours._shares = lambda batch: ops.convert_to_tensor(share)
    theirs, judge = (by_hand(torch, network) for network in (generator, critic))
    average = [np.array(weight) for weight in generator.get_weights()]
    rates = {"discriminator": 0.02, "generator": 0.03}
    ours.compile({name: keras.optimizers.SGD(rate, 0.9) for name, rate in rates.items()}, **SOON)
    optimizers = {
        "discriminator": torch.optim.SGD(judge.parameters(), 0.02, momentum=0.9),
        "generator": torch.optim.SGD(theirs.parameters(), 0.03, momentum=0.9),
    }
    plus = torch.nn.functional.softplus

    def slope(images):
        images = images.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(judge(images).sum(), images, create_graph=True)
        return gradient.square().sum(1)

    real, noise, mix = torch.tensor(x), torch.tensor(z), torch.tensor(share)[:, None]
    with torch.enable_grad():
        for count in range(3):
            history = ours.fit(x, batch_size=8, shuffle=False, verbose=0).history
            fake = theirs(noise).detach()
            if loss == "wasserstein":
                pays = (judge(fake) - judge(real)).mean()
            else:
                pays = (plus(-judge(real)) + plus(judge(fake))).mean()
            between = mix * real + (1 - mix) * fake
            penalty = (slope(between).sqrt() - 1).square().mean()
            r1, r2 = slope(real).mean() / 2, slope(fake).mean() / 2
            step(optimizers["discriminator"], pays + 10 * penalty + 0.3 * r1 + 0.2 * r2)
            fake = judge(theirs(noise))
            deceives = (-fake if loss == "wasserstein" else plus(-fake)).mean()
            step(optimizers["generator"], deceives)
            now = list(weights_of(torch.nn, theirs))
            keep = min(0.75, (1 + count) / (10 + count))
            average = [keep * a + (1 - keep) * w for a, w in zip(average, now)]
    values = {"discriminator": pays, "generator": deceives}
    values |= {"gradient_penalty": penalty, "r1": r1, "r2": r2}
    for name, value in values.items():
        np.testing.assert_allclose(history[name][0], float(value.detach()), rtol=1e-4, atol=1e-6)
    for network, copy in ((generator, theirs), (critic, judge)):
        for mine, other in zip(numbers(network.weights), weights_of(torch.nn, copy)):
            np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
    for mine, other in zip(numbers(ours.average.weights), average):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


def test_a_generator_waits_for_its_critic():
    model = first_gan(critic_steps=3, average_decay=0.5)
    model.compile(keras.optimizers.SGD(0.1), **SOON)
    (x,) = pixels(np.random.default_rng(0), 4)
    moved = []
    for _ in range(5):
        before = numbers(model.generator.weights), numbers(model.average.weights)
        model.fit(x, batch_size=4, verbose=0)
        after = numbers(model.generator.weights), numbers(model.average.weights)
        moved.append([any((a != b).any() for a, b in zip(*pair)) for pair in zip(before, after)])
    assert moved == [[True, True], [False, False], [False, False], [True, True], [False, False]]
    assert int(model.optimizer["discriminator"].iterations) == 5
    assert int(model.optimizer["generator"].iterations) == 2


def test_clipped_weights_stay_within_their_bound():
    model = first_gan(loss="wasserstein", weight_clip=0.01)
    model.compile("adam", **SOON)
    model.fit(*pixels(np.random.default_rng(0), 8), batch_size=4, verbose=0)
    assert max(abs(weight).max() for weight in numbers(model.discriminator.weights)) <= 0.01
    assert max(abs(weight).max() for weight in numbers(model.generator.weights)) > 0.01


def test_real_and_generated_images_are_normalised_apart():
    """A batch norm's moving mean after a step is that of three batches, one after the other."""
    norm = keras.layers.BatchNormalization(momentum=0.5)
    critic = keras.Sequential([keras.Input((2,)), norm, keras.layers.Dense(1)])
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, "tanh")])
    generator.set_weights([np.zeros((1, 2)), np.full(2, -0.5)])
    model = keras_ae.GAN(generator, critic)
    model.compile(keras.optimizers.SGD(0.0), **SOON)
    model.fit(np.full((4, 2), 0.8, "float32"), batch_size=4, verbose=0)
    fake = np.tanh(-0.5)
    mean = 0.0
    for batch in (0.8, fake, fake):  # real, generated; generated in the generator's turn
        mean = 0.5 * mean + 0.5 * batch
    np.testing.assert_allclose(norm.get_weights()[2], np.full(2, mean), rtol=1e-5)


def test_a_discriminator_is_scored_with_statistics_of_the_batch_as_it_is_trained():
    """Moving ones are those of real and generated images mixed."""
    keras.utils.set_random_seed(0)
    model = keras_ae.DCGAN((16, 16, 1), 4, 2)
    model.compile(keras.optimizers.SGD(0.0), **SOON)
    x = np.random.default_rng(0).uniform(-1, 1, (20, 16, 16, 1)).astype("float32")
    fitted = model.fit(x, batch_size=20, verbose=0).history
    logits = value_of(model.discriminator(x, training=True))[:, 0]
    np.testing.assert_allclose(model.realness(x), logits, rtol=1e-3, atol=1e-5)
    moving = model.predict(x, verbose=0)[:, 0]
    assert np.abs(moving - logits).max() > 1e-3
    real = ops.convert_to_tensor(x)
    label = model._label(None)
    judged = model._discriminator_terms(real, label, training=False)[1]
    np.testing.assert_allclose(value_of(judged)[:, 0], logits, rtol=1e-3, atol=1e-5)
    assert np.isfinite(fitted["discriminator"]).all()


@pytest.mark.parametrize("penalty", ["r1", "r2", "gradient_penalty"])
def test_penalties_of_single_images_refuse_batch_normalisation(penalty):
    shape, generator = (16, 16, 1), keras_ae.dcgan_generator((16, 16, 1), 4, 2)
    with pytest.raises(ValueError, match="takes batch_norm=False"):
        keras_ae.GAN(generator, keras_ae.dcgan_discriminator(shape, 2), **{penalty: 1.0})
    plain = keras_ae.dcgan_discriminator(shape, 2, batch_norm=False)
    assert not any(isinstance(each, keras.layers.BatchNormalization) for each in plain.layers)
    keras_ae.GAN(generator, plain, **{penalty: 1.0})


def test_metrics_of_a_user_mean_the_same_in_fit_and_in_evaluate():
    keras.utils.set_random_seed(0)
    model = keras_ae.DCGAN((8, 8, 1), 4, 2, num_classes=3)
    numpy_weights(model)

    class MeanLogit(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_pred)

    model.compile(keras.optimizers.SGD(0.0), metrics=[MeanLogit(name="logit")], **SOON)
    x = np.random.default_rng(0).uniform(-1, 1, (12, 8, 8, 1)).astype("float32")
    labels = np.arange(12) % 3
    fitted = model.fit(x, labels, batch_size=12, verbose=0).history["logit"][0]
    measured = model.evaluate(x, labels, verbose=0, return_dict=True)["logit"]
    assert fitted == pytest.approx(measured, rel=1e-3)
    assert measured == pytest.approx(model.predict(x, verbose=0).mean(), rel=1e-3)


def test_noise_and_labels_in_any_form():
    model = keras_ae.DCGAN((8, 8, 1), 4, 2, num_classes=3)
    noise, labels = model.sample_noise(4, seed=0), [0, 1, 2, 0]
    expected = model.generate(noise, labels=labels)
    for given in (noise.tolist(), ops.convert_to_tensor(noise)):
        for named in (labels, None):
            images = ops.convert_to_numpy(model.generate(given, labels=named))
            np.testing.assert_allclose(images, expected, rtol=1e-4, atol=1e-5)
    for given in (noise, ops.convert_to_tensor(noise)):
        with pytest.raises(ValueError, match="labels"):
            model.generate(given, labels=[7, 7, 0, 0])
        with pytest.raises(ValueError, match="3 labels for 4 images"):
            model.generate(given, labels=[0, 1, 2])


def test_small_batches_are_refused_where_they_would_come():
    def model():
        discriminator = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                keras_ae.layers.MinibatchStandardDeviation(4),
                keras.layers.Flatten(),
                keras.layers.Dense(1),
            ]
        )
        found = keras_ae.GAN(keras_ae.dense_generator((8, 8, 1), 3, (4,), "tanh"), discriminator)
        found.compile("sgd", **SOON)
        return found

    x = np.zeros((10, 8, 8, 1), "float32")
    fit = lambda x, **kwargs: model().fit(x, batch_size=4, verbose=0, **kwargs)
    for given in (x, x.tolist()):
        with pytest.raises(ValueError, match="a batch has 2"):
            fit(given)
    with pytest.raises(ValueError, match="a batch has 1"):
        fit(x, validation_split=0.5)
    fit(x[:9], validation_split=0.1)  # 8 to train


def test_augmentation_reaches_the_discriminator_alone():
    class Zero(keras.layers.Layer):
        def call(self, x, training=False):
            return 0.0 * x if training else x

    model = first_gan(augment=Zero(), discriminator=keras_ae.dense_encoder(SHAPE, 1, (4,)))
    model.compile(keras.optimizers.SGD(0.0), **SOON)
    (x,) = pixels(np.random.default_rng(0), 4)
    logs = model.fit(x, batch_size=4, verbose=0).history
    at_zero = float(model.predict(0 * x[:1], verbose=0)[0, 0])
    expected = np.logaddexp(0, at_zero) + np.logaddexp(0, -at_zero)
    np.testing.assert_allclose(logs["discriminator"][0], expected, rtol=1e-5)
    assert np.ptp(model.predict(x, verbose=0)) > 0


def test_classes_reach_both_networks():
    model = keras_ae.DCGAN((8, 8, 1), 4, 2, num_classes=3)
    numpy_weights(model)
    noise = model.sample_noise(1, seed=0)
    images = [model.generate(noise, labels=[label]) for label in range(3)]
    assert not np.allclose(images[0], images[1]) and not np.allclose(images[1], images[2])
    np.testing.assert_array_equal(
        model.sample(6, seed=1), model.sample(6, seed=1, labels=[0, 1, 2, 0, 1, 2])
    )
    x = np.zeros((1, 8, 8, 1), "float32")
    logits = [
        float(model.discriminator({"image": x, "label": np.eye(3, dtype="float32")[[label]]})[0, 0])
        for label in range(3)
    ]
    assert len(set(logits)) == 3
    np.testing.assert_allclose(model.predict(x, verbose=0), [[max(logits)]], rtol=1e-5)


def test_dcgan_has_the_size_of_the_paper():
    """Side 64: 4x4x1024, then 512, 256, 128 and 3 channels; the discriminator is its mirror."""
    generator = keras_ae.dcgan_generator((64, 64, 3))
    kernels = [100 * 16 * 1024, *(25 * a * b for a, b in ((1024, 512), (512, 256), (256, 128)))]
    last, norms = 25 * 128 * 3 + 3, 4 * (1024 + 512 + 256 + 128)
    assert generator.count_params() == sum(kernels) + last + norms
    discriminator = keras_ae.dcgan_discriminator((64, 64, 3))
    kernels = [25 * a * b for a, b in ((3, 128), (128, 256), (256, 512), (512, 1024))]
    norms = 4 * (256 + 512 + 1024)  # none in the first layer, which has a bias
    assert discriminator.count_params() == sum(kernels) + 128 + norms + 16 * 1024 + 1
    weights = {w.path.split("/")[-1]: [] for w in generator.weights}
    for weight in generator.weights:
        weights[weight.path.split("/")[-1]].append(ops.convert_to_numpy(weight).ravel())
    kernel, gain = (np.concatenate(weights[name]) for name in ("kernel", "gamma"))
    np.testing.assert_allclose([kernel.mean(), kernel.std()], [0.0, 0.02], atol=1e-3)
    np.testing.assert_allclose([gain.mean(), gain.std()], [1.0, 0.02], atol=3e-3)


def test_the_first_gan_has_the_size_of_the_paper():
    generator = keras_ae.dense_generator((28, 28, 1))
    assert generator.count_params() == 100 * 1200 + 1200 + 1200 * 1201 + 1200 * 784 + 784
    discriminator = keras_ae.maxout_discriminator((28, 28, 1))
    assert discriminator.count_params() == 785 * 1200 + 241 * 1200 + 241


def test_maxout_is_the_greatest_of_its_pieces():
    layer = keras_ae.layers.Maxout(2, 3)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    layer(x)
    kernel, bias = numpy_weights(layer).get_weights()
    linear = (x @ kernel + bias).reshape(4, 2, 3)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), linear.max(axis=2), rtol=1e-5)


def test_minibatch_statistics():
    layer = keras_ae.layers.MinibatchStandardDeviation(4)
    x = np.random.default_rng(0).normal(size=(8, 2, 3, 2)).astype("float32")
    maps = ops.convert_to_numpy(layer(x))[..., -1]
    for start in (0, 1):  # two places apart
        expected = x[start::2].std(axis=0).mean()
        np.testing.assert_allclose(maps[start::2], np.full((4, 2, 3), expected), rtol=1e-4)
    one_group = ops.convert_to_numpy(layer(x[:6]))[..., -1]
    np.testing.assert_allclose(one_group, np.full((6, 2, 3), x[:6].std(axis=0).mean()), rtol=1e-4)


def test_coupled_generators_share_all_but_their_last_layer():
    """And coupled discriminators all but their first."""
    networks = keras_ae.cogan_networks((28, 28, 1))
    generator, trunk = networks["generator"], networks["trunk"]
    kernels = [100 * 16 * 1024, *(9 * a * b for a, b in ((1024, 512), (512, 256), (256, 128)))]
    widths = sum((1024, 512, 256, 128))
    shared = sum(kernels) + widths + 4 * widths + widths  # biases, batch norms, slopes of PReLU
    assert generator.count_params() == shared + 2 * (36 * 128 + 1)
    shapes = {domain: tuple(image.shape[1:]) for domain, image in generator.output.items()}
    assert shapes == {"first": (28, 28, 1), "second": (28, 28, 1)}
    lenet = 25 * 20 * 50 + 50 + 800 * 500 + 500 + 500 + 501
    assert trunk.count_params() == lenet and networks["second_trunk"] is None
    assert networks["first_front"].count_params() == 25 * 20 + 20
    apart = keras_ae.cogan_networks((28, 28, 1), shared=False)
    assert apart["generator"].count_params() == 2 * (shared + 36 * 128 + 1)
    assert apart["second_trunk"].count_params() == lenet


def test_domains_pay_together():
    model = cogan(average_decay=None, weight_decay=0.0)
    numpy_weights(model)
    z = model.sample_noise(4, seed=0)
    model._noise = lambda batch: ops.convert_to_tensor(z)
    first, second = two_domains(np.random.default_rng(0), 4)
    terms = model.loss_terms(first, second, None, False)
    fake = model.generate(z)
    expected = {"discriminator": 0.0, "generator": 0.0}
    for front, real, drawn in (
        (model.first_front, first, fake["first"]),
        (model.second_front, second, fake["second"]),
    ):
        real, drawn = (ops.convert_to_numpy(model.trunk(front(x))) for x in (real, drawn))
        expected["discriminator"] += softplus(-real) + softplus(drawn)
        expected["generator"] += softplus(-drawn)
    for name, value in expected.items():
        np.testing.assert_allclose(ops.convert_to_numpy(terms[name]), value, rtol=1e-4)


def test_spectral_normalisation_equals_that_of_pytorch():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    layer = keras_ae.layers.SpectralNormalization(keras.layers.Dense(4))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    layer(x)
    numpy_weights(layer)
    kernel, bias = (np.array(weight) for weight in layer.layer.get_weights())
    (vector,) = numbers([layer.vector])
    linear = torch.nn.Linear(3, 4, device="cpu")
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(kernel.T))
        linear.bias.copy_(torch.tensor(bias))
    theirs = torch.nn.utils.spectral_norm(linear)  # its u is our vector, its v comes from it
    theirs.weight_u.copy_(torch.tensor(vector[0] / np.linalg.norm(vector)))

    def squares():
        return ops.sum(layer(x, training=True) ** 2)

    for _ in range(2):
        value, gradients = autodiff.value_and_grad(squares, layer.trainable_variables)
        with torch.enable_grad():
            theirs.zero_grad()
            other = (theirs(torch.tensor(x)) ** 2).sum()
            other.backward()
        np.testing.assert_allclose(float(value), float(other.detach()), rtol=1e-4)
        wanted = (theirs.weight_orig.grad.numpy().T, theirs.bias.grad.numpy())
        for mine, hand in zip(numbers(gradients), wanted):
            np.testing.assert_allclose(mine, hand, rtol=1e-3, atol=1e-5)


def test_a_kernel_of_zeros_gives_the_bias():
    layer = keras_ae.layers.SpectralNormalization(
        keras.layers.Dense(2, kernel_initializer="zeros", bias_initializer="ones")
    )
    np.testing.assert_allclose(value_of(layer(np.ones((3, 4), "float32"))), 1.0)


@pytest.mark.parametrize("transpose", [False, True])
def test_a_normalised_kernel_has_a_largest_singular_value_of_one(transpose):
    convolution = keras.layers.Conv2DTranspose if transpose else keras.layers.Conv2D
    layer = keras_ae.layers.SpectralNormalization(convolution(4, 3, use_bias=False), 50)
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 3)).astype("float32")
    y = ops.convert_to_numpy(layer(x, training=True))
    plain = ops.convert_to_numpy(layer.layer(x))
    kernel = ops.convert_to_numpy(layer.layer.kernel)
    kernel = kernel.swapaxes(2, 3) if transpose else kernel
    largest = np.linalg.svd(kernel.reshape(-1, 4), compute_uv=False)[0]
    np.testing.assert_allclose(y, plain / largest, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), y, rtol=1e-3, atol=1e-5)


R1 = {"r1": 0.3}  # with it alternating steps come to rest (Mescheder et al. 2018)
LEARNS = {
    "non_saturating": R1,
    "minimax": R1,
    "least_squares": R1,
    "wasserstein": {"r1": 1.0},
    "hinge": R1,
    "relativistic": {"r1": 0.1, "r2": 0.1},
}
MARKS = {"non_saturating": (), "wasserstein": pytest.mark.neutral("torch")}
LOSSES = [pytest.param(name, marks=MARKS.get(name, pytest.mark.slow)) for name in LEARNS]


@pytest.mark.compiled
@pytest.mark.parametrize("loss", LOSSES)
def test_samples_come_to_fit_the_data(loss):
    """Data are N(-0.3, 0.25^2) in each of two pixels, cut at -1 and 1."""
    keras.utils.set_random_seed(0)
    x = np.clip(np.random.default_rng(0).normal(-0.3, 0.25, (2000, 2)), -1, 1).astype("float32")
    model = keras_ae.GAN(
        keras_ae.dense_decoder((2,), 2, (16,), output_activation="tanh"),
        keras_ae.dense_encoder((2,), 1, (32, 32)),
        loss,
        average_decay=0.98,
        **LEARNS[loss],
    )
    rates = {"discriminator": 5e-3, "generator": 1e-3}
    model.compile({name: keras.optimizers.Adam(rate, 0.5) for name, rate in rates.items()})
    assert abs(model.sample(2000, seed=1).mean(axis=0) + 0.3).max() > 0.1
    model.fit(x, batch_size=100, epochs=40, verbose=0)
    samples = model.sample(2000, seed=1)
    np.testing.assert_allclose(samples.mean(axis=0), x.mean(axis=0), atol=0.04)
    np.testing.assert_allclose(samples.std(axis=0), x.std(axis=0), rtol=0.15)
