"""What recipes of samples share: data, the watch, scores, pictures, and those of styles."""

import contextlib
import dataclasses

import numpy as np

from keras_ae import callbacks, evaluation, figures, layers
from keras_ae import data as sources

from . import _experiment as ex

UNIT = "Fréchet distance in the features of a small classifier, 0 is best"


def prepared(run, side, most=5000):
    """`(images, extractor)`: the run's data at a side, and what scores samples of it.

    Grey images have margins of two pixels, those in colour fill their frame. In a quick run all
    do, and there are `most` of them at most.
    """
    data = run.settings["data"]
    images = sources.load(data, side if run.quick else side - 4)
    if images.x_train.shape[-1] == 3:
        images = sources.load(data, side)
    images = sources.padded(images, side)
    if images.y_train is None:
        raise ValueError("--data needs labels: pass pen, digits or mnist, for instance.")
    run.say("A small classifier is trained: samples are compared in its features.")
    if not run.quick:
        return images, evaluation.feature_extractor(images)
    return _first(images, most), evaluation.feature_extractor(_first(images, 5000))


def _first(images, number):
    """A data set of the first `number` training images and the first 1000 test images."""
    parts = {"x_train": number, "y_train": number, "x_test": 1000, "y_test": 1000}
    parts = {name: getattr(images, name)[:n] for name, n in parts.items()}
    return dataclasses.replace(images, **parts)


