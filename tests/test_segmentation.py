"""Segmentation networks: published counts, geometry, what they take over, statistics, metrics."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ae
from keras_ae.segmentation.segnet import SegNet
from keras_ae.segmentation.unet import unet_network, valid_size
from tests.cases.case import SOON
from tests.cases.segmentation import encoder_decoder, fc_densenet, fcn, label_maps, segnet, unet

full_size = pytest.mark.skipif(
    keras.backend.backend() == "jax",
    reason="JAX compiles the start of every shape; counts are equal",
)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@full_size
@pytest.mark.parametrize("image_shape, num_classes, count", [
    ((572, 572, 1), 2, 31_030_658),
    ((572, 572, 1), 1, 31_030_593),
    ((None, None, 3), 11, 31_032_395),
])  # fmt: skip
def test_parameters_of_unet(image_shape, num_classes, count):
    assert unet_network(image_shape, num_classes).count_params() == count


@full_size
def test_parameters_of_segnet():
    model = SegNet((360, 480, 3), 11)
    assert trainable(model) == 29_449_355 and model.count_params() == 29_465_227


@full_size
@pytest.mark.parametrize("preset, count, whole", [
    (56, 1_376_795, 1_397_963),
    pytest.param(67, 3_463_243, 3_502_923, marks=pytest.mark.neutral("torch")),
    pytest.param(103, 9_322_091, 9_425_163, marks=pytest.mark.neutral("torch")),
])  # fmt: skip
def test_parameters_of_fc_densenet(preset, count, whole):
    model = keras_ae.FCDenseNet((None, None, 3), 11, **keras_ae.FCDenseNet.PRESETS[preset])
    assert trainable(model) == count and model.count_params() == whole


@pytest.mark.parametrize("stride, counts", [
    (32, (134_346_581, 134_305_611)),
    (16, (134_357_354, 134_311_254)),
    (8, (134_362_751, 134_314_081)),
])  # fmt: skip
def test_parameters_of_fcn(stride, counts):
    """At a quarter of the width, and from it what the score layers add to a VGG16 of full width:
    the whole one has half a gigabyte."""
    trunk = 134_260_544  # 13 convolutions, fc6 and fc7 of VGG16
    scores = {32: (4096,), 16: (4096, 512), 8: (4096, 512, 256)}[stride]
    for num_classes, count in zip((21, 11), counts):
        assert trunk + sum((channels + 1) * num_classes for channels in scores) == count
        model = keras_ae.FCN((None, None, 3), num_classes, stride, width=0.25)
        layers = {x.name: x.count_params() for x in model.network.layers if "score" in x.name}
        assert sum(layers.values()) == sum((c // 4 + 1) * num_classes for c in scores)
        assert model.count_params() - sum(layers.values()) == fcn_trunk(0.25)
    assert fcn_trunk(1.0) == trunk


@full_size
@pytest.mark.slow
def test_parameters_of_the_whole_fcn():
    """As the paper's fcn8s for PASCAL: learned upsampling has no bias; half a gigabyte."""
    model = keras_ae.FCN((None, None, 3), 21, 8)
    assert model.count_params() == 134_362_751
    del model
    learned = keras_ae.FCN((None, None, 3), 21, 8, learned_upsampling=True)
    assert learned.count_params() == 134_362_751 + 21 * 21 * (16 + 16 + 256)


def fcn_trunk(width):
    """By the formula: every convolution has a bias."""
    widths = [round(width * c) for c in (64, 64, 128, 128, *[256] * 3, *[512] * 6)]
    total = sum((9 * a + 1) * b for a, b in zip([3, *widths], widths))
    dense = round(4096 * width)
    return total + (49 * widths[-1] + 1) * dense + (dense + 1) * dense


def test_learned_upsampling_has_no_biases():
    fixed, learned = (fcn(8, learned_upsampling=flag) for flag in (False, True))
    assert learned.count_params() - fixed.count_params() == 9 * (16 + 16 + 256)


