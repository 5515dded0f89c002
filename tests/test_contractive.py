"""The contraction against derivatives in float64 by complex steps, and its estimate."""

import dataclasses
import warnings
from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae.engine import autodiff
from keras_ae.networks.jacobian import random_signs
from tests.cases.autoencoders import integers
from tests.cases.case import numpy_weights

ACTIVATIONS = {  # for complex numbers too: f(x + i h) / h has the derivative in its imaginary part
    "linear": lambda a: a,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: a * (np.real(a) > 0),
    "softplus": lambda a: np.log(1 + np.exp(a)),
    "exponential": np.exp,
    "silu": lambda a: a / (1 + np.exp(-a)),
}


@dataclasses.dataclass(frozen=True)
class Encoder:
    """An encoder in Keras and the same in NumPy: `(weights, one input) -> code`."""

    name: str
    build: Callable
    numpy: Callable
    methods: tuple = ("closed_form", "exact")


def dense(inputs, units, activations, methods=("closed_form", "exact")):
    def build():
        layers = [keras.layers.Dense(u, a) for u, a in zip(units, activations)]
        return keras.Sequential([keras.Input((inputs,)), *layers])

    def encode(weights, x):
        for kernel, bias, activation in zip(weights[::2], weights[1::2], activations):
            x = ACTIVATIONS[activation](x @ kernel + bias)
        return x

    return Encoder("-".join([str(inputs), *map(str, units), *activations]), build, encode, methods)


def convolutional(side, filters, strides):
    def build():
        return keras_ae.conv_encoder((side, side, 1), filters, 3, strides, 0, activation="tanh")

    def encode(weights, x):
        x = x.reshape(side, side, 1)
        for kernel, bias, step in zip(weights[::2], weights[1::2], strides):
            places = range(0, x.shape[0] - 2, step)
            rows = [
                [np.tensordot(x[i : i + 3, j : j + 3], kernel, 3) for j in places] for i in places
            ]
            x = np.tanh(np.array(rows) + bias)
        return x.reshape(-1)

    return Encoder("convolutional", build, encode, ("exact",))


ENCODERS = [
    *(dense(6, (4,), (a,)) for a in ("sigmoid", "tanh", "relu", "softplus", "exponential")),
    dense(7, (6, 5, 3), ("tanh", "relu", "sigmoid")),
    dense(5, (9, 4), ("sigmoid", "linear")),  # wider inside than the input
    dense(3, (5, 8), ("tanh", "sigmoid")),  # more codes than inputs: from the input's end
    dense(3, (8,), ("sigmoid",)),
    dense(6, (4, 3), ("silu", "silu"), ("exact",)),
    convolutional(9, (3, 2), (2, 1)),
]


def jacobian(encode, weights, x):
    """Jacobian of one example, exact to rounding in float64, shape (codes, inputs)."""
    steps = 1e-30j * np.eye(x.size)
    return np.stack([np.imag(encode(weights, x + step)) * 1e30 for step in steps], axis=1)


def penalty(encode, weights, x):
    return np.array([np.sum(jacobian(encode, weights, row) ** 2) for row in x])


def prepared(case, method, **kwargs):
    """A contractive autoencoder round the encoder, its weights in float64, and some inputs."""
    keras.utils.set_random_seed(0)
    encoder = case.build()
    shape = encoder.input_shape[1:]
    code = keras.Input(encoder.output_shape[1:])
    flat = keras.layers.Dense(int(np.prod(shape)))(keras.layers.Flatten()(code))
    decoder = keras.Model(code, keras.layers.Reshape(shape)(flat))
    model = keras_ae.ContractiveAutoencoder(encoder, decoder, method=method, **kwargs)
    numpy_weights(model)
    x = np.random.default_rng(1).normal(size=(5, *shape)).astype("float32")
    weights = [np.asarray(w, "float64") for w in encoder.get_weights()]
    return model, weights, x


BOTH = [(case, method) for case in ENCODERS for method in case.methods]


