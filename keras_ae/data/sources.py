"""One function that loads a data set by name, in memory: `load("pen")`, `load("mnist")`, ...

Pixels are float32 in [0, 1], shape `(examples, height, width, channels)`; labels are integers.
"""

import contextlib
import dataclasses
import difflib
import os
import pathlib

import numpy as np

from . import folders
from .pen import pen_digits


@dataclasses.dataclass
class Dataset:
    """Images, split into a training and a test set.

    Args:
        name: str, where they come from.
        x_train: float32 array in [0, 1], shape `(examples, height, width, channels)`, or
            `(examples, features)` from an `.npz` file.
        x_test: the same, held out.
        y_train: int array, shape `(examples,)`, or `None` where there are no labels.
        y_test: the same for `x_test`.

    Raises:
        ValueError: when a part is empty, or shapes or labels do not fit.
    """

    name: str
    x_train: np.ndarray
    x_test: np.ndarray
    y_train: np.ndarray | None = None
    y_test: np.ndarray | None = None

    def __post_init__(self):
        shapes = f"x_train {self.x_train.shape}, x_test {self.x_test.shape}"
        if not len(self.x_train) or not len(self.x_test):
            raise ValueError(f"{self.name} has no examples to train or to test on ({shapes}).")
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise ValueError(f"{self.name} has examples of different shapes ({shapes}).")
        for x, y in ((self.x_train, self.y_train), (self.x_test, self.y_test)):
            missing = (y is None) != (self.y_train is None)
            if missing or (y is not None and np.shape(y) != (len(x),)):
                raise ValueError(
                    f"{self.name} has labels that do not fit ({shapes}): one integer per example, "
                    "for training and test, or none at all."
                )


def load(name, image_size=None):
    """Loads a data set into memory.

    Source: scikit-learn's digits (UCI, Alpaydin and Kaynak 1998), `pen_digits`, TensorFlow
    Datasets, files.

    Args:
        name: "digits" (1,797 real digits that ship with scikit-learn, no download), "pen" (digits
            as a pen draws them, 20,000 to train on and 4,000 to test on, made on the spot), the
            name of a TFDS data set ("mnist", "fashion_mnist", ...), the path of an `.npz` file with
            `x` or `x_train` and `x_test` (and `y...`), or the path of a folder of images. With the
            environment variable `KERAS_AE_DATA`, TFDS takes its source files from the folder
            `$KERAS_AE_DATA/NAME` instead of downloading them.
        image_size: int or `(height, width)` to resize to (bilinear), or `None` to leave the size.
            "pen" is drawn at that side, and at 28 with `None`. Defaults to `None`.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: when the name is unknown, a file is missing or broken, or pixels are not in
            0..255 (integers) or 0..1 (floats).
    """
    name = os.fspath(name)
    path = pathlib.Path(name)
    if name == "digits":
        dataset = _digits()
    elif name == "pen":
        dataset = _pen(28 if image_size is None else int(np.max(image_size)))
    elif path.suffix == ".npz":
        dataset = _npz(path)
    elif _is_tfds_name(name):
        dataset = _tfds(name)
    elif path.is_dir():
        dataset = Dataset(name, *folders.read(path, image_size))
    elif "/" in name or os.sep in name or path.suffix:
        raise ValueError(
            f"{name} does not exist: pass an .npz file, a folder, or a data set's name."
        )
    else:
        dataset = _tfds(name)
    if image_size is not None:
        if dataset.x_train.ndim != 4:
            raise ValueError(
                f"{name} holds vectors, shape {dataset.x_train.shape}: images are needed here, "
                "shape (examples, height, width) or (examples, height, width, channels)."
            )
        dataset.x_train = _resize(dataset.x_train, image_size)
        dataset.x_test = _resize(dataset.x_test, image_size)
    return dataset


