"""Training speed of `fit`, side by side with hand-written PyTorch, in one run.

Every contender is a process of its own (Keras has one backend per process) that builds the network,
trains one round to warm up, and then trains a round (some epochs; for ours one call of `fit`, its
start included) whenever it is asked. The parent asks them in
turn, so that a noisy machine is noisy for all of them. Reported: images per second (median of the
rounds), the ratio to eager PyTorch within the same round (median), peak memory, and the share of
the machine's sgemm rate that the arithmetic of the network (6 operations per weight and image)
stands for; sgemm is measured in the parent between the rounds.
"""

import itertools
import json
import statistics
import sys
import time

import numpy as np

from benchmarks._workers import Worker, answer

NETWORKS = {  # hidden layers, code, activation, output, loss, epochs of one round
    "slide": ((128, 64, 12), 3, "relu", "tanh", "squared_error", 3),
    "deep": ((1000, 500, 250), 30, "relu", None, "bernoulli", 1),
}
CONTENDERS = ("torch eager", "torch.compile", "ours tensorflow", "ours jax", "ours torch")
IMAGES = 784


def main(
    *,
    networks: tuple[str, ...] = ("slide", "deep"),
    contenders: tuple[str, ...] = CONTENDERS,
    rounds: int = 7,
    batch_size: int = 128,
    steps: int = 469,
    out: str = "",
):
    """Times training steps of our `fit` against the slide's PyTorch code.

    Args:
        networks: which networks: slide (784-128-64-12-3) and deep (784-1000-500-250-30).
        contenders: which contenders.
        rounds: rounds per contender, in turn.
        batch_size: images per step.
        steps: steps per epoch.
        out: JSON file for the results; empty for none.
    """
    results = {}
    for network in networks:
        epochs = NETWORKS[network][-1]
        results[network] = compare(
            "train_step", network, epochs, contenders, rounds, batch_size, steps
        )
    if out:
        with open(out, "w") as file:
            json.dump(results, file, indent=2)


def compare(module, network, epochs, contenders, rounds, batch_size, steps):
    """Runs all contenders on one network, prints the table and returns its numbers."""
    unknown = [name for name in contenders if name not in CONTENDERS]
    if unknown:
        raise SystemExit(f"error: no contender {unknown[0]!r}: choose among {CONTENDERS}.")
    workers = {}
    for name in contenders:
        worker = Worker(module, name, network, batch_size, steps)
        if worker.ready:
            workers[name] = worker
        else:
            print(f"{name}: not available here ({worker.why})")
    if not workers:
        raise SystemExit("error: none of the contenders is installed here.")
    seconds = {name: [] for name in workers}
    sgemm = []
    for _ in range(rounds):
        sgemm.append(sgemm_rate())
        for name, worker in workers.items():
            seconds[name].append(worker.round()["seconds"])
    weights = next(iter(workers.values())).facts["weights"]
    print(
        f"\n{network}: {weights:,} weights, batch {batch_size}, {rounds} rounds of "
        f"{epochs} epochs of {steps} steps, "
        f"sgemm {statistics.median(sgemm) / 1e9:.0f} GFLOP/s"
    )
    print(f"{'':18}{'images/s':>10}{'ratio':>8}{'(min-max)':>14}{'memory':>10}{'of sgemm':>10}")
    table = {}
    for name, worker in workers.items():
        rate = epochs * steps * batch_size / statistics.median(seconds[name])
        base = seconds.get("torch eager")
        ratios = [b / s for b, s in zip(base, seconds[name])] if base else [float("nan")]
        share = 6 * weights * rate / statistics.median(sgemm)
        memory = worker.stop()
        print(
            f"{name:18}{rate:10,.0f}{statistics.median(ratios):8.2f}"
            f"{f'{min(ratios):.2f}-{max(ratios):.2f}':>14}{memory:8,.0f}MB{share:10.0%}"
        )
        table[name] = {
            "images_per_second": rate,
            "ratio": statistics.median(ratios),
            "ratio_min_max": [min(ratios), max(ratios)],
            "peak_memory_mb": memory,
            "share_of_sgemm": share,
        }
    return table


def sgemm_rate(size=1536):
    """Floating-point operations per second of a float32 matrix product in NumPy."""
    a = np.random.default_rng(0).normal(size=(size, size)).astype("float32")
    times = []
    for _ in range(3):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times)


def work(name, network, batch_size, steps):
    """The contender's side: answers every line on standard input with one round."""
    x = np.random.default_rng(0).uniform(0, 1, (batch_size * steps, IMAGES)).astype("float32")
    build = ours if name.startswith("ours ") else by_hand
    train, weights = build(name, network, x, batch_size)
    answer(train, weights=weights)


def ours(name, network, x, batch_size):
    """A plain `fit` of our Autoencoder with the defaults of `compile`."""
    import keras_ae

    units, code, activation, output, loss, epochs = NETWORKS[network]
    model = keras_ae.Autoencoder(
        keras_ae.dense_encoder((IMAGES,), code, units, activation),
        keras_ae.dense_decoder((IMAGES,), code, units[::-1], activation, output),
        loss=loss,
    )
    model.compile("adam")
    fit = {"batch_size": batch_size, "epochs": epochs, "verbose": 0}
    return lambda: model.fit(x, **fit), model.count_params()


def by_hand(name, network, x, batch_size):
    """The slide's PyTorch code and its loop, on a tensor in memory (no DataLoader to slow it)."""
    import torch
    from torch import nn

    units, code, _, output, loss, epochs = NETWORKS[network]

    def stack(sizes):
        pairs = [[nn.Linear(m, n), nn.ReLU(True)] for m, n in itertools.pairwise(sizes)]
        return [layer for pair in pairs for layer in pair][:-1]

    layers = stack([IMAGES, *units, code]) + stack([code, *units[::-1], IMAGES])
    model = nn.Sequential(*layers, *([nn.Tanh()] if output == "tanh" else []))
    criterion = nn.MSELoss() if loss == "squared_error" else nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    forward = torch.compile(model) if name == "torch.compile" else model
    images = torch.from_numpy(x)

    def train():
        orders = (torch.randperm(len(images)).split(batch_size) for _ in range(epochs))
        for chosen in itertools.chain.from_iterable(orders):
            batch = images[chosen]
            optimizer.zero_grad()
            criterion(forward(batch), batch).backward()
            optimizer.step()

    return train, sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