@pytest.mark.parametrize("case, method", BOTH, ids=lambda value: getattr(value, "name", value))
def test_penalty_is_that_of_the_jacobian(case, method):
    model, weights, x = prepared(case, method)
    expected = penalty(case.numpy, weights, x.reshape(5, -1).astype("float64"))
    np.testing.assert_allclose(ops.convert_to_numpy(model.contraction(x)), expected, rtol=1e-4)


@pytest.mark.parametrize("case, method", BOTH, ids=lambda value: getattr(value, "name", value))
def test_gradient_with_respect_to_weights(case, method):
    """Central differences of the float64 penalty, in a random direction of all weights at once."""
    model, weights, x = prepared(case, method)
    _, gradients = autodiff.value_and_grad(
        lambda: ops.sum(model.contraction(ops.convert_to_tensor(x))),
        model.encoder.trainable_variables,
    )
    gradients = [np.asarray(ops.convert_to_numpy(g), "float64") for g in gradients]
    flat = x.reshape(5, -1).astype("float64")
    for seed in range(3):
        rng = np.random.default_rng(seed)
        direction = [rng.normal(size=w.shape) for w in weights]
        moved = (
            penalty(case.numpy, [w + e * d for w, d in zip(weights, direction)], flat).sum()
            for e in (1e-6, -1e-6)
        )
        slope = (next(moved) - next(moved)) / 2e-6
        ours = sum(np.sum(g * d) for g, d in zip(gradients, direction))
        scale = np.sqrt(sum(np.sum(g**2) for g in gradients) * sum(d.size for d in direction))
        assert abs(ours - slope) < 1e-4 * max(abs(slope), scale)


def test_projection_is_unbiased():
    case = dense(7, (6, 5), ("tanh", "sigmoid"))
    few, weights, x = prepared(case, "projection")
    expected = penalty(case.numpy, weights, x.astype("float64"))
    draws = np.stack([ops.convert_to_numpy(few.contraction(x)) for _ in range(200)])
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert (error > 0).all()
    assert (np.abs(draws.mean(axis=0) - expected) < 3 * error).all()
    assert len(np.unique(draws[:, 0])) > 10  # fresh in every call


@pytest.mark.neutral("torch")
def test_gradient_of_the_projection_is_unbiased():
    case = dense(5, (4,), ("sigmoid",))
    model, _, x = prepared(case, "projection", num_projections=50)
    exact, _, _ = prepared(case, "closed_form")
    gradients = []
    for each in [exact] + [model] * 60:
        _, (kernel, _) = autodiff.value_and_grad(
            lambda m=each: ops.sum(m.contraction(ops.convert_to_tensor(x))),
            each.encoder.trainable_variables,
        )
        gradients.append(ops.convert_to_numpy(kernel))
    expected, draws = gradients[0], np.stack(gradients[1:])
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    z = (draws.mean(axis=0) - expected) / error
    assert np.sqrt(np.mean(z**2)) < 1.5 and np.abs(z).max() < 4.5


def test_not_the_gradient_of_the_summed_code():
    """A known mistake: || d sum_i h_i / dx ||^2 is something else."""
    model, weights, x = prepared(dense(6, (4,), ("sigmoid",)), "exact")
    rows = [jacobian(ENCODERS[0].numpy, weights, row) for row in x.astype("float64")]
    wrong = np.array([np.sum(np.sum(j, axis=0) ** 2) for j in rows])
    ours = ops.convert_to_numpy(model.contraction(x))
    assert (np.abs(ours - wrong) > 0.05 * wrong).all()


def test_the_term_is_the_mean_of_the_penalty_with_and_without_a_gradient():
    case = dense(6, (4, 3), ("tanh", "tanh"))
    for method in case.methods:
        model, weights, x = prepared(case, method, weight=0.3)
        model.compile(keras.optimizers.SGD(0.0))
        expected = penalty(case.numpy, weights, x.astype("float64")).mean()
        logs = model.evaluate(x, verbose=0, return_dict=True)
        history = model.fit(x, batch_size=5, verbose=0).history
        np.testing.assert_allclose(logs["contraction"], expected, rtol=1e-4)
        np.testing.assert_allclose(history["contraction"][0], expected, rtol=1e-4)


