"""The lecture's line of GANs at one budget: same data, as many real images, one table.

Slide:    Generative Adversarial Networks: "The OG", "Deep Convolutional", "Coupled GAN" (the third
          generation), "Progressively Growing GAN", "Style-based GAN", "Improved Style-based GAN"
Source:   Goodfellow et al. 2014, arXiv:1406.2661; Radford et al. 2015, arXiv:1511.06434; Liu and
          Tuzel 2016, arXiv:1606.07536; Karras et al. 2017, arXiv:1710.10196; 2018,
          arXiv:1812.04948; 2020, arXiv:1912.04958
Expected: no published number in these features; that a later one beats an earlier one. DCGAN at
          most 3 times the floor on MNIST, all classes, total variation below 0.05
Measured: MNIST, width 32, 1,020,000 real images each, one seed: 93, 2.4 and 42 times the floor
          (0.82; independent pixels 373); DCGAN draws 10 classes, total variation 0.035. CoGAN,
          whose generator is as narrow, is trained for two domains. Raw weights: 74, 3.2 and 52; so
          the average helps DCGAN and CoGAN, not the first GAN, which collapses partly.
          Fashion-MNIST likewise: 87, 5.1 and 179 times the floor (0.11; independent pixels 1716),
          raw 107, 9.5 and 157: here CoGAN is worse than the first GAN; DCGAN's best weights seen
          4.1 times, total variation 0.018. ProGAN (--models progan --epochs 9) on MNIST, 540,000
          real images, last and best weights: 6.8 times the floor, 10 classes, total variation
          0.039, raw 22.6; the recipe as it was then gave the last side the ninth epoch alone, at
          whose end it had faded in by 0.89. DCGAN with as few images (--models dcgan --epochs 9):
          4.5 times, best weights 4.1, 10 classes, total variation 0.055. StyleGAN2, half as wide
          (--models stylegan2 --width 16 --epochs 9; without path lengths and mixed styles): 3.1
          times, 10 classes, 0.020, raw 10.2, with 65,000 weights in its generator. StyleGAN, as
          wide as that: 18 times, 10 classes, 0.040, raw 24; a third of its images had the last
          side, half of these while it was faded in. Both were still falling, the last weights are
          the best. So at equal images StyleGAN2 beats DCGAN, ProGAN and StyleGAN do not.
          The first GAN over 3 seeds (--models gan --epochs 6, JAX; 360,000 images): 504 +- 201
          times the floor, best weights 365 +- 120, raw 455 +- 129; 6, 1 and 2 classes: so early it
          has collapsed in every one of them; on Fashion-MNIST (floor 0.10, independent
          pixels 2011) 986 +- 127 times, raw 1002 +- 48, the last weights the best, 7 to 8 classes
Run:      python -m recipes gan_progress --data mnist --epochs 17
"""

import dataclasses

import keras
import numpy as np

import keras_ae
from keras_ae import callbacks, evaluation, figures
from keras_ae import data as sources

from . import _experiment as ex

LINE = {
    "gan": "GAN, 2014",
    "dcgan": "DCGAN, 2015",
    "cogan": "CoGAN, 2016",
    "progan": "ProGAN, 2017",
    "stylegan": "StyleGAN, 2018",
    "stylegan2": "StyleGAN2, 2020",
}
UNITS = {
    "frechet": "Fréchet distance in the features of a small classifier, 0 is best",
    "ratio_to_floor": "Fréchet distance over that of training to test images",
    "kernel": "kernel distance in the same features, 0 is best",
    "precision": "share of samples among the data, in features",
    "recall": "share of data among the samples, in features",
    "density": "how deep samples lie among the data, in features",
    "coverage": "share of data with a sample near by, in features",
    "class_distance": "total variation between shares of classes",
    "classes_hit": "classes drawn at least a tenth as often as in the data",
    "patches": "sliced Wasserstein distance of patches, times 1000",
    "nearest": "mean distance of pixels to the nearest training image",
}


