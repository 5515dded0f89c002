"""Segmentation without a download, and the weights of pixels near borders."""

import functools

import numpy as np

from ..engine.checks import check_positive, check_positive_int
from . import sources
from .pen import BOX, check_digits, pen_digits

VOID = 255  # as PASCAL's
SMOOTH = {"order": 3, "mode": "nearest", "grid_mode": True}
TRIES = 50  # places that are tried for one digit
DRAWN = 300  # drawings of every size that pen digits are taken from
PEN = (2.5, 4.5)  # width of their pen: in small digits a finer one would be paler than half


def scattered_digits(
    num_images,
    image_size=64,
    num_digits=(3, 6),
    seed=0,
    part="train",
    channels=1,
    void_width=0,
    digit_size=(12, 28),
    source="digits",
    classes=range(10),
):
    """Digits of random size and brightness on textures, with the class of every pixel.

    A digit that comes later may cover an earlier one, of which at least half stays in sight; the
    label is that of the digit on top. A digit that finds no such place is left out. Saying
    "background" everywhere scores the share of background over 11 as mean IoU, about 0.08.

    Source: this library; scikit-learn's digits (UCI, Alpaydin and Kaynak 1998). Those of "train"
    and "test" are the ones of `load("digits")`, or of the two streams of `pen_digits`, so that no
    original is in both.

    Args:
        num_images: int.
        image_size: int, side in pixels, at least 32. Defaults to `64`.
        num_digits: `(low, high)`, fewest and most digits of an image. Defaults to `(3, 6)`.
        seed: int. Defaults to `0`.
        part: "train" or "test". Defaults to "train".
        channels: int, 1 (grey) or 3 (a colour for each digit). Defaults to `1`.
        void_width: int, width in pixels of a border round each digit whose label is 255, which
            does not count. Defaults to `0`.
        digit_size: `(low, high)`, least and greatest height of a digit in pixels (with the blank
            rows of its original). Defaults to `(12, 28)`.
        source: "digits", real ones of 8 x 8 pixels that are enlarged, or "pen", which is drawn at
            the size that it has. Defaults to "digits".
        classes: sequence of different digits 0 to 9 that are scattered. Defaults to all.

    Returns:
        `(x, y)`: float32 in [0, 1], shape `(images, image_size, image_size, channels)`, and int32,
        shape `(images, image_size, image_size)`, 0 for background and k + 1 for the k-th of
        `classes`.

    Raises:
        ValueError: when an argument is out of range.
    """
    check_positive_int("num_images", num_images)
    check_positive_int("image_size", image_size)
    low, high = num_digits
    if part not in ("train", "test") or channels not in (1, 3):
        raise ValueError(f'part={part!r}, channels={channels!r}: pass "train" or "test"; 1 or 3.')
    if image_size < 32 or not 0 <= low <= high or void_width not in range(image_size):
        raise ValueError(
            f"image_size={image_size}, num_digits={num_digits}, void_width={void_width}: pass 32 "
            "or more, (low, high) with 0 <= low <= high, and a whole number of pixels."
        )
    least, most = digit_size
    if not 8 <= least <= most <= image_size:
        raise ValueError(
            f"digit_size={digit_size}: pass (low, high) with 8 <= low <= high <= {image_size}."
        )
    if source not in ("digits", "pen"):
        raise ValueError(f'source={source!r}: pass "digits" or "pen".')
    classes = check_digits(classes)
    number, cut_out = (_real if source == "digits" else _drawn)(classes, part)
    x = np.empty((num_images, image_size, image_size, channels), "float32")
    y = np.empty((num_images, image_size, image_size), "int32")
    for n in range(num_images):
        rng = np.random.default_rng([seed, part == "test", n])
        x[n] = _texture(rng, image_size, channels)
        y[n] = 0
        owner = np.zeros(y[n].shape, int)  # number of the digit on top, 0 for none
        areas = [0]
        for _ in range(rng.integers(low, high + 1)):
            which = rng.integers(number)
            ink, digit = cut_out(which, rng.integers(least, most + 1))
            colour = rng.uniform(0.5, 1.0, channels)
            label = classes.index(digit) + 1
            _place(x[n], y[n], owner, areas, ink, colour, label, void_width, rng)
        x[n] += rng.normal(0.0, 0.03, x[n].shape)
    return np.clip(x, 0.0, 1.0), y


