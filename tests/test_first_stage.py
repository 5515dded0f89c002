"""The first stage of latent diffusion against closed forms, finite differences and single steps."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae.diffusion.adaptive_weight import AdaptiveWeight
from keras_ae.engine import autodiff
from tests.cases.case import SOON, numpy_weights, pixels
from tests.cases.diffusion import codebook, features, first_stage, plain_first_stage


@pytest.fixture
def x():
    return 2.0 * pixels(np.random.default_rng(0), 6, (4, 4, 1))[0] - 1.0


array, tensor = ops.convert_to_numpy, ops.convert_to_tensor


# The codebook ------------------------------------------------------------------------------------


def quantizer(num_codes=7, channels=3):
    layer = keras_ae.layers.VectorQuantizer(num_codes, 0.25)
    layer.build((None, 2, 2, channels))
    layer.set_weights([np.random.default_rng(1).normal(size=(num_codes, channels))])
    return layer, np.random.default_rng(2).normal(size=(5, 2, 2, channels)).astype("float32")


def test_each_vector_becomes_the_nearest_entry():
    layer, z = quantizer()
    entries = array(layer.codebook)
    apart = np.linalg.norm(z[..., None, :] - entries, axis=-1)  # (5, 2, 2, 7)
    np.testing.assert_array_equal(array(layer.indices(z)), apart.argmin(-1))
    np.testing.assert_allclose(array(layer(z)), entries[apart.argmin(-1)], atol=1e-6)
    again = array(layer(layer(z)))
    np.testing.assert_allclose(again, array(layer(z)), atol=1e-6)


def test_the_gradient_passes_the_codebook_unchanged():
    layer, z = quantizer()
    slope = autodiff.gradient(lambda z: ops.sum(ops.square(layer(z)), axis=(1, 2, 3)), z)
    np.testing.assert_allclose(array(slope), 2.0 * array(layer(z)), rtol=1e-5)


def test_the_codebooks_loss_and_its_slopes():
    """Equation 3: entries are drawn to vectors with weight 1, vectors to entries with beta."""
    layer, z = quantizer()
    chosen = array(layer.codebook)[array(layer.indices(z))]
    expected = 1.25 * ((z - chosen) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(array(layer.codebook_loss(z)), expected, rtol=1e-5)
    slope = autodiff.gradient(layer.codebook_loss, z)
    np.testing.assert_allclose(array(slope), 0.25 * 2.0 * (z - chosen), rtol=1e-4, atol=1e-6)
    _, (slope,) = autodiff.value_and_grad(lambda: ops.sum(layer.codebook_loss(z)), [layer.codebook])
    wanted = np.zeros((7, 3))
    np.add.at(wanted, array(layer.indices(z)).ravel(), 2.0 * (chosen - z).reshape(-1, 3))
    np.testing.assert_allclose(array(slope), wanted, rtol=1e-4, atol=1e-5)


def test_decode_replaces_what_encode_gives(x):
    model = codebook()
    numpy_weights(model)
    z = model.encode(x)
    entries = array(model.quantizer.codebook)
    assert np.abs(z[..., None, :] - entries).max(-1).min() > 1e-4  # not replaced yet
    chosen = entries[model.code_indices(x)]
    np.testing.assert_allclose(model.decode(z), model.decode(chosen), atol=1e-5)
    np.testing.assert_allclose(
        model.decode(chosen), model.decoder.predict(chosen, verbose=0), atol=1e-5
    )
    with pytest.raises(ValueError, match="no codebook"):
        first_stage().code_indices(x)


def test_the_use_of_the_codebook_is_logged(x):
    model = codebook()
    numpy_weights(model)
    model.compile(**SOON)
    used = len(np.unique(model.code_indices(x)))
    logs = model.evaluate(x, batch_size=6, verbose=0, return_dict=True)
    assert used > 1 and logs["codebook_use"] == pytest.approx(used / 5)


def some_noise():
    return np.random.default_rng(3).normal(size=(6, 2, 2, 2)).astype("float32")


# The terms ---------------------------------------------------------------------------------------


def test_perceptual_distance():
    rng = np.random.default_rng(0)
    maps = [[rng.normal(size=(3, *shape)) for shape in ((4, 5, 6), (7,))] for _ in range(2)]
    expected = np.zeros(3)
    for one, two in zip(*maps):
        unit = [m / np.linalg.norm(m, axis=-1, keepdims=True) for m in (one, two)]
        apart = ((unit[0] - unit[1]) ** 2).sum(-1).reshape(3, -1)
        expected += apart.mean(1)
    found = keras_ae.losses.perceptual(*([m.astype("float32") for m in each] for each in maps))
    np.testing.assert_allclose(array(found), expected, rtol=1e-5)
    silent = np.zeros((2, 4, 4, 3), "float32")
    slope = autodiff.gradient(lambda f: keras_ae.losses.perceptual(f, silent + 1.0), silent)
    assert np.isfinite(array(slope)).all()


def test_terms_of_an_image(x):
    model = first_stage(features=features(), adversarial_start=0)
    numpy_weights(model)
    noise = some_noise()
    terms = model._autoencoder_terms(*map(tensor, (x, x, noise, 0.7)), False)
    heads = model.encoder.predict(x, verbose=0)
    z = heads["mean"] + np.exp(heads["log_variance"] / 2) * noise
    output = model.decoder.predict(z, verbose=0)
    np.testing.assert_allclose(array(terms["output"]), output, atol=1e-5)
    np.testing.assert_allclose(
        array(terms["reconstruction"]), np.abs(x - output).sum((1, 2, 3)), rtol=1e-5
    )
    kl = 0.5 * (np.exp(heads["log_variance"]) + heads["mean"] ** 2 - 1 - heads["log_variance"])
    np.testing.assert_allclose(array(terms["kl"]), kl.sum((1, 2, 3)), rtol=1e-4)
    seen = [model.features.predict(images, verbose=0) for images in (x, output)]
    apart = 16 * array(keras_ae.losses.perceptual(*seen))
    np.testing.assert_allclose(array(terms["perceptual"]), apart, rtol=1e-4)
    verdict = array(model._judge(tensor(output), False)).mean(1)
    np.testing.assert_allclose(array(terms["adversarial"]), -0.7 * verdict, rtol=1e-4, atol=1e-6)


def test_a_variance_is_kept_in_bounds(x):
    model = first_stage()
    numpy_weights(model, deviation=1e-3)
    model.encoder.get_layer("log_variance").bias.assign([200.0, -200.0])
    noise = np.ones((6, 2, 2, 2), "float32")
    code, terms = model._drawn_code(tensor(x), tensor(noise), False)
    away = array(code) - model.encode(x)
    np.testing.assert_allclose(away[..., 0], np.exp(10.0), rtol=1e-4)
    np.testing.assert_allclose(away[..., 1], np.exp(-15.0), atol=1e-6)
    assert np.isfinite(array(terms["kl"])).all()


def test_the_adaptive_weight_is_that_of_finite_differences(x):
    model = plain_first_stage(features=features(), adversarial_start=0)
    numpy_weights(model)
    noise = some_noise()
    kernel = model.decoder.layers[-1].kernel
    start = array(kernel).copy()

    def values():
        """Mean errors and mean verdict, in the numbers of the model."""
        terms = model._autoencoder_terms(*map(tensor, (x, x, noise, 1.0)), False)
        errors = array(terms["reconstruction"]) + array(terms["perceptual"])
        return np.array([errors.mean(), array(terms["adversarial"]).mean()], "float64")

    slopes, step = np.zeros((start.size, 2)), 1e-2
    for place in range(start.size):
        for sign in (1.0, -1.0):
            moved = start.copy()
            moved.flat[place] += sign * step
            kernel.assign(moved)
            slopes[place] += sign * values() / (2.0 * step)
    kernel.assign(start)
    errors, verdict = np.linalg.norm(slopes, axis=0)
    found = float(model._balance(*map(tensor, (x, x, noise)), False))
    assert found == pytest.approx(errors / (verdict + 1e-4), rel=0.02)


def decoders():
    def conv(filters):
        return keras.layers.Conv2D(filters, 3, padding="same")

    code = keras.Input((2, 2, 2))
    x = conv(4)(keras.layers.UpSampling2D()(code))
    inner = keras.Sequential([keras.Input((4, 4, 4)), conv(3), conv(1)])
    image = keras.Input((4, 4, 4))
    functional = keras.Model(image, conv(1)(keras.layers.Activation("tanh")(conv(3)(image))))
    one = keras.layers.UpSampling2D()(code[..., :1])
    style = keras.layers.Dense(4)(keras.layers.Flatten()(code))
    separable = keras.layers.SeparableConv2D(1, 3, padding="same")
    return {
        "sequential": keras.Sequential(
            [keras.Input((2, 2, 2)), keras.layers.UpSampling2D(), conv(1)]
        ),
        "sequential inside": keras.Model(code, inner(x)),
        "functional inside": keras.Model(code, functional(x)),
        "gone round": keras.Model(code, keras.layers.Add()([conv(1)(x), one])),
        "two inputs": keras.Model(code, keras_ae.layers.ModulatedConv2D(1, 3)(x, style)),
        "separable": keras.Model(code, separable(x)),
    }


@pytest.mark.parametrize("kind", decoders())
def test_any_decoder_has_an_adaptive_weight(x, kind):
    """That of the whole decoder, by its last kernel."""
    decoder, z = decoders()[kind], some_noise()
    numpy_weights(decoder)
    weight = AdaptiveWeight(decoder)
    error = lambda output: ops.mean(ops.abs(output - tensor(x)), axis=(1, 2, 3))
    verdict = lambda output: ops.mean(ops.square(output), axis=(1, 2, 3))
    last = next(each for each in decoder._flatten_layers() if getattr(each, "filters", 0) == 1)
    kernel = last.pointwise_kernel if kind == "separable" else last.kernel

    def steepness(loss):
        whole = lambda: ops.mean(loss(decoder(z)))
        return np.linalg.norm(array(autodiff.value_and_grad(whole, [kernel])[1][0]))

    expected = steepness(error) / (steepness(verdict) + 1e-4)
    assert float(weight(tensor(z), error, verdict, False)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.neutral("torch")
@pytest.mark.parametrize("kind", ["sequential", "gone round"])
def test_decoders_of_a_users_own_are_trained_and_saved(x, kind, tmp_path):
    parts = first_stage()
    model = keras_ae.FirstStage(
        parts.encoder, decoders()[kind], parts.discriminator, adversarial_start=0
    )
    model.compile("adam", **SOON)
    assert model.fit(x, verbose=0).history["balance"][0] > 0
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.reconstruct(x), model.reconstruct(x), atol=1e-6)
    again.fit(x, verbose=0)


def test_a_decoder_without_a_kernel():
    code = keras.Input((2, 2, 1))
    with pytest.raises(ValueError, match="has no kernel"):
        AdaptiveWeight(keras.Model(code, keras.layers.UpSampling2D()(code)))


def test_the_deviation_of_codes_is_that_of_what_is_drawn(x):
    model = plain_first_stage()
    numpy_weights(model)
    model.encoder.get_layer("log_variance").bias.assign([1.0, 2.0])
    drawn = array(model.draw_codes(tensor(np.repeat(x, 200, axis=0))))
    assert model.code_deviation(x) == pytest.approx(drawn.std(), rel=0.03)
    assert model.code_deviation(x) > 1.2 * model.encode(x).std()
    quiet = codebook()
    numpy_weights(quiet)
    assert quiet.code_deviation(x) == pytest.approx(quiet.encode(x).std(), rel=1e-5)


# Training ----------------------------------------------------------------------------------------


def weights(network):
    return [array(weight) for weight in network.trainable_variables]


def test_the_discriminator_begins_late(x):
    model = first_stage(adversarial_start=2)
    model.compile(keras.optimizers.SGD(0.01), **SOON)
    fit = lambda: model.fit(x, batch_size=6, verbose=0).history
    before = weights(model.discriminator)
    logs = [fit(), fit()]
    for mine, old in zip(weights(model.discriminator), before):
        np.testing.assert_array_equal(mine, old)
    for each in logs:
        assert each["balance"] == each["discriminator"] == each["adversarial"] == [0.0]
    logs = fit()
    assert logs["balance"][0] > 0 and logs["discriminator"][0] > 0
    assert any(not np.array_equal(*pair) for pair in zip(weights(model.discriminator), before))


def test_features_stay_as_they_are(x):
    network = features()
    before = [array(weight) for weight in network.weights]
    model = first_stage(features=network, adversarial_start=0)
    model.compile(model.paper_optimizers(), **SOON)
    model.fit(x, batch_size=6, epochs=2, verbose=0)
    for mine, old in zip(network.weights, before):
        np.testing.assert_array_equal(array(mine), old)


def test_sizes_of_the_papers_networks():
    """A factor of 4 in both directions; what a logit sees of the image."""
    sizes = {"width": 8, "num_blocks": 1, "groups": 4}
    encoder = keras_ae.latent_encoder((32, 48, 3), 3, **sizes)
    assert {k: v.shape[1:] for k, v in encoder.output.items()} == dict.fromkeys(
        ("mean", "log_variance"), (8, 12, 3)
    )
    decoder = keras_ae.latent_decoder((32, 48, 3), 3, **sizes)
    assert decoder.input_shape[1:] == (8, 12, 3) and decoder.output_shape[1:] == (32, 48, 3)
    judge = keras_ae.patch_discriminator((256, 256, 3))
    assert judge.output_shape[1:3] == (32, 32)
    # Isola et al. 2017: C64-C128-C256-C512 and the last; biases of normed layers are their betas
    convs = [4 * 4 * a * b for a, b in ((3, 64), (64, 128), (128, 256), (256, 512), (512, 1))]
    norms = 2 * (128 + 256 + 512)
    trainable = sum(int(np.prod(w.shape)) for w in judge.trainable_weights)
    assert trainable == sum(convs) + norms + 64 + 1