def watch(run, images, extractor, looks=10):
    """A monitor of samples, on images of the training set."""
    real = 2.0 * images.x_train[:4000] - 1.0
    looks, number = (min(looks, 4), 500) if run.quick else (looks, min(2000, len(real)))
    every = max(1, run.epochs // looks)
    return callbacks.SampleMonitor(run.folder / "monitor", real, extractor, every, number, run.seed)


def in_range(drawn):
    """Samples in [-1, 1] as images of 8 bits in [0, 1]."""
    return evaluation.quantize((drawn + 1.0) / 2.0)


@dataclasses.dataclass
class Score:
    """Fréchet distance of images to real ones, and how their classes are.

    Args:
        run: the recipe's run, that is told.
        extractor: the classifier in whose features images are compared.
        real: array of test images in [0, 1].
    """

    run: ex.Run
    extractor: evaluation.FeatureExtractor
    real: np.ndarray

    def __call__(self, key, drawn, asked=None):
        """Measures as many images as there are real ones; where `asked` is given, their classes.

        Returns:
            dict of float, as `FeatureExtractor.scores`; "class_accuracy" where `asked` is given.
        """
        drawn = evaluation.quantize(drawn)
        found = self.extractor.scores(drawn, self.real, kernel=False)
        self.run.metric(f"{key}frechet", found["frechet"], UNIT)
        if asked is not None:
            found["class_accuracy"] = self.accuracy(key, drawn, asked)
        return found

    def accuracy(self, key, drawn, asked):
        """The share of images that are of the class that was asked for."""
        right = np.mean(self.extractor.classify(evaluation.quantize(drawn)) == asked)
        self.run.metric(f"{key}class_accuracy", right, "share of samples of the class asked for")
        return right

    def bounds(self, x_train):
        """The floor, of as many training images, which is returned; and independent pixels."""
        rng = np.random.default_rng(self.run.seed)
        some = x_train[rng.permutation(len(x_train))[: len(self.real)]]
        self("independent_pixels_", rng.permuted(some, axis=0))
        return self("floor_", some)["frechet"]


def pictures(run, model, images, extractor, looks, about, strip):
    """Measures and draws samples of the last weights, and the same noise over time.

    Returns:
        str, the outcome in a line.
    """
    run.say("Samples are drawn and compared with test images.")
    number = min(len(images.x_test), 10_000)
    score = Score(run, extractor, images.x_test[:number])
    drawn = in_range(model.sample(number, seed=run.seed))
    found = score("", drawn)
    run.metric("class_distance", found["class_distance"], "total variation of classes")
    run.metric("classes_hit", found["classes_hit"], "classes that are drawn")
    run.metric("coverage", found["coverage"], "share of data with a sample near by")
    score("raw_", in_range(model.sample(number, seed=run.seed, average=False)))
    floor = score.bounds(images.x_train)
    nearest, distances = evaluation.nearest_images(drawn[:2000], images.x_train)
    run.metric("nearest", distances.mean(), "distance of pixels to the nearest training image")
    title = f"Fréchet distance {found['frechet']:.1f}, floor {floor:.2f}"
    rows = {f"epoch {row}": grid[:12] for row, grid in looks.grids().items()}
    rows |= {"samples": drawn[:12], "nearest\nin training": nearest[:12]}
    run.figure("samples", figures.tiles({"samples": drawn[:100]}, f"{title}\n{about}"))
    title = f"The same noise while the GAN is trained; at its end {title}\n{about}"
    run.figure(strip, figures.strips(rows, title))
    return outcome(run, "samples")


def outcome(run, what, key=""):
    """A line for `finish`: a score beside what it is without a model, and at best."""
    value = lambda name: run.values[f"{name}frechet"]["value"]
    return (
        f"{what}: Fréchet distance {value(key):.1f} from real images; independent pixels: "
        f"{value('independent_pixels_'):.0f}; other real images: {value('floor_'):.1f}"
    )


def style_pictures(run, model, extractor, about):
    """The slide's pictures: mixed styles, truncation, noise on and off, and a walk as a GIF.

    Returns:
        str, the outcome in a line: which styles set the digit.
    """
    run.say("Styles are mixed, truncated, and walked through.")
    about = f"{about}, Fréchet distance {run.values['frechet']['value']:.1f}"
    count, sides = model.num_styles, (model.num_styles - 2) // 2
    w, other = (model.map(model.sample_noise(6, seed=run.seed + k)) for k in (1, 2))
    own, blank = in_range(model.synthesize(w)), np.zeros((1, *model.image_shape), "float32")
    rows = {"styles\nof these": np.concatenate([blank, in_range(model.synthesize(other))])}
    fine = 2 + 2 * (sides // 2)  # the first layer of fine styles
    parts, shares = {"coarse": (0, 2), "middle": (2, fine), "fine": (fine, count)}, {}
    for name, (start, stop) in parts.items():
        if start < stop:
            mixed = in_range(model.mix(w, other, start, stop))  # (6, 6, *image_shape)
            for number in (0, 1):
                row = np.concatenate([own[number : number + 1], mixed[number]])
                rows[f"{name}, into\nimage {number + 1}"] = row
            before = np.repeat(extractor.classify(own), len(other))
            after = extractor.classify(mixed.reshape(-1, *model.image_shape))
            shares[name] = np.mean(before != after)
            run.metric(f"{name}_sets_class", shares[name], "share of images of another class then")
    said = ", ".join(f"{name} ones {share:.0%}" for name, share in shares.items())
    said = f"styles of another image change the digit: {said} of the time"
    title = "Left an image; in each column some of its layers take the styles of the image on top"
    title += f"\n{said[0].upper()}{said[1:]}"
    run.figure("mixing", figures.strips(rows, f"{title}\n{about}"))

    noise = model.sample_noise(10, seed=run.seed + 3)
    rows = {
        f"psi {share:.2f}": in_range(model.generate(noise, truncation=share))
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    }
    title = "Truncation: styles between the mean of all (psi 0) and what the noise gives (psi 1)"
    run.figure("truncation", figures.strips(rows, f"{title}\n{about}"))

    w = model.map(noise)
    rows = {"noise": in_range(model.synthesize(w))}
    with without_noise(model):
        rows["no noise"] = in_range(model.synthesize(w))
    change = np.abs(rows["noise"] - rows["no noise"])
    rows["difference,\n10 times"] = 10.0 * change
    run.metric("noise_changes", change.mean(), "mean change of a pixel, of 1")
    title = "The same styles with each layer's noise, and without it"
    run.figure("noise", figures.strips(rows, f"{title}\n{about}"))
    walk = in_range(model.walk(6, 10, run.seed))
    run.animation("walk", figures.moving_picture(walk, "A walk through styles"))
    return f"{said}; noise changes a pixel by {change.mean():.3f} of 1"


@contextlib.contextmanager
def without_noise(model):
    """While the body runs, the averaged generator adds no noise."""
    injected = [
        each for each in model.average._flatten_layers() if isinstance(each, layers.NoiseInjection)
    ]
    kept = [np.array(each.strength) for each in injected]
    for each in injected:
        each.strength.assign(np.zeros(each.strength.shape))
    try:
        yield
    finally:
        for each, strength in zip(injected, kept):
            each.strength.assign(strength)
