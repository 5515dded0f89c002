"""Digits as a pen draws them, of any side, without a file: `load("pen", 28)`.

A digit is a few strokes, each a cubic spline through control points. Every way of writing it (open
and closed 4, 7 with and without a bar, ...) is given by two or three forms that are mixed at
random, bent, slanted and drawn with a pen whose pressure changes along the stroke.

How like handwriting they are, by `python -m benchmarks pen_likeness` (2026-11-29, TensorFlow, means
and standard deviations of 3 seeds of the classifier, 20,000 images, 4 epochs, no augmentation): a
small convolutional network trained on them reads 88.19 ± 1.05 % of MNIST's test digits (trained on
MNIST: 98.16 ± 0.08 %), and one trained on MNIST 97.17 ± 0.12 % of the pen's (trained on the pen's:
99.52 ± 0.06 %).
"""

import functools

import numpy as np

from ..engine.checks import check_positive_int
from .pen_forms import WAYS

BOX = 20.0 / 28.0  # side of the digit's box, as a share of the picture's (MNIST)
STEP = 4.0  # length of a piece of polyline, where a digit is 100 high
MOST_POINTS = 16  # control points of one way of writing
GROUP = 512  # pictures drawn at a time, so that what is worked on stays in the cache
SOFT = 0.7  # width of the ink's soft edge in 28ths of the side


