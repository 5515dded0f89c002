"""Random changes of a batch, fresh in every epoch, for `Batches(augment=...)`."""

import numpy as np

from ..engine.checks import check_positive_int


class RandomShift:
    """Shifts every image of a batch by its own random whole number of pixels, each way.

    Whole pixels keep the pictures as sharp as they are; what moves in from outside is zero.

    Source: Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801 (translations of training digits).

    Args:
        pixels: int, largest shift in each direction. Defaults to `1`.

    Raises:
        ValueError: when `pixels` is not a positive integer.
    """

    def __init__(self, pixels=1):
        check_positive_int("pixels", pixels)
        self.pixels = pixels

    def __call__(self, arrays, rng):
        """Shifts the first array of a batch, and a target of the same shape in the same way.

        Args:
            arrays: tuple of arrays, images first, shape `(batch, height, width, channels)`.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of arrays of the same shapes.
        """
        n, height, width, _ = shape = arrays[0].shape
        p = self.pixels
        down, right = rng.integers(0, 2 * p + 1, (2, n, 1))
        rows = down + np.arange(height)  # (batch, height)
        columns = right + np.arange(width)  # (batch, width)
        chosen = np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]

        def shifted(images):
            return np.pad(images, ((0, 0), (p, p), (p, p), (0, 0)))[chosen]

        return tuple(shifted(array) if np.shape(array) == shape else array for array in arrays)


class RandomMask:
    """Sets a random share of the inputs to zero; the target is the batch as it was.

    Source: Vincent et al. 2010 (JMLR 11), section 3.3 (masking noise).

    Args:
        share: float in [0, 1), probability of each number to become zero.
        rescale: bool, whether what is left is divided by `1 - share`, so that sums keep their
            expectation. Defaults to `False`.

    Raises:
        ValueError: when `share` is outside [0, 1).
    """

    def __init__(self, share, rescale=False):
        if not 0 <= share < 1:
            raise ValueError(f"share={share!r}: pass at least 0 and less than 1.")
        self.share, self.rescale = share, rescale

    def __call__(self, arrays, rng):
        """Masks the first array of a batch.

        Args:
            arrays: tuple `(x,)` or `(x, y)` of arrays of any shape.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple `(masked x, y)`, with `x` itself for `y` where there is none.
        """
        x = arrays[0]
        kept = rng.random(x.shape, dtype="float32") >= self.share
        scale = 1 / (1 - self.share) if self.rescale else 1.0
        masked = x * (kept * scale).astype(x.dtype)
        return (masked, *(arrays[1:] or (x,)))


class RandomBinarize:
    """Makes every pixel of a batch black or white, white with the probability that is its grey.

    (Dynamic binarisation: fresh in every epoch. For a test set that stays the same:
    `RandomBinarize()((x,), numpy.random.default_rng(0))[0]`.)

    Source: Salakhutdinov and Murray 2008, doi:10.1145/1390156.1390266; Burda et al. 2015,
    arXiv:1509.00519, section 5.
    """

    def __call__(self, arrays, rng):
        """Binarises the first array of a batch.

        Args:
            arrays: tuple of arrays, pixels in [0, 1] first, of any shape.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of arrays of the same shapes.
        """
        x = arrays[0]
        return ((rng.random(x.shape, dtype="float32") < x).astype(x.dtype), *arrays[1:])


class AddLabelled:
    """Adds labelled examples to every batch of unlabelled ones, for training with few labels.

    `Batches(x, numpy.full(len(x), -1), augment=AddLabelled(x_labelled, labels, 100))`.

    Source: Makhzani et al. 2015, arXiv:1511.05644, section 5 (a labelled batch in every step).

    Args:
        x: array, shape `(examples, ...)`, the examples with labels.
        labels: int array, shape `(examples,)`.
        number: int, drawn (with replacement) for each batch.

    Raises:
        ValueError: when examples and labels do not fit, or `number` is not a positive integer.
    """

    def __init__(self, x, labels, number):
        check_positive_int("number", number)
        if len(x) != len(labels) or not len(x):
            raise ValueError(f"{len(x)} examples with {len(labels)} labels: pass one for each.")
        self.x, self.labels, self.number = x, np.asarray(labels), number

    def __call__(self, arrays, rng):
        """Adds examples to a batch.

        Args:
            arrays: tuple `(x, labels)` or `(x, labels, sample_weight)` of arrays.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of arrays, longer by `number`; the added ones have the weight 1.
        """
        chosen = rng.integers(0, len(self.x), self.number)
        x, labels, *weights = arrays
        labels = np.concatenate([labels, self.labels[chosen].astype(labels.dtype)])
        weights = [np.concatenate([w, np.ones(self.number, w.dtype)]) for w in weights]
        return (np.concatenate([x, self.x[chosen]]), labels, *weights)
