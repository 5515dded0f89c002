"""Alternating updates: against a step written by hand in PyTorch, their frequency, averages."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae.engine import adversarial, autodiff
from tests.cases.case import SOON, numpy_weights, pixels
from tests.cases.variational import adversarial as autoencoder
from tests.cases.variational import discriminator


def numbers(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


@keras.saving.register_keras_serializable("tests")
class Fixed(keras_ae.layers.GaussianPrior):
    """A prior whose codes do not depend on the noise, so that backends can be compared."""

    def call(self, noise):
        return 0.0 * noise + self.scale


def test_a_step_equals_one_written_by_hand_in_pytorch():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    nn, functional = torch.nn, torch.nn.functional
    ours = keras_ae.AdversarialAutoencoder(
        keras_ae.dense_encoder((6,), 2, (5,), "tanh"),
        keras_ae.dense_decoder((6,), 2, (4,), "tanh"),
        keras_ae.dense_encoder((2,), 1, (7,), "tanh", name="discriminator"),
        Fixed(2, 1.5),
    )
    numpy_weights(ours)
    networks = ours.encoder, ours.decoder, ours.discriminator
    theirs = [by_hand(torch, network) for network in networks]
    encoder, decoder, judge = theirs
    x = np.random.default_rng(0).uniform(size=(8, 6)).astype("float32")
    rates = {"reconstruction": 0.1, "discriminator": 0.2, "generator": 0.3}
    ours.compile({name: keras.optimizers.SGD(rate, 0.9) for name, rate in rates.items()}, **SOON)
    for _ in range(3):
        history = ours.fit(x, batch_size=8, shuffle=False, verbose=0).history

    optimizers = [
        torch.optim.SGD(parameters, rate, momentum=0.9)
        for parameters, rate in zip(
            (
                [*encoder.parameters(), *decoder.parameters()],
                judge.parameters(),
                encoder.parameters(),
            ),
            rates.values(),
        )
    ]
    image, one, zero = torch.tensor(x), torch.ones(8, 1), torch.zeros(8, 1)
    entropy = functional.binary_cross_entropy_with_logits
    with torch.enable_grad():
        for _ in range(3):
            reconstruction = (decoder(encoder(image)) - image).square().sum(1).mean()
            step(optimizers[0], reconstruction)
            real, fake = judge(torch.full((8, 2), 1.5)), judge(encoder(image).detach())
            telling = entropy(real, one) + entropy(fake, zero)
            step(optimizers[1], telling)
            deceiving = entropy(judge(encoder(image)), one)
            step(optimizers[2], deceiving)
    for term, value in (
        ("reconstruction", reconstruction),
        ("discriminator", telling),
        ("generator", deceiving),
    ):
        np.testing.assert_allclose(history[term][0], float(value.detach()), rtol=1e-4)
    for network, copy in zip(networks, theirs):
        for ours_, theirs_ in zip(numbers(network.weights), weights_of(nn, copy)):
            np.testing.assert_allclose(ours_, theirs_, rtol=1e-4, atol=1e-5)


def by_hand(torch, network):
    kernel_bias = [layer.get_weights() for layer in network.layers if layer.get_weights()]
    modules = []
    for kernel, bias in kernel_bias:
        linear = torch.nn.Linear(*kernel.shape, device="cpu")
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(kernel.T))
            linear.bias.copy_(torch.tensor(bias))
        modules += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*modules[:-1])


def weights_of(nn, sequential):
    for module in sequential:
        if isinstance(module, nn.Linear):
            yield module.weight.detach().numpy().T
            yield module.bias.detach().numpy()


def step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def test_each_optimizer_trains_its_own_networks():
    for alone, moves in (
        ("reconstruction", {"encoder", "decoder"}),
        ("discriminator", {"discriminator"}),
        ("generator", {"encoder"}),
    ):
        model = autoencoder()
        model.compile(
            {name: keras.optimizers.SGD(0.1 * (name == alone)) for name in model.trained_by()}
        )
        before = {name: numbers(getattr(model, name).weights) for name in NETWORKS}
        model.fit(*pixels(np.random.default_rng(0), 8), batch_size=8, verbose=0)
        moved = {
            name
            for name, old in before.items()
            if any((a != b).any() for a, b in zip(old, numbers(getattr(model, name).weights)))
        }
        assert moved == moves, alone


NETWORKS = ("encoder", "decoder", "discriminator")


def test_optimizers_are_named_and_kept_apart(tmp_path):
    model = autoencoder()
    kinds = {"reconstruction": "adam", "discriminator": "sgd", "generator": "adagrad"}
    model.compile(kinds, **SOON)
    assert kinds_of(model) == kinds
    model.optimizer["generator"].learning_rate = 0.125
    x = pixels(np.random.default_rng(0), 16)[0]
    model.fit(x, batch_size=8, verbose=0)
    assert [int(model.optimizer[name].iterations) for name in kinds] == [2, 2, 2]
    with pytest.raises(ValueError, match=r"model.optimizer\['generator'\].learning_rate"):
        model.optimizer.learning_rate = 0.1
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert kinds_of(loaded) == kinds
    for a, b in zip(numbers(loaded.optimizer.variables), numbers(model.optimizer.variables)):
        np.testing.assert_array_equal(a, b)
    assert float(loaded.optimizer["generator"].learning_rate) == 0.125
    one = keras.optimizers.Adam()
    for wrong, message in (
        ({"reconstruction": "adam"}, "pass a dict with one for each"),
        ({**kinds, "critic": "adam"}, "pass a dict with one for each"),
        (None, "or a dict with one for each of"),
        (["adam"], "or a dict with one for each of"),
        (dict.fromkeys(kinds, one), "under two names"),
        ({**kinds, "generator": model.optimizer["generator"]}, "has trained something before"),
    ):
        with pytest.raises(ValueError, match=message):
            model.compile(wrong, **SOON)
    model.compile(model.optimizer, **SOON)
    with pytest.raises(ValueError, match="has trained another model"):
        autoencoder().compile(model.optimizer, **SOON)
    active = keras_ae.dense_encoder((6,), 2)
    active.layers[-1].activity_regularizer = keras.regularizers.L2(1.0)
    networks = keras_ae.dense_decoder((6,), 2), keras_ae.dense_encoder((2,), 1, name="judge")
    with pytest.raises(ValueError, match="belongs to no optimizer"):
        keras_ae.AdversarialAutoencoder(active, *networks, Fixed(2)).compile("adam", **SOON)


def test_regularisers_count_once_in_fit_and_evaluate():
    def model(weight):
        keras.utils.set_random_seed(0)
        image = keras.Input((6,))
        regularizer = keras.regularizers.L2(weight) if weight else None
        code = keras.layers.Dense(2, kernel_regularizer=regularizer)(image)
        judge = keras_ae.dense_encoder((2,), 1, (3,), name="discriminator")
        built = keras_ae.AdversarialAutoencoder(
            keras.Model(image, code), keras_ae.dense_decoder((6,), 2), judge, Fixed(2)
        )
        built.compile(keras.optimizers.SGD(0.01), **SOON)
        return built

    x = np.random.default_rng(0).uniform(size=(8, 6)).astype("float32")
    with_it, without = model(2.0), model(0.0)
    kernel = with_it.encoder.layers[1].get_weights()[0]
    measured = with_it.evaluate(x, verbose=0, return_dict=True)
    logs = {k: v[0] for k, v in with_it.fit(x, batch_size=8, verbose=0).history.items()}
    without.fit(x, batch_size=8, verbose=0)
    assert logs["regularization"] == pytest.approx(2.0 * np.sum(kernel**2), rel=1e-4)
    assert measured["regularization"] == pytest.approx(logs["regularization"], rel=1e-4)
    terms = ("reconstruction", "discriminator", "generator", "regularization")
    for each in (measured, logs):
        assert each["loss"] == pytest.approx(sum(each[term] for term in terms), rel=1e-4)
    # the step is that without it, and one more along 2 * weight * kernel (the generator's turn
    # comes after, with a slightly other encoder)
    moved = with_it.encoder.layers[1].get_weights()[0]
    other = without.encoder.layers[1].get_weights()[0]
    np.testing.assert_allclose(moved - other, -0.01 * 4.0 * kernel, atol=2e-3)


def test_what_only_a_step_can_see_is_refused_there():
    """A generator's data cannot be checked before."""
    model = autoencoder()
    model.compile("adam", **SOON)
    x = pixels(np.random.default_rng(0), 4)[0]

    def labels():
        yield x, np.zeros(4, "float32")

    with pytest.raises(ValueError, match="takes no labels"):
        model.fit(labels(), verbose=0)


