"""Bilinear upsampling, crops and padding; batch normalisation with the batch's own statistics."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ae import layers


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_bilinear_upsampling_is_a_transposed_convolution_of_pytorch(factor):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 2)).astype("float32")
    kernel = layers.BilinearInitializer()((2 * factor, 2 * factor, 2, 2))
    kernel = torch.from_numpy(ops.convert_to_numpy(kernel)).permute(3, 2, 0, 1)
    expected = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x).permute(0, 3, 1, 2), kernel, stride=factor
    )
    layer = layers.BilinearUpsampling2D(factor)
    result = ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(result, expected.permute(0, 2, 3, 1).numpy(), atol=1e-6)
    assert result.shape == layer.compute_output_shape(x.shape)


def test_bilinear_upsampling_reproduces_a_plane():
    rows, columns = np.meshgrid(np.arange(5.0), np.arange(6.0), indexing="ij")
    x = (2 * rows - 3 * columns)[None, ..., None].astype("float32")
    y = ops.convert_to_numpy(layers.BilinearUpsampling2D(4)(x))[0, ..., 0]
    steps = np.diff(y[6:-6, 6:-6], axis=0), np.diff(y[6:-6, 6:-6], axis=1)
    np.testing.assert_allclose(steps[0], 2 / 4, atol=1e-5)
    np.testing.assert_allclose(steps[1], -3 / 4, atol=1e-5)


@pytest.mark.parametrize(
    "layer", [layers.BilinearUpsampling2D(4, "same"), layers.BilinearResizing2D((7, 11))]
)
def test_interpolation_is_that_of_pytorch(layer):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 2)).astype("float32")
    size = layer.compute_output_shape(x.shape)[1:3]
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(x).permute(0, 3, 1, 2), size, mode="bilinear", align_corners=False
    )
    expected = expected.permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, atol=1e-5)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_allclose(ops.convert_to_numpy(again(x)), expected, atol=1e-5)
    with pytest.raises(ValueError, match="even factor"):
        layers.BilinearUpsampling2D(3, "same")


def test_means_of_regions_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 7, 5, 3)).astype("float32")
    for size in ((1, 1), (2, 3), (6, 4)):
        expected = torch.nn.functional.adaptive_avg_pool2d(
            torch.from_numpy(x).permute(0, 3, 1, 2), size
        )
        result = ops.convert_to_numpy(layers.RegionMeans2D(size)(x))
        np.testing.assert_allclose(result, expected.permute(0, 2, 3, 1).numpy(), atol=1e-6)


def test_a_learned_upsampling_starts_as_the_fixed_one():
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 2)).astype("float32")
    start = layers.BilinearInitializer()
    learned = keras.layers.Conv2DTranspose(2, 4, 2, use_bias=False, kernel_initializer=start)
    fixed = layers.BilinearUpsampling2D(2)
    np.testing.assert_allclose(
        ops.convert_to_numpy(learned(x)), ops.convert_to_numpy(fixed(x)), atol=1e-6
    )


def test_crops():
    x = np.arange(7 * 8.0).reshape(1, 7, 8, 1).astype("float32")
    like = np.zeros((1, 3, 4, 2), "float32")
    np.testing.assert_array_equal(layers.CropLike(2)(x, like), x[:, 2:5, 2:6])
    np.testing.assert_array_equal(layers.CropLike()(x, like), x[:, 2:5, 2:6])
    np.testing.assert_array_equal(layers.CropLike(0)(x, x), x)
    with pytest.raises(ValueError, match="too small"):
        layers.CropLike(6)(x, like)


@pytest.mark.parametrize("sides", [(None, None), (5, 9)])
def test_padding_to_a_multiple_and_back(sides):
    x = np.random.default_rng(0).normal(size=(2, 5, 9, 3)).astype("float32")
    image = keras.Input((*sides, 3))
    padded = layers.PadToMultiple(4)(image)
    both = keras.Model(image, [padded, layers.CropLike(0)(padded, image)])
    wide, back = both.predict(x, verbose=0)
    np.testing.assert_array_equal(back, x)
    assert wide.shape == (2, 8, 12, 3) and np.all(wide[:, 5:] == 0) and np.all(wide[:, :, 9:] == 0)
    with pytest.raises(ValueError, match="multiple=0"):
        layers.PadToMultiple(0)


def test_statistics_of_the_batch():
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, (4, 5, 6, 2)).astype("float32")
    norm = layers.BatchNormalization(batch_statistics=True)
    norm.build(x.shape)
    norm.gamma.assign([2.0, 0.5])
    norm.beta.assign([1.0, -1.0])
    before = [ops.convert_to_numpy(v) for v in norm.non_trainable_variables]
    result = ops.convert_to_numpy(norm(x, training=False))
    expected = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + norm.epsilon)
    np.testing.assert_allclose(result, expected * [2.0, 0.5] + [1.0, -1.0], atol=1e-5)
    for old, variable in zip(before, norm.non_trainable_variables):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(variable))
    again = layers.BatchNormalization.from_config(norm.get_config())
    assert again.batch_statistics
    norm.batch_statistics = False
    assert not np.allclose(ops.convert_to_numpy(norm(x, training=False)), result)
    trained = ops.convert_to_numpy(norm(x, training=True))
    np.testing.assert_allclose(trained, result, atol=1e-5)
