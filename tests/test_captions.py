"""Captions of digits, and the network that reads them."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import ndimage

import keras_ae
from keras_ae import data
from keras_ae.data import captions as words
from keras_ae.layers import PositionEmbedding
from tests.cases.case import numpy_weights


def bars(*widths):
    x = np.zeros((len(widths), 40, 40, 1), "float32")
    for image, width in zip(x, widths):
        image[4:36, 18 : 18 + width] = 1.0
    return x


def leaning(angle):
    """A bar whose rows are moved by the tangent of an angle."""
    matrix = np.array([[1.0, 0.0], [np.tan(np.radians(angle)), 1.0]])
    centre = np.array([19.5, 19.5])
    bar = bars(3)[0, ..., 0]
    return ndimage.affine_transform(bar, matrix, centre - matrix @ centre, order=1)[None, ..., None]


def test_thickness_of_bars():
    widths = np.array([1, 2, 4, 6])
    exact = widths * 32 / (widths + 32)  # area over half the outline
    np.testing.assert_allclose(data.thickness(bars(*widths)), exact, rtol=0.02)
    blurred = ndimage.gaussian_filter(bars(6), (0, 1, 1, 0))
    # as thick, but for the corners, which a blur cuts off
    np.testing.assert_allclose(data.thickness(blurred), exact[3:], rtol=0.06)
    half = data.thickness(0.5 * bars(4))  # grey ink is as thick
    np.testing.assert_allclose(half, exact[2:3], rtol=0.02)
    assert data.thickness(np.zeros((1, 5, 5, 1))) == 0.0


def test_a_turned_or_mirrored_bar_is_as_thick():
    bar = bars(4)[0, ..., 0]
    turned = [ndimage.rotate(bar, angle, order=1, reshape=False) for angle in (0, 45, -45, 90)]
    found = data.thickness(np.clip(turned, 0, 1)[..., None])
    np.testing.assert_allclose(found, found[0], rtol=0.08)
    digits = data.load("digits", 16).x_train
    np.testing.assert_allclose(
        data.thickness(digits), data.thickness(digits[:, :, ::-1]), rtol=1e-5
    )


@pytest.mark.parametrize("angle", (-25.0, 0.0, 10.0, 25.0))
def test_slant_of_a_sheared_bar(angle):
    assert data.slant(leaning(angle))[0] == pytest.approx(angle, abs=0.5)


def test_slant_of_what_has_no_height():
    line = np.zeros((2, 9, 9, 1))
    line[1, 4] = 1.0
    np.testing.assert_array_equal(data.slant(line), [0.0, 0.0])


def test_measures_refuse_colour_and_other_ranges():
    for measure in (data.thickness, data.slant):
        with pytest.raises(ValueError, match="examples, height, width, 1"):
            measure(np.zeros((2, 8, 8, 3)))
        with pytest.raises(ValueError, match="from -1 to 1: pass bright strokes"):
            measure(2.0 * bars(3) - 1.0)


def test_words_split_the_images_in_three():
    digits = data.load("digits", 16)
    captions = data.DigitCaptions.of(digits.x_train)
    found = captions.measure(digits.x_train)
    for column in range(2):
        np.testing.assert_allclose(np.bincount(found[:, column]) / len(found), 1 / 3, atol=0.01)
    order = np.argsort(data.thickness(digits.x_train))
    assert np.all(np.diff(found[order, 0]) >= 0)
    x = np.concatenate([leaning(-20), leaning(20)])
    captions = data.DigitCaptions((2.0, 4.0), (-5.0, 5.0))
    assert captions.sentences(x, [1, 7]) == [
        "a medium one slanted to the left",
        "a medium seven slanted to the right",
    ]
    with pytest.raises(ValueError, match="one of 0 to 9 for each of 2"):
        captions.sentences(x, [1, 10])


def test_what_is_left_out_is_left_out_as_often():
    digits = data.load("digits", 16)
    captions = data.DigitCaptions.of(digits.x_train)
    whole = captions.sentences(digits.x_train, digits.y_train)
    some = captions.sentences(digits.x_train, digits.y_train, left_out=0.3, seed=1)
    assert some == captions.sentences(digits.x_train, digits.y_train, left_out=0.3, seed=1)
    assert all("upright" in text or "slanted" in text for text in whole)
    told = np.mean(["upright" in text or "slanted" in text for text in some])
    assert told == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / len(some)))
    assert all(set(part.split()) <= set(text.split()) for part, text in zip(some, whole))


def test_words_are_numbers():
    captions = data.DigitCaptions((2.0, 4.0), (-5.0, 5.0))
    ids = captions.encode(["a thick seven slanted to the right", "a Five"])
    assert ids.shape == (2, words.LENGTH) and ids.dtype == np.int32
    spoken = [[captions.words[number - 1] for number in row if number] for row in ids]
    assert spoken == [["a", "thick", "seven", "slanted", "to", "the", "right"], ["a", "five"]]
    with pytest.raises(ValueError, match="has the unknown word 'blue'"):
        captions.encode(["a blue seven"])
    with pytest.raises(ValueError, match="has 8 words"):
        captions.encode(["a a a a a a a a"])
    with pytest.raises(ValueError, match="pass a list"):
        captions.encode("a five")
    with pytest.raises(ValueError, match="pass 0 to 9"):
        words.sentence(-1)


def test_a_text_encoder_reads_the_order_of_words():
    """As a transformer without positions could not: words that change places stay one bag."""
    encoder = keras_ae.text_encoder(9, 4, channels=8, num_blocks=1, num_heads=2)
    assert encoder.output_shape == (None, 4, 8)
    numpy_weights(encoder)
    one, other = encoder.predict(np.array([[3, 5, 0, 0], [5, 3, 0, 0]]), verbose=0)
    assert np.abs(one.mean(axis=0) - other.mean(axis=0)).max() > 1e-3
    alone = encoder.predict(np.array([[3, 6, 0, 0]]), verbose=0)[0]
    assert np.abs(one[0] - alone[0]).max() > 1e-3  # a token knows the others
    with pytest.raises(ValueError, match="positive"):
        keras_ae.text_encoder(9, 0)
    with pytest.raises(ValueError, match="3 heads do not divide 8"):
        keras_ae.text_encoder(9, 4, channels=8, num_heads=3)


def test_positions_are_added():
    layer = PositionEmbedding()
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    y = ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(y - x, np.stack(2 * [np.array(layer.positions)]), atol=1e-6)
    assert 0 < np.abs(np.array(layer.positions)).max() < 0.1
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again(x).shape == (2, 3, 4)
    with pytest.raises(ValueError, match="length and channels known"):
        keras_ae.layers.PositionEmbedding().build((None, None, 4))
