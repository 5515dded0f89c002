"""A training step of DCGAN beside hand-written PyTorch, and how long scores of samples take.

Both have the same networks (32 x 32 x 1, kernels 5x5 of stride 2, batch normalisation), losses and
optimizers; ours also keeps the generator's average, which is in its time. `--scores` times
`FeatureExtractor.scores` instead. The contenders are processes of their own and asked in turn.
"""

import itertools
import resource
import sys
import time

import numpy as np

from benchmarks._workers import answer, compare_steps

CONTENDERS = ("PyTorch", "ours tensorflow", "ours tensorflow XLA", "ours jax", "ours torch")
SIDE = 32


def main(
    *,
    contenders: tuple[str, ...] = CONTENDERS,
    rounds: int = 5,
    steps: int = 20,
    batch_size: int = 64,
    width: int = 64,
    scores: bool = False,
):
    """Times training steps, or with `--scores` the scores of 10,000 images against 10,000.

    Args:
        contenders: which contenders; ratios are to PyTorch (`pip install -e ".[torch]"`).
        rounds: rounds per contender, in turn.
        steps: steps per round.
        batch_size: images per step.
        width: channels of the maps at half the side (the paper: 128).
        scores: time scores, not steps.
    """
    if scores:
        time_scores()
        return
    title = f"DCGAN, width {width}, {batch_size} x {SIDE} x {SIDE}"
    compare_steps("adversarial", contenders, rounds, title, batch_size, width, steps)


def by_hand(torch, width):
    """The networks and a step on one batch, weights as the paper begins them."""
    nn = torch.nn
    wide = [width * 2**n for n in range((SIDE // 4).bit_length() - 1)]

    class Same(nn.Module):  # "same" padding of a transposed convolution with kernel 5, stride 2
        def __init__(self, before, after, bias):
            super().__init__()
            self.up = nn.ConvTranspose2d(before, after, 5, 2, padding=1, bias=bias)

        def forward(self, x):
            return self.up(x)[:, :, :-1, :-1]

    layers = [nn.Linear(100, 16 * wide[-1], bias=False), nn.Unflatten(1, (wide[-1], 4, 4))]
    layers += [nn.BatchNorm2d(wide[-1]), nn.ReLU()]
    for before, after in zip(wide[::-1], wide[-2::-1]):
        layers += [Same(before, after, False), nn.BatchNorm2d(after), nn.ReLU()]
    generator = nn.Sequential(*layers, Same(wide[0], 1, True), nn.Tanh())
    layers = [nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(1, wide[0], 5, 2), nn.LeakyReLU(0.2)]
    for before, after in itertools.pairwise(wide):
        layers += [nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(before, after, 5, 2, bias=False)]
        layers += [nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    discriminator = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * wide[-1], 1))
    for network in (generator, discriminator):
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)
            elif getattr(module, "weight", None) is not None:
                nn.init.normal_(module.weight, 0.0, 0.02)
    optimizers = [
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for network in (discriminator, generator)
    ]
    softplus = nn.functional.softplus

    def step(x):
        noise = lambda: 2.0 * torch.rand(len(x), 100) - 1.0
        optimizers[0].zero_grad()
        fake = generator(noise()).detach()
        (softplus(-discriminator(x)) + softplus(discriminator(fake))).mean().backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        softplus(-discriminator(generator(noise()))).mean().backward()
        optimizers[1].step()

    return step, sum(p.numel() for n in (generator, discriminator) for p in n.parameters())


def work(name, batch_size, width, steps):
    """The contender's side."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (batch_size * steps, SIDE, SIDE, 1)).astype("float32")
    if name == "PyTorch":
        import torch

        images = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
        step, weights = by_hand(torch, width)

        def train():
            for batch in images.split(batch_size):
                step(batch)

        answer(train, weights=weights)
        return
    import keras_ae

    model = keras_ae.DCGAN((SIDE, SIDE, 1), width=width)
    jit = True if name.endswith("XLA") else "auto"
    model.compile(keras_ae.DCGAN.paper_optimizers(), jit_compile=jit)
    weights = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    answer(lambda: model.fit(x, batch_size=batch_size, verbose=0), weights=weights)


def time_scores():
    """All scores in features, and the sliced Wasserstein distance; peak memory of the process."""
    import keras_ae
    from keras_ae import evaluation

    digits = keras_ae.data.load("digits", SIDE)
    extractor = evaluation.feature_extractor(digits)
    rng = np.random.default_rng(0)
    one, other = (rng.uniform(0, 1, (10_000, SIDE, SIDE, 1)).astype("float32") for _ in range(2))
    start = time.perf_counter()
    extractor.scores(one, other)
    middle = time.perf_counter()
    evaluation.sliced_wasserstein(one, other)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"10,000 images against 10,000 of {SIDE} x {SIDE}: in features {middle - start:.1f} s, "
        f"patches {end - middle:.1f} s, peak {peak:.0f} MB"
    )


if __name__ == "__main__":
    work(sys.argv[2], *map(int, sys.argv[3:]))
