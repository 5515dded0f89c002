"""Greedy pretraining, and an encoder that becomes a classifier."""

import keras
import numpy as np
import pytest

import keras_ae

SHAPE = (6, 6, 1)


def data(examples=256):
    rng = np.random.default_rng(0)
    basis = rng.uniform(size=(3, 36))
    x = rng.dirichlet(np.ones(3), examples) @ basis
    return x.reshape(-1, *SHAPE).astype("float32")


def model():
    keras.utils.set_random_seed(0)
    encoder = keras_ae.dense_encoder(SHAPE, 3, (20, 10), "relu", dropout=0.1)
    return keras_ae.StackedAutoencoder(
        encoder, keras_ae.dense_decoder(SHAPE, 3, (10, 20), "relu"), loss="bernoulli"
    )


def test_stages_are_the_layers_of_the_deep_network():
    deep = model()
    stages = deep.stages()
    sizes = [(s.encoder.input_shape[1:], s.encoder.output_shape[1]) for s in stages]
    assert sizes == [(SHAPE, 20), ((20,), 10), ((10,), 3)]
    assert [stage.loss for stage in stages] == ["bernoulli", "squared_error", "squared_error"]
    owned = {id(v) for stage in stages for v in stage.trainable_weights}
    assert owned == {id(v) for v in deep.trainable_weights}
    x = data(4)
    for stage in stages:
        x = stage.encode(x)
    np.testing.assert_allclose(x, deep.encode(data(4)), rtol=1e-5, atol=1e-6)


@pytest.mark.neutral("torch")
def test_pretraining_helps_before_any_fine_tuning():
    x, deep = data(), model()
    deep.compile(keras.optimizers.Adam(0.003))
    before = deep.evaluate(x, verbose=0, return_dict=True)["loss"]
    seen = []
    histories = deep.pretrain(
        x,
        epochs=20,
        batch_size=32,
        optimizer=keras.optimizers.Adam(0.01),
        callbacks=lambda stage: [
            keras.callbacks.LambdaCallback(on_train_begin=lambda logs: seen.append(stage))
        ],
    )
    assert seen == [1, 2, 3]
    for history in histories:
        assert history.history["loss"][-1] < history.history["loss"][0]
    after = deep.evaluate(x, verbose=0, return_dict=True)["loss"]
    best = -np.mean(np.sum(x * np.log(x) + (1 - x) * np.log(1 - x), axis=(1, 2, 3)))
    assert after - best < 0.5 * (before - best)
    deep.fit(x, epochs=5, verbose=0)  # unrolled: fine-tuning goes on from there
    tuned = deep.evaluate(x, verbose=0, return_dict=True)["loss"]
    assert tuned < after


def test_a_stage_sees_only_its_own_layers():
    deep = model()
    before = [w.copy() for w in deep.get_weights()]
    stage = deep.stages()[1]
    stage.compile("adam")
    stage.fit(np.random.default_rng(0).uniform(size=(32, 20)).astype("float32"), verbose=0)
    paths = {id(v) for v in stage.trainable_weights}
    for weight, old in zip(deep.weights, before):
        moved = not np.array_equal(keras.ops.convert_to_numpy(weight), old)
        assert moved == (id(weight) in paths)


def test_augment_makes_denoising_stages():
    shapes = []

    def mask(arrays, rng):
        shapes.append(arrays[0].shape[1:])
        return arrays[0] * (rng.random(arrays[0].shape) > 0.3), arrays[0]

    model().pretrain(data(64), epochs=1, batch_size=32, augment=mask)
    assert set(shapes) == {SHAPE, (20,), (10,)}


