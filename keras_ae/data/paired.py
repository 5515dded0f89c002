"""Folders of images and of their label maps, read batch by batch and checked before training."""

import concurrent.futures
import os
import pathlib
import typing

import keras
import numpy as np
from PIL import Image

from ..engine.batches import Batches
from ..engine.checks import check_positive_int
from .folders import SUFFIXES
from .segmentation import scattered_digits
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
        self.files = _pairs(images, labels, split)
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
                    f"the label maps hold {_some(present)}, which are not 0 to "
                    f"{len(present) - 1}: pass num_classes=, void= for pixels that do not count, "
                    "or label_values={number in the file: class number}."
                )

    def _check_pair(self, index):
        """Size and class numbers of one pair."""
        image, label = self.files[index]
        height, width = _size(image, self.grayscale)
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
                f"{label} has the labels {_some(wrong)}, outside 0 to {most}: pass void= for "
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
        return f"the images have {len(set(self.sizes))} sizes, {_some(sorted(set(self.sizes)))}"

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
            raise _unreadable(file, error) from error
        pixels = np.asarray(image)
        pixels = pixels.astype("uint8" if image.mode in ("L", "RGB") else "uint16")
        return pixels if pixels.ndim == 3 else pixels[..., None]

    def _read_classes(self, index):
        """Class numbers, shape `(height, width)`, of the smallest type that holds them."""
        numbers = _numbers(self.files[index][1], self.image_size)
        if self.label_values is None:
            return numbers
        classes = numbers.astype("int32")
        known = np.isin(numbers, [*self.label_values, *([] if self.void is None else [self.void])])
        if not known.all():
            raise ValueError(
                f"{self.files[index][1]} has the values {_some(np.unique(numbers[~known]))}, which "
                f"label_values={self.label_values} does not name: add them."
            )
        for value, number in self.label_values.items():
            classes[numbers == value] = number
        return classes


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


def load_pairs(data, num_images, image_size, seed=0):
    """Images with label maps in memory: scattered digits, or a folder in the form of CamVid.

    Source: `scattered_digits`; Badrinarayanan et al. 2015, arXiv:1511.00561 (its CamVid files).

    Args:
        data: "scattered_digits", or path of a folder with `train/`, `trainannot/`, `test/` and
            `testannot/`, whose label maps have CamVid's 11 classes and 11 for void.
        num_images: int, scattered digits to train on (a fifth of it, 60 at least, to test); of a
            folder all are used.
        image_size: int or `(height, width)`, of all images; scattered digits are square, with the
            smaller one.
        seed: int, of the training images. Defaults to `0`.

    Returns:
        `Pairs`, arrays of shape `(images, height, width, channels)` and `(images, height, width)`.

    Raises:
        ValueError: when the folder is none of that form.
    """
    if data == "scattered_digits":
        side = int(np.min(image_size))
        scene = {"num_digits": (3, 6), "digit_size": (12, 28)}
        if side >= 128:
            scene = {"num_digits": (6, 12), "digit_size": (side // 8, side // 4)}
        train = scattered_digits(num_images, side, seed=seed, **scene)
        test = scattered_digits(max(60, num_images // 5), side, part="test", **scene)
        names = ("background", *(f"digit {digit}" for digit in range(10)))
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


def _pairs(images, labels, split):
    """List of `(image file, label file)`."""
    by_name = [_by_name(folder) for folder in (images, labels)]
    if split is not None:
        return _listed(split, *by_name)
    only = [sorted(set(mine) - set(other)) for mine, other in (by_name, by_name[::-1])]
    for folder, other, names in ((images, labels, only[0]), (labels, images, only[1])):
        if names:
            raise ValueError(
                f"{len(names)} files of {folder} have no partner of the same name in {other}, "
                f"{_some(names)}: add them, or pass split= with the names to use."
            )
    return [(by_name[0][name], by_name[1][name]) for name in sorted(by_name[0])]


def _by_name(folder):
    """Files by their path inside the folder, without the ending."""
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: pass one that holds images.")
    endings, files = (*SUFFIXES, ".tif", ".tiff"), {}
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in endings and not file.name.startswith("."):
            name = file.relative_to(folder).with_suffix("").as_posix()
            if name in files:
                raise ValueError(f"{folder} has {files[name].name} and {file.name}: remove one.")
            files[name] = file
    if not files:
        raise ValueError(f"{folder} holds no images ({', '.join(endings)}).")
    return files


def _listed(split, images, labels):
    """Pairs that the lines of a text file name."""
    try:
        lines = pathlib.Path(split).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"split={split} cannot be read as text ({error}).") from error
    pairs, missing = [], []
    for line in filter(None, map(str.strip, lines)):
        words = line.split()
        for first, last in ((words[0], words[-1]), (line, line)):  # a name may have spaces
            pair = _found(first, images), _found(last, labels)
            if None not in pair and (first == line or len(words) == 2):
                pairs.append(pair)
                break
        else:
            missing.append(line)
    if missing or not pairs:
        raise ValueError(
            f"split={split} names {len(pairs)} pairs, and {len(missing)} lines no image with a "
            f"label map, {_some(missing)}: write one name, or image and label map, a line."
        )
    return pairs


def _found(word, files):
    """The file that a name or a path means: with and without its ending and its folders."""
    path = pathlib.PurePosixPath(word)
    for name in (word, str(path.parent / path.stem), path.name, path.stem):
        if name in files:
            return files[name]
    return None


def _size(file, grayscale):
    """Height and width of an image that can be decoded to its end."""
    try:
        with Image.open(file) as image:
            width, height = image.size
            if image.mode.startswith(("I", "F")) and (image.mode, grayscale) != ("I;16", True):
                raise ValueError(
                    f"{file} has pixels of mode {image.mode}: save it with 8 bits, or with 16 bits "
                    "and pass grayscale=True."
                )
            image.draft("L", (1, 1))  # JPEG: reads all, but computes one pixel in 64 only
            image.load()
            return height, width
    except (OSError, SyntaxError) as error:
        raise _unreadable(file, error) from error


def _numbers(file, image_size):
    """Numbers of the pixels as they are in the file."""
    try:
        with Image.open(file) as image:
            if image.mode not in ("1", "L", "P", "I", "I;16"):
                raise ValueError(
                    f"{file} is a picture of mode {image.mode}: a label map has one number per "
                    "pixel, the class (PNG of mode L or P)."
                )
            if image_size is not None:
                image = image.resize(image_size[::-1], Image.Resampling.NEAREST)
            numbers = np.array(image)
    except (OSError, SyntaxError) as error:
        raise _unreadable(file, error) from error
    return numbers.astype("uint8") if numbers.dtype == bool else numbers


def _unreadable(file, error):
    return ValueError(f"{file} cannot be read as an image ({error}): remove or replace it.")


def _some(values):
    values = [value.item() if hasattr(value, "item") else value for value in values]
    return ", ".join(map(str, values[:5])) + (" ..." if len(values) > 5 else "")