def test_sample_weights_of_zero_train_nothing():
    model = autoencoder()
    model.compile(keras.optimizers.SGD(0.1), **SOON)
    x = pixels(np.random.default_rng(0), 8)[0]
    before = numbers(model.weights)
    model.fit(x, sample_weight=np.zeros(8, "float32"), batch_size=8, verbose=0)
    for a, b in zip(before, numbers(model.weights)):
        np.testing.assert_array_equal(a, b)


def kinds_of(model):
    return {name: type(o).__name__.lower() for name, o in model.optimizer.parts.items()}


def test_float16_is_refused():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(ValueError, match="mixed_bfloat16"):
            autoencoder().compile("adam")
    finally:
        keras.config.set_dtype_policy("float32")


@keras.saving.register_keras_serializable("tests")
class Lazy(keras_ae.AdversarialAutoencoder):
    """The generator moves in every third step only; a copy of the encoder follows slowly."""

    def __init__(self, encoder, decoder, discriminator, prior, **kwargs):
        super().__init__(encoder, decoder, discriminator, prior, **kwargs)
        self.average = adversarial.average_of(self.encoder, "average")

    def update(self, x, target, sample_weight):
        self.log(self.minimize("reconstruction", lambda: self._squared(x)), x)
        self.every(3, lambda: self.log(self.minimize("generator", lambda: self._deceive(x)), x))
        adversarial.update_average(self.average, self.encoder, 0.75)
        return self(x)

    def _squared(self, x):
        values = keras_ae.losses.squared_error(x, self(x, training=True))
        return ops.mean(values), {"reconstruction": values}

    def _deceive(self, x):
        noise = keras.random.normal((ops.shape(x)[0], 2), seed=self.seed_generator)
        values = self._generator_loss(self.encoder(x) + 0.1 * noise, None, True)
        return ops.mean(values), {"generator": values}


