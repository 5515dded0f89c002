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

BOX = 20.0 / 28.0  # side of the digit's box, as a share of the picture's (MNIST)
STEP = 4.0  # length of a piece of polyline, where a digit is 100 high
MOST_POINTS = 16  # control points of one way of writing
GROUP = 512  # pictures drawn at a time, so that what is worked on stays in the cache
SOFT = 0.7  # width of the ink's soft edge in 28ths of the side

# For every digit its ways of writing: (weight, forms). A form is control points "x,y" in percent,
# y downwards; "!" is a corner, "/" lifts the pen. The forms of one way have the same structure.
WAYS = {
    0: (
        (
            0.5,
            (
                "54,4 28,12 12,40 14,70 32,96 56,95 78,74 84,42 74,14 52,3 36,8",
                "50,3 36,12 26,38 26,68 38,96 52,97 66,76 70,44 64,14 50,2 40,8",
                "60,8 30,8 6,34 8,68 36,94 64,92 90,70 94,36 76,12 54,6 40,10",
            ),
        ),
        (
            0.3,
            (
                "66,10 38,4 14,32 12,66 32,96 60,92 82,64 84,30 70,10 58,6",
                "46,2 28,18 18,46 20,76 40,98 62,88 78,56 76,26 62,8 54,4",
                "74,4 34,8 8,38 12,74 40,98 70,88 90,56 88,28 74,14 64,14",
            ),
        ),
        (
            0.2,
            (
                "28,16 14,42 16,74 38,98 64,90 82,60 78,26 56,4 38,8",
                "36,6 24,36 22,70 40,97 58,88 70,58 68,24 54,4 46,4",
            ),
        ),
    ),
    1: (
        (0.68, ("50,0 50,33 50,66 50,100", "66,0 55,33 45,66 37,100", "55,0 49,33 48,66 51,100")),
        (
            0.22,
            ("26,24 42,14 54,0! 53,33 53,66 52,100", "36,16 46,9 54,0! 54,33 53,66 53,100"),
        ),
        (
            0.1,
            (
                "24,24 42,12 52,0! 52,33 51,66 51,98 / 22,98 50,98 82,97",
                "34,16 44,8 52,0! 52,33 52,66 51,99 / 32,100 50,99 72,98",
            ),
        ),
    ),
    2: (
        (
            0.45,
            (
                "14,24 28,7 54,2 76,18 70,44 44,70 12,96! 36,94 62,95 92,94",
                "16,14 36,2 62,5 74,24 64,48 40,72 16,94! 38,95 60,93 84,96",
                "8,30 24,8 56,2 84,22 76,48 46,74 6,92! 36,90 66,92 96,98",
                "26,36 14,18 44,2 74,20 68,46 42,72 10,92! 34,90 62,90 92,84",
            ),
        ),
        (
            0.4,
            (
                "16,22 34,4 62,4 76,24 64,52 38,82 16,92 8,80 24,72 46,84 68,96 96,88",
                "12,16 36,2 64,8 72,30 58,56 36,84 20,94 14,84 28,76 48,84 70,92 92,92",
                "24,34 14,14 48,3 76,26 62,56 36,84 14,92 6,80 22,72 46,86 68,98 92,100",
                "20,20 40,4 60,6 70,26 56,50 34,78 14,86 4,74 20,66 44,76 72,86 100,76",
            ),
        ),
        (
            0.15,
            (
                "18,18 40,3 66,10 68,32 50,56 26,80 14,94 34,92 58,90 90,96",
                "10,26 30,6 60,4 74,26 60,54 36,78 18,94 36,96 60,94 92,90",
            ),
        ),
        (
            0.2,
            (
                "36,40 20,36 16,18 40,2 68,10 72,36 54,62 30,86 10,92 8,78 26,72 48,84 70,96 94,94",
                "28,48 8,36 14,14 44,2 76,12 80,40 62,66 38,86 18,92 14,80 30,74 50,82 72,92 96,86",
                "32,26 22,26 22,12 42,2 64,12 62,38 46,64 26,86 6,94 2,82 20,74 44,84 68,98 92,100",
            ),
        ),
        (
            0.12,
            (
                "14,12 40,6 62,5 80,8! 58,38 36,66 10,94! 36,95 62,95 90,92",
                "18,8 36,10 56,10 74,6! 58,36 40,66 18,95! 40,92 62,92 88,94",
            ),
        ),
    ),
    3: (
        (
            0.45,
            (
                "16,14 38,2 66,8 72,26 56,42 38,47! 64,50 82,68 72,90 44,99 12,90",
                "18,10 42,2 64,10 66,28 52,42 34,46! 60,50 74,66 68,88 44,98 16,94",
                "10,20 34,2 68,4 76,22 60,40 44,46! 60,48 74,60 74,82 50,98 20,98",
                "24,20 40,2 66,6 74,30 54,50 36,56! 62,56 74,68 66,88 42,98 10,84",
            ),
        ),
        (
            0.3,
            (
                "14,12 38,2 66,8 70,28 54,44 40,48 54,50 76,60 80,80 56,98 12,92",
                "20,8 44,2 68,12 66,32 50,44 36,44 48,50 70,62 70,84 46,99 10,88",
            ),
        ),
        (
            0.2,
            (
                "14,6 46,4 82,3! 64,22 44,40! 70,46 86,64 76,88 46,99 12,90",
                "20,4 46,5 74,4! 60,20 42,38! 66,44 78,64 68,88 42,98 16,94",
            ),
        ),
        (
            0.4,
            (
                "14,24 24,6 52,3 70,20 52,42 26,52! 58,50 84,64 80,86 52,98 20,94 8,82",
                "22,14 38,2 60,6 68,24 56,38 42,44! 58,48 72,62 72,84 52,98 26,96 10,84",
                "20,28 28,8 56,2 74,16 66,36 42,46! 66,50 84,66 74,90 46,99 20,92 10,74",
                "10,30 22,6 54,2 80,14 72,38 50,48! 66,52 76,66 68,88 44,98 22,94 10,80",
            ),
        ),
    ),
    4: (
        (
            0.35,
            (
                "24,4 20,28 14,54! 38,56 62,54 88,50 / 74,4 72,36 70,68 68,100",
                "16,8 14,32 12,52! 36,52 60,50 84,48 / 70,6 68,38 64,70 62,100",
                "34,0 24,26 10,56! 38,58 64,58 96,56 / 72,16 70,42 68,70 66,100",
                "14,14 12,36 10,58! 34,60 58,58 86,56 / 84,0 76,32 68,66 60,100",
            ),
        ),
        (
            0.25,
            (
                "20,6 14,26 18,46 38,54 60,50 82,42 / 78,4 75,36 72,68 70,100",
                "28,4 16,28 16,50 36,58 60,52 90,46 / 72,8 70,38 67,68 64,100",
                "12,10 8,34 16,56 38,60 58,50 78,38 / 86,0 78,34 68,68 58,100",
            ),
        ),
        (
            0.2,
            (
                "68,2 40,32 8,64! 36,64 64,63 94,62 / 68,2 67,36 66,68 65,100",
                "62,4 40,30 14,56! 38,57 62,56 86,54 / 62,4 62,36 60,68 60,100",
            ),
        ),
        (
            0.2,
            (
                "20,6 14,30 20,50 44,52 66,40 78,6! 75,36 71,68 68,100",
                "26,8 16,32 22,54 48,50 68,36 80,8! 74,38 67,70 60,100",
            ),
        ),
    ),
    5: (
        (
            0.45,
            (
                "84,5 56,5 30,6! 26,24 22,42! 48,36 72,48 76,72 54,95 12,92",
                "92,2 60,5 34,10! 28,26 24,44! 50,42 68,54 68,76 46,96 14,90",
                "76,4 52,4 26,4! 24,24 22,46! 46,32 74,40 80,70 50,98 6,84",
                "98,4 70,4 40,4! 32,22 26,40! 44,44 58,56 56,80 36,98 8,96",
            ),
        ),
        (
            0.3,
            (
                "30,10 26,26 24,42! 50,38 74,52 74,76 50,97 12,92 / 32,9 58,7 92,3",
                "26,14 24,30 22,46! 48,42 68,56 68,78 44,97 16,92 / 36,8 62,4 88,2",
            ),
        ),
        (
            0.25,
            (
                "86,4 56,6 34,14 28,34 48,46 70,60 70,82 44,98 14,92",
                "90,8 62,4 40,14 36,34 52,48 68,64 62,86 38,97 10,90",
            ),
        ),
    ),
    6: (
        (
            0.45,
            (
                "66,2 42,20 24,46 18,74 32,96 58,95 74,76 62,58 40,60 22,76",
                "58,0 38,22 24,48 22,76 36,97 56,94 66,78 56,64 38,68 24,82",
                "72,8 44,16 20,44 14,74 32,98 62,94 82,72 68,52 40,56 18,74",
                "56,0 40,24 28,50 22,78 36,98 56,98 68,84 60,70 42,70 26,82",
                "34,4 14,30 8,62 20,92 52,98 80,84 86,60 66,48 40,58 28,82",
                "60,2 32,12 12,42 10,72 30,98 64,94 84,70 70,46 42,48 22,68",
                "56,2 30,14 10,44 12,78 36,98 68,92 84,68 72,42 44,42 22,62",
            ),
        ),
        (
            0.35,
            (
                "48,0 32,24 20,50 20,78 38,98 64,92 76,72 62,54 40,62 28,82",
                "40,0 28,24 20,52 24,82 44,98 64,92 70,72 54,60 38,70 32,88",
                "26,4 12,32 10,64 26,94 56,94 78,72 78,50 60,44 42,60 42,84",
            ),
        ),
        (
            0.2,
            (
                "62,2 38,20 20,46 16,74 32,97 60,94 76,74 64,58 46,60",
                "50,0 34,22 22,48 20,76 36,98 62,92 72,72 56,60 42,68",
            ),
        ),
    ),
    7: (
        (
            0.45,
            (
                "10,12 36,8 62,7 86,5! 72,32 58,64 48,100",
                "16,8 38,9 60,8 80,6! 70,34 62,66 58,100",
                "6,16 34,12 60,8 90,2! 68,30 48,62 34,98",
            ),
        ),
        (
            0.2,
            (
                "10,16 34,6 62,4 82,12 74,38 60,68 50,100",
                "14,10 36,6 60,6 76,14 70,40 60,70 54,100",
            ),
        ),
        (
            0.2,
            (
                "12,26 14,10! 38,9 62,7 86,6! 72,32 58,64 50,100",
                "16,20 18,10! 40,10 62,9 82,8! 72,36 62,66 56,100",
                "10,38 16,12! 38,10 60,8 80,4! 74,34 66,64 60,100",
            ),
        ),
        (
            0.2,
            (
                "12,10 38,8 62,7 86,5! 72,32 58,64 46,100 / 36,52 60,50 86,47",
                "10,14 36,10 60,9 84,8! 70,36 58,66 50,100 / 40,50 60,51 82,52",
            ),
        ),
    ),
    8: (
        (
            0.45,
            (
                "72,16 50,2 28,12 30,32 52,48 72,66 70,90 46,99 26,88 30,66 52,47 70,28 70,10",
                "68,20 54,3 36,8 32,28 48,46 64,64 64,88 46,98 30,88 34,66 50,48 64,30 66,14",
                "82,10 56,3 28,14 32,36 56,50 74,68 66,92 40,98 20,86 28,64 54,46 74,26 74,8",
                "74,14 50,2 22,14 24,38 50,54 64,72 60,92 46,99 34,90 38,72 54,52 76,34 78,14",
                "70,14 54,4 38,12 36,28 50,40 76,58 80,84 50,99 20,88 22,62 50,42 66,26 68,12",
            ),
        ),
        (
            0.3,
            (
                "48,47 28,32 32,10 54,2 72,14 70,34 50,48 28,64 24,86 48,99 74,88 74,64 50,46",
                "46,46 34,30 38,8 54,2 66,14 62,34 46,48 30,66 30,88 48,98 66,88 66,66 48,47",
            ),
        ),
        (
            0.4,
            (
                "80,14 56,3 32,10 32,30 52,46 70,66 64,90 42,98 26,86 32,66 54,46 86,20",
                "74,10 56,4 40,12 40,30 54,46 66,66 58,90 40,97 28,84 36,66 56,44 78,16",
                "66,6 42,4 22,16 28,34 52,48 68,66 60,90 40,98 26,84 36,64 60,42 90,8",
                "92,4 66,3 38,14 36,34 54,48 64,68 52,92 32,98 20,86 32,64 56,44 94,12",
            ),
        ),
    ),
    9: (
        (
            0.4,
            (
                "74,14 52,3 28,12 18,34 34,48 58,42 76,16! 74,44 71,72 68,100",
                "66,12 50,4 32,14 26,34 38,46 54,40 68,14! 66,44 62,72 58,100",
                "80,18 54,2 24,14 16,38 36,52 62,46 80,16! 74,46 66,74 58,100",
                "70,10 44,5 14,20 8,40 28,52 56,40 76,10! 70,42 60,72 50,100",
                "72,16 52,2 24,10 12,34 26,58 56,52 74,20! 74,48 73,74 72,100",
                "86,4 50,6 14,24 18,42 44,42 70,26 86,4! 74,36 60,68 44,100",
            ),
        ),
        (
            0.3,
            (
                "70,20 54,3 28,10 20,34 40,46 62,34 72,12 74,42 66,72 52,100",
                "64,18 48,4 28,14 24,34 40,44 58,32 68,14 68,44 60,74 44,100",
                "74,24 54,6 24,12 10,36 30,52 60,40 84,8 72,40 54,72 38,100",
                "74,24 58,2 28,6 16,32 34,54 60,46 76,22 76,48 72,74 66,100",
            ),
        ),
        (
            0.3,
            (
                "74,20 56,3 30,8 20,32 38,48 62,38 76,16 80,46 74,78 50,98 18,90",
                "66,16 48,3 28,14 24,36 42,46 60,36 70,16 74,48 66,80 44,98 16,92",
            ),
        ),
        (
            0.15,
            (
                "66,4 40,6 20,22 24,42 48,46 68,30 78,10! 76,42 70,72 64,100",
                "58,0 36,10 22,28 30,44 50,42 66,26 74,6! 72,40 62,72 50,100",
            ),
        ),
    ),
}


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
