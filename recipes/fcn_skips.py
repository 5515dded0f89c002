"""Coarse, then with details: FCN-32s, FCN-16s and FCN-8s, and a U-Net.

Slide:    Extending the concept: Semantic segmentation using convolutional networks; Skip
          connections; U-Net
Source:   Long et al. 2015, arXiv:1411.4038, section 4 and table 2; Ronneberger et al. 2015,
          arXiv:1505.04597
Expected: PASCAL, mean IoU 59.4 (32s), 62.4 (16s), 62.7 (8s): the order is the slide's point
Measured: mean IoU 0.247 ± 0.012 for 32s, 0.360 ± 0.021 for 16s, 0.412 ± 0.012 for 8s (in this order
          with each of 3 seeds), one class everywhere 0.082; boundary F-score 0.15, 0.28, 0.40. A
          U-Net from nothing, a quarter as large, 0.110 ± 0.012: it finds the strokes and does not
          learn in 12 epochs which digit they are; the FCNs start from a classifier of digits
Run:      python -m recipes fcn_skips --data scattered_digits
"""

import pathlib

import keras

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures, metrics

from . import _experiment as ex

# networks, and thirds of the epochs before the finer one takes over the weights, and after
STAGES = {"fcn32s": (1, 2), "fcn16s": (1, 1), "fcn8s": (1, 0), "unet": (3, 0)}


def learn_digits(fcn, scene, mean, deviation, number, seed, callbacks):
    """Trains the convolutions to tell single digits, as the paper's come from a classifier."""
    x, y = sources.scattered_digits(number, 64, (1, 1), seed, digit_size=(24, 48), **scene)
    image = features = keras.Input(x.shape[1:])
    for layer in fcn.network.layers:
        if layer.name.startswith("block"):
            features = layer(features)  # (batch, 2, 2, channels) in the end
    scores = keras.layers.Dense(len(scene["classes"]))(keras.layers.Flatten()(features))
    classifier = keras.Model(image, scores)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)
    classes = y.max(axis=(1, 2)) - 1  # 0 is the background
    classifier.fit((x - mean) / deviation, classes, epochs=10, verbose=0, callbacks=callbacks)


def main(
    *,
    data: ex.Pairs = "scattered_pen",
    epochs: ex.Epochs = 12,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    num_images: int = 300,
    image_size: tuple[int, int] = (192, 192),
    width: float = 0.125,
    digits: int = 3000,
):
    """Trains the three FCNs, each finer one from the coarser one, and a U-Net, equally long.

    Args:
        num_images: training images.
        image_size: height and width in pixels.
        width: share of VGG16's channels that the FCNs have, and of U-Net's that it has.
        digits: single digits on which the convolutions are trained first; 0 for none.
    """
    with ex.Run("fcn_skips", locals(), quick_epochs=6) as run:
        # 1. Data: an image and the class of each of its pixels; grey values of mean 0
        size, number, heights, batch = image_size, num_images, None, 8
        if run.quick:
            size, number, heights, batch = (96, 96), 64, (24, 48), 2
        pairs = sources.load_pairs(data, number, size, seed, heights)
        y_test, names, void = pairs.y_test, pairs.class_names, pairs.void
        mean, deviation = pairs.x_train.mean(), pairs.x_train.std()
        x_train, x_test = ((x - mean) / deviation for x in (pairs.x_train, pairs.x_test))
        score = lambda maps: evaluation.score_label_maps(y_test, maps, names, void)
        trivial = score(pairs.commonest_class())["mean_iou"]
        run.metric("trivial_mean_iou", trivial, "mean IoU of the commonest class everywhere")
        weights = keras_ae.losses.median_frequency_weights(pairs.y_train, len(names), void) ** 0.5
        shape, found, ious, width = x_test.shape[1:], {}, {}, 0.0625 if run.quick else width

        def build(name):
            keras.utils.set_random_seed(seed)
            given = {"class_weights": weights, "void": void}
            if name == "unet":
                filters = tuple(round(width * f) for f in (64, 128, 256, 512, 1024))
                given["dropout"] = 0.0 if run.quick else 0.5
                return keras_ae.UNet(shape, len(names), filters, padding="same", **given)
            return keras_ae.FCN(shape, len(names), int(name[3:-1]), width, 0.2, **given)

        # 2. Model: VGG16's convolutions, which can tell digits before they segment
        model = build("fcn32s")
        if data in ("scattered_pen", "scattered_digits") and digits:
            number = 600 if run.quick else digits
            drawn = "pen" if data == "scattered_pen" else "digits"
            scene = {"source": drawn, "classes": [int(name[-1]) for name in names[1:]]}
            learn_digits(model, scene, mean, deviation, number, seed, run.callbacks("digits"))
        for name, (before, after) in STAGES.items():
            # 3. Objective: cross-entropy of every pixel, rare classes weighted up; in a quick run
            #    the U-Net, which starts from nothing, takes more and larger steps
            rate, longer = (3e-3, 4) if run.quick and name == "unet" else (1e-3, 1)
            model.compile(keras.optimizers.Adam(rate), metrics=[metrics.MeanIoU(len(names), void)])
            # 4. Train: the finer FCN begins with the weights of the coarser one, which goes on
            fitting, third = {"batch_size": batch, "verbose": 0}, max(1, run.epochs // 3)
            log = run.callbacks("model" if name == "fcn8s" else name)
            first = before * third * longer
            model.fit(x_train, pairs.y_train, epochs=first, callbacks=log, **fitting)
            finer = build({"fcn32s": "fcn16s", "fcn16s": "fcn8s"}.get(name, "unet"))
            if after:
                finer.transplant(model)
                log = run.callbacks(f"{name}_longer")
                model.fit(x_train, pairs.y_train, epochs=after * third, callbacks=log, **fitting)
            # 5. Look: intersection over union, and boundaries
            maps = model.segment(x_test)
            scores, title = score(maps), name.replace("fcn", "FCN-").replace("unet", "U-Net")
            run.metric(f"{name}_mean_iou", scores["mean_iou"], "mean IoU over the test images")
            run.metric(f"{name}_boundary", scores["boundary"], "boundary F-score, 2 pixels")
            run.metric(f"{name}_parameters", model.count_params(), "numbers")
            found[f"{title}\nIoU {scores['mean_iou']:.2f}"] = maps[:3]
            ious[title] = scores["mean_iou"]
            if name == "fcn8s":
                run.save(model)
            model = finer
        about = f"{pathlib.Path(data).name}, {len(x_train)} images of {shape[0]} x {shape[1]}, "
        about += f"{3 * third} epochs"
        about += f" ({first} of the U-Net, from nothing)" if run.quick else ""
        title = "Coarse, and with what skip connections bring back; one class everywhere: IoU "
        title += f"{trivial:.2f}\n{about}, seed {seed}"
        shown = (pairs.x_test[:3], y_test[:3], found, names, title, void)
        run.figure("overlays", figures.overlays(*shown, zoom=min(shape[:2]) // 3))
        iou = [f"{net} {value:.2f}" for net, value in ious.items()]
        run.finish(f"mean IoU {', '.join(iou)}; one class everywhere {trivial:.2f}", "overlays")


if __name__ == "__main__":
    ex.command_line(main)
