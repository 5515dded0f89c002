"""SegNet three times: up with the encoder's switches, with its maps added, and by interpolation.

Slide:    Extending the concept: Autoencoder for image segmentation; Unpooling
Source:   Badrinarayanan et al. 2015, arXiv:1511.00561, figure 2 and table 1
Expected: no published number for these data; the paper's table 1 (CamVid, its small variant,
          class weights) has bilinear below switches, and whole maps handed across above both
Measured: mean IoU 0.24 with switches, 0.71 with maps added, 0.14 bilinear, 0.09 one class
          everywhere (boundary F-score 0.60, 0.90, 0.31); 140 thousand bits go past the code as
          switches, 9.0 million as maps. The paper's order, but 20 epochs on 600 images are too
          few for switches: outlines are right, digits are taken for one another. Batch norm's
          moving means give 0.17, 0.72 and 0.10: statistics estimated anew help the first most
Run:      python -m recipes unpooling_segnet --data scattered_digits --num-images 600
"""

import pathlib

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures, metrics

from . import _experiment as ex

WAYS = {"switches": "with switches", "add": "maps added", "bilinear": "bilinear"}


def main(
    *,
    data: ex.Pairs = "scattered_pen",
    epochs: ex.Epochs = 20,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    num_images: int = 1500,
    image_size: tuple[int, int] = (96, 96),
    width: float = 0.25,
):
    """Trains SegNets that differ in nothing but the way up.

    Args:
        num_images: training images.
        image_size: height and width in pixels.
        width: share of VGG16's channels.
    """
    with ex.Run("unpooling_segnet", locals(), quick_epochs=8) as run:
        # 1. Data: an image and the class of each of its pixels
        size, number = image_size, num_images
        if run.quick:
            size, number, width = (64, 64), 160, 0.125
        pairs = sources.load_pairs(data, number, size, seed)
        x_test, y_test, names, void = pairs.x_test, pairs.y_test, pairs.class_names, pairs.void
        trivial = evaluation.score_label_maps(y_test, pairs.commonest_class(), names, void)
        run.metric("trivial_mean_iou", trivial["mean_iou"], "mean IoU of one class everywhere")
        weights = keras_ae.losses.median_frequency_weights(pairs.y_train, len(names), void) ** 0.5
        stages = keras_ae.SegNet.VGG16[: 3 if run.quick else 5]
        filters = tuple(tuple(round(width * f) for f in stage) for stage in stages)
        maps, scores, ink = {}, {}, {}
        for up, title in WAYS.items():
            # 2. Model: VGG16's convolutions with batch norm, and their mirror image
            keras.utils.set_random_seed(seed)
            model = keras_ae.SegNet(
                x_test.shape[1:], len(names), filters, up, void=void, class_weights=weights
            )
            # 3. Objective: cross-entropy of every pixel, rare classes weighted up
            model.compile(keras.optimizers.Adam(2e-3), metrics=[metrics.MeanIoU(len(names), void)])
            # 4. Train, then batch norm's statistics over the training set, as the paper tests
            name = "model" if up == "switches" else up
            fitting = {"batch_size": 8, "epochs": run.epochs, "verbose": 0}
            model.fit(pairs.x_train, pairs.y_train, callbacks=run.callbacks(name), **fitting)
            moving = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["mean_iou"]
            model.reestimate(pairs.x_train, batch_size=16)
            # 5. Look: how well the classes are met, and how sharply; what went past the code
            drawn = model.segment(x_test)
            scores[title] = found = evaluation.score_label_maps(y_test, drawn, names, void)
            run.metric(f"{up}_mean_iou", found["mean_iou"], "mean IoU over the test images")
            run.metric(f"{up}_moving_mean_iou", moving, "mean IoU with batch norm's moving means")
            run.metric(f"{up}_boundary", found["boundary"], "boundary F-score, 2 pixels")
            run.metric(f"{up}_bits", past_the_code(x_test.shape, filters, up), "bits past the code")
            head = f"{title}\nIoU {found['mean_iou']:.2f}"
            if names[0] == "background":  # are the outlines right, whatever the digits?
                inside = [labels > 0 for labels in (y_test, drawn)]
                ink[title] = np.sum(inside[0] & inside[1]) / np.sum(inside[0] | inside[1])
                run.metric(f"{up}_ink_iou", ink[title], "IoU of all digits as one class")
                head += f", of ink {ink[title]:.2f}"
            maps[head] = drawn[:3]
            if up == "switches":
                run.save(model)
        about = f"{pathlib.Path(data).name}, {len(pairs.x_train)} images of "
        about += f"{x_test.shape[1]} x {x_test.shape[2]}, {run.epochs} epochs, seed {seed}"
        bits = ", ".join(f"{up} {past_the_code(x_test.shape, filters, up):,}" for up in WAYS)
        title = f"SegNet's ways up; bits past the code: {bits}\n{about}"
        if run.quick:
            title += "\nso early switches keep outlines, and take digits for one another"
        shown = (x_test[:3], y_test[:3], maps, names, title, void)
        run.figure("overlays", figures.overlays(*shown, zoom=min(size) // 3))
        title = f"Each class by the way up ({about})"
        run.figure("classes", figures.class_bars({k: v["iou"] for k, v in scores.items()}, title))
        told = lambda values: ", ".join(f"{way} {value:.2f}" for way, value in values.items())
        result = f"mean IoU {told({way: found['mean_iou'] for way, found in scores.items()})}"
        result += f" (one class everywhere {trivial['mean_iou']:.2f})"
        run.finish(result + (f"; of ink alone {told(ink)}" if ink else ""), "overlays")


def past_the_code(shape, filters, up):
    """Bits of one image that reach the decoder beside the code: switches, or maps in float32."""
    bits, (height, width) = 0, shape[1:3]
    for stage in filters:
        pooled = (height // 2) * (width // 2) * stage[-1]
        bits += {"switches": 2 * pooled, "add": 32 * height * width * stage[-1]}.get(up, 0)
        height, width = height // 2, width // 2
    return bits


if __name__ == "__main__":
    ex.command_line(main)
