"""Images with label maps in memory, for recipes: scattered digits, or a folder."""

import pathlib
import typing

import numpy as np

from .paired import PairedFolder
from .segmentation import scattered_digits


class Pairs(typing.NamedTuple):
    """Images with label maps, for training and for testing, as `load_pairs` returns them."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple
    void: int | None

    def commonest_class(self):
        """Label maps for testing that say the commonest class of the training set everywhere.

        Source: definition.

        Returns:
            int array, shape of `y_test`.
        """
        counts = np.bincount(self.y_train.ravel(), minlength=len(self.class_names))
        return np.full_like(self.y_test, np.argmax(counts[: len(self.class_names)]))


PEN_CLASSES = (0, 1, 4)  # that "scattered_pen" scatters
CAMVID = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
)


def load_pairs(data, num_images, image_size, seed=0, digit_size=None):
    """Images with label maps in memory: scattered digits, or a folder in the form of CamVid.

    Source: `scattered_digits`; Badrinarayanan et al. 2015, arXiv:1511.00561 (its CamVid files).

    Args:
        data: "scattered_digits" (real digits, ten classes), "scattered_pen" (digits as a pen draws
            them, three classes), or path of a folder with `train/`, `trainannot/`, `test/` and
            `testannot/`, whose label maps have CamVid's 11 classes and 11 for void.
        num_images: int, scattered digits to train on (a fifth of it, 60 at least, to test); of a
            folder all are used.
        image_size: int or `(height, width)`, of all images; scattered digits are square, with the
            smaller one.
        seed: int, of the training images. Defaults to `0`.
        digit_size: `(low, high)`, least and greatest height of scattered digits in pixels, or
            `None` for 12 to 28, and an eighth to a quarter of sides from 128 on. Defaults to
            `None`.

    Returns:
        `Pairs`, arrays of shape `(images, height, width, channels)` and `(images, height, width)`.

    Raises:
        ValueError: when the folder is none of that form.
    """
    if data in ("scattered_digits", "scattered_pen"):
        side = int(np.min(image_size))
        scene = {"num_digits": (3, 6), "digit_size": (12, 28)}
        if side >= 128:
            scene = {"num_digits": (6, 12), "digit_size": (side // 8, side // 4)}
        if digit_size is not None:
            scene["digit_size"] = digit_size
        classes = range(10)
        if data == "scattered_pen":
            classes = PEN_CLASSES
            scene |= {"source": "pen", "classes": classes}
        train = scattered_digits(num_images, side, seed=seed, **scene)
        test = scattered_digits(max(60, num_images // 5), side, part="test", **scene)
        names = ("background", *(f"digit {digit}" for digit in classes))
        return Pairs(*train, *test, names, None)
    folder = pathlib.Path(data)
    parts = [
        PairedFolder(
            folder / part,
            folder / f"{part}annot",
            void=len(CAMVID),
            num_classes=len(CAMVID),
            image_size=image_size,
        ).load_all()
        for part in ("train", "test")
    ]
    return Pairs(*parts[0], *parts[1], CAMVID, len(CAMVID))