def test_dropout_and_batch_norm_are_those_of_inference():
    still = keras.layers.BatchNormalization(momentum=1.0)
    for layer in (keras.layers.Dropout(0.5, seed=1), still):
        inputs = keras.Input((6,))
        encoder = keras.Model(inputs, layer(keras.layers.Dense(4, "tanh")(inputs)))
        decoder = keras_ae.dense_decoder((6,), 4)
        model = keras_ae.ContractiveAutoencoder(encoder, decoder)
        numpy_weights(model)
        for variable in encoder.non_trainable_weights:
            variable.assign(np.full(variable.shape, 0.7, "float32"))
        model.compile(keras.optimizers.SGD(0.0))
        x = np.random.default_rng(1).normal(size=(8, 6)).astype("float32")
        rows = autodiff.jacobian(lambda x, e=encoder: e(x, training=False), x)
        expected = np.mean(np.sum(ops.convert_to_numpy(rows) ** 2, axis=(1, 2)))
        history = model.fit(x, batch_size=8, verbose=0).history
        np.testing.assert_allclose(history["contraction"][0], expected, rtol=1e-4)


def test_auto_takes_the_cheapest_exact_way():
    def chosen(encoder, size):
        decoder = keras_ae.dense_decoder(encoder.input_shape[1:], size)
        return keras_ae.ContractiveAutoencoder(encoder, decoder).chosen_method

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert chosen(keras_ae.dense_encoder((300,), 200), 200) == "closed_form"
        assert chosen(keras_ae.dense_encoder((300,), 100, (200,)), 100) == "closed_form"
        assert chosen(keras_ae.dense_encoder((300,), 100, (200,), "gelu"), 100) == "exact"
        assert chosen(keras_ae.dense_encoder((100,), 300, (200,), "gelu"), 300) == "exact"
    with pytest.warns(UserWarning, match="estimated by random projection") as caught:
        assert chosen(keras_ae.dense_encoder((300,), 200, (200,)), 200) == "projection"
    assert len(caught) == 1


def test_a_chain_that_branches_is_no_closed_form():
    inputs = keras.Input((5,))
    first = keras.layers.Dense(4, "tanh")(inputs)
    second = keras.layers.Dense(4, "tanh")(inputs)
    encoder = keras.Model(inputs, keras.layers.Add()([first, second]))
    other = keras.Model(inputs, second)
    for network, expected in ((encoder, "exact"), (other, "closed_form")):
        decoder = keras_ae.dense_decoder((5,), 4)
        model = keras_ae.ContractiveAutoencoder(network, decoder)
        assert model.chosen_method == expected
        numpy_weights(model)
        x = np.random.default_rng(1).normal(size=(3, 5)).astype("float32")
        rows = ops.convert_to_numpy(autodiff.jacobian(network, x))
        expected = np.sum(rows**2, axis=(1, 2))
        np.testing.assert_allclose(ops.convert_to_numpy(model.contraction(x)), expected, rtol=1e-5)