def build(name, side, width, units, epochs, images):
    """A GAN of the line, for grey images; CoGAN's layers lead to images without their margin.

    Those that grow spend as many whole epochs (of `images`) on each side, the last one the rest;
    half of them to fade it in.
    """
    start = {"progan": 4, "stylegan": 8}.get(name, side)
    half = max(1, epochs // int(np.log2(2 * side // start))) * images // 2
    times = {"fade_images": half, "stable_images": half}
    shape, sizes = (side, side, 1), {"width": 8 * width, "most": 2 * width, "noise_dim": 64}
    styles = {**sizes, "w_dim": 64, "depth": 4}
    if name == "progan":
        return keras_ae.ProGAN(**keras_ae.progan_networks(shape, **sizes), **times)
    if name == "stylegan":
        return keras_ae.StyleGAN(**keras_ae.stylegan_networks(shape, **styles), **times)
    if name == "stylegan2":
        networks = keras_ae.stylegan2_networks(shape, **{**styles, "depth": 2})
        # (R1's weight for small images, 0.01, is one for far longer runs: with it the monitor's
        # score after 60,000 images is 338, with 1.0 133)
        return keras_ae.StyleGAN2(**networks, **{**keras_ae.StyleGAN2.small_images, "r1": 1.0})
    if name == "gan":
        generator = keras_ae.dense_generator(shape, 100, (units, units))
        discriminator = keras_ae.maxout_discriminator(shape, (units // 5, units // 5), seed=0)
        return keras_ae.GAN(generator, discriminator, noise="uniform")
    if name == "dcgan":
        return keras_ae.DCGAN(shape, width=width)
    filters = (4 * width, 2 * width, width, width // 2)
    return keras_ae.CoGAN(**keras_ae.cogan_networks((side - 4, side - 4, 1), filters=filters))


def domains(model, x, seed):
    """Images in the pixels that the generator draws; for two domains halves that do not meet."""
    low, high, _ = model.target_range()
    x = low + (high - low) * x
    if not isinstance(model, keras_ae.CoGAN):
        return (x,)
    order = np.random.default_rng([seed, 2]).permutation(len(x))
    first, second = np.array_split(x[order, 2:-2, 2:-2], 2)
    return first[: len(second)], sources.edges(second)[: len(first)]


def draw(model, side, number, seed, average=True):
    """Samples in [0, 1], 8 bits, with the margin that the data have."""
    low, high, _ = model.target_range()
    images = model.sample(number, seed=seed, average=average)
    images = images["first"] if isinstance(images, dict) else images
    margin = (side - images.shape[1]) // 2
    images = (images - low) / (high - low)
    return evaluation.quantize(np.pad(images, ((0, 0), *[(margin, margin)] * 2, (0, 0))))


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
    models: tuple[str, ...] = ("gan", "dcgan", "cogan"),
    width: int = 32,
):
    """Trains each GAN of the lecture on as many real images, and scores its samples.

    Args:
        models: some of gan, dcgan, cogan, progan, stylegan and stylegan2.
        width: channels of the convolutional networks at half the side of the images.
    """
    with ex.Run("gan_progress", locals(), quick_epochs=9) as run:
        if unknown := set(models) - set(LINE):
            raise ValueError(f"--models {' '.join(unknown)}: pass some of {', '.join(LINE)}.")
        # 1. Data, padded to 32 x 32, and the classifier that scores: fixed before any GAN is
        side, units, rate = 32, 1200, 2e-4
        if run.quick:
            side, units, rate, width, models = 16, 240, 1e-3, 16, models[:2]
        images = sources.padded(sources.load(data, side - 4), side)
        if images.y_train is None:
            raise ValueError("--data needs labels: pass digits or mnist, for instance.")
        if run.quick:
            fewer = {"x_train": images.x_train[:6000], "y_train": images.y_train[:6000]}
            images = dataclasses.replace(images, **fewer)
        run.say("training the classifier in whose features samples are scored")
        x_train, x_test, rng = images.x_train, images.x_test, np.random.default_rng([seed, 1])
        number, few = (1000, 1000) if run.quick else (min(len(x_test), 10_000), 2000)
        some = lambda n: x_train[rng.choice(len(x_train), min(n, len(x_train)), replace=False)]
        extractor = evaluation.feature_extractor(images)
        unit = f"% of test images, the scores' classifier (weights {extractor.fingerprint})"
        run.metric("classifier_error", extractor.test_error, unit)
        inside = keras.Input((side - 4, side - 4, 1))  # the same, of images without their margin
        padding = extractor.network(keras.layers.ZeroPadding2D(2)(inside))
        without = evaluation.FeatureExtractor(keras.Model(inside, padding), extractor.test_error)

        def score(key, drawn):
            found = extractor.scores(drawn, x_test[:number])
            if floor:
                found["ratio_to_floor"] = found["frechet"] / floor["frechet"]
                found["nearest"] = evaluation.nearest_images(drawn[:2000], x_train)[1].mean()
            found["patches"] = evaluation.sliced_wasserstein(drawn[:2000], x_test[:2000])["mean"]
            for name, value in found.items():
                run.metric(f"{key}_{name}", value, UNITS[name])
            return found

        floor = {}
        floor = score("floor", some(number))
        score("independent_pixels", rng.permuted(x_train, axis=0)[:number])
        panels, curves, rows, ratios = {}, {}, {}, {}
        kept = "dcgan" if "dcgan" in models else models[-1]  # the one that is saved
        for name in models:
            # 2. Model
            # 3. Objective: the discriminator's logistic loss; -log D of what the generator draws
            keras.utils.set_random_seed(seed)
            model = build(name, side, width, units, run.epochs, len(x_train))
            late = name in ("progan", "stylegan", "stylegan2")
            own = model.paper_optimizers() if late else keras.optimizers.Adam(rate, beta_1=0.5)
            model.compile(own)
            # 4. Train, and watch with images of the training set
            judge = without if name == "cogan" else extractor
            real = domains(model, some(4000), seed)[0]
            every = max(1, run.epochs // (3 if run.quick else 10))
            watch = callbacks.SampleMonitor(
                run.folder / "monitor", real, judge, every, min(few, len(real)), seed, name
            )
            log = [watch, *run.callbacks("model" if name == kept else name)]
            whole = domains(model, x_train, seed)
            whole = [x[: len(x) // 16 * 16] for x in whole] if late else whole  # groups of 4
            batches = keras_ae.Batches(*whole, batch_size=16 if late else 64, seed=seed)
            model.fit(batches, epochs=run.epochs, verbose=0, callbacks=log)
            # 5. Look: the last weights, averaged and as they are, and the best ones that were seen
            seen = run.epochs * batches.num_used * len(domains(model, x_train[:2], seed))
            run.metric(f"{name}_images_seen", seen, "real images seen")
            run.metric(f"{name}_parameters", model.generator.count_params(), "of the generator")
            drawn = draw(model, side, number, seed)
            found = score(name, drawn)
            run.say(f"scoring {name}'s weights as they are, and its best ones")
            score(f"{name}_raw", draw(model, side, number, seed, average=False))
            history = watch.rows()
            if name == kept:
                run.save(model)
            model.load_weights(watch.best)
            best = min(history, key=lambda row: row["score"])
            run.metric(f"{name}_best_epoch", best["epoch"], "epoch of the best weights seen")
            score(f"{name}_best", draw(model, side, number, seed))
            title = f"{LINE[name]}\n{found['ratio_to_floor']:.1f} times the floor"
            panels[title], ratios[name] = drawn[:64], found["ratio_to_floor"]
            rows[LINE[name].replace(", ", "\n")] = drawn[:12]
            curves[LINE[name]] = [[row[key] for row in history] for key in ("epoch", "score")]
        about = f"{data}, {run.epochs} epochs of {len(x_train)} images, seed {seed}"
        title = "Samples in the lecture's order; Fréchet distance over that of training to test "
        title += f"images ({floor['frechet']:.2g})\n{about}"
        if run.quick:
            title += "\ntwo of the line; CoGAN takes minutes more, those after it hours"
        run.figure("samples", figures.tiles(panels, title))
        rows["nearest\nin training"], _ = evaluation.nearest_images(drawn[:12], x_train)
        title = f"Samples of each GAN; below the training image nearest to the last row\n{about}"
        run.figure("nearest", figures.strips(rows, title))
        title = f"What the averaged generator draws while it is trained\n{about}"
        label = f"Fréchet distance of {watch.num_samples} samples"
        run.figure("training", figures.curves(curves, title, "epoch", label, log_y=True))
        trivial = run.values["independent_pixels_ratio_to_floor"]["value"]
        result = ", ".join(f"{name} {ratio:.3g}" for name, ratio in ratios.items())
        result = f"times the distance of training to test images: {result}; independent pixels "
        run.finish(f"{result}{trivial:.3g}", "samples")


if __name__ == "__main__":
    ex.command_line(main)
