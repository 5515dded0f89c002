"""Sparsity: the penalties against closed forms, the k largest against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae.engine import autodiff
from keras_ae.layers import KSparse
from tests.cases.autoencoders import sparse
from tests.cases.case import SOON, numpy_weights

RNG = np.random.default_rng(0)


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def kept(x, k):
    """The k largest of each row; of equal ones the first."""
    expected = np.zeros_like(x)
    for row, values in zip(expected, x):
        chosen = np.argsort(-values, kind="stable")[:k]
        row[chosen] = values[chosen]
    return expected


@pytest.mark.parametrize("k", [1, 3, 7])
def test_the_k_largest(k):
    x = RNG.normal(size=(20, 7)).astype("float32")
    np.testing.assert_array_equal(numpy(KSparse(k)(x)), kept(x, k))


def test_never_more_than_k_of_equal_units():
    x = RNG.integers(-2, 3, (50, 9)).astype("float32")
    x[x == 0] = 1.0
    np.testing.assert_array_equal(numpy(KSparse(4)(x)), kept(x, 4))
    for value in (1e8, -1e8, 1e-30):
        assert np.sum(numpy(KSparse(4)(np.full((1, 9), value, "float32"))) != 0) == 4
    assert (np.sum(numpy(KSparse(4)(x)) != 0, axis=1) == 4).all()


def test_half_precision_keeps_exactly_k():
    x = RNG.normal(size=(8, 1000)).astype("float32")
    y = numpy(ops.cast(KSparse(25, dtype="bfloat16")(x), "float32"))
    assert (np.sum(y != 0, axis=1) == 25).all()


def test_gradient_flows_through_the_units_that_are_kept():
    x = RNG.normal(size=(5, 6)).astype("float32")
    gradient = numpy(autodiff.gradient(lambda x: ops.sum(KSparse(2)(x) * 3.0, axis=1), x))
    np.testing.assert_array_equal(gradient, 3.0 * (kept(x, 2) != 0))


def test_more_units_in_inference_and_a_schedule_in_training():
    x = RNG.normal(size=(4, 12)).astype("float32")
    layer = KSparse(3, alpha=2.0, k_start=11, decay_steps=4)
    counts = [np.sum(numpy(layer(x, training=True)) != 0, axis=1).tolist() for _ in range(7)]
    assert counts == [[k] * 4 for k in (11, 9, 7, 5, 3, 3, 3)]
    np.testing.assert_array_equal(numpy(layer(x)), kept(x, 6))


def test_the_schedule_is_saved(tmp_path):
    x = RNG.uniform(size=(16, 6)).astype("float32")
    model = keras_ae.k_sparse_autoencoder((6,), 10, 2, k_start=8, decay_steps=6)
    model.compile("adam")
    model.fit(x, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(numpy(loaded.encoder.layers[-1].steps)) == 4.0
    assert loaded.decoder.layers[-1].kernel is loaded.encoder.layers[1].kernel


def test_k_sparse_is_the_formula_of_the_paper():
    model = numpy_weights(keras_ae.k_sparse_autoencoder((6,), 10, 3))
    w, b = model.encoder.layers[1].get_weights()
    x = RNG.normal(size=(5, 6)).astype("float32")
    z = kept(x @ w + b, 3)
    np.testing.assert_allclose(model.encode(x), z, rtol=1e-4, atol=1e-5)
    c = model.decoder.layers[-1].bias
    np.testing.assert_allclose(model.reconstruct(x), z @ w.T + numpy(c), rtol=1e-4, atol=1e-5)
    assert model.count_params() == 6 * 10 + 10 + 6


def test_l1_and_kl_are_logged_unweighted():
    x = RNG.uniform(size=(32, 6, 5, 1)).astype("float32")
    for penalty in ("l1", "kl"):
        model = numpy_weights(sparse(penalty=penalty, weight=0.3, target=0.1))
        model.compile(keras.optimizers.SGD(0.0))
        h = model.encode(x).astype("float64")
        m = h.mean(axis=0)
        kl = np.sum(0.1 * np.log(0.1 / m) + 0.9 * np.log(0.9 / (1 - m)))
        expected = {"l1": np.abs(h).sum(axis=1).mean(), "kl": kl}[penalty]
        logs = model.evaluate(x, batch_size=32, verbose=0, return_dict=True)
        np.testing.assert_allclose(logs["sparsity"], expected, rtol=1e-4)
        total = logs["reconstruction"] + 0.3 * expected
        np.testing.assert_allclose(logs["loss"], total, rtol=1e-4)


@pytest.mark.neutral("torch")
def test_the_weight_counts():
    """A known mistake is a weight that is never used: more of it makes a sparser code."""
    x = RNG.uniform(size=(64, 6, 5, 1)).astype("float32")
    for penalty, weight in (("l1", 0.5), ("kl", 10.0)):
        means = []
        for each in (0.0, weight):
            keras.utils.set_random_seed(0)
            model = sparse(penalty=penalty, weight=each, target=0.05)
            model.compile(keras.optimizers.Adam(0.02), **SOON)
            model.fit(x, batch_size=64, epochs=80, verbose=0)
            means.append(model.encode(x).mean())
        assert means[0] > means[1] + 0.1
        assert penalty == "l1" or abs(means[1] - 0.05) < 0.02


def test_what_is_no_probability_is_refused_for_kl():
    for activation in (None, "tanh", "relu"):
        encoder = keras_ae.dense_encoder((6,), 4, latent_activation=activation)
        with pytest.raises(ValueError, match="reads its units as probabilities"):
            keras_ae.SparseAutoencoder(encoder, keras_ae.dense_decoder((6,), 4), "kl")
    two = keras_ae.dense_encoder((4,), 2, heads=("mean", "log_variance"))
    ends = {name: keras.Input((2,), name=name) for name in ("mean", "log_variance")}
    decoder = keras.Model(ends, keras.layers.Dense(4)(keras.layers.Add()(list(ends.values()))))
    with pytest.raises(ValueError, match="single code"):
        keras_ae.SparseAutoencoder(two, decoder)
