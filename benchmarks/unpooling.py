"""Unpooling with switches against a transposed convolution of stride 2, forward and backward.

Both take `(batch, side, side, channels)` to `(batch, 2 side, 2 side, channels)`. One round is a
number of compiled steps (XLA) that compute the sum of the outputs times fixed weights and its
gradient: with respect to the values for the unpooling, to the input and the kernel for the
transposed convolution. "pool and unpool" adds the pooling that makes the switches. The contenders
are processes of their own and asked in turn; reported is the ratio of seconds within a round.
"""

import statistics
import sys

import numpy as np

from benchmarks._workers import Worker, answer

CONTENDERS = ("transposed", "unpool", "pool and unpool")


def main(
    *,
    backends: tuple[str, ...] = ("tensorflow", "jax"),
    shapes: tuple[str, ...] = ("32x14x32", "32x28x8", "32x7x64"),
    kernel_size: int = 2,
    rounds: int = 9,
    steps: int = 30,
):
    """Times one step of each way up.

    Args:
        backends: Keras backends.
        shapes: batch x side x channels of the input.
        kernel_size: of the transposed convolution (2 is the cheapest that reaches every pixel).
        rounds: rounds per contender, in turn.
        steps: steps per round.
    """
    for backend in backends:
        for shape in shapes:
            workers = {
                name: Worker("unpooling", f"ours {backend}", name, shape, kernel_size, steps)
                for name in CONTENDERS
            }
            broken = [worker for worker in workers.values() if not worker.ready]
            if broken:
                print(f"{backend}: not available here ({broken[0].why})")
                for worker in workers.values():
                    worker.process.kill()
                break
            seconds = {name: [] for name in workers}
            for _ in range(rounds):
                for name, worker in workers.items():
                    seconds[name].append(worker.round()["seconds"] / steps)
            for worker in workers.values():
                worker.stop()
            for name in CONTENDERS:
                pairs = zip(seconds[name], seconds["transposed"])
                ratios = sorted(mine / theirs for mine, theirs in pairs)
                print(
                    f"{backend:11}{shape:10}{name:16}{1e3 * statistics.median(seconds[name]):8.2f}"
                    f" ms{statistics.median(ratios):7.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
                )


def work(backend, name, shape, kernel_size, steps):
    """The contender's side."""
    from keras_ae.layers import convolution, pooling, unpooling

    batch, side, channels = (int(number) for number in shape.split("x"))
    rng, f = np.random.default_rng(0), int(kernel_size)
    x = rng.normal(size=(batch, side, side, channels)).astype("float32")
    above = rng.normal(size=(batch, 2 * side, 2 * side, channels)).astype("float32")
    switches = rng.integers(0, 4, x.shape).astype("int32")
    kernel = rng.normal(size=(f, f, channels, channels)).astype("float32")
    padding, more = (f - 1) // 2, (f % 2, f % 2)

    def loss(inputs):
        if name == "transposed":
            y = convolution.conv_transpose(*inputs, (2, 2), padding, more)
        elif name == "unpool":
            y = unpooling.max_unpool(inputs[0], switches, 2, 2, 0, above.shape[1:3])
        else:
            values, places = pooling.max_pool_with_switches(inputs[1], 2, 2)
            y = unpooling.max_unpool(values + inputs[0], places, 2, 2, 0, above.shape[1:3])
        return (y * above).sum() if backend == "ours jax" else tf.reduce_sum(y * above)

    inputs = {"transposed": [x, kernel], "unpool": [x], "pool and unpool": [x, above]}[name]
    if backend == "ours jax":
        import jax

        step = jax.jit(jax.value_and_grad(loss))
        inputs = [jax.numpy.asarray(array) for array in inputs]
        answer(lambda: jax.block_until_ready([step(inputs) for _ in range(int(steps))]))
    else:
        import tensorflow as tf

        @tf.function(jit_compile=True)
        def step(inputs):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                value = loss(inputs)
            return value, tape.gradient(value, inputs)

        inputs = [tf.constant(array) for array in inputs]
        answer(lambda: [step(inputs)[0].numpy() for _ in range(int(steps))])


if __name__ == "__main__":
    work(*sys.argv[1:])