def border_weight_map(
    labels, background, w0=10.0, sigma=5.0, class_balance=True, void=None, connectivity=1
):
    """Weights that balance classes and stress the narrow gaps between cells.

    w = w_c + w0 exp(-(d1 + d2)^2 / (2 sigma^2)), with the distances d1 and d2 of a pixel to the
    border of the nearest and of the second nearest cell. A cell is a connected region of one class
    that is not background, and its border its outermost pixels; where there is one cell or none the
    second term is zero. (Where it is below 2e-8 w0 it may be left out.)

    Source: Ronneberger et al. 2015, arXiv:1505.04597, equation 2 (w0 = 10, sigma = 5 pixels).

    Args:
        labels: int array, class numbers, shape `(height, width)`, or with a batch before.
        background: int, class number of what lies between cells.
        w0: float, greatest extra weight. Defaults to `10.0`.
        sigma: float, in pixels. Defaults to `5.0`.
        class_balance: bool, or a sequence of one weight w_c per class, as from a whole training
            set. `True` takes pixels / (classes * pixels of the class) of this map, whose mean is 1;
            `False` takes 1. Defaults to `True`.
        void: int, label of pixels that do not count (weight 0), or `None`. Defaults to `None`.
        connectivity: int, 1 where cells that touch at corners are two, 2 where they are one.
            Defaults to `1`.

    Returns:
        float32 array, shape of `labels`.

    Raises:
        ValueError: when labels are no label map, or a number is out of range.
    """
    labels = np.asarray(labels)
    if labels.ndim not in (2, 3) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels have shape {labels.shape} and dtype {labels.dtype}: pass class numbers, shape "
            "(height, width) or (batch, height, width)."
        )
    if labels.ndim == 3:
        options = (background, w0, sigma, class_balance, void, connectivity)
        return np.stack([border_weight_map(each, *options) for each in labels])
    check_positive("sigma", sigma)
    if not 0 <= w0 < np.inf or connectivity not in (1, 2):
        raise ValueError(f"w0={w0!r}, connectivity={connectivity!r}: pass 0 or more; 1 or 2.")
    counts = labels != void if void is not None else np.ones(labels.shape, bool)
    weights = _class_weights(labels, counts, class_balance)
    nearest, second = _two_distances(labels, background, void, 6.0 * sigma, connectivity)
    gap = w0 * np.exp(-((nearest + second) ** 2) / (2.0 * sigma**2))
    return np.where(counts, weights + gap, 0.0).astype("float32")


def _class_weights(labels, counts, class_balance):
    """w_c of every pixel."""
    if class_balance is False:
        return 1.0
    weights = np.zeros(labels.shape)
    present, numbers = np.unique(labels[counts], return_counts=True)
    for label, number in zip(present, numbers):
        if class_balance is True:
            weight = numbers.sum() / (len(numbers) * number)
        elif 0 <= label < len(class_balance):
            weight = class_balance[label]
        else:
            raise ValueError(
                f"class_balance has {len(class_balance)} weights and labels have {label}: pass one "
                "weight per class, and void= for pixels that do not count."
            )
        weights[labels == label] = weight
    return weights


def _two_distances(labels, background, void, reach, connectivity):
    """Distances to the nearest and second nearest cell, right where their sum is below `reach`."""
    from scipy import ndimage

    nearest, second = np.full((2, *labels.shape), np.inf)
    structure = ndimage.generate_binary_structure(2, connectivity)
    pad = int(np.ceil(reach))
    for label in set(np.unique(labels)) - {background, void}:
        cells, _ = ndimage.label(labels == label, structure)
        for number, (rows, columns) in enumerate(ndimage.find_objects(cells), start=1):
            # only a window round the cell, which holds all that is within reach of it
            window = tuple(slice(max(0, s.start - pad), s.stop + pad) for s in (rows, columns))
            cell = cells[window] == number
            inner = ndimage.binary_erosion(cell, border_value=1)  # the picture's edge is no border
            if inner.all():
                continue  # the cell is the whole picture
            distance = ndimage.distance_transform_edt(~cell | inner)
            second[window] = np.minimum(second[window], np.maximum(nearest[window], distance))
            nearest[window] = np.minimum(nearest[window], distance)
    return nearest, second


def _texture(rng, size, channels):
    """Smooth noise between dark and medium grey, shape `(size, size, channels)`."""
    from scipy import ndimage

    noise = rng.normal(size=(size, size, channels))
    width = rng.uniform(2.0, 6.0)
    smooth = ndimage.gaussian_filter(noise, (width, width, 0), mode="wrap")
    return rng.uniform(0.2, 0.35) + 0.08 * smooth / smooth.std()


def _real(classes, part):
    """How many real digits there are, and a function that gives one at a size, with its class."""
    from scipy import ndimage

    digits = sources.load("digits")
    x, y = (digits.x_train, digits.y_train) if part == "train" else (digits.x_test, digits.y_test)
    chosen = np.flatnonzero(np.isin(y, classes))

    def cut_out(which, size):
        ink = ndimage.zoom(x[chosen[which], ..., 0], size / 8, **SMOOTH)
        return _without_blanks(np.clip(ink, 0.0, 1.0)), y[chosen[which]]

    return len(chosen), cut_out


def _drawn(classes, part):
    """The same of digits as a pen draws them."""
    drawings = functools.cache(
        lambda size: pen_digits(DRAWN, round(size / BOX), size, classes, PEN, part)
    )

    def cut_out(which, size):
        x, y = drawings(int(size))
        return _without_blanks(x[which, ..., 0]), y[which]

    return DRAWN, cut_out


def _without_blanks(large):
    rows, columns = (np.flatnonzero((large > 0.1).any(axis=axis)) for axis in (1, 0))
    return large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _place(x, y, owner, areas, ink, colour, label, void_width, rng):
    """Paints a digit where it covers less than half of every other one, if there is a place."""
    from scipy import ndimage

    square = np.ones((3, 3), bool)
    for _ in range(TRIES):
        top, left = (rng.integers(0, side - own + 1) for side, own in zip(y.shape, ink.shape))
        alpha = np.zeros(y.shape)
        alpha[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        inside = covered = alpha > 0.5
        if void_width:
            covered = ndimage.binary_dilation(inside, square, iterations=void_width)
        hidden = owner * ~covered
        left_over = np.bincount(hidden.ravel(), minlength=len(areas))
        if all(2 * n >= area for n, area in zip(left_over[1:], areas[1:])):
            x[:] = x * (1.0 - alpha[..., None]) + colour * alpha[..., None]
            y[covered], y[inside] = VOID, label
            owner[:] = np.where(inside, len(areas), hidden)
            areas.append(int(inside.sum()))
            return
