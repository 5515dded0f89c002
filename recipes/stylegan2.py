"""Styles that scale kernels: the second style-based GAN.

Slide:    Improved Style-based GAN
Source:   Karras et al. 2020, arXiv:1912.04958, sections 2 to 4
Expected: no published number for digits in these features; as `stylegan`, with a better score at
          equal images seen
Measured: MNIST, 540,000 real images, half as wide as by default, one seed: 8.8 times the floor of
          0.72 (independent pixels 303), raw weights 12.8 times; 10 classes, total variation 0.073.
          Without path lengths and mixed styles, with a mapping of two layers, it is 3.1 times
          (`gan_progress`). Noise changes a pixel by 0.0004 of 1
Run:      python -m recipes stylegan2 --data mnist --epochs 9 --width 128 --most 32
"""

import keras_ae

from . import _experiment as ex
from . import _samples


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 300,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    width: int = 256,
    most: int = 64,
    w_dim: int = 64,
    depth: int = 4,
    augment: bool = False,
):
    """Trains a StyleGAN2 on digits, or on other images with labels, grey or in colour.

    Args:
        width: maps of side n have 2 width / n channels (the paper: 16384).
        most: channels at most (the paper: 512).
        w_dim: numbers of noise and of a style (the paper: 512).
        depth: layers from noise to style (the paper: 8).
        augment: the discriminator sees augmented images, as strongly as it overfits.
    """
    with ex.Run("stylegan2", locals(), quick_epochs=5) as run:
        # 1. Data in [-1, 1], 32 x 32, digits with a margin
        side, size = 32, 16
        if run.quick:
            side, size, width, most, depth = 16, 32, 96, 32, 2
        images, extractor = _samples.prepared(run, side)
        x_train = 2.0 * images.x_train[: len(images.x_train) // size * size] - 1.0
        # 2. Model: modulated kernels, images summed over sides, residual discriminator
        networks = keras_ae.stylegan2_networks(x_train.shape[1:], w_dim, w_dim, depth, width, most)
        # 3. Objective: real or fake; now and then R1 and the lengths of paths
        # (R1's weight for this side, 0.013, is one for far longer runs: `gan_progress` says more)
        more = {"r1": 1.0, "path_length": 2.0}
        if run.quick:
            more = {"r1": 30.0, "path_length": 0.0, "mixing": 0.0}
        if augment:
            more["augment"] = keras_ae.layers.AdaptiveAugmentation(seed=seed)
        model = keras_ae.StyleGAN2(**networks, **more)
        model.compile(model.paper_optimizers(8e-3 if run.quick else 2e-3))
        # 4. Train
        looks = _samples.watch(run, images, extractor, 2 if run.quick else 10)
        watching = [looks, *run.callbacks()]
        model.fit(x_train, batch_size=size, epochs=run.epochs, verbose=0, callbacks=watching)

        # 5. Look: scores, samples over time, and what styles do
        about = f"{data}, {run.epochs} epochs of {len(x_train)} images, seed {seed}"
        about += ", too few for whole digits" if run.quick else ""
        run.metric("images_seen", run.epochs * len(x_train), "real images seen")
        _samples.pictures(run, model, images, extractor, looks, about, "training")
        outcome = _samples.style_pictures(run, model, extractor, about)
        run.save(model, export=not run.quick)  # which takes a while
        run.finish(outcome, "mixing")


if __name__ == "__main__":
    ex.command_line(main)
