"""One device or many: data parallelism on TensorFlow and JAX with the same few words."""

import contextlib
import os
import platform

import keras
import numpy as np


def num_devices():
    """Number of devices of the data parallelism that is switched on now.

    Source: `tf.distribute` and `keras.distribution`.

    Returns:
        int, 1 where nothing is distributed.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.distribute.get_strategy().num_replicas_in_sync
    if keras.backend.backend() == "jax":
        current = keras.distribution.distribution()
        return 1 if current is None else int(current.device_mesh.devices.size)
    return 1


def share(batch_size):
    """The next batch size that the devices in use can share equally.

    Source: `tf.distribute`, `keras.distribution`: a replica without examples has a loss of 0 / 0,
    and JAX refuses to cut an array into unequal parts.

    Args:
        batch_size: int.

    Returns:
        int, `batch_size` rounded up to a multiple of the number of devices.
    """
    return batch_size + -batch_size % num_devices()


def pad(array):
    """Repeats the last example until the devices can share all; drop the repeated ones afterwards.

    Source: this library.

    Args:
        array: NumPy array, shape `(examples, ...)`.

    Returns:
        NumPy array, its number of examples a multiple of the number of devices.
    """
    missing = share(len(array)) - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing else array


def on_cpu():
    """Whether there is no accelerator that the backend sees.

    Source: `device_name`.

    Returns:
        bool.
    """
    return device_name().endswith("CPU cores")


def device_name():
    """What computes: the accelerator's name, or the processor's kind and number of cores.

    Source: the backends' own device lists.

    Returns:
        str.
    """
    backend, names = keras.backend.backend(), []
    if backend == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            names.append(tf.config.experimental.get_device_details(gpu).get("device_name", "GPU"))
    elif backend == "jax":
        import jax

        names = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    elif backend == "torch":
        import torch

        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join(names) or f"{platform.machine()}, {os.cpu_count()} CPU cores"


def scale_loss(loss):
    """Share of a replica in the loss of the whole batch, as Keras scales its own losses.

    TensorFlow sums the gradients of the replicas, so each one's mean loss is divided by their
    number; on JAX the batch is one array and nothing is to be done.

    Source: Keras 3, `keras.losses.Loss` under `tf.distribute`.

    Args:
        loss: scalar tensor, mean over the replica's own examples.

    Returns:
        Scalar tensor.
    """
    if keras.backend.backend() != "tensorflow":
        return loss
    replicas = num_devices()
    return loss / replicas if replicas > 1 else loss


def mean_over_devices(value):
    """Mean over the whole batch of what each replica knows of its share alone.

    Source: `tf.distribute.ReplicaContext.all_reduce`; on JAX the batch is one array.

    Args:
        value: scalar tensor, mean over the replica's own examples.

    Returns:
        Scalar tensor.
    """
    if keras.backend.backend() != "tensorflow" or num_devices() == 1:
        return value
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def whole_batch(size):
    """Examples in a step of all devices together, of those that one of them is given.

    Source: `tf.distribute` (equal shares); on JAX the batch is one array.

    Args:
        size: int or scalar int tensor.

    Returns:
        The same.
    """
    return size * num_devices() if keras.backend.backend() == "tensorflow" else size


@contextlib.contextmanager
def data_parallel(devices=None):
    """Scope in which models are built, trained and loaded on several devices.

    Source: `tf.distribute.MirroredStrategy`, `keras.distribution.DataParallel`.

    Args:
        devices: int, how many of the machine's devices to use: its accelerators, or, where it has
            none, its (logical) CPU devices. `None` or 1 changes nothing. Defaults to `None`.

    Yields:
        The strategy or distribution, `None` where nothing is distributed.

    Raises:
        ValueError: when the backend has no data parallelism here, or the machine has fewer devices.
    """
    if devices is None or devices == 1:
        yield None
        return
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        strategy = tf.distribute.MirroredStrategy(_first(_tensorflow_devices(tf), devices))
        with strategy.scope():
            yield strategy
    elif backend == "jax":
        names = _first(keras.distribution.list_devices(), devices)
        before = keras.distribution.distribution()
        distribution = keras.distribution.DataParallel(devices=names)
        keras.distribution.set_distribution(distribution)
        try:
            yield distribution
        finally:
            keras.distribution.set_distribution(before)
    else:
        raise ValueError(
            f"data parallelism is not available on the {backend} backend: run with "
            "KERAS_BACKEND=tensorflow or KERAS_BACKEND=jax, or on one device."
        )


def split_cpu(devices):
    """Makes the CPU appear as several devices, to try data parallelism without accelerators.

    On JAX with two threads for each device, by the environment variable `PJRT_NPROC` unless it is
    set: with fewer, devices that share few cores may block each other.

    Source: `tf.config.set_logical_device_configuration`, the JAX option `jax_num_cpu_devices`,
    `DefaultThreadPoolSize` of XLA.

    Args:
        devices: int, number of logical CPU devices.

    Raises:
        ValueError: when the backend has already used its devices; call this first.
    """
    backend = keras.backend.backend()
    try:
        if backend == "tensorflow":
            import tensorflow as tf

            cpu = tf.config.list_physical_devices("CPU")[0]
            logical = [tf.config.LogicalDeviceConfiguration()] * devices
            tf.config.set_logical_device_configuration(cpu, logical)
        elif backend == "jax":
            import jax

            jax.config.update("jax_num_cpu_devices", devices)
            # a step's devices wait for each other, and the next step is handed out, on threads of
            # one pool: with one for each core, those of two cores may all wait for ever
            threads = max(os.cpu_count() or 1, 2 * devices)
            os.environ.setdefault("PJRT_NPROC", str(threads))
    except RuntimeError as error:
        raise ValueError(
            f"the CPU cannot be split into {devices} devices once {backend} has used it: call "
            f"split_cpu before anything else ({error})."
        ) from error


def _tensorflow_devices(tf):
    return [d.name for d in tf.config.list_logical_devices("GPU")] or [
        d.name for d in tf.config.list_logical_devices("CPU")
    ]


def _first(names, devices):
    if not isinstance(devices, int) or devices < 1 or devices > len(names):
        raise ValueError(
            f"devices={devices!r} asked for, but this machine has {len(names)} ({', '.join(names)})"
            ": pass a number up to that. keras_ae.engine.distribution.split_cpu(n) makes n of one "
            "CPU."
        )
    return names[:devices]
