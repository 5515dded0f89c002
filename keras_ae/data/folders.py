"""Folders of images: whole in memory, or read batch by batch when they do not fit."""

import os
import pathlib

import keras
import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


class ImageFolder(keras.utils.PyDataset):
    """Batches of images read from a folder as they are needed, in an order of seed and epoch.

    Sub-folders are not read as labels: this feeds models that reconstruct. `fit` of a keras_ae
    model advances the order; elsewhere `on_epoch_end` does.

    Args:
        folder: path, searched through all sub-folders.
        image_size: int or `(height, width)`, what every image is resized to (bilinear).
        batch_size: int. Defaults to `32`.
        grayscale: bool, one channel instead of three. Defaults to `False`.
        shuffle: bool. Defaults to `True`.
        seed: int. Defaults to `0`.

    Raises:
        ValueError: when the folder does not exist or holds no images.
    """

    def __init__(
        self,
        folder,
        image_size,
        batch_size=32,
        grayscale=False,
        shuffle=True,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.files = _files(folder)
        self.image_size, self.batch_size, self.grayscale = image_size, batch_size, grayscale
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0

    @property
    def num_batches(self):
        return -(-len(self.files) // self.batch_size)

    def __getitem__(self, index):
        order = np.arange(len(self.files))
        if self.shuffle:
            np.random.default_rng([self.seed, self.epoch]).shuffle(order)
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        images = [_read(self.files[i], self.image_size, self.grayscale) for i in chosen]
        return (np.stack(images),)

    def on_epoch_end(self):
        self.epoch += 1


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
        return x_train, x_test, y_train, y_test
    x, y = _read_all(folder, image_size)
    order = np.random.default_rng(0).permutation(len(x))
    held = max(1, len(x) // 10)
    test, train = order[:held], order[held:]
    if not len(train):
        raise ValueError(f"{folder} holds a single image: give at least two.")
    return x[train], x[test], None if y is None else y[train], None if y is None else y[test]


def _read_all(folder, image_size):
    files = _files(folder)
    images = [_read(file, image_size) for file in files]
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise ValueError(
            f"{folder} holds images of {len(shapes)} different shapes, {sorted(shapes)[:3]} ...: "
            "pass image_size."
        )
    labels = [file.relative_to(folder).parts[0] for file in files]
    if any(len(file.relative_to(folder).parts) == 1 for file in files):
        return np.stack(images), None
    return np.stack(images), np.unique(labels, return_inverse=True)[1]


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
