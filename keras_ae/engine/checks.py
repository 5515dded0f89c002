"""What a model refuses before it computes: one clear message that says how to mend it."""

import numpy as np


def as_array(name, value):
    """Numbers as a floating-point NumPy array; every other kind of data set is left alone.

    Args:
        name: str, what to call it in messages.
        value: array-like with examples first, or a data set.

    Returns:
        A NumPy array, or `None` where `value` is not an array (a data set, a generator).

    Raises:
        ValueError: when it is a list that makes no rectangular array, or holds no numbers.
    """
    if isinstance(value, (list, tuple)) or hasattr(value, "__array__"):
        if hasattr(value, "detach"):  # a torch tensor, maybe on an accelerator
            value = value.detach().cpu()
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name} is not a rectangular array of numbers: {error}") from error
        if array.dtype.kind not in "fiub" and str(array.dtype) != "bfloat16":
            raise ValueError(f"{name} has dtype {array.dtype}: pass an array of numbers.")
        return array if array.dtype.kind == "f" else array.astype("float32")
    return None


def check_values(name, array, low=None, high=None, reason=""):
    """Finite values within a range.

    Args:
        name: str, what to call it in messages.
        array: NumPy array.
        low: lowest value allowed, or `None`.
        high: highest value allowed, or `None`.
        reason: str, why the range is needed.

    Raises:
        ValueError: when a value is NaN, infinite or out of range.
    """
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}): pass at least one example.")
    smallest, largest = array.min(), array.max()
    if not (np.isfinite(smallest) and np.isfinite(largest)):
        bad = int(np.sum(~np.isfinite(array)))
        raise ValueError(
            f"{name} holds {bad} values that are NaN or infinite: remove or replace them "
            "(numpy.nan_to_num), a single one makes every weight NaN."
        )
    if (low is not None and smallest < low) or (high is not None and largest > high):
        advice = f"rescale them to [{low:g}, {high:g}]"
        if smallest >= 0 and 1 < largest <= 255:
            advice = "divide by 255" if low == 0 else f"divide by 127.5 and add {low:g}"
        raise ValueError(
            f"{name} has values from {smallest:g} to {largest:g}, {reason} needs values from "
            f"{low:g} to {high:g}: {advice}."
        )


def check_shape(name, shape, expected, hint=""):
    """Shape of one example.

    Args:
        name: str, what to call it in messages.
        shape: tuple, shape with the batch first.
        expected: tuple, shape of one example; `None` matches any size.
        hint: str, added to the message.

    Raises:
        ValueError: when they differ.
    """
    shape, expected = tuple(shape), tuple(expected)
    fits = len(shape) == len(expected) + 1 and all(
        e is None or s is None or s == e for s, e in zip(shape[1:], expected)
    )
    if not fits:
        words = "(batch" + "".join(f", {size}" for size in expected) + ")"
        advice = ""
        if shape == expected:
            advice = f" One example alone is passed as {name}[None]."
        elif np.prod(shape[1:], dtype=object) == np.prod(expected, dtype=object) and None not in (
            *shape[1:],
            *expected,
        ):
            advice = f" {name}.reshape({(-1, *expected)}) has it."
        raise ValueError(f"{name} has shape {shape}, needed is {words}.{advice}{hint}")


def check_positive_int(name, value):
    """A positive integer.

    Args:
        name: str, what to call it in messages.
        value: the value.

    Raises:
        ValueError: when it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name}={value!r}: pass a positive integer.")
