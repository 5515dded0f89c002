"""Folders of images: whole in memory, or read batch by batch when they do not fit."""

import os
import pathlib

import keras
import numpy as np

from ..engine.batches import Batches

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


class ImageFolder(Batches):
    """Batches of images read from a folder as they are needed, for sets that do not fit in memory.

    Their order is that of `Batches`, a function of seed and epoch. Sub-folders are not read as
    labels: this feeds models that reconstruct.

    Args:
        folder: path, searched through all sub-folders.
        image_size: int or `(height, width)`, what every image is resized to (bilinear).
        grayscale: bool, one channel instead of three. Defaults to `False`.
        **kwargs: `batch_size`, `shuffle`, `seed` and `augment`, as in `Batches`.

    Raises:
        ValueError: when the folder does not exist or holds no images.
    """

    def __init__(self, folder, image_size, grayscale=False, **kwargs):
        self.files = _files(folder)
        self.image_size, self.grayscale = image_size, grayscale
        super().__init__(np.arange(len(self.files)), **kwargs)

    def read(self, chosen):
        images = [_read(self.files[i], self.image_size, self.grayscale) for i in chosen]
        return (np.stack(images),)

    def for_backend(self):
        return self


def read(folder, image_size=None):
    """Reads a folder of images into memory.

    Source: `keras.utils.load_img`.

    Args:
        folder: path; `train/` and `test/` inside it are the split, otherwise one tenth is held
            out. Sub-folders of those are classes, in alphabetical order.
        image_size: int or `(height, width)`, or `None` where all images have the same size.

    Returns:
        `(x_train, x_test, y_train, y_test)`; labels are `None` where there are no sub-folders.

    Raises:
        ValueError: when there are no images, one cannot be read, or sizes differ.
    """
    folder = pathlib.Path(folder)
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        (x_train, y_train), (x_test, y_test) = (
            _read_all(folder / part, image_size) for part in ("train", "test")
        )
    else:
        x, y = _read_all(folder, image_size)
        order = np.random.default_rng(0).permutation(len(x))
        test, train = np.split(order, [max(1, len(x) // 10)])
        x_train, x_test = x[train], x[test]
        y_train, y_test = (None, None) if y is None else (y[train], y[test])
    if y_train is None or y_test is None:
        return x_train, x_test, None, None
    names, y_train = np.unique(y_train, return_inverse=True)
    unknown = sorted(set(y_test) - set(names))
    if unknown:
        raise ValueError(f"{folder} has test images of {unknown}, but no training images of them.")
    return x_train, x_test, y_train, np.searchsorted(names, y_test)


def _read_all(folder, image_size):
    files = _files(folder)
    images = [_read(file, image_size) for file in files]
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise ValueError(
            f"{folder} holds images of {len(shapes)} different shapes, {sorted(shapes)[:3]} ...: "
            "pass image_size."
        )
    if any(file.parent == folder for file in files):
        return np.stack(images), None
    return np.stack(images), np.array([file.relative_to(folder).parts[0] for file in files])


def _files(folder):
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: pass one that holds images.")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"{folder} holds no images ({', '.join(SUFFIXES)}).")
    return files


def _read(file, image_size, grayscale=False):
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    try:
        image = keras.utils.load_img(
            os.fspath(file),
            color_mode="grayscale" if grayscale else "rgb",
            target_size=size,
            interpolation="bilinear",
        )
    except OSError as error:
        raise ValueError(f"{file} cannot be read as an image ({error}): remove it.") from error
    return keras.utils.img_to_array(image, data_format="channels_last", dtype="float32") / 255.0
