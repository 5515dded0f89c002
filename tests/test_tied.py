"""Tied weights: one variable through build, gradient, training, files and export."""

import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae.engine import autodiff

SHAPE = (8, 8, 1)
X = np.random.default_rng(0).uniform(size=(6, *SHAPE)).astype("float32")


def dense(tied=True):
    return keras_ae.dense_autoencoder(SHAPE, 3, (5,), "tanh", tied=tied)


def convolutional(tied=True):
    encoder = keras_ae.conv_encoder(SHAPE, (4, 2), 3, 2, activation="tanh")
    decoder = keras_ae.conv_decoder(
        SHAPE, (2, 2, 2), (4,), 3, 2, 1, 1, "tanh", tied_to=encoder if tied else None
    )
    return keras_ae.Autoencoder(encoder, decoder)


BOTH = pytest.mark.parametrize("build", [dense, convolutional])
KERNELS = {dense: 64 * 5 + 5 * 3, convolutional: 9 * 1 * 4 + 9 * 4 * 2}


def pairs(model):
    """Layers of the encoder with the tied layers of the decoder."""
    owners = [layer for layer in model.encoder.layers if hasattr(layer, "kernel")]
    tied = [layer for layer in model.decoder.layers if hasattr(layer, "kernel")]
    return list(zip(owners, reversed(tied), strict=True))


def array(tensor):
    return ops.convert_to_numpy(tensor)


@BOTH
def test_the_decoder_has_no_kernel_of_its_own(build):
    tied, free = build(), build(tied=False)
    assert all(owner.kernel is user.kernel for owner, user in pairs(tied))
    assert free.count_params() - tied.count_params() == KERNELS[build]
    assert len(free.weights) - len(tied.weights) == 2
    shared = {id(v) for v in tied.encoder.weights}
    biases = [v for v in tied.decoder.weights if id(v) not in shared]
    assert {v.path.split("/")[-1] for v in biases} == {"bias"} and len(biases) == 2


@BOTH
def test_a_free_decoder_with_the_same_kernels_computes_the_same(build):
    tied, free = build(), build(tied=False)
    for bias in (v for v in tied.weights if v.path.endswith("bias")):
        bias.assign(np.random.default_rng(1).normal(size=bias.shape))
    for (owner, user), (owner_, user_) in zip(pairs(tied), pairs(free)):
        owner_.set_weights(owner.get_weights())
        kernel = array(owner.kernel)
        user_.set_weights([kernel.T if kernel.ndim == 2 else kernel, array(user.bias)])
    np.testing.assert_allclose(
        tied.predict(X, verbose=0), free.predict(X, verbose=0), rtol=1e-5, atol=1e-6
    )


@BOTH
def test_gradients_of_both_sides_add_up(build):
    """d loss / d W is what a free encoder's and a free decoder's kernel get, together."""
    tied, free = build(), build(tied=False)
    for (owner, user), (owner_, user_) in zip(pairs(tied), pairs(free)):
        owner_.set_weights(owner.get_weights())
        kernel = array(owner.kernel)
        user_.set_weights([kernel.T if kernel.ndim == 2 else kernel, array(user.bias)])

    def gradients(model, variables):
        model.compile()
        loss = lambda: model.compute_loss(X, y_pred=model(X, training=True))
        return [array(g) for g in autodiff.value_and_grad(loss, variables)[1]]

    ours = gradients(tied, [owner.kernel for owner, _ in pairs(tied)])
    inwards = gradients(free, [owner.kernel for owner, _ in pairs(free)])
    outwards = gradients(free, [user.kernel for _, user in pairs(free)])
    for total, one, other in zip(ours, inwards, outwards):
        other = other.T if other.ndim == 2 else other
        np.testing.assert_allclose(total, one + other, rtol=1e-4, atol=1e-5)


@BOTH
def test_a_step_on_one_side_moves_the_other(build):
    model = build()
    z = np.ones((2, *model.decoder.input_shape[1:]), "float32")
    before = model.decode(z)
    codes = keras.Sequential([model.encoder, keras.layers.Flatten(), keras.layers.Dense(1)])
    codes.compile(keras.optimizers.SGD(0.1), "mse")
    codes.fit(X, np.ones((6, 1)), verbose=0)  # the decoder takes no part in it
    assert np.abs(model.decode(z) - before).max() > 1e-4


@BOTH
def test_files_hold_the_kernel_once_and_share_it_again(build, tmp_path):
    model = build()
    model.compile()
    model.fit(X, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        file.extract("model.weights.h5", tmp_path)
    arrays = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        skipped = ("optimizer", "order")
        file.visititems(
            lambda path, item: (
                arrays.append(item.size)
                if isinstance(item, h5py.Dataset) and not any(word in path for word in skipped)
                else None
            )
        )
    kept = sum(arrays)
    means = sum(v.shape == () for m in model.metrics for v in m.variables)
    assert model.count_params() <= kept <= model.count_params() + means
    for again in (
        keras.saving.load_model(tmp_path / "model.keras"),
        type(model).from_config(model.get_config()),
    ):
        assert all(owner.kernel is user.kernel for owner, user in pairs(again))
        assert again.count_params() == model.count_params()
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    loaded.fit(X, verbose=0)
    assert all(owner.kernel is user.kernel for owner, user in pairs(loaded))


@BOTH
def test_a_decoder_alone_is_whole(build, tmp_path):
    """Saved without its encoder it brings a copy of the kernels."""
    model = build()
    model.decoder.save(tmp_path / "decoder.keras")
    decoder = keras.saving.load_model(tmp_path / "decoder.keras")
    z = np.ones((2, *decoder.input_shape[1:]), "float32")
    np.testing.assert_allclose(decoder.predict(z, verbose=0), model.decode(z), rtol=1e-6)


@BOTH
@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_what_is_frozen_stays_frozen(build, side, tmp_path):
    """The kernels are the encoder's; a frozen decoder keeps its biases."""
    model = build()
    getattr(model, side).trainable = False
    model.compile()
    model.fit(X, epochs=2, verbose=0)
    before = [array(v) for v in model.weights]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    count = {"encoder": 2, "decoder": 4}[side]
    assert len(model.trainable_weights) == len(loaded.trainable_weights) == count
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations) == 2
    loaded.fit(X, verbose=0)
    moved = [not np.array_equal(array(v), old) for v, old in zip(loaded.weights, before)]
    assert sum(moved) == count


def test_a_decoder_that_is_tied_to_another_encoder_is_refused():
    encoder, other = (keras_ae.dense_encoder(SHAPE, 3, (5,)) for _ in range(2))
    decoder = keras_ae.dense_decoder(SHAPE, 3, (5,), tied_to=other)
    with pytest.raises(ValueError, match="of another network: build the decoder with tied_to"):
        keras_ae.Autoencoder(encoder, decoder)


def test_layers_of_one_name_are_refused():
    inner = [
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="same")]) for _ in range(2)
    ]
    encoder = keras.Sequential([keras.Input((4,)), *inner])
    tied = keras_ae.layers.TiedDense(inner[1].layers[0])
    model = keras_ae.Autoencoder(encoder, keras.Sequential([keras.Input((4,)), tied]))
    with pytest.raises(ValueError, match="2 layers are named 'same'"):
        type(model).from_config(model.get_config())
