"""Training speed of `fit` of the VAE and the AAE, side by side with hand-written PyTorch.

As `benchmarks.train_step`, whose table it prints: processes that are asked in turn, ratios to eager
PyTorch within a round. (The share of sgemm counts 6 operations per weight and image, as if every
weight were used once forwards and backwards in a step; of the AAE more is computed.)
"""

import itertools
import sys

import numpy as np

from benchmarks._workers import answer
from benchmarks.train_step import CONTENDERS, IMAGES, compare

EPOCHS = {"vae": 2, "aae": 1}  # of one round


def main(
    *,
    networks: tuple[str, ...] = ("vae", "aae"),
    contenders: tuple[str, ...] = CONTENDERS,
    rounds: int = 5,
    batch_size: int = 128,
    steps: int = 469,
):
    """Times training steps of our `fit` against PyTorch by hand.

    Args:
        networks: vae (the slide's 784-400-20-400-784), aae (784-1000-1000-8 and back, a
            discriminator 8-1000-1000-1).
        contenders: which contenders.
        rounds: rounds per contender, in turn.
        batch_size: images per step.
        steps: steps per epoch.
    """
    for network in networks:
        compare("generative", network, EPOCHS[network], contenders, rounds, batch_size, steps)


def ours(network):
    """Our model with the defaults of `compile`."""
    import keras_ae

    if network == "vae":
        model = keras_ae.VAE(
            keras_ae.dense_encoder((IMAGES,), 20, (400,), heads=("mean", "log_variance")),
            keras_ae.dense_decoder((IMAGES,), 20, (400,)),
        )
    else:
        model = keras_ae.AdversarialAutoencoder(
            keras_ae.dense_encoder((IMAGES,), 8, (1000, 1000)),
            keras_ae.dense_decoder((IMAGES,), 8, (1000, 1000)),
            keras_ae.dense_encoder((8,), 1, (1000, 1000), name="discriminator"),
            keras_ae.layers.GaussianPrior(8, 5.0),
            loss="bernoulli",
        )
    model.compile("adam")
    return model


def vae_by_hand(torch):
    """The slide's PyTorch code: its network, loss and optimizer; a step on one batch."""
    nn, functional = torch.nn, torch.nn.functional
    fc1, fc21, fc22 = nn.Linear(IMAGES, 400), nn.Linear(400, 20), nn.Linear(400, 20)
    fc3, fc4 = nn.Linear(20, 400), nn.Linear(400, IMAGES)
    model = nn.ModuleList([fc1, fc21, fc22, fc3, fc4])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def forward(x):
        h1 = functional.relu(fc1(x))
        mean, log_variance = fc21(h1), fc22(h1)
        z = torch.randn_like(mean) * torch.exp(0.5 * log_variance) + mean
        return torch.sigmoid(fc4(functional.relu(fc3(z)))), mean, log_variance

    def step(forward, x):
        optimizer.zero_grad()
        output, mean, log_variance = forward(x)
        loss = functional.binary_cross_entropy(output, x, reduction="sum")
        loss = loss - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        loss.backward()
        optimizer.step()

    return model, forward, step


def aae_by_hand(torch):
    """Three optimizers, three losses, one after the other; a step on one batch."""
    nn, functional = torch.nn, torch.nn.functional

    def dense(sizes):
        pairs = [(nn.Linear(m, n), nn.ReLU()) for m, n in itertools.pairwise(sizes)]
        return nn.Sequential(*[layer for pair in pairs for layer in pair][:-1])

    encoder, decoder = dense([IMAGES, 1000, 1000, 8]), dense([8, 1000, 1000, IMAGES])
    judge = dense([8, 1000, 1000, 1])
    groups = (
        [*encoder.parameters(), *decoder.parameters()],
        judge.parameters(),
        encoder.parameters(),
    )
    optimizers = [torch.optim.Adam(group, lr=1e-3) for group in groups]
    entropy = functional.binary_cross_entropy_with_logits

    def forward(x):
        return encoder(x)

    def descend(optimizer, loss):  # gradients of its own weights alone
        weights = optimizer.param_groups[0]["params"]
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights)):
            weight.grad = gradient
        optimizer.step()

    def step(forward, x):
        one, zero = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        loss = entropy(decoder(forward(x)), x, reduction="sum") / len(x)
        descend(optimizers[0], loss)
        real, fake = judge(5.0 * torch.randn(len(x), 8)), judge(forward(x).detach())
        descend(optimizers[1], entropy(real, one) + entropy(fake, zero))
        descend(optimizers[2], entropy(judge(forward(x)), one))

    return nn.ModuleList([encoder, decoder, judge]), forward, step


def work(name, network, batch_size, steps):
    """The contender's side: answers every line on standard input with one round."""
    x = np.random.default_rng(0).uniform(0, 1, (batch_size * steps, IMAGES)).astype("float32")
    if name.startswith("ours "):
        model = ours(network)
        fit = {"batch_size": batch_size, "epochs": EPOCHS[network], "verbose": 0}
        answer(lambda: model.fit(x, **fit), weights=model.count_params())
        return
    import torch

    model, forward, step = {"vae": vae_by_hand, "aae": aae_by_hand}[network](torch)
    forward = torch.compile(forward) if name == "torch.compile" else forward
    images = torch.from_numpy(x)

    def train():
        for _ in range(EPOCHS[network]):
            for chosen in torch.randperm(len(images)).split(batch_size):
                step(forward, images[chosen])

    answer(train, weights=sum(parameter.numel() for parameter in model.parameters()))


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
