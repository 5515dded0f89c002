"""One noise, two domains: digits and their edges, never shown in pairs.

Slide:    Coupled GAN (the third generation)
Source:   Liu and Tuzel 2016, arXiv:1606.07536, sections 4.1 and 5 (digits and edge images)
Expected: pixel agreement of about 0.95 (from memory); at least 0.93, and more than two GANs agree
          that have the noise in common and no layer
Measured: MNIST, 15 epochs, three seeds: 0.947 of pixels, edges' intersection over union 0.669; two
          GANs that share nothing 0.794 and 0.180 (unrelated images 0.792 and 0.177)
Run:      python -m recipes cogan --data mnist --epochs 15
"""

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex

PATCHES = "sliced Wasserstein distance of the digits' patches, times 1000"


def agreement(first, second):
    """`(pixels, union)`: how often edges of the first and the second agree, black and white.

    Over all pixels, which the background carries, and over those that are edges in either.
    """
    wanted, found = sources.edges(first) >= 0.5, second >= 0.5
    union = np.sum(wanted | found, axis=(1, 2, 3))
    both = np.sum(wanted & found, axis=(1, 2, 3)) / np.maximum(union, 1)
    return np.mean(wanted == found), np.mean(both)


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
    width: int = 64,
):
    """Trains a coupled GAN and its twin that shares nothing, and compares the two domains.

    Args:
        width: channels of the generator's two last hidden maps; those before have twice as many
            (the paper: 1024, 512, 256, 128). The discriminators have half of the paper's, so that
            they do not win.
    """
    with ex.Run("cogan", locals(), quick_epochs=4) as run:
        # 1. Data: one half of the images, and the edges of the other half
        shape = (20, 20, 1) if run.quick else (28, 28, 1)
        images = sources.load(data, image_size=shape[:2])
        x_train, about = images.x_train, data
        if run.quick and images.y_train is not None:  # ten digits need hours
            x_train, about = x_train[np.isin(images.y_train, (0, 1))][:4000], f"{data}, 0 and 1"
        if data == "digits":  # enlarged from 8 x 8 they are too soft to have edges
            x_train = np.clip(2.0 * x_train - 0.5, 0.0, 1.0)
        width, batch, rate = (32, 16, 1e-3) if run.quick else (width, 64, 5e-4)
        order = np.random.default_rng(seed).permutation(len(x_train))
        first, second = np.array_split(x_train[order], 2)
        first, second = first[: len(second)], sources.edges(second)
        number = 1000 if run.quick else 2000
        about += f"; {run.epochs} epochs of {len(first)} images of each domain, seed {seed}"

        # 2. Model: two generators that share all but the last layer, two discriminators all but
        #    the first
        # 3. Objective: each domain's discriminator tells real from generated, summed
        # 4. Train
        rows, walk, found = {}, {}, {}
        pixels = np.random.default_rng(seed).permuted(first, axis=0)[:number]
        trivial = evaluation.sliced_wasserstein(pixels, first[:number])["mean"]
        run.metric("independent_pixels_patches", trivial, PATCHES)
        for key, shared in (("shared", True), ("unshared", False)):
            keras.utils.set_random_seed(seed)
            filters, features = (2 * width, 2 * width, width, width), (10, 25, 4 * width)
            networks = keras_ae.cogan_networks(shape, 100, filters, features, shared=shared)
            model = keras_ae.CoGAN(**networks)
            model.compile(keras.optimizers.Adam(rate, beta_1=0.5))
            file = run.callbacks("model" if shared else key)
            fitting = {"batch_size": batch, "epochs": run.epochs, "verbose": 0}
            model.fit(first, second, callbacks=file, **fitting)
            # 5. Look: does the second domain show the edges of what the first one shows?
            drawn = model.sample(number, seed=seed)
            pairs = {domain: evaluation.quantize(images) for domain, images in drawn.items()}
            pixels, union = agreement(pairs["first"], pairs["second"])
            run.metric(f"{key}_pixel_agreement", pixels, "share of pixels")
            run.metric(f"{key}_edge_iou", union, "edge pixels in both over those in either")
            drawn = evaluation.sliced_wasserstein(pairs["first"][: len(first)], first[:number])
            run.metric(f"{key}_patches", drawn["mean"], PATCHES)
            run.metric(f"{key}_parameters", model.generator.count_params(), "of the generators")
            shuffled = np.roll(pairs["second"], 1, axis=0)
            chance = agreement(pairs["first"], shuffled)
            run.metric(f"{key}_chance_pixel_agreement", chance[0], "share, of unrelated images")
            run.metric(f"{key}_chance_edge_iou", chance[1], "of unrelated images")
            found[key] = f"{union:.2f} {key} (unrelated images {chance[1]:.2f})"
            names = {"first": f"{key}\ndigits", "second": f"{key}\nedges"}
            rows |= {name: pairs[domain][:12] for domain, name in names.items()}
            ends = model.sample_noise(2, seed=seed + 2)
            between = np.linspace(ends[0], ends[1], 12, dtype="float32")
            walk |= {names[domain]: drawn for domain, drawn in model.generate(between).items()}
            if shared:
                run.save(model)
        result = f"edges drawn with a digit meet its edges, IoU: {', '.join(found.values())}"
        title = (
            f"Digit and edges of one noise, and how they agree (IoU)\n{', '.join(found.values())}"
        )
        run.figure("pairs", figures.strips(rows, f"{title}\n{about}"))
        run.figure("walk", figures.strips(walk, f"From one noise to another\n{about}"))
        run.finish(result, "pairs")


if __name__ == "__main__":
    ex.command_line(main)