def pen_digits(
    num_images, image_size=28, seed=0, classes=range(10), thickness=(1.4, 4.7), part="train"
):
    """Digits as a pen draws them, anti-aliased at any side, in MNIST's frame.

    A digit fits a box of 20/28 of the side (a little smaller at random) and its centre of mass is
    the picture's. Every `len(classes)` pictures in a row hold each class once. Picture i of a seed
    is the same whatever `num_images`; at another `image_size` or `thickness` it is the same drawing
    at that size, with another pen. It does depend on `classes`.

    Source: this library (cubic splines through random control points).

    Args:
        num_images: int.
        image_size: int, side in pixels, at least 8. Defaults to `28`.
        seed: int, 0 or more. Defaults to `0`.
        classes: sequence of different digits 0 to 9. Defaults to all.
        thickness: `(low, high)`, least and greatest width of the pen in 28ths of the side; pressure
            changes it by up to 37 % along a stroke. Fine pens are commoner. Defaults to
            `(1.4, 4.7)`.
        part: "train" or "test", two streams of random numbers. Defaults to "train".

    Returns:
        `(images, labels)`: float32 in [0, 1], ink is 1, shape `(num_images, image_size, image_size,
        1)`, and int64 digits, shape `(num_images,)`.

    Raises:
        ValueError: when an argument is out of range.

    Example:
        >>> from keras_ae.data import pen_digits
        >>> images, labels = pen_digits(20, image_size=16)
        >>> images.shape, sorted(set(labels.tolist()))
        ((20, 16, 16, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    check_positive_int("num_images", num_images)
    check_positive_int("image_size", image_size)
    if image_size < 8:
        raise ValueError(f"image_size={image_size}: pass 8 pixels or more.")
    classes = check_digits(classes)
    low, high = thickness
    if not 0.5 <= low <= high <= 8.0:
        raise ValueError(f"thickness={thickness}: pass (low, high) with 0.5 <= low <= high <= 8.")
    if part not in ("train", "test"):
        raise ValueError(f'part={part!r}: pass "train" or "test".')
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed={seed!r}: pass a whole number, 0 or more.")
    # one row of numbers a picture, so that a picture does not depend on how many follow
    streams = [np.random.default_rng([seed, part == "test", stream]) for stream in range(3)]
    rounds = -(-num_images // len(classes))
    order = np.argsort(streams[0].random((rounds, len(classes))), axis=1).ravel()[:num_images]
    labels = np.asarray(classes, "int64")[order]
    uniform = streams[1].random((num_images, 24))
    normal = streams[2].standard_normal((num_images, 2 * MOST_POINTS + 12))
    images = np.zeros((num_images, image_size, image_size), "float32")
    for digit in classes:
        ends = np.cumsum([weight for weight, _ in WAYS[digit]])
        way = np.searchsorted(ends[:-1] / ends[-1], uniform[:, 0], side="right")
        for number in range(len(ends)):
            chosen = np.flatnonzero((labels == digit) & (way == number))
            for start in range(0, len(chosen), GROUP):
                group = chosen[start : start + GROUP]
                points, radii, pieces = _strokes(
                    digit, number, uniform[group], normal[group], low, high
                )
                scale = image_size / 28.0
                images[group] = _draw(points * scale, radii * scale, pieces, image_size)
    return images[..., None], labels


def check_digits(classes):
    """Digits to choose from, checked.

    Args:
        classes: sequence of different digits 0 to 9.

    Returns:
        tuple of int.

    Raises:
        ValueError: when it is empty or holds anything else.
    """
    digits = tuple(classes) if np.iterable(classes) else ()
    if not digits or len(set(digits)) < len(digits) or not set(digits) <= set(WAYS):
        raise ValueError(f"classes={classes}: pass different digits from 0 to 9, at least one.")
    return tuple(int(digit) for digit in digits)


@functools.cache
def _way(digit, number):
    """Forms, shape `(forms, points, 2)`; the matrix from points to polyline; its pieces.

    Pieces are the numbers of polyline points that a stretch of ink starts at.
    """
    from scipy.interpolate import CubicSpline

    forms = []
    for form in WAYS[digit][number][1]:
        words = [word for word in form.split() if word != "/"]
        forms.append([[float(c) for c in word.strip("!").split(",")] for word in words])
    forms = np.array(forms)
    # strokes of arcs between corners, each a list of numbers of points
    position, strokes, corners, arc = 0, [], [], []
    for word in [*WAYS[digit][number][1][0].split(), "/"]:
        if word == "/":
            strokes.append([*corners, arc])
            corners, arc = [], []
            continue
        arc.append(position)
        if word.endswith("!"):
            corners, arc = [*corners, arc], [position]
        position += 1
    mean = forms.mean(axis=0)
    rows, pieces = [], []
    for arcs in strokes:
        for number, arc in enumerate(arcs):
            lengths = np.linalg.norm(np.diff(mean[arc], axis=0), axis=1)
            knots = np.concatenate([[0.0], np.cumsum(lengths)])
            steps = max(2, round(knots[-1] / STEP))
            spline = CubicSpline(knots, np.eye(position)[arc], bc_type="natural")
            new = spline(np.linspace(0.0, knots[-1], steps + 1))
            start = sum(map(len, rows))
            if number:  # the corner is there already
                new, start = new[1:], start - 1
            pieces.extend(range(start, start + steps))
            rows.append(new)
    return forms, np.concatenate(rows), np.array(pieces)


def _strokes(digit, number, uniform, normal, low, high):
    """Polylines in 28ths of the side, `(images, points, 2)`; the pen's radii; where ink starts."""
    forms, matrix, pieces = _way(digit, number)
    uniform, normal = uniform.T[..., None], normal.T[..., None]
    # a random mixture of the forms, also a little beyond them
    shares = -np.log1p(-uniform[1 : 1 + len(forms)])
    shares = 1.4 * shares / shares.sum(axis=0) - 0.4 / len(forms)
    control = np.einsum("fn,fpc->npc", shares[..., 0], forms) - 50.0
    jitter = normal[: 2 * MOST_POINTS, :, 0].reshape(2, MOST_POINTS, -1).T
    control = control + 2.4 * jitter[:, : control.shape[1]]
    x, y = np.moveaxis(matrix @ control, -1, 0) / 50.0  # -1 to 1
    z = normal[2 * MOST_POINTS :]
    # bends: of the axis, of the lines, of how wide the top is, of where the waist is
    bent = x * (1.0 + 0.15 * z[0] * y) + 0.07 * z[1] * (y**2 - 0.4)
    y = y + 0.06 * z[2] * (x**2 - 0.2) + 0.1 * z[3] * (1.0 - y**2) + 0.04 * z[4] * x
    x = bent * np.exp(0.18 * z[5])
    x = x - (0.12 + 0.26 * z[6]) * y
    angle = 0.07 * z[7]
    x, y = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
    # a slow wave of pressure along the stroke, and a tremble that keeps no beat
    along = np.linspace(0.0, 1.0, matrix.shape[0])
    wave = lambda cycles, phase: np.sin(2.0 * np.pi * (cycles * along + phase))
    slow = wave(0.5 + uniform[12], uniform[13])
    fast = [
        wave(5.0 + 8.0 * uniform[n], uniform[n + 1] + 0.8 * wave(1.5 + uniform[n + 1], uniform[n]))
        for n in (8, 10, 14)
    ]
    tremor = 0.025 * uniform[16] ** 2
    x, y = x + tremor * fast[0], y + tremor * fast[1]
    # fine pens are commoner than broad ones (Kumaraswamy's distribution)
    width = low + (high - low) * (1.0 - (1.0 - uniform[7]) ** (1 / 4.5)) ** (1 / 1.7)
    radii = 0.5 * width * (1.0 + 0.3 * uniform[17] * slow + 0.07 * uniform[18] * fast[2])
    size = (28.0 * BOX) * (0.9 + 0.1 * uniform[19])
    extent = np.maximum(np.ptp(x, axis=1), np.ptp(y, axis=1))[:, None]
    scale = (size - width) / extent
    points = np.stack([x, y], axis=-1) * scale[..., None]
    # the centre of mass goes to the middle
    start, end = points[:, pieces], points[:, pieces + 1]
    mass = np.linalg.norm(end - start, axis=-1) * (radii[:, pieces] + radii[:, pieces + 1])
    centre = ((start + end) * (0.5 * mass / mass.sum(axis=1, keepdims=True))[..., None]).sum(axis=1)
    return points - centre[:, None] + 14.0, radii, pieces


