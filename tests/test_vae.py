"""The VAE against the slide's PyTorch code, closed forms and Monte Carlo."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats
from scipy.special import log_softmax, logsumexp

import keras_ae
from keras_ae import losses
from keras_ae.engine import autodiff
from tests.cases.case import SOON, numpy_weights

HEADS = ("mean", "log_variance")


def slide_network():
    return keras_ae.VAE(
        keras_ae.dense_encoder((784,), 20, (400,), heads=HEADS),
        keras_ae.dense_decoder((784,), 20, (400,)),
    )


def small(pixels=6, latent_dim=2, **kwargs):
    encoder = keras_ae.dense_encoder((pixels,), latent_dim, (5,), "tanh", heads=HEADS)
    decoder = keras_ae.dense_decoder((pixels,), latent_dim, (5,), "tanh")
    return numpy_weights(keras_ae.VAE(encoder, decoder, **kwargs))


def pixels(examples=8, size=6, seed=0):
    return np.random.default_rng(seed).uniform(size=(examples, size)).astype("float32")


def noise(samples, examples=8, latent_dim=2, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, examples, latent_dim)).astype("float32")


def numbers(terms):
    return {name: ops.convert_to_numpy(value) for name, value in terms.items()}


def test_parameter_counts_of_the_slides():
    assert slide_network().count_params() == 652_824
    standard = keras_ae.dense_autoencoder((784,), 20, (400,), loss="bernoulli")
    assert standard.count_params() == 644_804


def test_equal_to_the_slides_pytorch():
    torch = pytest.importorskip("torch", reason="torch is not installed: the slide's code is torch")
    functional = torch.nn.functional
    ours, rng = slide_network(), np.random.default_rng(0)
    x, epsilon = rng.uniform(size=(16, 784)), rng.normal(size=(1, 16, 20))
    x, epsilon = x.astype("float32"), epsilon.astype("float32")
    hidden, *outwards = (
        layer
        for network in (ours.encoder, ours.decoder)
        for layer in network.layers
        if isinstance(layer, keras.layers.Dense) and layer.name not in HEADS
    )
    layers = [hidden, *(ours.encoder.get_layer(head) for head in HEADS), *outwards]
    theirs = {}
    for name, layer in zip(("fc1", "fc21", "fc22", "fc3", "fc4"), layers):
        linear = torch.nn.Linear(*layer.kernel.shape, device="cpu")
        kernel, bias = (ops.convert_to_numpy(v) for v in (layer.kernel, layer.bias))
        bias = bias + rng.normal(size=bias.shape).astype("float32") / 10
        layer.bias.assign(bias)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(kernel.T))
            linear.bias.copy_(torch.tensor(bias))
        theirs[name] = linear
    with torch.enable_grad():
        image = torch.tensor(x)
        h1 = functional.relu(theirs["fc1"](image))
        mean, log_variance = theirs["fc21"](h1), theirs["fc22"](h1)
        z = torch.tensor(epsilon[0]).mul(log_variance.mul(0.5).exp()).add(mean)
        recon = torch.sigmoid(theirs["fc4"](functional.relu(theirs["fc3"](z))))
        bce = functional.binary_cross_entropy(recon, image, reduction="sum")
        kld = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        loss = bce + kld
        loss.backward()

    terms = ours.terms(x, epsilon)
    close(ops.sum(terms["reconstruction"]), bce)
    close(ops.sum(terms["kl"]), kld)
    value, gradients = autodiff.value_and_grad(
        lambda: ops.sum(sum(ours.terms(x, epsilon).values())),
        [variable for layer in layers for variable in (layer.kernel, layer.bias)],
    )
    close(value, loss)
    expected = [g for one in theirs.values() for g in (one.weight.grad.T, one.bias.grad)]
    assert len(gradients) == len(expected) == 10
    for left, right in zip(gradients, expected):
        close(left, right)


def close(ours, theirs):
    """Equal to 1e-5 of the largest value."""
    ours, theirs = ops.convert_to_numpy(ours), theirs.detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_kl_is_that_of_monte_carlo():
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(4, 3)), rng.uniform(-2, 2, (4, 3))
    z = mean + np.exp(log_variance / 2) * rng.normal(size=(20_000, 4, 3))
    q = stats.norm(mean, np.exp(log_variance / 2)).logpdf(z).sum(axis=-1)
    draws = q - stats.norm.logpdf(z).sum(axis=-1)
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    ours = ops.convert_to_numpy(losses.gaussian_kl(mean, log_variance))
    assert (np.abs(ours - draws.mean(axis=0)) < 3 * error).all()
    assert (ours > 0).all()
    assert np.all(ops.convert_to_numpy(losses.gaussian_kl(np.zeros((2, 3)), np.zeros((2, 3)))) == 0)


def test_likelihoods_are_densities():
    rng = np.random.default_rng(0)
    x, mean = rng.normal(size=(5, 4, 3)), rng.normal(size=(5, 4, 3))
    expected = -stats.norm(mean, 0.3).logpdf(x).sum(axis=(1, 2))
    ours = losses.gaussian(x, mean, 0.3)
    np.testing.assert_allclose(ops.convert_to_numpy(ours), expected, rtol=1e-5)
    levels, logits = rng.integers(0, 256, (5, 4)), 3 * rng.normal(size=(5, 4, 256))
    chosen = np.take_along_axis(log_softmax(logits, axis=-1), levels[..., None], -1)
    ours = ops.convert_to_numpy(losses.pixel_levels(levels / 255.0, logits))
    np.testing.assert_allclose(ours, -chosen.sum(axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("likelihood", ("bernoulli", "gaussian"))
def test_log_weights_are_those_of_the_densities(likelihood):
    model, x, epsilon = small(likelihood=likelihood, deviation=0.5, beta=3.0), pixels(), noise(7)
    x = np.round(x) if likelihood == "bernoulli" else x
    posterior = model.encode_distribution(x)
    scale = np.exp(posterior["log_variance"].astype("float64") / 2)
    z = posterior["mean"] + scale * epsilon
    flat = model.decode(z.reshape(-1, 2).astype("float32")).astype("float64").reshape(7, 8, 6)
    if likelihood == "bernoulli":
        given = stats.bernoulli(flat).logpmf(x).sum(axis=-1)
    else:
        given = stats.norm(flat, 0.5).logpdf(x).sum(axis=-1)
    prior = stats.norm.logpdf(z).sum(axis=-1)
    q = stats.norm(posterior["mean"], scale).logpdf(z).sum(axis=-1)
    ours = ops.convert_to_numpy(model.log_weights(x, epsilon))
    np.testing.assert_allclose(ours, given + prior - q, rtol=1e-4, atol=1e-4)


def test_one_importance_sample_is_the_elbo():
    x, epsilon = pixels(), noise(1)
    elbo = numbers(small(kl="sampled").terms(x, epsilon))
    iwae = numbers(small(importance_weighted=True).terms(x, epsilon))
    np.testing.assert_allclose(
        iwae["bound"], elbo["reconstruction"] + elbo["kl"], rtol=1e-6, atol=1e-6
    )
    # with the analytic KL in expectation
    many = noise(4000)
    sampled = -ops.convert_to_numpy(small().log_weights(x, many))
    analytic = numbers(small().terms(x, many))
    expected = analytic["reconstruction"] + analytic["kl"]
    error = sampled.std(axis=0, ddof=1) / np.sqrt(len(sampled))
    assert (np.abs(sampled.mean(axis=0) - expected) < 4 * error + 1e-4).all()


@pytest.mark.neutral("torch")
def test_more_importance_samples_tighten_the_bound():
    x, bounds = pixels(), []
    for k in (1, 5, 50):  # fresh noise for each of them
        model, each = small(importance_weighted=True, num_samples=k), noise(2000 // k * k, seed=k)
        values = [
            np.mean(numbers(model.terms(x, each[s : s + k]))["bound"])
            for s in range(0, len(each), k)
        ]
        bounds.append((np.mean(values), np.std(values) / np.sqrt(len(values))))
    for (looser, error), (tighter, other) in itertools.pairwise(bounds):
        assert looser - tighter > 3 * np.hypot(error, other)
    weights = ops.convert_to_numpy(small().log_weights(x, each[:50])).astype("float64")
    ours = numbers(model.terms(x, each[:50]))["bound"]
    np.testing.assert_allclose(-ours, logsumexp(weights, axis=0) - np.log(50), rtol=1e-5, atol=1e-5)


def test_weights_of_examples():
    model, x = small(), pixels()
    head = model.encoder.get_layer("log_variance")
    head.set_weights([0.0 * head.get_weights()[0], np.full(2, -80.0)])  # no noise to speak of
    model.compile("adam", **SOON)
    weights = np.array([1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0], "float32")
    weighted = model.evaluate(x, sample_weight=weights, verbose=0, return_dict=True)
    each = [model.evaluate(x[i : i + 1], verbose=0, return_dict=True) for i in (0, 2)]
    for term in ("reconstruction", "kl", "loss"):
        expected = (each[0][term] + 2.0 * each[1][term]) / 8
        assert weighted[term] == pytest.approx(expected, rel=1e-4)


def test_several_samples_are_averaged():
    x, epsilon = pixels(), noise(3)
    one, three = small(), small(num_samples=3)
    each = [numbers(one.terms(x, epsilon[s : s + 1]))["reconstruction"] for s in range(3)]
    ours = numbers(three.terms(x, epsilon))["reconstruction"]
    np.testing.assert_allclose(ours, np.mean(each, axis=0), rtol=1e-5)


def test_encode_gives_the_mean_and_predict_its_image():
    model, x = small(), pixels()
    codes = model.encode(x)
    np.testing.assert_array_equal(codes, model.encode_distribution(x)["mean"])
    np.testing.assert_allclose(model.decode(codes), model.predict(x, verbose=0), rtol=1e-5)
    np.testing.assert_array_equal(model.encode(x), codes)


def test_fit_and_evaluate_sample():
    """The loss of the samples, not that of the mean code, which would be lower."""
    model, x = small(num_samples=2000), pixels()
    for variable in model.decoder.trainable_variables:
        variable.assign(5.0 * variable.value)  # curved enough to tell them apart
    model.compile(keras.optimizers.SGD(0.0), **SOON)
    measured = model.evaluate(x, verbose=0, return_dict=True)
    assert measured == model.evaluate(x, verbose=0, return_dict=True)
    sampled = numbers(model.terms(x, noise(5000)))["reconstruction"].mean()
    of_means = numbers(model.terms(x, 0 * noise(1)))["reconstruction"].mean()
    trained = model.fit(x, verbose=0).history
    assert abs(sampled - of_means) > 0.3
    assert abs(measured["reconstruction"] - sampled) < 0.1
    assert abs(trained["reconstruction"][0] - sampled) < 0.1


def test_a_warm_up_raises_the_weight_with_the_steps(tmp_path):
    warm_up = keras.optimizers.schedules.PolynomialDecay(0.0, 8, 2.0)
    model, x = small(beta=warm_up), pixels(16)
    model.training_steps.assign(0.0)
    model.compile(keras.optimizers.SGD(0.0), **SOON)

    def weight(model):
        logs = model.evaluate(x, verbose=0, return_dict=True)
        return (logs["loss"] - logs["reconstruction"]) / logs["kl"]

    assert abs(weight(model)) < 1e-6
    model.fit(x, batch_size=8, epochs=2, verbose=0)  # 4 of 8 steps
    assert abs(weight(model) - 1.0) < 1e-5
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert abs(weight(loaded) - 1.0) < 1e-5
    loaded.fit(x, batch_size=8, epochs=9, verbose=0)
    assert abs(weight(loaded) - 2.0) < 1e-5


def test_samples_depend_on_the_seed_alone():
    model = small()
    first = model.sample(5, seed=3)
    assert first.shape == (5, 6)
    np.testing.assert_array_equal(model.sample(5, seed=3), first)
    assert np.abs(model.sample(5, seed=4) - first).max() > 0
    assert np.abs(model.sample(5) - model.sample(5)).max() > 0
    codes = np.random.default_rng(3).normal(size=(5, 2)).astype("float32")
    np.testing.assert_array_equal(model.decode(codes), first)
    for arguments in ({"n": 0}, {"n": 2, "labels": [1, 2]}):
        with pytest.raises(ValueError):
            model.sample(**arguments)


def test_interpolation_begins_and_ends_at_the_reconstructions():
    model, x = small(), pixels()
    lines = model.interpolate(x[:3], x[3:6], num=5)
    assert lines.shape == (3, 5, 6)
    np.testing.assert_allclose(lines[:, 0], model.reconstruct(x[:3]), rtol=1e-5)
    np.testing.assert_allclose(lines[:, -1], model.reconstruct(x[3:6]), rtol=1e-5)
    middle = 0.5 * (model.encode(x[:3]) + model.encode(x[3:6]))
    np.testing.assert_allclose(lines[:, 2], model.decode(middle), rtol=1e-5)
    for wrong in ({"num": 1}, {"y": x[:2]}):
        with pytest.raises(ValueError):
            model.interpolate(**{"x": x[:3], "y": x[3:6], **wrong})


def test_finite_at_extreme_logits():
    model = small()
    logits = np.array([[200.0, -200.0, 200.0, -200.0, 0.0, 200.0]], "float32")
    last = model.decoder.layers[-1]
    last.kernel.assign(np.zeros(last.kernel.shape, "float32"))
    last.bias.assign(logits[0])
    terms = numbers(model.terms(np.zeros((1, 6), "float32"), noise(1, 1)))
    np.testing.assert_allclose(terms["reconstruction"], [600 + np.log(2)], rtol=1e-6)
