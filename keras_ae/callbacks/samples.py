"""A watch over what a generator draws while it is trained, and over its discriminator."""

import csv
import os
import pathlib

import keras
import numpy as np

from .. import evaluation, figures
from ..engine.checks import check_positive_int
from .log import read_log

COLLAPSED, TOLD, FOOLED = 0.5, 0.99, 0.51  # limits of the warnings


class SampleMonitor(keras.callbacks.Callback):
    """Draws and scores samples every few epochs, says when training fails, keeps the best weights.

    In `folder` it writes, whole files only:

    - `NAME_00010.png`, images of the same noise each time, and `NAME.npz` with all of them, which
      `grids` reads;
    - `NAME.csv`, one row each time: `score` (Fréchet distance in features, or without an
      `extractor` the sliced Wasserstein distance of patches; 0 is best) and `spread` (distance
      between samples over that between data), both of the averaged generator where there is one;
      `told_apart` (share of pairs of a real and a generated image in which the discriminator finds
      the real one more real: 0.5 is guessing, 1 certainty; this means the same for every loss),
      `real_accuracy` and `fake_accuracy` (of logits above and below zero), these three of the
      generator that the discriminator is trained against; with an extractor also `classes_hit`,
      `class_distance` (total variation), `precision`, `recall`, `density`, `coverage` and the share
      of each class;
    - `NAME.best.weights.h5` and `NAME.last.weights.h5`, weights of the epoch with the least score
      and of the last one, for `model.load_weights`.

    One printed line tells when modes collapse or one side has won. Training is not changed: no
    noise of it is used. A run that is resumed goes on with its rows and its best weights: pass it
    before `Backup`, which then saves no epoch that was not looked at.

    Source: this library; scores as in `keras_ae.evaluation`; what to watch for: Goodfellow 2016,
    arXiv:1701.00160, section 5.

    Args:
        folder: path of the folder to write to.
        real: array of images that nothing is tested on, in the pixels of the training data, shape
            `(examples, *image_shape)`.
        extractor: `keras_ae.evaluation.FeatureExtractor` of such images (in [0, 1]), or `None`.
            Defaults to `None`.
        every: int, epochs from one look to the next; the last epoch is always looked at. Defaults
            to `1`.
        num_samples: int, samples (and real images) of a score. Defaults to `2000`.
        seed: int, of the noise. Defaults to `0`.
        name: str, start of all file names. Defaults to `"samples"`.

    Raises:
        ValueError: when there are fewer real images than `num_samples`, or a number is not
            positive.
    """

    def __init__(
        self, folder, real, extractor=None, every=1, num_samples=2000, seed=0, name="samples"
    ):
        super().__init__()
        check_positive_int("every", every)
        check_positive_int("num_samples", num_samples)
        if len(real) < num_samples:
            raise ValueError(
                f"real has {len(real)} images for num_samples={num_samples}: pass as many, or "
                "lower num_samples."
            )
        self.folder, self.name, self.extractor = pathlib.Path(folder), name, extractor
        self.every, self.num_samples, self.seed = every, num_samples, seed
        self.real = np.asarray(real)[:num_samples]
        self.best = self.folder / f"{name}.best.weights.h5"
        self.last = self.folder / f"{name}.last.weights.h5"

    def rows(self):
        """What was measured so far, a list of dicts of numbers."""
        rows = read_log(self.folder / f"{self.name}.csv")
        return [{key: float(value) for key, value in row.items()} for row in rows]

    def grids(self):
        """Images of the same noise over time: dict, epoch to 64 images of 8 bits in [0, 1]."""
        file = self.folder / f"{self.name}.npz"
        if not file.exists():
            return {}
        with np.load(file) as grids:
            return {int(epoch): grids[epoch] / np.float32(255.0) for epoch in grids.files}

    def on_train_begin(self, logs=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._epoch, self._looked, self._failing = None, None, ""

    def on_epoch_end(self, epoch, logs=None):
        self._epoch = epoch + 1
        if self._epoch % self.every == 0:
            self._look()

    def on_train_end(self, logs=None):
        if self._epoch != self._looked:
            self._look()

    def _look(self):
        self._looked = epoch = self._epoch
        draw = lambda average: first(
            self.model.sample(self.num_samples, seed=self.seed, average=average)
        )
        low, high, _ = self.model.target_range()
        fake, real = (
            evaluation.quantize((x - low) / (high - low)) for x in (draw(True), self.real)
        )
        row = {"epoch": epoch, "score": 0.0}
        judged = (self.model.realness(x) for x in (self.real, draw(False)))
        row |= discriminator_scores(*judged)  # of the generator that it plays against
        row["spread"] = spread(fake) / max(spread(real), 1e-12)
        if self.extractor is None:
            few = slice(0, min(1000, self.num_samples))
            row["score"] = evaluation.sliced_wasserstein(fake[few], real[few])["mean"]
        else:
            found = self.extractor.scores(fake, real, kernel=False)
            row["score"] = found.pop("frechet")
            shares = self.extractor.class_shares(fake)
            row |= found | {f"class_{n}": share for n, share in enumerate(shares)}
        self._keep(row)
        kind, warning = what_fails(row)
        if kind and kind != self._failing:
            print(f"epoch {epoch}: {warning}", flush=True)
        self._failing = kind
        title = f"Epoch {epoch}, the same noise each time, score {row['score']:.3g}"
        shown = fake[:64]
        picture = figures.tiles({"": shown}, title)
        file = self.folder / f"{self.name}_{epoch:05d}.png"
        self._replace(file, lambda name: picture.savefig(name, dpi=100))
        grids = {e: images for e, images in self.grids().items() if e < epoch} | {epoch: shown}
        grids = {str(e): np.round(255.0 * images).astype("uint8") for e, images in grids.items()}
        file = self.folder / f"{self.name}.npz"
        self._replace(file, lambda name: np.savez_compressed(name, **grids))

    def _keep(self, row):
        """Writes the row behind those before it, and the weights."""
        rows = [*[r for r in self.rows() if r["epoch"] < row["epoch"]], row]
        if min(rows, key=lambda r: r["score"]) is row or not self.best.exists():
            self._replace(self.best, self.model.save_weights)
        self._replace(self.last, self.model.save_weights)

        def write(name):
            with open(name, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
                writer.writerows(rows)

        self._replace(self.folder / f"{self.name}.csv", write)

    @staticmethod
    def _replace(file, write):
        unfinished = file.with_name(f"unfinished.{file.name}")
        write(unfinished)
        os.replace(unfinished, file)


def first(images):
    """The images that are scored, where a model draws several: those of the first domain.

    Source: this library.

    Args:
        images: array, or dict of arrays.

    Returns:
        array.
    """
    return next(iter(images.values())) if isinstance(images, dict) else images


def discriminator_scores(real, fake):
    """How well a discriminator tells real images from generated ones.

    Source: definition; "told_apart" is the area under the ROC curve (Mann and Whitney 1947).

    Args:
        real: array of logits of real images, shape `(examples,)`.
        fake: array of logits of generated images.

    Returns:
        dict with "told_apart", "real_accuracy" and "fake_accuracy".
    """
    order = np.sort(fake)
    below = np.searchsorted(order, real, "left") + np.searchsorted(order, real, "right")
    return {
        "told_apart": float(np.mean(below / (2.0 * len(fake)))),
        "real_accuracy": float(np.mean(real > 0)),
        "fake_accuracy": float(np.mean(fake < 0)),
    }


def spread(images, pairs=2000):
    """Mean distance of pixels between two images of a set.

    Source: this library.

    Args:
        images: array, shape `(examples, ...)`.
        pairs: int. Defaults to `2000`.

    Returns:
        float.
    """
    rng, flat = np.random.default_rng(0), images.reshape(len(images), -1)
    one, other = rng.integers(0, len(flat), (2, pairs))
    return float(np.linalg.norm(flat[one] - flat[other], axis=1).mean())


def what_fails(row):
    """What goes wrong, if anything does.

    Source: Goodfellow 2016, arXiv:1701.00160, section 5.1.1 (collapse); this library (limits).

    Args:
        row: dict, a row of `SampleMonitor`.

    Returns:
        `(kind, line)`: "collapse", "discriminator", "generator" or nothing, and what to print.
    """
    classes = sum(key.startswith("class_") and key[6:].isdigit() for key in row)
    if row["spread"] < COLLAPSED or row.get("classes_hit", classes) < COLLAPSED * classes:
        hit = f", {row['classes_hit']:.0f} of {classes} classes are hit" if classes else ""
        return "collapse", (
            f"modes collapse: samples differ {row['spread']:.2f} times as much as data do{hit}."
        )
    if row["told_apart"] >= TOLD:
        return "discriminator", (
            f"the discriminator has won: it tells {row['told_apart']:.1%} of pairs apart, and its "
            "gradient teaches the generator little."
        )
    if row["told_apart"] <= FOOLED:
        return "generator", (
            f"the discriminator guesses: it tells {row['told_apart']:.1%} of pairs apart. Where "
            "the score is still falling samples are as good as data, else the generator has won."
        )
    return "", ""
