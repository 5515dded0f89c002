"""The likelihood of a VAE against a model whose evidence is known."""

import keras
import numpy as np
import pytest
from scipy import stats

import keras_ae
from keras_ae import evaluation
from keras_ae.evaluation import likelihood
from tests.test_vae import small

PIXELS, LATENTS, DEVIATION = 6, 2, 0.5


def linear_gaussian():
    """x = W z + b + noise, for which log p(x) is known, with an encoder that is a little off."""
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(LATENTS, PIXELS)), rng.normal(size=PIXELS)
    precision = np.eye(LATENTS) + w @ w.T / DEVIATION**2
    encode = np.linalg.solve(precision, w).T / DEVIATION**2  # x - b to the posterior's mean
    heads = ("mean", "log_variance")
    model = keras_ae.VAE(
        keras_ae.dense_encoder((PIXELS,), LATENTS, heads=heads),
        keras_ae.dense_decoder((PIXELS,), LATENTS),
        likelihood="gaussian",
        deviation=DEVIATION,
    )
    log_variance = np.log(1.5 * np.diag(np.linalg.inv(precision)))
    for layer, kernel, bias in (
        (model.encoder.get_layer("mean"), 0.9 * encode, -b @ (0.9 * encode)),
        (model.encoder.get_layer("log_variance"), np.zeros((PIXELS, LATENTS)), log_variance),
        (model.decoder.get_layer("pixels"), w, b),
    ):
        layer.set_weights([kernel.astype("float32"), bias.astype("float32")])
    covariance = w.T @ w + DEVIATION**2 * np.eye(PIXELS)
    x = rng.multivariate_normal(b, covariance, 60).astype("float32")
    return model, x, stats.multivariate_normal(b, covariance).logpdf(x)


@pytest.mark.neutral("torch")
def test_the_known_evidence_is_found():
    model, x, evidence = linear_gaussian()
    bound = evaluation.elbo(model, x, num_samples=500)
    assert bound.shape == (60,)
    assert (evidence - bound).mean() > 0.2  # the encoder is off, so the bound is loose
    nll = evaluation.negative_log_likelihood(model, x, num_samples=5000, batch_size=25)
    assert nll.shape == (60,)
    assert np.abs(nll + evidence).max() < 0.3
    assert abs((nll + evidence).mean()) < 0.05


@pytest.mark.neutral("torch")
def test_the_bound_is_that_of_the_exact_posterior():
    """log p(x) - ELBO = KL(q || posterior), which is known too."""
    model, x, evidence = linear_gaussian()
    w, b = model.decoder.get_layer("pixels").get_weights()
    precision = np.eye(LATENTS) + w @ w.T / DEVIATION**2
    mean = (x - b) @ np.linalg.solve(precision, w).T / DEVIATION**2
    q = model.encode_distribution(x)
    off, variance = mean - q["mean"], np.exp(q["log_variance"])
    gap = 0.5 * (
        variance @ np.diag(precision)
        + np.einsum("ni,ij,nj->n", off, precision, off)
        - LATENTS
        - np.linalg.slogdet(precision)[1]
        - q["log_variance"].sum(axis=1)
    )
    bound = evaluation.elbo(model, x, num_samples=4000)
    assert abs((evidence - bound - gap).mean()) < 0.02


def test_gradient_estimates_are_unbiased():
    """The expected gradients of a linear Gaussian model are known."""
    model, x, _ = linear_gaussian()
    x = x[:3]
    w, b = model.decoder.get_layer("pixels").get_weights()
    q = model.encode_distribution(x)
    of_mean = (q["mean"] @ w + b - x) @ w.T / DEVIATION**2
    of_log_variance = np.exp(q["log_variance"]) * np.sum(w**2, axis=1) / (2 * DEVIATION**2)
    expected = np.concatenate([of_mean, of_log_variance], axis=1)
    noise = np.random.default_rng(0).normal(size=(20_000, 3, LATENTS)).astype("float32")
    scatter = {}
    for name, draws in evaluation.gradient_estimates(model, x, noise).items():
        error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
        z = (draws.mean(axis=0) - expected) / np.maximum(error, 1e-4)
        assert np.abs(z).max() < 4, name
        scatter[name] = draws.var(axis=0).mean()
    through, score, baseline = scatter.values()
    assert through < baseline < score


