"""FC-DenseNet, the "one hundred layers Tiramisu", on street scenes.

Slide:    FC-DenseNet103
Source:   Jégou et al. 2017, arXiv:1611.09326, section 4 and table 3 (CamVid)
Expected: CamVid's test split at 360 x 480: FC-DenseNet56 58.9 mean IoU and 88.9 % of the pixels,
          67 65.8 and 90.8, 103 66.9 and 91.5, after 750 epochs and fine-tuning on whole images
Measured: FC-DenseNet56 at 180 x 240, 14 epochs of crops of 112, no fine-tuning, 1 seed: 0.366 mean
          IoU and 76.7 % with each image's own statistics (as the reference tests), 0.316 and 72.3 %
          with moving means; 40 minutes on one core, a fiftieth of the paper's epochs
Run:      python -m recipes tiramisu --data FOLDER, with SegNet's CamVid files: FOLDER/train/*,
          FOLDER/trainannot/*.png, FOLDER/test/*, FOLDER/testannot/*.png, 12 numbers, 11 for void
"""

import pathlib
from typing import Literal

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures, metrics

from . import _experiment as ex

# table 3, intersection over union of FC-DenseNet103
PAPER = {
    "sky": 0.930,
    "building": 0.830,
    "pole": 0.378,
    "road": 0.945,
    "pavement": 0.822,
    "tree": 0.773,
    "sign": 0.439,
    "fence": 0.371,
    "car": 0.773,
    "pedestrian": 0.596,
    "bicyclist": 0.505,
}


def main(
    *,
    data: ex.Pairs = "scattered_pen",
    epochs: ex.Epochs = 40,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    layers: Literal[56, 67, 103] = 56,
    image_size: tuple[int, int] = (360, 480),
    crop: int = 224,
    finetune: int = 0,
    num_images: int = 400,
):
    """Trains on crops as the paper does, and tests on whole images.

    Optimizer, rates and augmentation are the paper's, which besides stops when the IoU of the
    validation split has not grown for 100 epochs (50 in fine-tuning): here `epochs` and `finetune`
    say how long.

    Args:
        layers: which network of the paper.
        image_size: height and width in pixels.
        crop: side of the crops that are trained on.
        finetune: epochs on whole images at a learning rate of 1e-4, one image a step.
        num_images: training images, of scattered digits (a folder is used as it is).
    """
    with ex.Run("tiramisu", locals(), quick_epochs=12) as run:
        # 1. Data: crops that are flipped at random
        size, number = ((64, 64), 120) if run.quick else (image_size, num_images)
        crop, finetune = (32, 1) if run.quick else (crop, finetune)
        pairs = sources.load_pairs(data, number, size, seed)
        x_test, y_test, names, void = pairs.x_test, pairs.y_test, pairs.class_names, pairs.void
        score = lambda maps: evaluation.score_label_maps(y_test, maps, names, void)
        run.metric("trivial_mean_iou", score(pairs.commonest_class())["mean_iou"], "one class")
        # 2. Model: 48 maps, then dense blocks down to 1/32 and up again
        options = {"growth_rate": 8, "blocks": (2,) * 5} if run.quick else {}
        options = options or keras_ae.FCDenseNet.PRESETS[layers]
        shape = (None, None, x_test.shape[-1])
        model = keras_ae.FCDenseNet(shape, len(names), void=void, l2=1e-4, **options)
        run.metric("parameters", model.count_params(), "numbers")
        # 3. Objective: cross-entropy of every pixel, L2; RMSprop, 0.995 of its rate each epoch
        for stage, rate in (("model", 1e-3), ("finetuned", 1e-4)):
            whole = stage == "finetuned"
            if whole and not finetune:
                continue
            model.compile(
                keras.optimizers.RMSprop(rate), metrics=[metrics.MeanIoU(len(names), void)]
            )
            change = (
                [sources.RandomFlip()]
                if whole
                else [sources.RandomCrop(crop), sources.RandomFlip()]
            )
            batches = sources.Batches(
                pairs.x_train,
                pairs.y_train,
                batch_size=1 if whole else 3,
                seed=seed,
                augment=sources.Compose(*change),
            )
            # 4. Train
            slower = keras.callbacks.LearningRateScheduler(lambda epoch: rate * 0.995**epoch)  # noqa: B023
            model.fit(
                batches,
                epochs=finetune if whole else run.epochs,
                verbose=0,
                callbacks=[slower, *run.callbacks(stage)],
            )
        # 5. Look: batch norm with moving means, and with each image's own, as the reference tests
        found, bars = {}, {}
        for own, key, title in (
            (False, "", "moving means"),
            (True, "_batch_statistics", "own means"),
        ):
            model.batch_statistics = own
            maps = model.segment(x_test, batch_size=1)
            scores = score(maps)
            run.metric(f"mean_iou{key}", scores["mean_iou"], "mean IoU, 0 to 1")
            run.metric(f"global_accuracy{key}", scores["global_accuracy"], "share of all pixels")
            run.metric(f"boundary{key}", scores["boundary"], "boundary F-score, 2 pixels")
            found[f"{title}\nIoU {scores['mean_iou']:.2f}"] = maps[:: len(maps) // 3][:3]
            bars[f"{title}, mean {scores['mean_iou']:.3f}"] = scores["iou"]
        model.batch_statistics = False
        run.save(model)
        if names == tuple(PAPER):
            bars[f"paper's FC-DenseNet103, mean {np.mean([*PAPER.values()]):.3f}"] = PAPER
        name = "a small FC-DenseNet" if run.quick else f"FC-DenseNet{layers}"
        title = f"{name}, {pathlib.Path(data).name} at {x_test.shape[1]} x {x_test.shape[2]}\n"
        title += (
            f"{run.epochs} epochs of crops of {crop} and {finetune} of whole images, seed {seed}"
        )
        if run.quick:
            title += "\nso early outlines are right, and digits are taken for one another"
        some = slice(None, None, len(x_test) // 3)
        shown = (x_test[some][:3], y_test[some][:3], found, names, title, void)
        run.figure("overlays", figures.overlays(*shown, zoom=min(x_test.shape[1:3]) // 3))
        run.figure("classes", figures.class_bars(bars, title))
        trivial = run.values["trivial_mean_iou"]["value"]
        result = f"mean IoU {scores['mean_iou']:.2f} with each image's own statistics"
        run.finish(f"{result}; one class everywhere {trivial:.2f}", "overlays")


if __name__ == "__main__":
    ex.command_line(main)
