"""What a model refuses before it computes: one clear message that says how to mend it."""

import math

import keras
import numpy as np

from .batches import Batches


def as_array(name, value):
    """Numbers as a NumPy array of Keras' `floatx`; every other kind of data set is left alone.

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
        return array.astype(keras.config.floatx(), copy=False)
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
        low_, high_ = ("any" if bound is None else f"{bound:g}" for bound in (low, high))
        advice = "rescale them"
        if smallest >= 0 and 1 < largest <= 255 and high == 1:
            advice = "divide by 255" if low == 0 else f"divide by 127.5 and add {low_}"
        raise ValueError(
            f"{name} has values from {smallest:g} to {largest:g}, {reason} needs values from "
            f"{low_} to {high_}: {advice}."
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
        elif None not in (*shape[1:], *expected) and math.prod(shape[1:]) == math.prod(expected):
            advice = f" {name}.reshape({(-1, *expected)}) has it."
        raise ValueError(f"{name} has shape {shape}, needed is {words}.{advice}{hint}")


def parts(value):
    """What may be one thing or several by name: a dict in any case; a single one has no name.

    Args:
        value: anything, or a dict of it.

    Returns:
        dict.
    """
    return value if isinstance(value, dict) else {"": value}


def ends(network):
    """Symbolic inputs and outputs of a network, as they are structured.

    Args:
        network: `keras.Model`, Functional or Sequential.

    Returns:
        `(inputs, outputs)`, each a dict of Keras tensors by name; a single one has the name "".

    Raises:
        ValueError: when there is a list of several.
    """
    both = network.inputs, network.outputs
    if not isinstance(network, keras.Sequential):  # which has no `input` unless it was called
        both = network.input, network.output
    for side, word in zip(both, ("inputs", "outputs")):
        if isinstance(side, (list, tuple)) and len(side) != 1:
            raise ValueError(f"{network.name} has {len(side)} {word}: pass them as a dict by name.")
    return tuple(parts(side[0] if isinstance(side, (list, tuple)) else side) for side in both)


def check_labels(name, labels, low, high, shape=(), void=None):
    """Whole numbers: one for each example, for each place of its prompt or each of its pixels.

    Args:
        name: str, what to call them in messages.
        labels: array-like, shape `(examples, *shape)`.
        low: int, least number allowed.
        high: int, greatest number allowed.
        shape: tuple, `(length,)` of a prompt or `(height, width)` of a label map. Defaults to `()`.
        void: int, number of pixels that do not count, or `None`. Defaults to `None`.

    Returns:
        int32 array, shape `(examples, *shape)`.

    Raises:
        ValueError: when they are no whole numbers of that range, or have another shape.
    """
    array = np.asarray(labels)
    fits = array.ndim == len(shape) + 1
    if not fits or array.dtype.kind not in "iuf" or np.any(array != np.round(array)):
        each = ("example", "place of each prompt", "pixel of each example")[min(len(shape), 2)]
        axis = -1 if shape else 1
        raise ValueError(
            f"{name} has shape {array.shape} and dtype {array.dtype}; needed are class numbers, "
            f"one whole number for each {each} (of one-hot rows: y.argmax(axis={axis}))."
        )
    of_maps = " Image and label map must have equal sizes." if len(shape) > 1 else ""
    check_shape(name, array.shape, shape, of_maps)
    counted = array if void is None else array[array != void]
    if counted.size and not low <= counted.min() <= counted.max() <= high:
        hint = ", -1 for examples without a label" if low == -1 else ""
        if len(shape) > 1:
            known = "the model has none" if void is None else f"the model's is {void}"
            hint = f" (a number for pixels that do not count is given as void=; {known})"
        raise ValueError(
            f"{name} has labels from {counted.min():g} to {counted.max():g}: pass {max(low, 0)} to "
            f"{high}{hint}."
        )
    return array.astype("int32")


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


def check_positive(name, value):
    """A positive, finite number.

    Args:
        name: str, what to call it in messages.
        value: the value.

    Raises:
        ValueError: when it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ValueError(f"{name}={value!r}: pass a positive number.")


def check_shares(name, x, divisor):
    """A number of examples that devices can share equally.

    Args:
        name: str, what to call it in messages.
        x: NumPy array, shape `(examples, ...)`; anything else is not checked.
        divisor: int, number of devices.

    Raises:
        ValueError: when the devices cannot share the examples.
    """
    if isinstance(x, np.ndarray) and len(x) % divisor:
        raise ValueError(
            f"{name} has {len(x)} examples, which {divisor} devices cannot share equally: leave "
            f"out {len(x) % divisor}, or evaluate outside data_parallel."
        )


