"""Batches of arrays in memory, in an order that depends on nothing but a seed and the epoch."""

import keras
import numpy as np
from keras import tree

from . import distribution


class Batches(keras.utils.PyDataset):
    """Shuffled batches whose order is a function of `(seed, epoch)`, the same on every backend.

    `keras_ae` models wrap arrays given to `fit` in this class and count the epochs themselves (the
    count is saved with the model), so that a run which is stopped and resumed sees the same batches
    as an unbroken one. Build it yourself for `augment`.

    Args:
        x: array or structure of arrays, shape `(examples, ...)`.
        y: array like `x`, or `None`. Defaults to `None`.
        sample_weight: array of shape `(examples,)`, or `None`. Defaults to `None`.
        batch_size: int, examples per batch; the last one may be smaller (under data
            parallelism it leaves out what the devices cannot share equally). Defaults to `32`.
        shuffle: bool. Defaults to `True`.
        seed: int. Defaults to `0`.
        augment: callable `(arrays, rng) -> arrays` on one batch, a tuple `(x,)`, `(x, y)` or
            `(x, y, sample_weight)` of NumPy arrays, with a `numpy.random.Generator` that is a
            function of seed, epoch and batch number, or `None`. Defaults to `None`.

    Raises:
        ValueError: when arrays have no or unequal numbers of examples, or `batch_size` is not a
            positive integer.
    """

    def __init__(
        self,
        x,
        y=None,
        sample_weight=None,
        *,
        batch_size=32,
        shuffle=True,
        seed=0,
        augment=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size={batch_size!r}: pass a positive integer.")
        self.arrays = (x,) if y is None else (x, y)
        if sample_weight is not None:
            self.arrays = (x, x if y is None else y, sample_weight)
        sizes = {len(array) for array in tree.flatten(self.arrays)}
        if len(sizes) != 1 or 0 in sizes:
            raise ValueError(
                f"x, y and sample_weight have {sorted(sizes)} examples: pass arrays with the same "
                "number of examples, at least one."
            )
        self.num_examples = sizes.pop()
        self.batch_size = int(batch_size)
        divisor = distribution.num_devices()
        if self.batch_size % divisor or self.num_examples < divisor:
            raise ValueError(
                f"batch_size={batch_size} with {self.num_examples} examples cannot be shared by "
                f"{divisor} devices: pass a multiple of {divisor}."
            )
        self.num_used = self.num_examples - self.num_examples % divisor
        self.shuffle, self.seed, self.augment = shuffle, seed, augment
        self.epoch = 0
        self._order = (None, None)

    @property
    def num_batches(self):
        return -(-self.num_used // self.batch_size)

    def order(self):
        """Indices of the examples in the order of the current epoch, shape `(examples,)`."""
        epoch, (known, order) = self.epoch, self._order  # read once: prefetching threads call this
        if known != epoch:
            order = np.arange(self.num_examples)
            if self.shuffle:
                np.random.default_rng([self.seed, epoch]).shuffle(order)
            self._order = (epoch, order)
        return order[: self.num_used]

    def __getitem__(self, index):
        batch = self.read(self.order()[index * self.batch_size : (index + 1) * self.batch_size])
        if self.augment is not None:
            batch = self.augment(batch, np.random.default_rng([self.seed, self.epoch, index]))
        return batch

    def read(self, chosen):
        """The examples of one batch, a tuple; `chosen` are their indices."""
        return tree.map_structure(lambda array: array[chosen], self.arrays)

    def on_epoch_end(self):
        self.epoch += 1  # for models that do not count, as those of keras_ae do

    def for_backend(self):
        """The fastest equal form of this data set for the active backend.

        Source: `tf.data`; the order is computed by `order` there too.

        Returns:
            On TensorFlow a `tf.data.Dataset` that gathers from tensors handed over once; elsewhere,
            and where `augment` is set, the data set itself.
        """
        if keras.backend.backend() != "tensorflow" or self.augment is not None:
            return self
        import tensorflow as tf

        num_full = self.num_used // self.batch_size

        def batches_of_indices(_):
            order = tf.numpy_function(lambda: self.order(), [], tf.int64, stateful=True)
            order = tf.ensure_shape(order, [self.num_used])
            full, rest = tf.split(order, [num_full * self.batch_size, -1])
            full = tf.data.Dataset.from_tensor_slices(tf.reshape(full, [num_full, self.batch_size]))
            if self.num_used % self.batch_size == 0:
                return full
            return full.concatenate(tf.data.Dataset.from_tensors(rest))

        tensors = tree.map_structure(tf.convert_to_tensor, self.arrays)
        data = tf.data.Dataset.range(1).flat_map(batches_of_indices)
        data = data.map(lambda chosen: tree.map_structure(lambda a: tf.gather(a, chosen), tensors))
        data = data.apply(tf.data.experimental.assert_cardinality(self.num_batches))
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
        options.autotune.enabled = False  # its thread can hold up the end of `fit` for seconds
        return data.with_options(options).prefetch(2)
