"""U-Net on the membranes of cells, with and without weights for the gaps between them.

Slide:    Extending the concept: U-Net
Source:   Ronneberger et al. 2015, arXiv:1505.04597 (valid padding, weight map, elastic warp, tiles
          with mirrored borders, mean over rotations); ISBI 2012 challenge, Arganda-Carreras et al.
          2015, doi:10.3389/fnana.2015.00142
Expected: on the challenge's own test set, whose labels are secret: Rand error 0.0382 (of an older
          definition), pixel error 0.0611; no number is comparable with the hold-out here
Measured: 24 images to train, 6 held out, a quarter of the paper's channels, 3,840 steps, 1 seed:
          foreground-restricted Rand score 0.817 with the weight map, 0.520 without; pixel error
          0.089 and 0.082; IoU of membrane 0.648 and 0.633. With the best threshold for each the
          Rand scores are 0.868 and 0.866: here the map does by training what a lower threshold
          does afterwards. After 960 steps the map was behind (0.396 and 0.508)
Run:      python -m recipes unet_membranes --data FOLDER, with FOLDER/train/image/*.png and
          FOLDER/train/label/*.png (0 membrane, 255 inside). The last fifth of the images is held
          out: slices of one stack, so that only the first of them has a neighbour in training
"""

import pathlib

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures, metrics

from . import _experiment as ex

CLASSES = ("inside", "membrane")


def load(data, quick, seed):
    """Images and maps of membranes, `(images, height, width, 1)` and `(images, height, width)`."""
    if data == "generated_cells":
        return sources.generated_cells(15 if quick else 30, 128 if quick else 256, seed=seed)
    images, labels = (f"{data}/train/{part}" for part in ("image", "label"))
    inside_out = {0: 1, 255: 0}  # membrane is 1 here
    return sources.PairedFolder(images, labels, label_values=inside_out, grayscale=True).load_all()


def mirrored(arrays, margin):
    """Pictures or maps with `margin` mirrored pixels on each side."""
    sides = [(margin, margin)] * 2 + [(0, 0)] * (arrays.ndim - 3)
    return np.pad(arrays, [(0, 0), *sides], mode="reflect")


def main(
    *,
    data: ex.Pairs = "generated_cells",
    epochs: ex.Epochs = 40,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    tile: int = 316,
    filters: tuple[int, ...] = (16, 32, 64, 128, 256),
    rotations: bool = True,
):
    """Trains a U-Net with valid padding twice: with the weight map of the paper, and without.

    Args:
        tile: side of what the network sees in pixels, 16 k + 60 for five levels.
        filters: channels of the levels; the paper has 64, 128, 256, 512, 1024.
        rotations: averages predictions over rotations and reflections.
    """
    with ex.Run("unet_membranes", locals(), quick_epochs=12) as run:
        # 1. Data: whole pictures, mirrored at their borders; a fifth is held out
        x, y = load(data, run.quick, seed)
        last = len(x) - len(x) // 5
        x_test, y_test = x[last:], y[last:]
        if run.quick:
            tile, filters, rotations = 124, (8, 16, 32, 64), False
        run.metric("trivial_pixel_error", np.mean(y_test == 1), "share, no membrane anywhere")
        run.metric("trivial_iou", np.mean(y_test == 1), "IoU of membrane, membrane everywhere")
        weights = sources.border_weight_map(y[:last], background=1)
        found = {}
        for name, title in (("weight_map", "with weight map"), ("plain", "without")):
            # 2. Model: valid padding, so that the network predicts the centre of what it sees
            keras.utils.set_random_seed(seed)
            model = keras_ae.UNet((tile, tile, 1), 2, filters)
            margin = (tile - model.network.output_shape[1]) // 2
            arrays = [mirrored(each, margin) for each in (x[:last], y[:last], weights)]
            # 3. Objective: cross-entropy of every pixel, narrow gaps count up to ten times more
            model.compile(keras.optimizers.Adam(1e-3), metrics=[metrics.MeanIoU(2)])
            # 4. Train: one tile a step, each turned and bent
            change = (sources.RandomRotate90(), sources.ElasticWarp(), sources.RandomCrop(tile))
            batches = sources.Batches(
                *arrays[: 3 if name == "weight_map" else 2],
                batch_size=1,
                seed=seed,
                augment=sources.Compose(*change),
            )
            file = "model" if name == "weight_map" else name
            model.fit(batches, epochs=run.epochs, verbose=0, callbacks=run.callbacks(file))
            # 5. Look: tile by tile over whole pictures
            membrane = keras_ae.predict_tiles(model, x_test, rotations=rotations)[..., 1]
            scores = evaluation.membrane_scores(y_test, membrane)
            run.metric(f"{name}_rand", scores["rand"], "foreground-restricted Rand score at 0.5")
            run.metric(f"{name}_best_rand", scores["best_rand"], "the same at the best threshold")
            run.metric(f"{name}_pixel_error", scores["pixel_error"], "share of wrong pixels")
            run.metric(f"{name}_iou", scores["iou"], "intersection over union of membrane")
            title += f"\nRand {scores['rand']:.3f}, IoU {scores['iou']:.2f}"
            found[title] = membrane[:2] >= 0.5
            if name == "weight_map":
                run.save(model)
        about = f"{pathlib.Path(data).name}, {last} images, {run.epochs * last} steps, seed {seed}"
        title = f"What counts in the loss: classes alike, and narrow gaps\n{about}"
        run.figure("weight_map", figures.weight_maps(x[:2], y[:2], weights[:2], title))
        title = f"Membranes of held-out images ({about})"
        shown = (x_test[:2], y_test[:2], found, CLASSES, title)
        run.figure("overlays", figures.overlays(*shown, zoom=x.shape[1] // 4))
        rand = [run.values[f"{name}_rand"]["value"] for name in ("weight_map", "plain")]
        result = f"Rand score {rand[0]:.2f} with weights for the gaps, {rand[1]:.2f} without"
        run.finish(result, "overlays")


if __name__ == "__main__":
    ex.command_line(main)