def test_a_dense_code_in_a_dict_and_an_activation_with_a_known_name():
    def tanh(x):
        return 1.7159 * ops.tanh(2 / 3 * x)

    x = np.random.default_rng(1).normal(size=(3, 5)).astype("float32")
    inputs, code = keras.Input((5,)), keras.Input((4,), name="code")
    first = keras.layers.Dense(4, "tanh")(inputs)
    other = keras.layers.Dense(2, "tanh")(first)
    scaled = keras.layers.Dense(4, tanh)(inputs)
    for outputs, method in (
        ({"code": first}, "closed_form"),
        ({"code": first, "other": other}, "exact"),
        ({"code": scaled}, "exact"),
    ):
        encoder = keras.Model(inputs, outputs)
        taken = {"code": code}
        if "other" in outputs:
            taken["other"] = keras.Input((2,), name="other")
        decoder = keras.Model(taken, keras.layers.Dense(5)(code))
        model = numpy_weights(keras_ae.ContractiveAutoencoder(encoder, decoder))
        assert model.chosen_method == method
        rows = autodiff.jacobian(lambda x, e=encoder: e(x)["code"], x)
        expected = np.sum(ops.convert_to_numpy(rows) ** 2, axis=(1, 2))
        np.testing.assert_allclose(ops.convert_to_numpy(model.contraction(x)), expected, rtol=1e-5)
        model.compile(keras.optimizers.SGD(0.0))
        logs = model.evaluate(x, verbose=0, return_dict=True)
        np.testing.assert_allclose(logs["contraction"], expected.mean(), rtol=1e-5)
    with pytest.raises(ValueError, match="needed is"):
        model.contraction(x[:, :4])


def test_encoders_that_have_no_jacobian_are_refused():
    two = keras_ae.dense_encoder((4,), 2, heads=("mean", "log_variance"))
    mean, log_variance = keras.Input((2,), name="mean"), keras.Input((2,), name="log_variance")
    sum_of_both = keras.layers.Dense(4)(keras.layers.Add()([mean, log_variance]))
    of_two = keras.Model({"mean": mean, "log_variance": log_variance}, sum_of_both)
    for message, encoder, decoder in (
        ("reads int32", integers(), keras_ae.dense_decoder((30,), 60)),
        ("gives several tensors", two, of_two),
        (
            "needs fixed sizes",
            keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(2)]),
            keras.Sequential([keras.Input((None, 2)), keras.layers.Dense(3)]),
        ),
    ):
        with pytest.raises(ValueError, match=message):
            keras_ae.ContractiveAutoencoder(encoder, decoder)


def test_only_the_code_of_a_dict_is_penalised():
    encoder = keras_ae.conv_encoder((6, 6, 1), (2,), pool_size=2, activation="tanh", switches=True)
    decoder = keras_ae.unpool_decoder((6, 6, 1), (2,), "switches")
    model = keras_ae.ContractiveAutoencoder(encoder, decoder)
    model.compile("adam")
    x = np.random.default_rng(1).uniform(size=(8, 6, 6, 1)).astype("float32")
    history = model.fit(x, epochs=2, batch_size=8, verbose=0).history
    assert model.chosen_method == "exact" and history["contraction"][0] > 0


@pytest.mark.neutral("torch")
def test_tied_the_penalty_shrinks_the_jacobian():
    """More weight, less contraction, on a model that cannot evade it."""
    x = np.random.default_rng(0).uniform(size=(64, 12)).astype("float32")
    seen = []
    for weight in (0.0, 0.3, 3.0):
        keras.utils.set_random_seed(0)
        encoder = keras_ae.dense_encoder((12,), 8, latent_activation="sigmoid")
        decoder = keras_ae.dense_decoder((12,), 8, tied_to=encoder)
        model = keras_ae.ContractiveAutoencoder(encoder, decoder, weight)
        model.compile(keras.optimizers.Adam(0.01))
        seen.append(model.fit(x, epochs=60, verbose=0).history["contraction"][-1])
    assert seen[0] > 1.2 * seen[1] > 1.2 * 1.2 * seen[2]


def test_signs_are_fair_and_do_not_go_together():
    seed = keras.random.SeedGenerator(0)
    v = ops.convert_to_numpy(random_signs(4000, 65, seed)).astype("float64")
    assert set(np.unique(v)) == {-1.0, 1.0}
    covariance = v.T @ v / len(v)
    assert np.abs(covariance - np.eye(65)).max() < 5 / np.sqrt(len(v))
    assert np.abs(v.mean(axis=0)).max() < 4.5 / np.sqrt(len(v))
    assert np.abs(v @ v.T / 65 - np.eye(len(v))).max() < 0.8  # nor examples
