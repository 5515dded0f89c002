"""What all terms share: at least float32, and the sum over everything but the batch."""

import keras
from keras import ops

from ..engine.autodiff import sum_rows


def as_float(tensor):
    """A tensor in float32 at least; float64 is kept.

    Source: Micikevicius et al. 2018, arXiv:1710.03740, section 3.3 (sums in full precision).

    Args:
        tensor: array-like or tensor of any shape.

    Returns:
        Tensor of the same shape, float32 or float64.
    """
    tensor = ops.convert_to_tensor(tensor)
    if keras.backend.standardize_dtype(tensor.dtype) == "float64":
        return tensor
    return ops.cast(tensor, "float32")


def sum_pixels(values, weights=None):
    """Sum of every example's values, weighted or not.

    Source: this library.

    Args:
        values: tensor, shape `(batch, ...)`, floats.
        weights: tensor of the same shape, or `None`. Defaults to `None`.

    Returns:
        Tensor of shape `(batch,)`.
    """
    if weights is not None:
        values = values * as_float(weights)
    return sum_rows(ops.reshape(values, (ops.shape(values)[0], -1)))
