"""What a step of a growing GAN costs at each side, and a step of StyleGAN2 at 64 pixels.

A ProGAN that can grow to the last side is trained at one of its levels, beside a ProGAN that has
that level as its last side: as many images, the same layers in use. Were all sides computed in each
step, the first would take as long as at the last side. `--styles` times StyleGAN2 instead. The
contenders are processes of their own and asked in turn.
"""

import statistics
import sys

import numpy as np

from benchmarks._workers import Worker, answer, compare_steps


def main(
    *,
    backend: str = "tensorflow",
    sides: tuple[int, ...] = (8, 16, 32),
    last: int = 64,
    rounds: int = 3,
    steps: int = 8,
    batch_size: int = 16,
    width: int = 1024,
    most: int = 128,
    styles: bool = False,
):
    """Times training steps.

    Args:
        backend: tensorflow, jax or torch.
        sides: levels of the growing GAN that are timed, pixels.
        last: the side that it grows to, pixels.
        rounds: rounds per contender, in turn.
        steps: steps per round.
        batch_size: images per step.
        width: maps of side n have 2 width / n channels.
        most: channels at most.
        styles: time StyleGAN2 on every backend, not ProGAN.
    """
    sizes = batch_size, width, most, steps
    if styles:
        names = tuple(f"ours {name}" for name in ("tensorflow", "jax", "torch"))
        title = f"StyleGAN2, {last} x {last}, width {width}, batch {batch_size}"
        compare_steps("growing", names, rounds, title, last, 0, *sizes)
        return
    for side in sides:
        title = f"ProGAN at {side} of {last} pixels (growing first, then alone), batch {batch_size}"
        compare_pair(backend, side, last, rounds, title, *sizes)


def compare_pair(backend, side, last, rounds, title, *sizes):
    """A growing network at a side, and one that ends there."""
    workers = [
        Worker("growing", f"ours {backend}", f"ours {backend}", whole, side, *sizes)
        for whole in (last, side)
    ]
    for worker in workers:
        if not worker.ready:
            raise SystemExit(f"error: {worker.why}")
    rows = [[worker.round()["seconds"] / sizes[-1] for worker in workers] for _ in range(rounds)]
    ratios = sorted(growing / alone for growing, alone in rows)
    seconds = [statistics.median(column) for column in zip(*rows)]
    memory = [worker.stop() for worker in workers]
    print(
        f"{title}: {seconds[0]:.3f} and {seconds[1]:.3f} s a step, ratio "
        f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}), {memory[0]:.0f} and "
        f"{memory[1]:.0f} MB",
        flush=True,
    )


def work(last, side, batch_size, width, most, steps):
    """The contender's side; `side` 0 is StyleGAN2."""
    import keras_ae

    shape = (last, last, 1)
    if side:
        networks = keras_ae.progan_networks(shape, 128, width, most)
        model = keras_ae.ProGAN(**networks, start_side=side, stable_images=10**9)
    else:
        networks = keras_ae.stylegan2_networks(shape, 128, 128, 8, width, most)
        model = keras_ae.StyleGAN2(**networks)
    model.compile(model.paper_optimizers())
    x = np.random.default_rng(0).uniform(-1, 1, (batch_size * steps, *shape)).astype("float32")
    more = {"reach": side} if side else {}
    weights = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    answer(lambda: model.fit(x, batch_size=batch_size, verbose=0, **more), weights=weights)


if __name__ == "__main__":
    work(*map(int, sys.argv[3:]))
