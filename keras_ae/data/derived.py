"""Images made of others: wider margins, edges, three digits as the channels of one image."""

import dataclasses

import numpy as np


def padded(dataset, side):
    """A data set whose images have black margins, so that they are squares of a given side.

    Source: Radford et al. 2015, arXiv:1511.06434 (sides of 4 * 2^n).

    Args:
        dataset: `Dataset` of images no larger than that.
        side: int, pixels.

    Returns:
        `Dataset`.

    Raises:
        ValueError: when images are larger.
    """

    def pad(x):
        missing = [side - x.shape[1], side - x.shape[2]]
        if x.ndim != 4 or min(missing) < 0:
            raise ValueError(
                f"{dataset.name} has examples of shape {x.shape[1:]}: they do not fit into images "
                f"of side {side}; resize them (image_size=...)."
            )
        return np.pad(x, ((0, 0), *[(m // 2, m - m // 2) for m in missing], (0, 0)))

    return dataclasses.replace(dataset, x_train=pad(dataset.x_train), x_test=pad(dataset.x_test))


def edges(x):
    """The outlines of images: what a dilation by 3x3 pixels adds.

    Source: Liu and Tuzel 2016, arXiv:1606.07536, section 4.1 ("dilation and then subtraction").

    Args:
        x: array, shape `(examples, height, width, channels)`.

    Returns:
        array of the same shape, in [0, 1] where `x` is.
    """
    from scipy import ndimage

    return ndimage.grey_dilation(x, size=(1, 3, 3, 1)) - x


def stacked(x, y, number, seed=0):
    """Three random images as the channels of one, so that ten classes become a thousand.

    Source: Metz et al. 2016, arXiv:1611.02163, section 3.3.1 (stacked MNIST).

    Args:
        x: array, shape `(examples, height, width, 1)`.
        y: int array, shape `(examples,)`, classes 0 to 9.
        number: int, how many to make.
        seed: int. Defaults to `0`.

    Returns:
        `(x, y)`: arrays of shapes `(number, height, width, 3)` and `(number,)`, classes 0 to 999.

    Raises:
        ValueError: when the images do not have one channel, or a class is not in 0 to 9.
    """
    if x.ndim != 4 or x.shape[-1] != 1 or not (np.min(y) >= 0 and np.max(y) <= 9):
        raise ValueError(
            f"x of shape {x.shape}, classes {np.min(y)} to {np.max(y)}: pass images of one channel "
            "and classes 0 to 9."
        )
    chosen = np.random.default_rng(seed).integers(0, len(x), (number, 3))
    images = np.stack([x[chosen[:, channel], ..., 0] for channel in range(3)], axis=-1)
    return images, np.asarray(y)[chosen] @ np.array([100, 10, 1])
