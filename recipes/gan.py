"""The GAN process, drawn over the line of numbers, and the first GAN's digits.

Slide:    Generative adversarial networks; Real or fake?; The GAN process; "The OG"
Source:   Goodfellow et al. 2014, arXiv:1406.2661, figure 1, proposition 1, table 1 (Parzen windows)
Expected: Parzen log-likelihood 225 ± 2 nats (MNIST, the paper's training of 250 epochs or so); the
          generated density comes to lie on that of the data, and the discriminator goes to
          p(data) / (p(data) + p(generated))
Measured: MNIST, 20 epochs, one seed: 73 nats (independent pixels -245, training images 245), most
          samples ones, sevens and nines: it collapses partly; the densities of the process end
          0.035 apart (0.31 before), the discriminator 0.08 from the best one
Run:      python -m recipes gan --data mnist --epochs 20
"""

import keras
import numpy as np
from scipy import stats

import keras_ae
from keras_ae import callbacks, evaluation, figures
from keras_ae import data as sources

from . import _experiment as ex


class Frames(keras.callbacks.Callback):
    """Remembers after each epoch what the generator draws, and what the discriminator says of it.

    Args:
        points: array, where the discriminator is asked, shape `(points, 1)`.
        number: int, samples.
        seed: int, of the noise.
    """

    def __init__(self, points, number, seed):
        super().__init__()
        self.points, self.number, self.seed, self.frames = points, number, seed, []

    def look(self):
        drawn = self.model.sample(self.number, seed=self.seed, average=False)
        says = 1.0 / (1.0 + np.exp(-self.model.realness(self.points)))
        self.frames.append((drawn[:, 0], says))

    def on_train_begin(self, logs=None):
        self.look()

    def on_epoch_end(self, epoch, logs=None):
        self.look()


def process(run, seed):
    """A GAN of numbers: from a normal distribution's noise to a mixture of two."""
    rng = np.random.default_rng(seed)
    centre = np.where(rng.random(8192) < 0.5, -0.4, 0.4)
    data = (centre + rng.normal(0.0, 0.1, 8192)).clip(-1, 1).astype("float32")[:, None]
    keras.utils.set_random_seed(seed)
    model = keras_ae.GAN(
        keras_ae.dense_generator((1,), 2, (32, 32), "tanh"),
        keras_ae.dense_encoder((1,), 1, (64, 64), name="discriminator"),
    )
    rates = {"generator": 5e-4, "discriminator": 5e-3}
    decay = keras.optimizers.schedules.CosineDecay
    model.compile({k: keras.optimizers.Adam(decay(r, 60 * 32), 0.5) for k, r in rates.items()})
    points = np.linspace(-1.0, 1.0, 201, dtype="float32")[:, None]
    frames = Frames(points, 4096, seed)
    watch = [frames, run.progress("process")]
    model.fit(data, batch_size=256, epochs=60, verbose=0, callbacks=watch)

    for when, (drawn, says) in (("before", frames.frames[0]), ("after", frames.frames[-1])):
        apart = stats.wasserstein_distance(drawn, data[:, 0])
        run.metric(f"process_{when}_distance", apart, "Wasserstein distance of two densities, 1-D")
        best = figures.best_discriminator(data[:, 0], drawn, points[:, 0])
        gap = np.nanmean(np.abs(says - best))
        run.metric(f"process_{when}_gap", gap, "mean |D - p(data) / (p(data) + p(generated))|")
    shown = {f"after {32 * n} steps": frames.frames[n] for n in (0, 2, 5, 15, 30, 60)}
    title = f"The GAN process: 60 epochs of 8192 numbers, seed {seed}; the density of samples moves"
    before, after = (
        run.values[f"process_{when}_distance"]["value"] for when in ("before", "after")
    )
    title += f"\nto where the discriminator says that data are: {before:.2f} away, then {after:.2f}"
    run.figure("process", figures.gan_process(data[:, 0], points[:, 0], shown, title))
    shown = {f"after {32 * n} steps": frame for n, frame in enumerate(frames.frames)}
    shown = dict(list(shown.items())[:: 3 if run.quick else 1])
    run.animation("process", figures.gan_animation(data[:, 0], points[:, 0], shown, title))


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
    units: int = 1200,
):
    """Trains a GAN on numbers, with its process drawn, and the first GAN on digits.

    Args:
        units: units of each of the generator's two hidden layers; maxout layers have a fifth.
    """
    with ex.Run("gan", locals(), quick_epochs=10) as run:
        process(run, seed)
        # 1. Data in [0, 1]; the last tenth of the training images is to choose with
        side, rate, batch, number, looks = 28, 2e-4, 100, 10_000, 10
        if run.quick:
            side, units, rate, batch, number, looks = 20, 200, 1e-3, 64, 2000, 5
        images = sources.load(data, image_size=side)
        split = len(images.x_train) - len(images.x_train) // 10
        x_train, x_valid, x_test = images.x_train[:split], images.x_train[split:], images.x_test
        # 2. Model: dense layers and maxout
        shape = x_train.shape[1:]
        model = keras_ae.GAN(
            keras_ae.dense_generator(shape, 100, (units, units)),
            keras_ae.maxout_discriminator(shape, (units // 5, units // 5), seed=seed),
            noise="uniform",
        )
        # 3. Objective: real or fake; the generator's -log D
        model.compile(keras.optimizers.Adam(rate, beta_1=0.5))
        # 4. Train, and watch the same noise
        few = min(1000, len(x_valid))
        watch = callbacks.SampleMonitor(
            run.folder / "monitor", x_valid, None, max(1, run.epochs // looks), few, seed
        )
        log = [watch, *run.callbacks()]
        model.fit(x_train, batch_size=batch, epochs=run.epochs, verbose=0, callbacks=log)

        # 5. Look: digits over time, and the likelihood that papers of the time report
        run.say(f"scoring {number} samples, as many pictures of independent pixels, and real ones")
        drawn = model.sample(number, seed=seed)
        about = f"{data}, {run.epochs} epochs of {len(x_train)} images, seed {seed}"
        found = evaluation.parzen_log_likelihood(drawn, x_test[:1000], x_valid[:1000])
        run.metric("parzen", found[0], f"nats per image, Parzen windows on {number:,} samples")
        run.metric("parzen_deviation", found[2], "of the windows, chosen on training images")
        rng = np.random.default_rng(seed)
        pixels = rng.permuted(x_train, axis=0)[rng.integers(0, len(x_train), number)]
        trivial = evaluation.parzen_log_likelihood(pixels, x_test[:1000], x_valid[:1000])
        run.metric("independent_pixels_parzen", trivial[0], "nats per image, the same of these")
        own = evaluation.parzen_log_likelihood(x_train[:number], x_test[:1000], x_valid[:1000])
        run.metric("training_images_parzen", own[0], "nats per image, the same of these")
        rows = {f"epoch {epoch}": images[:12] for epoch, images in watch.grids().items()}
        nearest, _ = evaluation.nearest_images(list(rows.values())[-1], x_train)
        rows["nearest\nin training"] = nearest
        beside = f"independent pixels {trivial[0]:.0f}, training images {own[0]:.0f}"
        title = "The same noise while the first GAN is trained"
        title += f"\nParzen {found[0]:.0f} nats, {beside}\n{about}"
        run.figure("samples", figures.strips(rows, title))
        run.save(model)
        result = f"log-likelihood of test images by samples: {found[0]:.0f} nats; by {beside}"
        run.finish(result, "samples")


if __name__ == "__main__":
    ex.command_line(main)
