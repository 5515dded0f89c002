"""Convolutions draw digits: the deep convolutional GAN.

Slide:    Deep Convolutional (GAN)
Source:   Radford et al. 2015, arXiv:1511.06434, sections 3 and 6 (walking in the latent space)
Expected: no published number for digits in these features; walks between two noises change
          smoothly, and samples are no copies of training images
Measured: MNIST, width 32, 17 epochs, one seed: Fréchet distance 1.45, twice that of training to
          test images (0.72); total variation of the classes 0.026; walks change smoothly
Run:      python -m recipes dcgan --data mnist --epochs 17
"""

import dataclasses

import keras
import numpy as np

import keras_ae
from keras_ae import callbacks, evaluation, figures
from keras_ae import data as sources

from . import _experiment as ex


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 200,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    width: int = 32,
    stacked: bool = False,
):
    """Trains a DCGAN on images of 32 x 32.

    Args:
        width: channels of the maps at half the side (the paper: 128).
        stacked: three digits as the channels of one image, to count which of 1000 modes it draws.
    """
    with ex.Run("dcgan", locals(), quick_epochs=6) as run:
        # 1. Data in [-1, 1], padded to 32 x 32
        width, rate, batch, few = (16, 1e-3, 32, 1000) if run.quick else (width, 2e-4, 64, 2000)
        images = sources.padded(sources.load(data, 28), 32)
        if images.y_train is None:
            raise ValueError("--data needs labels: pass digits or mnist, for instance.")
        if run.quick:
            fewer = {"x_train": images.x_train[:5000], "y_train": images.y_train[:5000]}
            images = dataclasses.replace(images, **fewer)
        run.say("training the classifier in whose features samples are scored")
        extractor = evaluation.feature_extractor(images)
        x_train, x_test = images.x_train, images.x_test
        if stacked:
            x_train, _ = sources.stacked(x_train, images.y_train, len(x_train), seed)
            x_test, _ = sources.stacked(x_test, images.y_test, 10 * len(x_test), seed)
        number = min(len(x_test), 2 * few if run.quick else 25_600 if stacked else 10_000)

        # 2. Model: strided convolutions, batch normalisation
        model = keras_ae.DCGAN(x_train.shape[1:], width=width)
        # 3. Objective: real or fake; the generator's -log D
        model.compile(keras.optimizers.Adam(rate, beta_1=0.5))
        # 4. Train, and watch
        every = max(1, run.epochs // 10)
        watch = callbacks.SampleMonitor(
            run.folder / "monitor",
            2.0 * x_train[:few] - 1.0,
            None if stacked else extractor,
            every,
            min(few, len(x_train)),
            seed,
        )
        log = [watch, *run.callbacks()]
        fitting = {"batch_size": batch, "epochs": run.epochs, "verbose": 0, "callbacks": log}
        model.fit(2.0 * x_train - 1.0, **fitting)

        # 5. Look: samples and their scores, a walk, the same noise over time
        drawn = evaluation.quantize((model.sample(number, seed=seed) + 1.0) / 2.0)
        about = f"{data}, {run.epochs} epochs of {len(x_train)} images, seed {seed}"
        if stacked:
            for key, x in (("", drawn), ("data_", x_test[:number])):
                found = evaluation.stacked_modes(extractor, x)
                run.metric(f"{key}modes", found["modes"], f"of 1000 in {number} images")
                run.metric(f"{key}divergence", found["divergence"], "KL to equal shares, nats")
            title = f"{run.values['modes']['value']:.0f} of 1000 modes"
        else:
            found = extractor.scores(drawn, x_test[:number])
            order = np.random.default_rng(seed).permutation(len(x_train))[:number]
            floor = extractor.scores(x_train[order], x_test[:number])
            for key, each in (("", found), ("floor_", floor)):
                run.metric(f"{key}frechet", each["frechet"], "Fréchet distance in features")
                run.metric(f"{key}class_distance", each["class_distance"], "total variation")
                run.metric(f"{key}coverage", each["coverage"], "share of data with samples near by")
            pixels = np.random.default_rng(seed).permuted(x_train, axis=0)[:number]
            trivial = extractor.scores(pixels, x_test[:number], kernel=False)["frechet"]
            run.metric("independent_pixels_frechet", trivial, "the same of independent pixels")
            title = f"Fréchet distance of the samples {found['frechet']:.1f}; training images "
            title += f"{floor['frechet']:.2f}; independent pixels {trivial:.0f}"
        panels = {"samples": drawn[:64], "training images": x_train[:64]}
        run.figure("samples", figures.tiles(panels, f"{title}\n{about}"))
        nearest, distances = evaluation.nearest_images(drawn[:2000], x_train)
        run.metric("nearest", distances.mean(), "distance of pixels to the nearest training image")
        ends = model.sample_noise(8, seed=seed)
        share = np.linspace(0.0, 1.0, 12, dtype="float32")[:, None]
        rows = {}
        for pair in range(4):
            between = (1.0 - share) * ends[2 * pair] + share * ends[2 * pair + 1]
            rows[f"walk {pair + 1}"] = (model.generate(between) + 1.0) / 2.0
        rows |= {"samples": drawn[:12], "nearest\nin training": nearest[:12]}
        walks = "Walks from one noise to another; samples and what they are nearest to"
        run.figure("walks", figures.strips(rows, f"{walks}\n{about}"))
        history = watch.rows()
        lines = {
            name: [[row[key] for row in history] for key in ("epoch", column)]
            for name, column in (
                ("real before fake", "told_apart"),
                ("real images called real", "real_accuracy"),
                ("generated ones called so", "fake_accuracy"),
            )
        }
        told = f"How well the discriminator tells images apart\n{about}"
        run.figure(
            "discriminator",
            figures.curves(lines, told, "epoch", "share of images", levels={"guessing": 0.5}),
        )
        run.save(model)
        run.finish(title, "samples")


if __name__ == "__main__":
    ex.command_line(main)