def test_it_falls_with_the_samples_and_honours_their_number():
    model, x, _ = linear_gaussian()
    many = np.repeat(x, 30, axis=0)  # an average over draws
    means = [evaluation.negative_log_likelihood(model, many, k).mean() for k in (1, 4, 60)]
    assert means[0] > means[1] > means[2]
    counted = []
    weights = model.log_weights

    def count(x, noise):
        counted.append(noise.shape[0])
        return weights(x, noise)

    model.log_weights = count
    evaluation.negative_log_likelihood(model, x, 7, samples_at_once=3)
    assert set(counted) == {3, 1}


@pytest.mark.neutral("torch")
def test_large_images_are_taken_fewer_at_a_time(monkeypatch):
    model, x, evidence = linear_gaussian()
    held, predict = [], likelihood._Pass.predict

    def watched(self, images, batch_size, verbose):
        held.append(self.shape[0] * batch_size * PIXELS)
        return predict(self, images, batch_size=batch_size, verbose=verbose)

    monkeypatch.setattr(likelihood._Pass, "predict", watched)
    monkeypatch.setattr(likelihood, "MOST_NUMBERS", 2 * PIXELS)
    nll = evaluation.negative_log_likelihood(model, x[:5], num_samples=300)
    assert max(held) <= 2 * PIXELS
    assert np.abs(nll + evidence[:5]).max() < 1


def test_every_image_and_every_pass_has_noise_of_its_own():
    model, x, _ = linear_gaussian()
    same = np.repeat(x[:1], 50, axis=0)
    one = evaluation.negative_log_likelihood(model, same, 1, batch_size=10)
    assert len(np.unique(np.round(one, 4))) > 45
    # 64 samples in passes of 8: with the same noise in each they would be worth 8
    many = evaluation.negative_log_likelihood(model, same, 64, samples_at_once=8)
    few = evaluation.negative_log_likelihood(model, same, 8)
    assert many.std() < 0.6 * few.std()
    again = evaluation.negative_log_likelihood(model, same, 64, samples_at_once=8)
    np.testing.assert_array_equal(many, again)


def test_active_units_and_bits():
    model, x, _ = linear_gaussian()
    assert evaluation.active_units(model, x) == 2
    mean = model.encoder.get_layer("mean")
    kernel, bias = mean.get_weights()
    kernel[:, 0] = 0.0
    mean.set_weights([kernel, bias])
    assert evaluation.active_units(model, x) == 1
    assert evaluation.bits_per_dimension(256 * np.log(2.0), (16, 16, 1)) == pytest.approx(1.0)


def test_other_likelihoods_and_bounds():
    """A uniform model: every pixel costs log 2 or log 256 nats, whatever the code."""
    x = np.round(np.random.default_rng(0).uniform(size=(5, 6))).astype("float32")
    model = small(importance_weighted=True, num_samples=3)
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape, "float32"))
    nll = evaluation.negative_log_likelihood(model, x, 20)
    np.testing.assert_allclose(nll, 6 * np.log(2.0), rtol=1e-5)
    code = keras.Input((2,))
    levels = keras.layers.Reshape((6, 256))(keras.layers.Dense(6 * 256)(code))
    model = keras_ae.VAE(model.encoder, keras.Model(code, levels), likelihood="categorical")
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape, "float32"))
    nll = evaluation.negative_log_likelihood(model, x, 20)
    np.testing.assert_allclose(nll, 6 * np.log(256.0), rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), 0.5, rtol=1e-5)  # the mean level


def test_bad_input():
    model, x, _ = linear_gaussian()
    with pytest.raises(ValueError, match="2 samples or more"):
        evaluation.gradient_estimates(model, x, np.zeros((1, 60, LATENTS)))
    for arguments, message in (
        ({"num_samples": 0}, "num_samples=0"),
        ({"x": x[0]}, "needed is"),
        ({"x": np.full_like(x, np.nan)}, "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluation.negative_log_likelihood(**{"model": model, "x": x, **arguments})
    with pytest.raises(ValueError, match="likelihood='bernoulli'"):
        evaluation.elbo(small(), 255 * np.ones((3, 6), "float32"))
