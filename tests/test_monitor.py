"""The watch over samples: what it writes, what it says, that it changes nothing, and resume."""

import types

import keras
import numpy as np
import pytest

import keras_ae
from keras_ae import callbacks, evaluation
from keras_ae.callbacks.samples import discriminator_scores, spread, what_fails
from tests.cases.case import SHAPE, SOON, pixels
from tests.cases.gans import cogan, first_gan, two_domains
from tests.test_adversarial import numbers


def trained(monitors, epochs=4, model=None, data=None, **kwargs):
    keras.utils.set_random_seed(0)
    model = model or first_gan()
    model.compile(keras.optimizers.SGD(0.05), **SOON)
    data = data or pixels(np.random.default_rng(0), 12)
    model.fit(*data, batch_size=6, epochs=epochs, verbose=0, callbacks=monitors, **kwargs)
    return model


@pytest.fixture(scope="module")
def real():
    return pixels(np.random.default_rng(1), 40, (8, 8, 1))[0]


def images_gan():
    return first_gan(
        keras_ae.dense_generator((8, 8, 1), 3, (6,), "tanh"),
        keras_ae.dense_encoder((8, 8, 1), 1, (5,), name="critic"),
    )


def classifier():
    """An extractor of three classes by brightness."""
    image = keras.Input((8, 8, 1))
    features = keras.layers.Dense(4)(keras.layers.Flatten()(image))
    network = keras.Model(image, {"features": features, "logits": keras.layers.Dense(3)(features)})
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    return evaluation.FeatureExtractor(network, 0.0)


@pytest.mark.neutral("torch")
def test_what_it_leaves_and_that_training_is_not_changed(tmp_path, real):
    data = (pixels(np.random.default_rng(0), 12, (8, 8, 1))[0],)
    keras.utils.set_random_seed(0)
    alone = trained([], 3, images_gan(), data)
    monitor = callbacks.SampleMonitor(tmp_path, real, classifier(), 2, 30, name="watch")
    keras.utils.set_random_seed(0)
    watched = trained([monitor], 3, images_gan(), data)
    for mine, other in zip(numbers(watched.weights), numbers(alone.weights)):
        np.testing.assert_array_equal(mine, other)
    left = {file.name for file in tmp_path.iterdir()}
    pictures = {"watch_00002.png", "watch_00003.png"}  # every second epoch, and the last one
    weights = {"watch.best.weights.h5", "watch.last.weights.h5"}
    assert left == {"watch.csv", "watch.npz"} | pictures | weights
    rows = monitor.rows()
    assert [row["epoch"] for row in rows] == [2, 3]
    for row in rows:
        assert sum(row[f"class_{n}"] for n in range(3)) == pytest.approx(1.0)
        assert 0 <= row["told_apart"] <= 1 and row["score"] > 0
    fake = evaluation.quantize((watched.sample(30, seed=0) + 1) / 2)
    scores = classifier().scores((watched.sample(30, seed=0) + 1) / 2, (real[:30] + 1) / 2)
    assert rows[-1]["score"] == pytest.approx(scores["frechet"], rel=1e-4)
    grids = monitor.grids()
    assert list(grids) == [2, 3] and grids[3].shape == (30, 8, 8, 1)
    np.testing.assert_allclose(grids[3], fake, atol=1.01 / 255)
    judged = watched.predict(real[:30], verbose=0)[:, 0]
    np.testing.assert_allclose(watched.realness(real[:30]), judged, rtol=1e-4, atol=1e-5)
    assert rows[-1]["real_accuracy"] == pytest.approx(np.mean(judged > 0))
    watched.load_weights(monitor.last)
    for mine, other in zip(numbers(watched.weights), numbers(alone.weights)):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.neutral("torch")
def test_the_best_weights_are_kept_and_a_resumed_run_has_the_same(tmp_path, real):
    data = (pixels(np.random.default_rng(0), 12, (8, 8, 1))[0],)

    def run(name, *stops):
        """Trains up to each stop in a model of its own, as a run that is killed does."""
        for stop in stops:
            monitor = callbacks.SampleMonitor(tmp_path / name, real, num_samples=20)
            backup = callbacks.Backup(tmp_path / f"{name}_backup")
            keras.utils.set_random_seed(0)
            model = trained([backup, monitor], stop, images_gan(), data)
        return model, monitor

    whole, first = run("whole", 6)
    _, second = run("parts", 2, 6)
    assert first.rows() == second.rows() and len(first.rows()) == 6
    best = min(first.rows(), key=lambda row: row["score"])
    found = []
    for monitor in (first, second):
        whole.load_weights(monitor.best)
        found.append(numbers(whole.weights))
        shown = (whole.sample(20, seed=0), real[:20])
        fake, own = (evaluation.quantize((images + 1) / 2) for images in shown)
        score = evaluation.sliced_wasserstein(fake, own)["mean"]
        assert score == pytest.approx(best["score"], rel=1e-3)
    for mine, other in zip(*found):
        np.testing.assert_array_equal(mine, other)