def balanced_sample(labels, num_labels, seed=0):
    """A few examples whose labels are known, equally many of each class.

    Source: the protocol of semi-supervised results on MNIST (Kingma et al. 2014, arXiv:1406.5298).

    Args:
        labels: int array, shape `(examples,)`.
        num_labels: int, how many examples; all of them where it is their number.
        seed: int. Defaults to `0`.

    Returns:
        int array, numbers of the examples, shape `(num_labels,)`, in random order.

    Raises:
        ValueError: when there are not so many labels, a class has too few, or `num_labels` is not
            a multiple of the number of classes.
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    if num_labels == len(labels):
        return rng.permutation(num_labels)
    each = num_labels // len(classes)
    if num_labels < 1 or num_labels % len(classes) or each > counts.min():
        raise ValueError(
            f"{num_labels} labels are asked for: pass a multiple of {len(classes)} (the classes) "
            f"up to {counts.min() * len(classes)} (the rarest class has {counts.min()} examples), "
            f"or all {len(labels)}."
        )
    chosen = [rng.choice(np.flatnonzero(labels == c), each, replace=False) for c in classes]
    return rng.permutation(np.concatenate(chosen))


def _digits():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    x = (digits.images / 16.0).astype("float32")[..., None]
    split = train_test_split(
        x, digits.target, test_size=360, random_state=0, stratify=digits.target
    )
    x_train, x_test, y_train, y_test = split
    return Dataset("digits", x_train, x_test, y_train, y_test)


def _pen(side):
    x_train, y_train = pen_digits(20000, side)
    x_test, y_test = pen_digits(4000, side, part="test")
    return Dataset("pen", x_train, x_test, y_train, y_test)


def _npz(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except FileNotFoundError as error:
        raise ValueError(f"{path} does not exist: check the path.") from error
    except Exception as error:  # NumPy raises what its parsers raise
        raise ValueError(
            f"{path} cannot be read as an .npz file without pickles ({error}): write it anew with "
            "numpy.savez_compressed(path, x_train=..., x_test=...)."
        ) from error
    if "x" in arrays:
        x, y = arrays["x"], arrays.get("y")
        if len(x) < 10 or (y is not None and len(y) != len(x)):
            raise ValueError(f"{path}: x needs at least 10 examples, and y as many as x.")
        order = np.random.default_rng(0).permutation(len(x))
        test, train = order[: len(x) // 10], order[len(x) // 10 :]
        split = (x[train], x[test]) + ((None, None) if y is None else (y[train], y[test]))
    elif "x_train" in arrays and "x_test" in arrays:
        split = tuple(arrays.get(key) for key in ("x_train", "x_test", "y_train", "y_test"))
    else:
        raise ValueError(
            f"{path} holds {sorted(arrays)}: needed are `x` (one tenth is then held out) or "
            "`x_train` and `x_test`, and labels as `y`, or `y_train` and `y_test`, if any."
        )
    return Dataset(str(path), _pixels(path, split[0]), _pixels(path, split[1]), *split[2:])


def _tfds(name):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ValueError(f"{name} comes from TFDS, which is not installed: {_NO_TFDS}") from error
    if not _is_tfds_name(name):
        known = ["digits", "pen", *tfds.list_builders(with_community_datasets=False)]
        close = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "try digits, pen or mnist."
        raise ValueError(f"there is no data set {name!r}, and no such file or folder: {hint}")
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ValueError(f"{name} comes from TFDS, which needs TensorFlow: {_NO_TFDS}") from error
    if _other_backend():  # TensorFlow only reads here: leave the accelerator to the backend
        with contextlib.suppress(RuntimeError):  # it has been used before
            tf.config.set_visible_devices([], "GPU")
    builder = tfds.builder(name)
    config = None
    root = os.environ.get("KERAS_AE_DATA")
    if root and not builder.data_path.exists():
        folder = os.path.join(root, builder.name)
        if not os.path.isdir(folder):
            raise ValueError(
                f"KERAS_AE_DATA={root} has no folder {builder.name!r}: put the files of "
                f"{builder.info.homepage or name} there, or unset KERAS_AE_DATA to download them."
            )
        # TFDS extracts into one folder by file name: two sets with the same names (MNIST and
        # Fashion-MNIST) would get each other's images
        extracted = os.path.join(builder.data_path.parent, "extracted")
        config = tfds.download.DownloadConfig(manual_dir=folder, extract_dir=extracted)
    try:
        builder.download_and_prepare(download_config=config)
    except Exception as error:  # TFDS raises what its libraries raise; say what it was doing
        raise ValueError(
            f"TFDS failed on {name} ({type(error).__name__}: {str(error)[:200]}): look at the "
            "network, or set KERAS_AE_DATA to a folder that holds its source files."
        ) from error
    if "image" not in builder.info.features or "train" not in builder.info.splits:
        raise ValueError(f"{name} has no images with a training split: pass an image data set.")
    test = next((s for s in ("test", "validation") if s in builder.info.splits), None)
    splits = ["train", test] if test else ["train[:90%]", "train[90%:]"]
    try:
        read = [tfds.as_numpy(builder.as_dataset(split=s, batch_size=-1)) for s in splits]
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            f"{name} has images of different sizes: save them to a folder and pass that."
        ) from error
    x_train, x_test = (_pixels(name, part["image"]) for part in read)
    return Dataset(name, x_train, x_test, *(part.get("label") for part in read))


_NO_TFDS = "use digits, pen, or an .npz file written where it is (numpy.savez_compressed)."


def _is_tfds_name(name):
    try:
        import tensorflow_datasets as tfds

        return name.split("/")[0].split(":")[0] in tfds.list_builders(with_community_datasets=False)
    except ImportError:
        return False


def _other_backend():
    import keras

    return keras.backend.backend() != "tensorflow"


def _pixels(name, x):
    """float32 in [0, 1], with a channel axis."""
    if x.dtype.kind not in "fiub" or x.ndim not in (2, 3, 4):
        raise ValueError(f"{name} has x of dtype {x.dtype} and shape {x.shape}: pass images.")
    scale = 255.0 if x.dtype.kind in "iu" else 1.0
    x = x.astype("float32") / scale
    if len(x) and not np.isfinite(x).all():
        raise ValueError(f"{name} has pixels that are NaN or infinite: remove or replace them.")
    if len(x) and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(
            f"{name} has pixels that are not integers in 0..255 or floats in 0..1: rescale them."
        )
    return x[..., None] if x.ndim == 3 else x


def _resize(x, image_size):
    from scipy import ndimage

    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    if x.ndim != 4 or x.shape[1:3] == (height, width):
        return x
    factors = (1, height / x.shape[1], width / x.shape[2], 1)
    resized = ndimage.zoom(x, factors, order=1, mode="nearest", grid_mode=True)
    return np.clip(resized, 0.0, 1.0, dtype="float32")
