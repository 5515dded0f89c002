"""The engine's derivatives against closed forms and finite differences, and the training step."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ae.engine import autodiff


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


W = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
X = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")


def network(x):
    return ops.tanh(ops.matmul(x, W))


def jacobian(x):
    """d tanh(x W) / dx for one example, shape (3, 4)."""
    return (1 - np.tanh(x @ W) ** 2)[:, None] * W.T


def test_value_and_grad_closed_form():
    v = keras.Variable(np.array([1.0, 2.0, 3.0], "float32"))
    unused = keras.Variable(np.ones((2,), "float32"))
    value, (g, zero) = autodiff.value_and_grad(lambda: ops.sum(v.value**3), [v, unused])
    assert float(value) == 36.0
    np.testing.assert_allclose(numpy(g), [3.0, 12.0, 27.0])
    np.testing.assert_array_equal(numpy(zero), [0.0, 0.0])


def test_value_and_grad_hands_back_aux_and_changes():
    v = keras.Variable(np.array([2.0], "float32"))
    count = keras.Variable(np.array([0.0], "float32"), trainable=False)

    def function():
        count.assign_add(v.value)
        return ops.sum(v.value**2), {"double": 2 * v.value}

    (value, aux), (g,) = autodiff.value_and_grad(function, [v], has_aux=True)
    assert (float(value), float(aux["double"][0]), float(g[0])) == (4.0, 4.0, 4.0)
    assert float(count.value[0]) == 2.0


def test_vjp_is_the_jacobian():
    y, pullback = autodiff.vjp(network, X)
    np.testing.assert_allclose(numpy(y), np.tanh(X @ W), rtol=1e-5)
    for unit in range(3):
        v = np.zeros((5, 3), "float32")
        v[:, unit] = 1
        rows = numpy(pullback(ops.convert_to_tensor(v)))
        np.testing.assert_allclose(rows, [jacobian(x)[unit] for x in X], rtol=1e-4, atol=1e-6)


def test_jvp_is_the_jacobian():
    t = np.random.default_rng(2).normal(size=X.shape).astype("float32")
    y, dy = autodiff.jvp(network, X, t)
    np.testing.assert_allclose(numpy(y), np.tanh(X @ W), rtol=1e-5)
    expected = [jacobian(x) @ d for x, d in zip(X, t)]
    np.testing.assert_allclose(numpy(dy), expected, rtol=1e-4, atol=1e-6)


def test_gradient_of_each_example():
    g = autodiff.gradient(lambda x: ops.sum(x**2, axis=-1), X)
    np.testing.assert_allclose(numpy(g), 2 * X, rtol=1e-6)


@pytest.mark.parametrize("form", ["vjp", "jvp", "gradient"])
def test_derivatives_can_be_differentiated_again(form):
    """The gradient of a penalty on a derivative, against central differences in float64."""
    w = keras.Variable(W)
    direction = np.random.default_rng(3).normal(size=X.shape).astype("float32")

    def penalty():
        def embed(x):
            return ops.tanh(ops.matmul(x, w.value))

        if form == "jvp":
            return ops.sum(autodiff.jvp(embed, X, direction)[1] ** 2)
        if form == "gradient":
            return ops.sum(autodiff.gradient(lambda x: ops.sum(embed(x), axis=-1), X) ** 2)
        y, pullback = autodiff.vjp(embed, X)
        return ops.sum(pullback(ops.ones_like(y)) ** 2)

    def in_numpy(weights):
        x = X.astype("float64")
        slope = 1 - np.tanh(x @ weights) ** 2
        if form == "jvp":
            return np.sum((slope * (direction @ weights)) ** 2)
        return np.sum((slope @ weights.T) ** 2)

    value, (g,) = autodiff.value_and_grad(penalty, [w])
    np.testing.assert_allclose(float(value), in_numpy(W.astype("float64")), rtol=1e-5)
    for index in np.ndindex(*W.shape):
        step = np.zeros(W.shape)
        step[index] = 1e-5
        slope = (in_numpy(W + step) - in_numpy(W - step)) / 2e-5
        np.testing.assert_allclose(numpy(g)[index], slope, rtol=1e-3, atol=1e-4)


def test_constants_and_frozen_variables():
    v = keras.Variable(np.array([2.0], "float32"), trainable=False)
    _, (g,) = autodiff.value_and_grad(lambda: ops.sum(v.value**2), [v])
    np.testing.assert_allclose(numpy(g), [4.0])
    _, (g,) = autodiff.value_and_grad(lambda: ops.convert_to_tensor(1.0), [v])
    np.testing.assert_allclose(numpy(g), [0.0])
    g = autodiff.gradient(lambda x: ops.ones((5,)), X)
    np.testing.assert_array_equal(numpy(g), np.zeros_like(X))


class ByHand(keras.Model):
    """A model that writes its own step, once for all backends."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.mean = keras.metrics.Mean(name="loss")
        self.built = True

    def call(self, x, training=False):
        return self.network(x, training=training)

    def train_step(self, *arguments):
        return autodiff.train_step(self, self.update, *arguments)

    def update(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)

        def loss():
            return ops.mean((self.network(x, training=True) - y) ** 2)

        value, gradients = autodiff.value_and_grad(loss, self.network.trainable_variables)
        autodiff.apply_gradients(self.optimizer, gradients, self.network.trainable_variables)
        self.mean.update_state(value)
        return {"loss": self.mean.result()}


