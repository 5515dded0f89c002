"""A GAN that grows: digits of 4 x 4 pixels first, then 8, 16 and 32, each faded in.

Slide:    Progressively Growing GAN
Source:   Karras et al. 2017, arXiv:1710.10196, section 2 and figure 2
Expected: no published number for digits in these features; samples at every side look like digits
          of that side, and growing costs less than training at the last side from the start
Measured: MNIST, 480,000 real images, half as wide as by default, one seed: 10.5 times the floor of
          0.72 (independent pixels 303), raw weights 32 times; 10 classes, total variation 0.039. A
          run of 540,000 images stands in `gan_progress`. What a step costs at each side: README
Run:      python -m recipes progan --data mnist --epochs 8 --width 128 --most 32
"""

import numpy as np

import keras_ae
from keras_ae import figures

from . import _experiment as ex
from . import _samples


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 160,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    width: int = 256,
    most: int = 64,
    noise_dim: int = 64,
):
    """Trains a ProGAN on digits.

    Args:
        width: maps of side n have 2 width / n channels (the paper: 8192).
        most: channels at most (the paper: 512).
        noise_dim: numbers of noise (the paper: 512).
    """
    with ex.Run("progan", locals(), quick_epochs=5) as run:
        # 1. Data in [-1, 1], padded to 32 x 32
        side, start, width, most = (16, 8, 96, 32) if run.quick else (32, 4, width, most)
        images, extractor = _samples.prepared(run, side)
        size, rate = (32, 4e-3) if run.quick else (16, 1e-3)
        x_train = 2.0 * images.x_train[: len(images.x_train) // size * size] - 1.0
        # 2. Model: every side is built; each but the first has a phase to fade in and one after
        phases = 2 * int(np.log2(side // start)) + 1
        phase = run.epochs * len(x_train) // (phases + 1)  # the last side has one more
        networks = keras_ae.progan_networks(x_train.shape[1:], noise_dim, width, most)
        # 3. Objective: Wasserstein distance, gradient penalty, drift
        times = {"fade_images": phase, "stable_images": phase, "start_side": start}
        model = keras_ae.ProGAN(**networks, **times)
        model.compile(model.paper_optimizers(rate))
        # 4. Train: it grows within one fit
        looks = _samples.watch(run, images, extractor, 2 * phases)
        watching = [looks, *run.callbacks()]
        model.fit(x_train, batch_size=size, epochs=run.epochs, verbose=0, callbacks=watching)

        # 5. Look: scores, growth over time, the last fade as a strip
        about = f"{data}, {run.epochs} epochs of {len(x_train)} images, seed {seed}"
        run.metric("images_seen", run.epochs * len(x_train), "real images seen")
        outcome = _samples.pictures(run, model, images, extractor, looks, about, "growth")
        noise = model.sample_noise(10, seed=seed)
        strip = {
            f"fade {share:.2f}": _samples.in_range(model.generate(noise, fade=share))
            for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        }
        title = f"The last fade: images of {side // 2} x {side // 2} give way to those of {side}"
        run.figure("fade", figures.strips(strip, f"{title} x {side}\n{about}"))
        run.save(model)
        run.finish(outcome, "growth")


if __name__ == "__main__":
    ex.command_line(main)