def lazy():
    keras.utils.set_random_seed(0)
    encoder = keras_ae.dense_encoder((6,), 2, (5,), "tanh", dropout=0.2)
    decoder = keras_ae.dense_decoder((6,), 2)
    model = Lazy(encoder, decoder, discriminator(), keras_ae.layers.GaussianPrior(2))
    model.compile(keras.optimizers.Adam(0.01), **SOON)
    return model


@pytest.mark.compiled
def test_a_part_runs_in_every_third_step(tmp_path):
    x = np.random.default_rng(0).uniform(size=(40, 6)).astype("float32")
    model = lazy()
    model.fit(x, batch_size=8, shuffle=False, verbose=0)  # steps 0 to 4
    assert int(model.optimizer["reconstruction"].iterations) == 5
    assert int(model.optimizer["generator"].iterations) == 2
    draws = numbers(model.seed_generator.state.value[None])[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(x, batch_size=8, verbose=0)  # 5 to 9, of which 6 and 9
        assert int(each.optimizer["generator"].iterations) == 4
    assert (numbers(model.seed_generator.state.value[None])[0] != draws).any()
    for a, b in zip(numbers(model.variables), numbers(loaded.variables)):
        np.testing.assert_array_equal(a, b)


def test_the_average_follows():
    model, x = lazy(), np.random.default_rng(0).uniform(size=(8, 6)).astype("float32")
    mean = numbers(model.average.weights)
    for _ in range(3):
        model.fit(x, batch_size=8, verbose=0)
        new = numbers(model.encoder.weights)
        mean = [0.75 * a + 0.25 * b for a, b in zip(mean, new)]
    for a, b in zip(mean, numbers(model.average.weights)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert not any(v is w for v in model.trainable_variables for w in model.average.weights)


def test_statistics_are_copied_not_averaged():
    inputs = keras.Input((3,))
    network = keras.Model(inputs, keras.layers.BatchNormalization()(inputs))
    average = adversarial.average_of(network, "average")
    for variable in network.weights:
        variable.assign(np.full(variable.shape, 5.0, "float32"))
    adversarial.update_average(average, network, 0.9)
    layer = average.layers[1]
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.moving_mean), 5.0)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.gamma), 1.4, rtol=1e-6)


def test_frequencies_are_whole_numbers():
    with pytest.raises(ValueError, match="steps=0"):
        autoencoder().every(0, lambda: None)


def test_when_changes_nothing_where_the_predicate_does_not_hold():
    count = keras.Variable(0.0)

    def add():
        count.assign_add(2.0)

    for predicate, expected in ((False, 0.0), (True, 2.0), (False, 2.0)):
        autodiff.when(ops.convert_to_tensor(predicate), add)
        assert float(ops.convert_to_numpy(count)) == expected