def _draw(points, radii, pieces, side):
    """Coverage of pixels by round strokes, `(images, side, side)`; all lengths in pixels."""
    points, radii = points.astype("float32"), radii.astype("float32")
    ramp = np.float32(np.hypot(1.0, SOFT * side / 28.0))  # a pixel's own width, and the ink's edge
    canvas = np.zeros((len(points), side * side), "float32")
    flat = canvas.reshape(-1)
    base = (np.arange(len(points)) * side * side)[:, None, None]
    for first in pieces:
        a, b = points[:, first], points[:, first + 1]
        radius = np.maximum(radii[:, first], radii[:, first + 1])
        least = np.minimum(a, b) - (radius + 0.5 * ramp)[:, None]
        most = np.maximum(a, b) + (radius + 0.5 * ramp)[:, None]
        corner = np.floor(least)
        window = min(side, int(np.ceil((most - corner).max())))
        corner = np.clip(corner, 0, side - window).astype(int)
        places = corner[:, None] + np.arange(window)[:, None]  # (images, window, 2)
        index = base + places[:, :, None, 1] * side + places[:, None, :, 0]
        offset = (places + np.float32(0.5)).astype("float32") - a[:, None]
        px, py = offset[:, None, :, 0], offset[:, :, None, 1]
        dx, dy = (b - a)[:, None, None].transpose(3, 0, 1, 2)
        length = np.maximum(dx * dx + dy * dy, np.float32(1e-12))
        share = np.clip(px * (dx / length) + py * (dy / length), 0.0, 1.0)
        distance = np.sqrt((px - share * dx) ** 2 + (py - share * dy) ** 2)
        r = radii[:, first, None, None] * (1 - share) + radii[:, first + 1, None, None] * share
        # a line thinner than a pixel covers a part of it
        cover = np.minimum(2.0 * r, r + 0.5 * ramp - distance) / ramp
        flat[index] = np.maximum(flat[index], np.minimum(cover, np.float32(1.0)))
    return canvas.reshape(-1, side, side)