def test_sides_of_valid_padding():
    assert unet_network((572, 572, 1), 2, (2, 2, 2, 2, 2)).output_shape[1:3] == (388, 388)
    allowed = [n for n in range(1, 700) if valid_size(n)]
    assert allowed == [n for n in range(188, 700) if n % 16 == 12]  # 16 k + 60, the output above 0
    assert all(valid_size(n) == n - 184 for n in allowed)


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_crops_of_fcn_leave_the_map_where_the_image_is(stride):
    """A patch far from the borders moves the centre of what changes with itself."""
    rng = np.random.default_rng(0)
    model = keras_ae.FCN((None, None, 1), 2, stride, width=1 / 64, seed=1)
    for layer in model.network.layers:
        if layer.weights:  # positive, so that nothing is cut off and everything spreads alike
            kernel = np.abs(rng.normal(size=layer.kernel.shape))
            layer.set_weights([kernel / kernel.sum((0, 1, 2)), np.zeros(layer.bias.shape)])
            if layer.name.startswith("block"):
                symmetric = np.ones((3, 3, 1, 1)) / 9 * kernel.mean((0, 1), keepdims=True)
                layer.kernel.assign(symmetric / symmetric.sum((0, 1, 2)))
    places, centres = [(160, 224), (224, 160)], []
    for row, column in places:
        x = np.zeros((1, 384, 384, 1), "float32")
        x[:, row - 16 : row + 16, column - 16 : column + 16] = 1.0
        logits = ops.convert_to_numpy(model.network(x))[0, ..., 0]
        mass = logits / logits.sum()
        grid = np.indices(mass.shape)
        centres.append([(mass * axis).sum() for axis in grid])
    moved = np.array(centres[1]) - np.array(centres[0])
    np.testing.assert_allclose(moved, [64, -64], atol=2.0)
    np.testing.assert_allclose(centres, places, atol=2.0)


@pytest.mark.parametrize("shape", [(33, 40, 3), (64, 47, 3)])
def test_any_size_goes_through(shape):
    x = np.random.default_rng(0).uniform(size=(1, *shape)).astype("float32")
    models = [
        keras_ae.FCN((None, None, 3), 3, 8, width=1 / 64),
        keras_ae.FCDenseNet((None, None, 3), 3, 2, (1, 1, 1, 1, 1)),
        keras_ae.UNet((None, None, 3), 3, (2, 2, 2), padding="same"),
    ]
    for model in models:
        assert ops.shape(model.network(x))[1:3] == shape[:2]


def test_valid_padding_refuses_sides_it_was_not_told_before():
    model = keras_ae.UNet((None, None, 1), 2, (2, 2, 2))
    assert model.predict(np.zeros((1, 44, 48, 1), "float32"), verbose=0).shape[1:3] == (4, 8)
    with pytest.raises(ValueError, match="nearest allowed are 44 and 48"):
        model(np.zeros((1, 44, 46, 1), "float32"))


def test_stages_of_training_with_learned_upsampling():
    """The paper's: 32s, then 16s from it, then 8s."""
    coarse, middle, fine = (fcn(stride, learned_upsampling=True) for stride in (32, 16, 8))
    assert "up_to_pool4" not in middle.transplant(coarse)
    assert "up_to_pool4" in fine.transplant(middle)


def test_transplants():
    coarse, fine = fcn(32), fcn(8)
    taken = fine.transplant(coarse)
    assert "score" in taken and "fc6" in taken and "score_pool3" not in taken
    for name in taken:
        for a, b in zip(*(m.network.get_layer(name).get_weights() for m in (coarse, fine))):
            np.testing.assert_array_equal(a, b)
    image = keras.Input((224, 224, 3))  # as keras.applications.VGG16 is built, 1/64 as wide
    x, names = image, [layer.name for layer in coarse.network.layers]
    for name in [n for n in names if n.startswith("block")]:
        like = coarse.network.get_layer(name)
        x = type(like).from_config(like.get_config() | {"name": name})(x)
    x = keras.layers.Flatten()(x)
    for name in ("fc1", "fc2"):
        x = keras.layers.Dense(64, "relu", name=name)(x)
    classifier = keras.Model(image, x)
    model = keras_ae.FCN((224, 224, 3), 3, 32, width=1 / 64)
    assert {"block1_conv1", "fc6", "fc7"} <= set(model.transplant(classifier))
    pooled = np.random.default_rng(0).normal(size=(1, 7, 7, 8)).astype("float32")
    fc6 = ops.convert_to_numpy(model.network.get_layer("fc6")(pooled)).reshape(1, -1)
    fc1 = classifier.get_layer("fc1")(pooled.reshape(1, -1))
    np.testing.assert_allclose(fc6, ops.convert_to_numpy(fc1), atol=1e-4)