def check_rate(name, rate):
    """A rate of dropout.

    Args:
        name: str, of the argument.
        rate: should be a number of at least 0 and below 1.

    Raises:
        ValueError: when it is none.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"{name}={rate!r}: pass a rate of at least 0 and below 1.")


LABEL_HINT = (
    " y is the picture to reconstruct (the clean one of a noisy x, say); this model takes no labels"
    ": call fit(x) alone."
)


def training_data(model, x, y, sample_weight, name=""):
    """What `fit` and `evaluate` get: arrays are checked whole, data sets by their first batch.

    Args:
        model: a `Trainer`, which says what shapes and values it takes.
        x: array-like, shape `(examples, ...)`, or a data set.
        y: array-like target, or `None` where `x` is the target.
        sample_weight: array-like, shape `(examples,)`, or `None`.
        name: str, what to put before "x" and "y" in messages. Defaults to `""`.

    Returns:
        `(x, y, sample_weight)`, arrays as NumPy arrays.

    Raises:
        ValueError: when they do not fit the model.
    """
    array = as_array(f"{name}x", x)
    if array is not None and y is None and model.needs_target():
        raise ValueError(f"{name}y is missing: {model.needs_target()}")
    if array is None:
        whole = type(x) is Batches and x.augment is None
        if isinstance(x, Batches) and not whole and model.label_range() is not None:
            _all_labels(model, x, name)
        first = x.arrays if whole else first_batch(x)
        if first is not None:
            training_data(model, *keras.utils.unpack_x_y_sample_weight(first), name=name)
        return x, y, sample_weight
    check_shape(f"{name}x", array.shape, model.example_shape())
    allowed = model.target_range() if y is None else model.example_range()
    check_values(f"{name}x", array, *allowed)
    if y is not None and model.label_range() is not None:
        check_values(f"{name}x", array, *model.target_range())
        model.check_target(f"{name}x", array)
        shape, void = model.target_shape(), model.void_label()
        y = check_labels(f"{name}y", y, *model.label_range(), shape, void)
    else:
        if y is not None:
            y = as_array(f"{name}y", y)
            check_shape(f"{name}y", y.shape, model.target_shape(), LABEL_HINT)
            check_values(f"{name}y", y, *model.target_range())
            # with weights and no target a data set gives (x, x, weights)
            if model.no_target() and (sample_weight is None or not np.array_equal(array, y)):
                raise ValueError(f"{name}y: {model.no_target()}")
        model.check_target(f"{name}{'x' if y is None else 'y'}", array if y is None else y)
    if sample_weight is not None:
        sample_weight = as_array("sample_weight", sample_weight)
        shapes = model.weight_shapes()
        fitting = [shape for shape in shapes if len(shape) == sample_weight.ndim - 1]
        check_shape("sample_weight", sample_weight.shape, (fitting or shapes)[0])
        check_values("sample_weight", sample_weight)
        y = array if y is None else y  # Keras drops the weights where there is no y
    return array, y, sample_weight


def _all_labels(model, batches, name):
    """Labels behind the first batch: those of arrays that are augmented, and of files."""
    low, high = model.label_range()
    void = model.void_label()
    if type(batches) is Batches:
        if len(batches.arrays) > 1:
            y = batches.arrays[1]
            check_labels(f"{name}y", y, low, high, np.shape(y)[1:], void)
        return
    classes, theirs = (getattr(batches, key, None) for key in ("num_classes", "void"))
    if classes is not None and classes > high + 1:
        raise ValueError(
            f"{name}x has {classes} classes, the model knows {high + 1}: build it with as many."
        )
    if theirs is not None and theirs != void:
        raise ValueError(
            f"{name}x has void={theirs}, the model void={void}: give both the same number."
        )


def inputs(model, x):
    """What `predict` is given: an array is checked, a data set is left alone.

    Args:
        model: a `Trainer`.
        x: array-like, shape `(examples, ...)`, or a data set.

    Returns:
        A NumPy array, or the data set.

    Raises:
        ValueError: when the array does not fit the model.
    """
    array = as_array("x", x)
    if array is None:
        return x
    check_shape("x", array.shape, model.example_shape())
    check_values("x", array)
    return array


def network_inputs(network, x):
    """What one of a model's networks is given: arrays are checked whole, tensors by their shapes.

    Args:
        network: `keras.Model`, Functional or Sequential.
        x: array-like or tensor, shape `(batch, ...)`, or a dict of them.

    Returns:
        `(inputs, arrays)`: dict by name (a single one has the name ""), and whether they are arrays
        (NumPy's, then) rather than tensors.

    Raises:
        ValueError: when names or shapes do not fit the network, or a value is NaN or infinite.
    """
    given, (wanted, _) = parts(x), ends(network)
    if given.keys() != wanted.keys():
        takes, got = (
            f"a dict with {', '.join(sorted(side))}" if "" not in side else "one array"
            for side in (wanted, given)
        )
        raise ValueError(f"{network.name} takes {takes}, not {got}.")
    arrays = all(isinstance(part, (np.ndarray, list, tuple)) for part in given.values())
    if arrays:
        given = {key: as_array(key or "input", part) for key, part in given.items()}
    for key, part in given.items():
        check_shape(key or "input", part.shape, wanted[key].shape[1:])
        if arrays:
            check_values(key or "input", part)
    return given, arrays


def first_batch(data):
    """The first batch of a data set.

    Args:
        data: what was passed to `fit` as `x`.

    Returns:
        As the data set gives it, or `None` where that would use it up.
    """
    if isinstance(data, keras.utils.PyDataset):
        return data[0]
    if hasattr(data, "take") and hasattr(data, "element_spec"):  # tf.data
        return next(iter(data.take(1)), None)
    return None
