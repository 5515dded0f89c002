"""Adversarial autoencoders: priors, labels, and codes that come to follow the prior."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_ae
from keras_ae import data, evaluation, layers
from tests.cases.case import MANY_STEPS, SOON, numpy_weights, pixels
from tests.cases.variational import adversarial, semi_supervised
from tests.test_adversarial import numbers

RNG = np.random.default_rng


def drawn(prior, number=20_000, labels=None, seed=0):
    noise = RNG(seed).normal(size=(number, prior.noise_dim)).astype("float32")
    known = {} if labels is None else {"labels": ops.convert_to_tensor(labels)}
    return ops.convert_to_numpy(prior(ops.convert_to_tensor(noise), **known))


def test_gaussian_prior():
    z = drawn(layers.GaussianPrior(3, 5.0))
    assert z.shape == (20_000, 3)
    assert stats.kstest(z.ravel() / 5.0, "norm").pvalue > 1e-3


def test_mixture_prior():
    prior = layers.GaussianMixturePrior(4, radius=6.0, length=0.5, width=0.2)
    z = drawn(prior)
    quarter = np.round(np.arctan2(z[:, 1], z[:, 0]) / (np.pi / 2)).astype(int) % 4
    assert np.abs(np.bincount(quarter) / len(z) - 0.25).max() < 0.015
    for label in range(4):
        own = drawn(prior, 5000, np.full(5000, label, "int32"))
        angle = np.pi / 2 * label
        turned = own @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        np.testing.assert_allclose(turned.mean(axis=0), [6.0, 0.0], atol=0.05)
        np.testing.assert_allclose(turned.std(axis=0), [0.5, 0.2], rtol=0.05)
    any_class = drawn(prior, 20_000, np.full(20_000, -1, "int32"))
    np.testing.assert_allclose(any_class, z, atol=1e-5)


def test_swiss_roll_prior():
    prior = layers.SwissRollPrior(10, radius=5.0, turns=2.0, width=1e-4)
    z = drawn(prior)
    share = np.linalg.norm(z, axis=1) / 5.0
    on_it = np.stack([np.cos(4 * np.pi * share), np.sin(4 * np.pi * share)], axis=1)
    np.testing.assert_allclose(z, 5.0 * share[:, None] * on_it, atol=0.02)
    assert stats.kstest(share**2, "uniform").pvalue > 1e-3
    third = np.linalg.norm(drawn(prior, 5000, np.full(5000, 3, "int32")), axis=1) / 5.0
    assert 0.29 < third.min() ** 2 < 0.31 and 0.39 < third.max() ** 2 < 0.41


def test_a_label_goes_to_the_discriminator_as_one_more_input():
    model = adversarial(
        prior=layers.GaussianMixturePrior(4),
        judge=keras_ae.dense_encoder((7,), 1, (), name="discriminator"),
        num_classes=4,
    )
    kernel = np.zeros((7, 1), "float32")
    kernel[2:, 0] = [10, 20, 30, 40, 50]  # behind the two numbers of the code
    model.discriminator.layers[-1].set_weights([kernel, np.zeros(1, "float32")])
    labels = ops.convert_to_tensor(np.array([0, 3, -1], "int32"))
    logits = model._judge(ops.zeros((3, 2)), labels, False)
    np.testing.assert_array_equal(ops.convert_to_numpy(logits)[:, 0], [10, 40, 50])


def test_samples_by_class():
    model = adversarial(
        prior=layers.GaussianMixturePrior(4),
        judge=keras_ae.dense_encoder((7,), 1, (3,), name="discriminator"),
        num_classes=4,
    )
    images = model.sample(3, labels=[0, 2, -1], seed=1)
    assert images.shape == (3, 6, 5, 1)
    np.testing.assert_array_equal(images, model.sample(3, labels=[0, 2, -1], seed=1))
    codes = model.sample_codes(3, labels=[0, 2, -1], seed=1)
    assert codes[0, 0] > 0 > codes[1, 0]  # right and left of the origin
    np.testing.assert_allclose(model.decode(codes), images, rtol=1e-6)
    for labels in ([0, 1], [0, 1, 4], [0.5, 1, 2]):
        with pytest.raises(ValueError):
            model.sample(3, labels=labels)
    with pytest.raises(ValueError, match="knows no classes"):
        adversarial().sample(2, labels=[0, 1])


@pytest.mark.neutral("torch")
@pytest.mark.compiled
def test_codes_come_to_follow_the_prior():
    keras.utils.set_random_seed(0)
    rng = RNG(0)
    x = (rng.uniform(size=(1000, 2)) @ rng.normal(size=(2, 6))).astype("float32")
    model = keras_ae.AdversarialAutoencoder(
        keras_ae.dense_encoder((6,), 2, (64,)),
        keras_ae.dense_decoder((6,), 2, (64,)),
        keras_ae.dense_encoder((2,), 1, (64, 64), name="discriminator"),
        layers.GaussianPrior(2),
    )
    model.compile(keras.optimizers.Adam(2e-3, 0.5), **MANY_STEPS)
    prior = RNG(1).normal(size=(1000, 2))
    before = evaluation.mmd(model.encode(x), prior, 1.0)
    model.fit(x, batch_size=100, epochs=60, verbose=0)
    after = evaluation.mmd(model.encode(x), prior, 1.0)
    assert after < 0.1 * before
    assert evaluation.squared_error(x, model.reconstruct(x)) < 0.1 * np.var(x, axis=0).sum()


def test_classification_counts_labelled_examples_alone():
    model = numpy_weights(semi_supervised())
    x = pixels(RNG(0), 6)[0]
    labels = np.array([0, -1, 3, -1, -1, 1], "int32")
    model.compile(keras.optimizers.SGD(0.0), **SOON)
    logs = model.evaluate(x, labels, verbose=0, return_dict=True)
    probabilities = model.encode(x)["label"]
    known = labels >= 0
    expected = -np.log(probabilities[known, labels[known]]).sum() / 6
    assert logs["classification"] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_array_equal(model.classify(x), probabilities.argmax(axis=1))

    def moved(labels):
        """How the label head moves under the fourth optimizer alone."""
        again = numpy_weights(semi_supervised())
        names = again.trained_by()
        again.compile(
            {n: keras.optimizers.SGD(float(n == "classification")) for n in names}, **SOON
        )
        before = numbers(again.encoder.weights)
        again.fit(x, labels, batch_size=6, verbose=0)
        return [b - a for a, b in zip(before, numbers(again.encoder.weights))]

    assert max(np.abs(change).max() for change in moved(np.full(6, -1))) == 0.0
    assert max(np.abs(change).max() for change in moved(labels)) > 1e-3
    alone = [c / 2 for c in moved(np.array([0, -1, -1, -1, -1, -1]))]
    pair = [c / 2 for c in moved(np.array([-1, -1, 3, -1, -1, -1]))]
    both = moved(np.array([0, -1, 3, -1, -1, -1]))  # their mean, not a sixth of their sum
    for one, other, mean in zip(alone, pair, both):
        np.testing.assert_allclose(one + other, mean, rtol=1e-3, atol=1e-5)


@pytest.mark.neutral("torch")
@pytest.mark.compiled
def test_few_labels_name_the_classes():
    """Four far clusters, one label each."""
    keras.utils.set_random_seed(0)
    rng = RNG(0)
    centres = np.eye(4, 12, dtype="float32") * 3
    truth = rng.integers(0, 4, 800)
    x = centres[truth] + 0.3 * rng.normal(size=(800, 12)).astype("float32")
    few = np.array([np.flatnonzero(truth == label)[0] for label in range(4)])
    heads = ("label", "style")
    codes = {head: keras.Input((4,), name=head) for head in heads}
    joined = keras.layers.Concatenate()([codes[head] for head in heads])
    model = keras_ae.SemiSupervisedAAE(
        keras_ae.dense_encoder((12,), 4, (32,), heads=heads),
        keras.Model(codes, keras_ae.dense_decoder((12,), 8, (32,))(joined)),
        keras_ae.dense_encoder((4,), 1, (32,), name="class_discriminator"),
        keras_ae.dense_encoder((4,), 1, (32,), name="style_discriminator"),
        layers.GaussianPrior(4),
    )
    model.compile("adam", **MANY_STEPS)
    batches = keras_ae.Batches(
        x, np.full(800, -1), batch_size=50, augment=data.AddLabelled(x[few], truth[few], 8)
    )
    model.fit(batches, epochs=30, verbose=0)
    assert np.mean(model.classify(x) == truth) > 0.95


def test_samples_are_decoded_one_hot_classes_and_styles():
    model = semi_supervised(loss="bernoulli")
    images = model.sample(3, labels=[2, 0, 2], seed=5)
    style = RNG(5).normal(size=(3, 4)).astype("float32")
    expected = model.decode({"label": np.eye(4, dtype="float32")[[2, 0, 2]], "style": style})
    np.testing.assert_allclose(images, expected, rtol=1e-5)
    assert images.min() >= 0 and images.max() <= 1
    for labels in ([0, 1], [0, 1, 4], [-1, 0, 0]):
        with pytest.raises(ValueError):
            model.sample(3, labels=labels)


def test_there_is_no_line_between_codes_of_several_parts():
    x = pixels(RNG(0), 4)[0]
    with pytest.raises(ValueError, match="no line between"):
        semi_supervised().interpolate(x[:2], x[2:])


def test_networks_that_only_seem_to_fit():
    conv = keras_ae.conv_encoder((7, 6, 1), (3, 2), 3, 2, activation="tanh")
    with pytest.raises(ValueError, match="the decoder's input"):
        keras_ae.AdversarialAutoencoder(
            conv,
            keras_ae.conv_decoder(
                (7, 6, 1), (2, 2, 2), (3,), tied_to=conv, output_padding=((1, 0), (0, 1))
            ),
            keras_ae.dense_encoder((2,), 1, (3,), name="discriminator"),
            layers.GaussianPrior(2),
        )
    image = keras.Input((6, 5, 1))
    flat = keras.layers.Flatten()(image)
    heads = {"label": keras.layers.Dense(4, "softmax")(flat), "style": keras.layers.Dense(4)(flat)}
    with pytest.raises(ValueError, match="needed are logits"):
        semi_supervised(keras.Model(image, heads))

    class NoLabels(layers.GaussianMixturePrior):
        def call(self, noise):
            return noise[:, :2]

    judge = keras_ae.dense_encoder((7,), 1, (3,), name="discriminator")
    with pytest.raises(ValueError, match="cannot be called with noise"):
        adversarial(prior=NoLabels(4), judge=judge, num_classes=4)


def test_a_prior_keeps_its_digits_in_mixed_precision():
    prior = layers.SwissRollPrior(width=0.1)
    expected = drawn(prior, 1000)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        np.testing.assert_array_equal(drawn(layers.SwissRollPrior(width=0.1), 1000), expected)
    finally:
        keras.config.set_dtype_policy("float32")


def test_labelled_examples_are_added_to_batches():
    x, labels = np.zeros((5, 2), "float32"), np.full(5, -1)
    extra = np.arange(6, dtype="float32").reshape(3, 2) + 1
    add = data.AddLabelled(extra, [7, 8, 9], 4)
    first, target = add((x, labels), RNG(0))
    assert first.shape == (9, 2) and (target[:5] == -1).all() and set(target[5:]) <= {7, 8, 9}
    np.testing.assert_array_equal(first[5:, 0], 2 * (target[5:] - 7) + 1)
    with pytest.raises(ValueError, match="one for each"):
        data.AddLabelled(extra, [1], 4)