@pytest.mark.parametrize("frozen", [False, True])
def test_classifier_copies_the_encoder(frozen):
    deep = model()
    before = [w.copy() for w in deep.encoder.get_weights()]
    classifier = keras_ae.classifier(deep.encoder, 4, frozen=frozen, dropout=0.2)
    x, y = data(64), np.arange(64) % 4
    head = classifier.layers[1]
    np.testing.assert_allclose(head.predict(x, verbose=0), deep.encode(x), rtol=1e-5, atol=1e-6)
    classifier.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    classifier.fit(x, y, verbose=0)
    assert len(classifier.trainable_weights) == (2 if frozen else 8)
    for weight, old in zip(deep.encoder.get_weights(), before):
        np.testing.assert_array_equal(weight, old)
    moved = np.abs(head.predict(x, verbose=0) - deep.encode(x)).max()
    assert moved < 1e-5 if frozen else moved > 1e-4
    fresh = keras_ae.classifier(deep.encoder, 4, pretrained=False)
    assert not np.array_equal(fresh.layers[1].get_weights()[0], before[0])


def test_classifier_is_saved_and_exported(tmp_path):
    x = data(8)
    classifier = keras_ae.classifier(model().encoder, 4)
    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    expected = classifier.predict(x, verbose=0)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=1e-6)
    if keras.backend.backend() == "torch":
        return  # Keras exports no SavedModel from there
    import tensorflow as tf

    classifier.export(tmp_path / "exported", verbose=False)
    archive = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(archive.serve(x), expected, rtol=1e-5, atol=1e-6)


def test_a_frozen_encoder_has_no_dropout():
    classifier = keras_ae.classifier(model().encoder, 4, frozen=True)
    outputs = [keras.ops.convert_to_numpy(classifier(data(8), training=True)) for _ in range(2)]
    np.testing.assert_array_equal(*outputs)


def test_layers_that_belong_to_no_stage_are_refused():
    dense, activation = keras.layers.Dense, keras.layers.Activation
    encoder = keras.Sequential([keras.Input((6,)), dense(4), activation("relu"), dense(2)])
    with pytest.raises(ValueError, match=r"\(Activation\), which belongs to no stage"):
        keras_ae.StackedAutoencoder(encoder, keras_ae.dense_decoder((6,), 2, (4,)))


def test_activations_that_cannot_give_the_layer_below():
    encoder = keras_ae.dense_encoder(SHAPE, 3, (20,), "relu")
    stack = keras_ae.StackedAutoencoder(
        encoder, keras_ae.dense_decoder(SHAPE, 3, (20,), "sigmoid"), loss="bernoulli"
    )
    encoder.layers[-2].bias.assign(np.full(20, 5.0))
    with pytest.raises(ValueError, match=r"stage 2 of 2: .* activations must be able"):
        stack.pretrain(data(32), epochs=1)


def test_classifier_of_maps_and_of_several_outputs():
    maps = keras_ae.conv_encoder((6, 6, 1), (2,), pool_size=2, switches=True)
    assert keras_ae.classifier(maps, 3).output_shape == (None, 3)
    two = keras_ae.dense_encoder((4,), 2, heads=("mean", "log_variance"))
    for message, build in (
        ("no 'code'", lambda: keras_ae.classifier(two, 3)),
        ("num_classes=0", lambda: keras_ae.classifier(maps, 0)),
        ("dropout=1", lambda: keras_ae.classifier(maps, 2, dropout=1)),
    ):
        with pytest.raises(ValueError, match=message):
            build()


def test_a_tied_stack_is_pretrained():
    encoder = keras_ae.dense_encoder(SHAPE, 3, (20,), "relu")
    decoder = keras_ae.dense_decoder(SHAPE, 3, (20,), "relu", tied_to=encoder)
    stack = keras_ae.StackedAutoencoder(encoder, decoder, loss="bernoulli")
    histories = stack.pretrain(data(64), epochs=5, optimizer=keras.optimizers.Adam(0.01))
    for history in histories:
        assert history.history["loss"][-1] < history.history["loss"][0]
    assert decoder.layers[1].kernel is encoder.layers[-1].kernel


def test_a_stage_that_is_frozen():
    stack = model()
    for layer in (*stack.stages()[1].encoder.layers, *stack.stages()[1].decoder.layers):
        layer.trainable = False
    with pytest.raises(ValueError, match=r"stage 2 of 3: nothing of .* compile it again\.$"):
        stack.pretrain(data(8), epochs=1)
