"""Folders of images and of their label maps, read batch by batch and checked before training."""

import concurrent.futures
import os

import keras
import numpy as np

from ..engine.batches import Batches
from ..engine.checks import check_positive_int
from .pair_files import first_few, image_size_of, label_numbers, paired_files, unreadable
from .warp import Compose


class PairedFolder(Batches):
    """Batches `(x, y)` of images and label maps, from two folders with files of equal names.

    An image `0001.jpg` belongs to the label map `0001.png`; sub-folders are searched too, and are
    part of the name. All files are read once when the object is made, so that a fault shows before
    training. In training they are read batch by batch, in the order of `Batches`, which is a
    function of seed and epoch. Labels are the numbers in the files: never colours, never averaged.

    Source: Badrinarayanan et al. 2015, arXiv:1511.00561 (the form of its CamVid files and lists).

    Args:
        images: path of a folder with images.
        labels: path of a folder with label maps, one class number per pixel (grey, or a palette).
        void: int, number of the pixels that do not count, or `None`. Defaults to `None`.
        num_classes: int, or `None` to count the classes that the files hold. Defaults to `None`.
        split: path of a text file with one name, or one image and its label map, a line: only these
            are used. Of a path only the name counts. `None` uses all. Defaults to `None`.
        image_size: int or `(height, width)`, what every pair is resized to (images bilinear, labels
            nearest), or `None` to leave them as they are. Defaults to `None`.
        grayscale: bool, one channel instead of three. Defaults to `False`.
        label_values: dict, number in the file to class number (or `void`), such as
            `{0: 1, 255: 0}`, or `None` where they are the same. Defaults to `None`.
        weight_map: callable of one label map `(height, width)` that returns weights of its pixels,
            float32 of the same shape; batches are `(x, y, weights)` then. Defaults to `None`.
        cache: bool, whether pixels and weights stay in memory once they are read. Defaults to
            `False`.
        augment: as in `Batches`, or a tuple of such callables, one after the other; where sizes
            differ it is given lists. Defaults to `None`.
        **kwargs: `batch_size`, `shuffle` and `seed`, as in `Batches`.

    Raises:
        ValueError: when a folder is missing or empty, files do not pair up, one cannot be read,
            sizes or label numbers do not fit, or images of different sizes make no batch.
    """

    def __init__(
        self,
        images,
        labels,
        void=None,
        num_classes=None,
        split=None,
        image_size=None,
        grayscale=False,
        label_values=None,
        weight_map=None,
        cache=False,
        *,
        augment=None,
        **kwargs,
    ):
        if num_classes is not None:
            check_positive_int("num_classes", num_classes)
        if image_size is not None:
            image_size = (image_size,) * 2 if np.ndim(image_size) == 0 else tuple(image_size)
            for side in image_size:
                check_positive_int("image_size", side)
        self.files = paired_files(images, labels, split)
        self.void, self.num_classes = void, num_classes
        self.image_size, self.grayscale, self.label_values = image_size, grayscale, label_values
        self.weight_map, self.cache, self._kept = weight_map, cache, {}
        if isinstance(augment, (tuple, list)):
            augment = Compose(*augment)
        super().__init__(np.arange(len(self.files)), augment=augment, **kwargs)
        self._check_files()
        self._check_sizes()

    def image(self, index):
        """The image of one pair, float32 in [0, 1], shape `(height, width, channels)`."""
        pixels = self._once(("image", index), lambda: self._read_image(self.files[index][0]))
        return pixels.astype("float32") / np.float32(np.iinfo(pixels.dtype).max)

    def label(self, index):
        """The label map of one pair, int32 class numbers, shape `(height, width)`."""
        return self._once(("label", index), lambda: self._read_classes(index)).astype("int32")

    def weights(self, index):
        """The weights of the pixels of one pair, float32, shape `(height, width)`.

        Raises:
            ValueError: when there is no `weight_map`, or it returns another shape.
        """
        if self.weight_map is None:
            raise ValueError("There are no weights: pass weight_map=.")

        def compute():
            label = self.label(index)
            weights = np.asarray(self.weight_map(label), "float32")
            if weights.shape != label.shape:
                raise ValueError(
                    f"weight_map returned shape {weights.shape} for labels of shape {label.shape}: "
                    "return one weight per pixel."
                )
            return weights

        return self._once(("weights", index), compute)

    def load_all(self):
        """All pairs as arrays, in the order of `files`, not augmented.

        Returns:
            `(x, y)` or `(x, y, weights)`, shapes `(images, height, width, channels)`, float32, and
            twice `(images, height, width)`, int32 and float32.

        Raises:
            ValueError: when sizes differ.
        """
        if len(set(self.sizes)) > 1:
            raise ValueError(f"{self._about_sizes()}: pass image_size=.")
        return self.read(range(len(self.files)))

    def read(self, chosen):
        readers = [self.image, self.label] + ([self.weights] if self.weight_map else [])
        columns = ([reader(i) for i in chosen] for reader in readers)
        return tuple(
            np.stack(column) if len({each.shape for each in column}) == 1 else column
            for column in columns
        )

    def __getitem__(self, index):
        return self._stacked(super().__getitem__(index))

    def for_backend(self):
        return self

    def _check_files(self):
        """Reads every file once, in threads (decoding leaves Python's lock)."""
        with concurrent.futures.ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            found = list(pool.map(self._check_pair, range(len(self.files))))
        self.sizes = [size for size, _ in found]
        present = sorted(set().union(*(values for _, values in found)) - {self.void})
        if self.num_classes is None:
            self.num_classes = len(present)
            if present != list(range(len(present))):
                raise ValueError(
                    f"the label maps hold {first_few(present)}, which are not 0 to "
                    f"{len(present) - 1}: pass num_classes=, void= for pixels that do not count, "
                    "or label_values={number in the file: class number}."
                )

    def _check_pair(self, index):
        """Size and class numbers of one pair."""
        image, label = self.files[index]
        height, width = image_size_of(image, self.grayscale)
        if self.cache:
            self._once(("image", index), lambda: self._read_image(image))
        classes = self._once(("label", index), lambda: self._read_classes(index))
        if not self.image_size and classes.shape != (height, width):
            raise ValueError(
                f"{image} has {height} x {width} pixels and its label map {label} "
                f"{classes.shape[0]} x {classes.shape[1]}: pass pairs of equal size."
            )
        present = set(np.unique(classes).tolist()) - {self.void}
        most = np.inf if self.num_classes is None else self.num_classes - 1
        wrong = sorted(c for c in present if not 0 <= c <= most)
        if wrong:
            raise ValueError(
                f"{label} has the labels {first_few(wrong)}, outside 0 to {most}: pass void= for "
                "pixels that do not count, or label_values={number in the file: class number}."
            )
        return self.image_size or (height, width), present

    def _check_sizes(self):
        """Images of different sizes need an augmentation that crops: tried with two of them."""
        if len(set(self.sizes)) == 1:
            return
        by_area = sorted(range(len(self.sizes)), key=lambda i: self.sizes[i])
        batch = self.read([by_area[0], by_area[-1]])
        if self.augment is not None:
            batch = self.augment(batch, np.random.default_rng(0))
        self._stacked(batch)

    def _stacked(self, batch):
        for part in batch:
            if len({each.shape for each in part}) > 1:
                raise ValueError(
                    f"{self._about_sizes()}, which make no batch: pass image_size=, or an augment= "
                    "that ends in one size, such as RandomCrop."
                )
        return tuple(np.stack(part) if isinstance(part, list) else part for part in batch)

    def _about_sizes(self):
        return f"the images have {len(set(self.sizes))} sizes, {first_few(sorted(set(self.sizes)))}"

    def _once(self, key, compute):
        if not self.cache:
            return compute()
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def _read_image(self, file):
        """Pixels as they are in the file, uint8 or uint16, shape `(height, width, channels)`."""
        try:
            image = keras.utils.load_img(
                os.fspath(file),
                color_mode="grayscale" if self.grayscale else "rgb",
                target_size=self.image_size,
                interpolation="bilinear",
            )
        except OSError as error:
            raise unreadable(file, error) from error
        pixels = np.asarray(image)
        pixels = pixels.astype("uint8" if image.mode in ("L", "RGB") else "uint16")
        return pixels if pixels.ndim == 3 else pixels[..., None]

    def _read_classes(self, index):
        """Class numbers, shape `(height, width)`, of the smallest type that holds them."""
        numbers = label_numbers(self.files[index][1], self.image_size)
        if self.label_values is None:
            return numbers
        classes = numbers.astype("int32")
        known = np.isin(numbers, [*self.label_values, *([] if self.void is None else [self.void])])
        if not known.all():
            unknown = first_few(np.unique(numbers[~known]))
            raise ValueError(
                f"{self.files[index][1]} has the values {unknown}, which "
                f"label_values={self.label_values} does not name: add them."
            )
        for value, number in self.label_values.items():
            classes[numbers == value] = number
        return classes
