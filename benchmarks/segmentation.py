"""A training step of a U-Net with a ResNet50 encoder beside segmentation-models-pytorch.

Both have the same decoder (nearest upsampling, the encoder's map, two convolutions with batch norm,
256-128-64-32-16 channels, a 3x3 head); the encoders are those of `keras.applications` and of smp,
which halve the sides in other convolutions of a block. Forward, cross-entropy, backward and Adam on
one batch that is in memory. The contenders are processes of their own and asked in turn; reported
are seconds a step, the ratio to smp within a round, and the peak memory of the process.
"""

import sys

import numpy as np

from benchmarks._workers import answer, compare_steps

CONTENDERS = ("smp", "ours tensorflow", "ours tensorflow XLA", "ours jax", "ours torch")
DECODER = (256, 128, 64, 32, 16)
CLASSES = 11


def main(
    *,
    contenders: tuple[str, ...] = CONTENDERS,
    rounds: int = 5,
    steps: int = 3,
    batch_size: int = 4,
    side: int = 256,
):
    """Times training steps.

    Args:
        contenders: which contenders; ratios are to smp (`pip install -e ".[benchmark]"`).
        rounds: rounds per contender, in turn.
        steps: steps per round.
        batch_size: images per step.
        side: of an image in pixels.
    """
    title = f"U-Net, ResNet50, {batch_size} x {side} x {side} x 3"
    compare_steps("segmentation", contenders, rounds, title, batch_size, side, steps)


def decoder_of(maps):
    """The decoder of segmentation-models-pytorch's U-Net, for the maps of an encoder."""
    import keras
    from keras import layers

    inputs = {name: keras.Input(each.shape[1:], name=name) for name, each in maps.items()}
    *across, x = (inputs[f"stride_{stride}"] for stride in (2, 4, 8, 16, 32))
    for width, skip in zip(DECODER, [*across[::-1], None]):
        x = layers.UpSampling2D()(x)
        x = x if skip is None else layers.Concatenate()([x, skip])
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Conv2D(CLASSES, 3, padding="same")(x))


def declare_operators(torch):
    """Lets torchvision be imported where its binary, built for CUDA, cannot be loaded.

    timm imports it, which smp imports; a U-Net uses none of its operators.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for module in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
        declare_operators.kept = library  # what is declared goes with it


def work(name, batch_size, side, steps):
    """The contender's side."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (batch_size, side, side, 3)).astype("float32")
    y = rng.integers(0, CLASSES, (batch_size, side, side))
    if name == "smp":
        import torch

        declare_operators(torch)
        import segmentation_models_pytorch as smp

        model = smp.Unet("resnet50", encoder_weights=None, classes=CLASSES)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        images, labels = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y)

        def train():
            for _ in range(steps):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(images), labels).backward()
                optimizer.step()

        answer(train, weights=sum(p.numel() for p in model.parameters() if p.requires_grad))
        return
    import keras_ae

    encoder = keras_ae.pyramid_encoder("ResNet50", (side, side, 3))
    model = keras_ae.EncoderDecoder(encoder, decoder_of(encoder.output), CLASSES)
    model.compile("adam", jit_compile=True if name.endswith("XLA") else "auto")
    many = np.concatenate([x] * steps), np.concatenate([y] * steps)
    weights = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    answer(lambda: model.fit(*many, batch_size=batch_size, verbose=0), weights=weights)


if __name__ == "__main__":
    work(sys.argv[2], *map(int, sys.argv[3:]))
