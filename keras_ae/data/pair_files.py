"""Files of images and of their label maps: which belong together, and what is in them."""

import pathlib

import numpy as np

from .folders import SUFFIXES


def paired_files(images, labels, split):
    """The files of two folders, pair by pair.

    Source: this library.

    Args:
        images: path of a folder.
        labels: path of a folder with files of the same names, whatever their endings.
        split: path of a text file with a name, or an image and a label map, in each line, or `None`
            for all files.

    Returns:
        list of `(image file, label file)`, paths.

    Raises:
        ValueError: when a folder has no images, or a file no partner.
    """
    by_name = [_by_name(folder) for folder in (images, labels)]
    if split is not None:
        return _listed(split, *by_name)
    only = [sorted(set(mine) - set(other)) for mine, other in (by_name, by_name[::-1])]
    for folder, other, names in ((images, labels, only[0]), (labels, images, only[1])):
        if names:
            raise ValueError(
                f"{len(names)} files of {folder} have no partner of the same name in {other}, "
                f"{first_few(names)}: add them, or pass split= with the names to use."
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
            f"label map, {first_few(missing)}: write one name, or image and label map, a line."
        )
    return pairs


def _found(word, files):
    """The file that a name or a path means: with and without its ending and its folders."""
    path = pathlib.PurePosixPath(word)
    for name in (word, str(path.parent / path.stem), path.name, path.stem):
        if name in files:
            return files[name]
    return None


def image_size_of(file, grayscale):
    """Height and width of an image, which is decoded to its end on the way: whether it can be.

    Source: this library.

    Args:
        file: path.
        grayscale: bool, whether it will be read as grey values.

    Returns:
        `(int, int)`, pixels.

    Raises:
        ValueError: when it cannot be read, or has more bits than will be read.
    """
    from PIL import Image

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
        raise unreadable(file, error) from error


def label_numbers(file, image_size):
    """Numbers of the pixels as they are in the file of a label map.

    Source: this library.

    Args:
        file: path.
        image_size: `(height, width)` to bring it to, by nearest neighbours, or `None`.

    Returns:
        int array, shape `(height, width)`.

    Raises:
        ValueError: when it cannot be read, or is a picture in colour.
    """
    from PIL import Image

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
        raise unreadable(file, error) from error
    return numbers.astype("uint8") if numbers.dtype == bool else numbers


def unreadable(file, error):
    """What is said of a file that is no image.

    Source: this library.

    Args:
        file: path.
        error: what reading it raised.

    Returns:
        `ValueError`, to raise.
    """
    return ValueError(f"{file} cannot be read as an image ({error}): remove or replace it.")


def first_few(values):
    """The first five of a list, in words.

    Source: this library.

    Args:
        values: list or array.

    Returns:
        str.
    """
    values = [value.item() if hasattr(value, "item") else value for value in values]
    return ", ".join(map(str, values[:5])) + (" ..." if len(values) > 5 else "")