def test_a_step_written_once_equals_keras_own():
    """With dropout, batch norm and Adam, whose states all move."""
    x, y = X, np.tanh(X @ W)[:, :2]

    def network():
        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(6, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
                layers.BatchNormalization(),
                layers.Dropout(0.3, seed=2),
                layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(seed=3)),
            ]
        )

    theirs, ours = network(), ByHand(network())
    theirs.compile(keras.optimizers.Adam(0.1), "mse")
    ours.compile(keras.optimizers.Adam(0.1))
    for model in (theirs, ours):
        model.fit(x, y, batch_size=5, epochs=4, shuffle=False, verbose=0)
    assert len(theirs.weights) == len(ours.network.weights) == 8
    for a, b in zip(theirs.weights, ours.network.weights):
        np.testing.assert_allclose(numpy(a), numpy(b), rtol=2e-4, atol=2e-5)
    states = [layer.seed_generator.state for layer in (theirs.layers[2], ours.network.layers[2])]
    assert np.array_equal(*map(numpy, states)) and numpy(states[0])[1] >= 4


class Contracting(ByHand):
    """The penalty of a derivative inside a compiled step."""

    def update(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)

        def loss():
            y, pullback = autodiff.vjp(self.network, x)
            penalty = ops.sum(pullback(ops.ones_like(y)) ** 2)
            return penalty + ops.sum(autodiff.jvp(self.network, x, ops.ones_like(x))[1] ** 2)

        value, gradients = autodiff.value_and_grad(loss, self.network.trainable_variables)
        autodiff.apply_gradients(self.optimizer, gradients, self.network.trainable_variables)
        self.mean.update_state(value)
        return {"loss": self.mean.result()}


@pytest.mark.parametrize("compiled", [True, False])
def test_second_derivatives_in_a_compiled_step(compiled):
    dense = keras.layers.Dense(3, "tanh", use_bias=False)
    model = Contracting(keras.Sequential([keras.Input((4,)), dense]))
    dense.kernel.assign(W)
    jit = compiled and keras.backend.backend() != "torch"
    model.compile(keras.optimizers.SGD(1.0), jit_compile=jit, run_eagerly=not compiled)
    logs = model.fit(X, batch_size=5, verbose=0).history

    def in_numpy(weights):
        x = X.astype("float64")
        slope = 1 - np.tanh(x @ weights) ** 2
        return np.sum((slope @ weights.T) ** 2) + np.sum((slope * weights.sum(axis=0)) ** 2)

    np.testing.assert_allclose(logs["loss"][0], in_numpy(W.astype("float64")), rtol=1e-5)
    moved = W - numpy(dense.kernel)  # the gradient, as the learning rate is 1
    for index in np.ndindex(*W.shape):
        step = np.zeros(W.shape)
        step[index] = 1e-5
        slope = (in_numpy(W + step) - in_numpy(W - step)) / 2e-5
        np.testing.assert_allclose(moved[index], slope, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("forward", [False, True])
def test_jacobian_of_every_example(forward):
    rows = numpy(autodiff.jacobian(network, X, forward))
    np.testing.assert_allclose(rows, [jacobian(x) for x in X], rtol=1e-4, atol=1e-6)
    maps = X.reshape(5, 2, 2, 1)
    flat = lambda x: network(ops.reshape(x, (-1, 4)))
    again = numpy(autodiff.jacobian(flat, maps, forward))
    np.testing.assert_allclose(again, rows, rtol=1e-5, atol=1e-7)
    constant = autodiff.jacobian(lambda x: ops.zeros_like(x[:, :3]), X, forward)
    np.testing.assert_array_equal(numpy(constant), np.zeros((5, 3, 4)))


def test_sum_rows_and_its_gradient():
    values = np.random.default_rng(0).normal(size=(4, 1000)).astype("float32")
    weights = np.arange(4, dtype="float32")
    found = autodiff.sum_rows(ops.convert_to_tensor(values))
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), values.astype("float64").sum(axis=1), atol=1e-4
    )
    times = ops.convert_to_tensor(weights)
    total = lambda x: ops.sum(autodiff.sum_rows(ops.square(x)) * times)
    slope = autodiff.gradient(total, ops.convert_to_tensor(values))
    expected = 2.0 * values * weights[:, None]
    np.testing.assert_allclose(ops.convert_to_numpy(slope), expected, rtol=1e-6)
