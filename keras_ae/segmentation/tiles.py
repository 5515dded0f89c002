"""Prediction of images of any size, tile by tile, with mirrored borders."""

import keras
import numpy as np

from ..engine.checks import check_positive_int


def predict_tiles(model, x, tile=None, overlap=None, rotations=False, batch_size=1):
    """Probabilities of every pixel, put together from tiles that overlap.

    A tile whose prediction is smaller than itself (valid padding) is moved by the size of the
    prediction, so that each pixel is predicted once, with all its context. With same padding the
    rim of a prediction lacks context: `overlap` cuts it off. Beyond its borders the image is
    mirrored. Only one batch of tiles is held beside image and result. (Where a network pools, tiles
    see the grid of the whole image if `overlap` and what is used of a prediction are multiples of
    its stride.)

    Source: Ronneberger et al. 2015, arXiv:1505.04597, figure 2 (overlap-tile) and section 4
    (averages over rotated versions).

    Args:
        model: anything whose `predict(batch)` maps `(batch, tile, tile, channels)` to probabilities
            `(batch, size, size, classes)`, with `tile - size` even and not negative.
        x: array, one image `(height, width, channels)` or a batch of them, or an iterable of images
            of any sizes.
        tile: int or `(height, width)`, what the model is given, in pixels, or `None` for the size
            that the model's input has. Defaults to `None`.
        overlap: int, pixels of each side of a prediction that are not used, or `None` for 0 where
            the prediction is smaller than the tile, and for a quarter of the tile where it is not.
            Defaults to `None`.
        rotations: bool, whether to average over the 8 rotations and reflections of the image.
            Defaults to `False`.
        batch_size: int, tiles that are predicted at once. Defaults to `1`.

    Returns:
        float32 array, shape `(height, width, classes)`; with a batch before, for a batch; a list of
        arrays for an iterable.

    Raises:
        ValueError: when images, tile, overlap or predictions do not fit.
    """
    check_positive_int("batch_size", batch_size)
    tile = _tile(model, tile)
    one = hasattr(x, "ndim") and x.ndim == 3
    probabilities, form = [], None
    for image in [x] if one else x:
        image = np.asarray(image)
        if image.ndim != 3 or 0 in image.shape:
            raise ValueError(
                f"an image has shape {image.shape}: pass (height, width, channels), a batch or a "
                "list of them."
            )
        form = form or _Form(model, tile, image, overlap, batch_size)
        probabilities.append(_over_rotations(form, image) if rotations else form.predict(image))
    if one:
        return probabilities[0]
    return np.stack(probabilities) if hasattr(x, "ndim") and probabilities else probabilities


class _Form:
    """What is known of a model's predictions once it was called: their size, and what is used."""

    def __init__(self, model, tile, image, overlap, batch_size):
        self.model, self.tile, self.batch_size = model, tile, batch_size
        size = self._call([np.zeros((*tile, image.shape[-1]), image.dtype)]).shape[1:3]
        lost = [t - s for t, s in zip(tile, size)]
        if any(each < 0 or each % 2 for each in lost):
            raise ValueError(
                f"a tile of {tile} gives a prediction of {size}: needed is one that is smaller by "
                "the same whole number of pixels on both sides."
            )
        if overlap is None:
            overlap = [0 if each else t // 4 for each, t in zip(lost, tile)]
        elif isinstance(overlap, bool) or not isinstance(overlap, (int, np.integer)) or overlap < 0:
            raise ValueError(f"overlap={overlap!r}: pass a whole number of pixels, 0 or more.")
        else:
            overlap = [int(overlap)] * 2
        self.overlap = overlap
        self.step = [s - 2 * o for s, o in zip(size, overlap)]
        if min(self.step) < 1:
            raise ValueError(
                f"overlap={overlap[0]} on each side leaves nothing of a prediction of {size}: pass "
                f"less than {min(size) / 2:g}."
            )
        self.before = [each // 2 + o for each, o in zip(lost, overlap)]  # context at top and left

    def predict(self, image):
        """Probabilities of one image, shape `(height, width, classes)`."""
        height, width = image.shape[:2]
        places = [
            (top, left)
            for top in range(0, height, self.step[0])
            for left in range(0, width, self.step[1])
        ]
        result = None
        for start in range(0, len(places), self.batch_size):
            some = places[start : start + self.batch_size]
            tiles = self._call([self._cut(image, place) for place in some])
            if result is None:
                result = np.empty((height, width, tiles.shape[-1]), "float32")
            for (top, left), tile in zip(some, tiles):
                used = tile[self.overlap[0] :, self.overlap[1] :]
                bottom, right = min(top + self.step[0], height), min(left + self.step[1], width)
                result[top:bottom, left:right] = used[: bottom - top, : right - left]
        return result

    def _cut(self, image, place):
        """The tile whose prediction starts at `place`, mirrored where the image ends."""
        rows, columns = (
            _mirrored(np.arange(start - before, start - before + tile), side)
            for start, before, tile, side in zip(place, self.before, self.tile, image.shape)
        )
        return image[rows[:, None], columns]

    def _call(self, tiles):
        number = len(tiles)
        tiles = np.stack(tiles + tiles[-1:] * (self.batch_size - number))  # one shape, one graph
        is_keras = isinstance(self.model, keras.Model)
        quiet = {"verbose": 0, "batch_size": self.batch_size} if is_keras else {}
        predicted = np.asarray(self.model.predict(tiles, **quiet))
        if predicted.ndim != 4 or len(predicted) != len(tiles):
            raise ValueError(
                f"{getattr(self.model, 'name', 'model')} predicts shape {predicted.shape} for "
                f"{tiles.shape}: needed are probabilities (batch, height, width, classes)."
            )
        return predicted[:number]


def _over_rotations(form, image):
    """Mean over the symmetries of the square: four turns, each with and without a reflection."""
    total = 0.0
    for turns in range(4):
        for flip in (False, True):
            turned = np.rot90(image[:, ::-1] if flip else image, turns)
            back = np.rot90(form.predict(turned), -turns)
            total = total + (back[:, ::-1] if flip else back)
    return (total / 8.0).astype("float32")


def _mirrored(index, size):
    """Indices within 0..size-1, reflected at the first and last pixel as often as needed."""
    if size == 1:
        return np.zeros_like(index)
    index = index % (2 * size - 2)
    return np.minimum(index, 2 * size - 2 - index)


def _tile(model, tile):
    if tile is None:
        one = getattr(model, "example_shape", None)
        shape = (None, *one()) if one else getattr(model, "input_shape", None)
        sides = shape[1:3] if isinstance(shape, tuple) and len(shape) == 4 else (None,)
        if None in sides:
            raise ValueError("The model takes images of any size: pass tile=, in pixels.")
        return tuple(sides)
    sides = (tile, tile) if np.ndim(tile) == 0 else tuple(tile)
    if len(sides) != 2:
        raise ValueError(f"tile={tile!r}: pass an int or (height, width).")
    for side in sides:
        check_positive_int("tile", side)
    return tuple(int(side) for side in sides)