def test_a_run_that_is_killed_while_it_looks_misses_no_look(tmp_path, real):
    """Passed before the backup, as the recipes do."""
    data = (pixels(np.random.default_rng(0), 12, (8, 8, 1))[0],)

    def run(killed_in):
        monitor = callbacks.SampleMonitor(tmp_path, real, num_samples=20)
        keep, number = monitor._keep, iter(range(1, 9))

        def keep_or_die(row):
            if next(number) == killed_in:
                raise KeyboardInterrupt
            keep(row)

        monitor._keep = keep_or_die
        keras.utils.set_random_seed(0)
        trained([monitor, callbacks.Backup(tmp_path)], 4, images_gan(), data)
        return [row["epoch"] for row in monitor.rows()]

    with pytest.raises(KeyboardInterrupt):
        run(killed_in=2)
    assert run(killed_in=None) == [1, 2, 3, 4]


def test_the_generator_that_is_trained_is_judged(tmp_path, real):
    """Not its average, which the discriminator never sees."""
    keras.utils.set_random_seed(0)
    model = images_gan()
    for weight in model.average.weights:
        weight.assign(0.0 * numbers([weight])[0])
    model.compile(keras.optimizers.SGD(0.0), **SOON)
    monitor = callbacks.SampleMonitor(tmp_path, real, num_samples=20)
    monitor.set_model(model)
    monitor.on_train_begin()
    monitor.on_epoch_end(0)
    (row,) = monitor.rows()
    judged = [model.realness(x) for x in (real[:20], model.sample(20, seed=0, average=False))]
    assert row["told_apart"] == pytest.approx(discriminator_scores(*judged)["told_apart"])
    assert row["spread"] == 0.0  # that is the average's


def test_two_domains(tmp_path):
    first, second = two_domains(np.random.default_rng(0), 12)
    monitor = callbacks.SampleMonitor(tmp_path, first, num_samples=12)
    model = trained([monitor], 1, cogan(), (first, second))
    assert len(monitor.rows()) == 1
    judged = model.predict(first, verbose=0)[:, 0]
    np.testing.assert_allclose(model.realness(first), judged, rtol=1e-4, atol=1e-5)


def test_told_apart_is_the_area_under_the_curve():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    real, fake = rng.normal(0.4, 1, 50).round(1), rng.normal(0, 1, 70).round(1)  # with ties
    found = discriminator_scores(real, fake)
    labels = np.repeat([1, 0], [50, 70])
    assert found["told_apart"] == pytest.approx(roc_auc_score(labels, np.r_[real, fake]))
    assert found["fake_accuracy"] == pytest.approx(np.mean(fake < 0))
    assert discriminator_scores(real + 100, fake)["told_apart"] == 1


def test_spread_of_a_known_set():
    images = np.repeat(np.array([[0.0], [1.0]]), 50, axis=0)  # half of all pairs differ by 1
    assert spread(images) == pytest.approx(0.5, abs=0.05)
    assert spread(images[:50]) == 0


def test_each_failure_is_told_once_and_told_again_when_it_comes_back(tmp_path, capsys):
    fine = {"spread": 0.9, "told_apart": 0.8, "classes_hit": 3.0, "class_distance": 0.1}
    fine |= {f"class_{n}": 1 / 3 for n in range(3)}
    assert what_fails(fine) == ("", "")
    assert "1 of 3 classes" in what_fails({**fine, "classes_hit": 1.0})[1]
    assert what_fails({"spread": 0.9, "told_apart": 0.8}) == ("", "")
    assert what_fails({"spread": 0.2, "told_apart": 0.8})[0] == "collapse"
    assert what_fails({**fine, "told_apart": 0.995})[0] == "discriminator"
    assert what_fails({**fine, "told_apart": 0.5})[0] == "generator"

    real = pixels(np.random.default_rng(1), 20, (8, 8, 1))[0]
    one = np.full((20, 8, 8, 1), 0.5, "float32")
    draws = iter([one, one, real.copy(), one])
    model = types.SimpleNamespace(
        sample=lambda number, seed, average: next(draws) if average else real,
        target_range=lambda: (-1.0, 1.0, ""),
        realness=lambda images: np.linspace(-1, 1.3 if images is monitor.real else 1, 20),
        save_weights=lambda file: file.write_text("weights"),
    )
    monitor = callbacks.SampleMonitor(tmp_path, real, num_samples=20)
    monitor.set_model(model)
    monitor.on_train_begin()
    for epoch in range(4):
        monitor.on_epoch_end(epoch)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["epoch 1", "epoch 4"]
    assert all("modes collapse" in line for line in lines)


def test_bad_input(tmp_path):
    for arguments, message in (
        (dict(num_samples=50), "fewer|pass as many"),
        (dict(every=0), "every"),
        (dict(num_samples=0), "num_samples"),
    ):
        with pytest.raises(ValueError, match=message):
            callbacks.SampleMonitor(tmp_path / "none", np.zeros((4, *SHAPE)), **arguments)
    assert not (tmp_path / "none").exists()
