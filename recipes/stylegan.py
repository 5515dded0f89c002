"""Styles for each layer: coarse ones set the digit, fine ones its strokes.

Slide:    Style-based GAN
Source:   Karras et al. 2018, arXiv:1812.04948, figures 1, 3, 5 and 8
Expected: no published number for digits in these features; coarse styles carry most of what is
          seen, noise changes little, truncation trades variety for typical digits
Measured: MNIST, 540,000 real images, half of them at the last side, half as wide as by default, one
          seed: 18.5 times the floor of 0.72 (independent pixels 303), raw weights 29 times; 10
          classes, total variation 0.072. Noise changes a pixel by 0.002 of 1. Coarse styles change
          the digit, fine ones its strokes, as expected
Run:      python -m recipes stylegan --data mnist --epochs 9 --width 128 --most 32
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
):
    """Trains a StyleGAN on digits.

    Args:
        width: maps of side n have 2 width / n channels (the paper: 8192).
        most: channels at most (the paper: 512).
        w_dim: numbers of noise and of a style (the paper: 512).
        depth: layers from noise to style (the paper: 8).
    """
    with ex.Run("stylegan", locals(), quick_epochs=5) as run:
        # 1. Data in [-1, 1], padded to 32 x 32
        side, size = 32, 16
        if run.quick:
            side, size, width, most, depth = 16, 32, 96, 32, 2
        images, extractor = _samples.prepared(run, side, 4500)
        x_train = 2.0 * images.x_train[: len(images.x_train) // size * size] - 1.0
        # 2. Model: it grows from 8 x 8, as the paper's does, with time to fade in and to stay
        phase = run.epochs * len(x_train) // (4 if run.quick else 6)
        networks = keras_ae.stylegan_networks(x_train.shape[1:], w_dim, w_dim, depth, width, most)
        # 3. Objective: real or fake; R1
        how = {"fade_images": phase, "stable_images": phase, "ramp": 0.05}
        if run.quick:  # the paper's other loss, which takes fewer steps
            how |= {"mixing": 0.0, "loss": "wasserstein", "gradient_penalty": 10.0, "r1": 0.0}
        model = keras_ae.StyleGAN(**networks, **how)
        model.compile(model.paper_optimizers(4e-3 if run.quick else 1e-3))
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