def test_unet_is_that_of_pytorch():
    """One level down and up, equal weights: logits and gradients of the weighted loss."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    model = unet((20, 18, 2), dropout=0.0)
    x, y = label_maps((20, 18, 2))(np.random.default_rng(0), 3)
    w = np.random.default_rng(1).uniform(0.5, 2.0, y.shape).astype("float32")
    names = [layer for layer in model.network.layers if layer.weights]
    tensors = []
    for layer in names:
        kernel, bias = (torch.from_numpy(v).requires_grad_() for v in layer.get_weights())
        tensors.append((kernel, bias))

    def conv(t, number, **options):
        kernel, bias = tensors[number]
        return functional.conv2d(t, kernel.permute(3, 2, 0, 1), bias, **options)

    t = torch.from_numpy(x).permute(0, 3, 1, 2)
    skip = functional.relu(conv(functional.relu(conv(t, 0)), 1))
    t = functional.max_pool2d(skip, 2)
    t = functional.relu(conv(functional.relu(conv(t, 2)), 3))
    kernel, bias = tensors[4]
    t = functional.conv_transpose2d(t, kernel.permute(3, 2, 0, 1), bias, stride=2)
    rows, columns = ((a - b) // 2 for a, b in zip(skip.shape[2:], t.shape[2:]))
    skip = skip[:, :, rows : rows + t.shape[2], columns : columns + t.shape[3]]
    t = torch.cat([skip, t], 1)
    logits = conv(functional.relu(conv(functional.relu(conv(t, 5)), 6)), 7)
    ours = ops.convert_to_numpy(model(x))
    expected = logits.permute(0, 2, 3, 1).detach().numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    top, left = ((a - b) // 2 for a, b in zip(y.shape[1:], logits.shape[2:]))
    centre = (slice(None), slice(top, top + 4), slice(left, left + 2))
    target = torch.from_numpy(y[centre]).long()
    loss = functional.cross_entropy(logits, target, reduction="none")
    loss = (loss * torch.from_numpy(w[centre])).mean()
    loss.backward()
    before = [layer.get_weights() for layer in names]
    model.compile(keras.optimizers.SGD(1.0), **SOON)
    logs = model.fit(x, y, sample_weight=w, batch_size=3, verbose=0).history
    np.testing.assert_allclose(logs["loss"][0], float(loss.detach()), rtol=1e-5)
    for layer, old, pair in zip(names, before, tensors):
        for a, b, tensor in zip(old, layer.get_weights(), pair):
            np.testing.assert_allclose(a - b, tensor.grad.numpy(), atol=1e-5)


def test_labels_and_weights_that_do_not_fit():
    model = segnet(void=9)
    model.compile("adam", **SOON)
    x, y = label_maps((11, 8, 1), void=9)(np.random.default_rng(0), 4)
    with pytest.raises(ValueError, match="void=; the model's is 9"):
        model.fit(x, np.where(y == 9, 8, y), verbose=0)
    with pytest.raises(ValueError, match="the model has none"):
        plain = segnet()
        plain.compile("adam", **SOON)
        plain.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match="equal sizes"):
        model.fit(x, y[:, :-1], verbose=0)
    with pytest.raises(ValueError, match="argmax"):
        model.fit(x, np.eye(3)[y % 3], verbose=0)
    with pytest.raises(ValueError, match="y is missing"):
        model.fit(x, verbose=0)
    with pytest.raises(ValueError, match="sample_weight has shape"):
        model.fit(x, y, sample_weight=np.ones((4, 8, 11)), verbose=0)


def test_weights_of_pixels_leave_void_and_zeros_out():
    model = unet((20, 18, 2), void=9, dropout=0.0)
    model.compile("adam", weighted_metrics=[keras_ae.metrics.GlobalAccuracy(3)], **SOON)
    x, y = label_maps((20, 18, 2))(np.random.default_rng(0), 4)
    w = np.zeros(y.shape, "float32")
    w[:, :10] = 1.0
    given = model.evaluate(x, y, sample_weight=w, verbose=0, return_dict=True)
    void = model.evaluate(x, np.where(w > 0, y, 9), verbose=0, return_dict=True)
    np.testing.assert_allclose(given["global_accuracy"], float(accuracy(model, x, y, w)), rtol=1e-5)
    kept = (w[:, 8:12, 8:10] > 0).mean()  # the centre, which has 4 x 2 pixels
    np.testing.assert_allclose(given["cross_entropy"], kept * void["cross_entropy"], rtol=1e-5)


def accuracy(model, x, y, w):
    right = model.segment(x) == y[:, 8:12, 8:10]
    return (right * w[:, 8:12, 8:10]).sum() / w[:, 8:12, 8:10].sum()


def test_metrics_and_segment():
    model = encoder_decoder("linknet", void=9)
    metrics = [keras_ae.metrics.MeanIoU(3, void=9), keras_ae.metrics.GlobalAccuracy(3, void=9)]
    model.compile("adam", metrics=metrics, **SOON)
    x, y = label_maps((7, 9, 2), void=9)(np.random.default_rng(0), 6)
    logs = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    found = model.segment(x, batch_size=4)
    assert found.shape == y.shape and found.dtype == np.int32
    matrix = keras_ae.evaluation.confusion_matrix(zip(y, found), 3, void=9)
    scores = keras_ae.evaluation.segmentation_scores(matrix)
    np.testing.assert_allclose(logs["mean_iou"], scores["mean_iou"], rtol=1e-5)
    np.testing.assert_allclose(logs["global_accuracy"], scores["global_accuracy"], rtol=1e-5)


def test_statistics_are_estimated_anew():
    model = segnet()
    x, _ = label_maps((11, 8, 1))(np.random.default_rng(0), 8)
    first = next(x for x in model.network.layers if "batch_norm" in x.name)
    convolved = keras.Model(model.network.input, first.input)
    maps = ops.convert_to_numpy(convolved(x))
    weights = [ops.convert_to_numpy(v) for v in model.trainable_weights]
    model.reestimate(x, batch_size=4)
    np.testing.assert_allclose(first.moving_mean, maps.mean((0, 1, 2)), atol=1e-5)
    variances = [part.var((0, 1, 2)) for part in (maps[:4], maps[4:])]
    np.testing.assert_allclose(first.moving_variance, np.mean(variances, 0), rtol=1e-4)
    assert first.momentum == 0.99
    for old, variable in zip(weights, model.trainable_weights):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(variable))
    with pytest.raises(ValueError, match="no batch normalisation"):
        unet().reestimate(np.zeros((2, 20, 18, 2), "float32"))


def test_statistics_of_the_batch_at_test_time():
    model = fc_densenet(dropout=0.0)
    x, _ = label_maps((7, 8, 3))(np.random.default_rng(0), 4)
    moving = model.predict(x, verbose=0)
    model.batch_statistics = True
    assert model.batch_statistics
    of_batch = model.predict(x, verbose=0)
    assert not np.allclose(moving, of_batch, atol=1e-3)
    trained = ops.convert_to_numpy(model.prediction(model.network(x, training=True)))
    np.testing.assert_allclose(of_batch, trained, atol=1e-5)
    with pytest.raises(ValueError, match="no batch normalisation"):
        unet().batch_statistics = True


def test_statistics_of_the_batch_are_saved_with_a_model(tmp_path):
    model = fc_densenet(dropout=0.0)
    x, _ = label_maps((7, 8, 3))(np.random.default_rng(0), 4)
    model.batch_statistics = True
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.batch_statistics and loaded.get_config() == model.get_config()
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


def test_norms_of_keras_know_moving_statistics_alone():
    image = keras.Input((None, None, 2))
    maps = {}
    for stride in (1, 2):
        layer = keras.layers.Conv2D(2, 3, stride, padding="same")
        maps[f"stride_{stride}"] = keras.layers.BatchNormalization()(layer(image))
    model = keras_ae.EncoderDecoder(keras.Model(image, maps), "unet", 3, width=2)
    with pytest.raises(ValueError, match="2 of 4 layers of batch normalisation are Keras' own"):
        model.batch_statistics = True
    model.frozen = True
    model.batch_statistics = True
    assert model.batch_statistics


def test_statistics_are_estimated_without_dropout():
    model = fc_densenet(dropout=0.5)
    x, _ = label_maps((7, 8, 3))(np.random.default_rng(0), 4)
    plain = fc_densenet(dropout=0.0)
    plain.set_weights(model.get_weights())
    before = [array(v) for v in model.non_trainable_variables if "seed" in v.path]
    for each in (model, plain):
        each.reestimate(x)
    for mine, other in zip(model.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
    after = [array(v) for v in model.non_trainable_variables if "seed" in v.path]
    assert before and all(np.array_equal(a, b) for a, b in zip(before, after))
    rates = [each.rate for each in model.network.layers if hasattr(each, "rate")]
    assert rates and set(rates) == {0.5}
    with pytest.raises(ValueError, match="hold no batch"):
        model.reestimate([])
    with pytest.raises(ValueError, match="steps=0"):
        model.reestimate(x, steps=0)
    model.network.trainable = False
    with pytest.raises(ValueError, match="frozen"):
        model.reestimate(x)


def array(tensor):
    return ops.convert_to_numpy(tensor)


def test_an_encoder_that_was_frozen_first_goes_on_after_it_is_loaded(tmp_path):
    """The usual two stages; the optimizer of the second one comes back whole."""
    model = encoder_decoder("unet", frozen=True)
    x, y = label_maps((7, 9, 2))(np.random.default_rng(0), 4)
    model.frozen = False
    model.compile(keras.optimizers.Adam(1e-3), **SOON)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert len(loaded.trainable_weights) == len(model.trainable_weights) and not loaded.frozen
    for mine, other in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(array(mine), array(other))


def test_arguments_of_a_loss():
    x, y = label_maps((7, 9, 2))(np.random.default_rng(0), 4)
    network = lambda: encoder_decoder("unet").network
    given = {"tversky": {"weight": 2.0, "alpha": 0.3, "beta": 0.7}, "dice": 1.0}
    keras.utils.set_random_seed(0)
    model = keras_ae.Segmenter(network(), given)
    model.compile("sgd", **SOON)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    logits = model(x, training=False)
    expected = array(keras_ae.losses.tversky(y, logits, alpha=0.3, beta=0.7)).mean()
    np.testing.assert_allclose(logs["tversky"], expected, rtol=1e-5)
    assert abs(logs["tversky"] - logs["dice"]) > 1e-4
    np.testing.assert_allclose(logs["loss"], 2 * logs["tversky"] + logs["dice"], rtol=1e-5)
    assert keras_ae.Segmenter.from_config(model.get_config()).loss == given
    with pytest.raises(ValueError, match="dice does not take alpha; it takes weight"):
        keras_ae.Segmenter(network(), {"dice": {"alpha": 0.3}})


def test_labels_behind_the_first_batch():
    """Of arrays that are augmented: all of them are looked at."""
    model = segnet()
    model.compile("adam", **SOON)
    x, y = label_maps((11, 8, 1))(np.random.default_rng(0), 8)
    y[-1, 0, 0] = 3
    batches = keras_ae.Batches(x, y, batch_size=2, shuffle=False, augment=lambda parts, rng: parts)
    with pytest.raises(ValueError, match="y has labels from 0 to 3"):
        model.fit(batches, verbose=0)


def test_tiles_with_valid_padding_equal_the_whole():
    """A network that sees the whole mirrored image at once gives what tiles give."""
    x, _ = label_maps((24, 30, 2))(np.random.default_rng(0), 1)
    whole = unet((40, 46, 2), dropout=0.0)  # 16 less each way
    small = unet((20, 18, 2), dropout=0.0)  # gives 4 x 2
    small.set_weights(whole.get_weights())
    expected = whole.predict(np.pad(x, ((0, 0), (8, 8), (8, 8), (0, 0)), "reflect"), verbose=0)
    tiles = keras_ae.predict_tiles(small, x[0], batch_size=16)
    np.testing.assert_allclose(tiles, expected[0], atol=1e-5)


def test_many_classes_have_a_colour():
    assert keras_ae.figures.segmentation.class_colours(60).shape == (60, 3)


def test_a_frozen_encoder_stays():
    model = encoder_decoder("unet", frozen=True)
    before = model.encoder.get_weights()
    model.compile(keras.optimizers.Adam(0.1), **SOON)
    x, y = label_maps((7, 9, 2))(np.random.default_rng(0), 8)
    model.fit(x, y, epochs=2, verbose=0)
    for old, new in zip(before, model.encoder.get_weights()):
        np.testing.assert_array_equal(old, new)  # moving statistics too
