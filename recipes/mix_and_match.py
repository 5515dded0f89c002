"""Any encoder with any decoder: how well, how large, how slow.

Slide:    Mixing and matching encoders and decoders
Source:   lecture; of the decoders `keras_ae.pyramid_decoder`; encoders from `keras.applications`
Expected: no published number for this grid; decoders that are handed fine maps (U-Net, LinkNet,
          FPN) are above those that are not (SegNet-style, PSP), whatever the encoder
Measured: 600 images of 64 x 64, 20 epochs, one seed: U-Net 0.57 on our encoder and 0.47 on
          MobileNetV2 from random weights, LinkNet 0.49 and 0.41, PSP 0.41 and 0.36, SegNet-style
          0.19 and 0.08 (one class everywhere 0.08); not as expected FPN: 0.47 and 0.19
Run:      python -m recipes mix_and_match --data scattered_digits --encoders own MobileNetV2
          --image-size 64 64 --num-images 600 --epochs 20
"""

import pathlib
import time

import keras

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex


def encoder_of(name, shape, weights, filters):
    """A fresh encoder: "own" is stages of ours, others are those of `keras.applications`."""
    if name == "own":
        return keras_ae.conv_pyramid((None, None, shape[-1]), filters)
    source = None if weights == "none" else weights
    return keras_ae.pyramid_encoder(name, (None, None, shape[-1]), source)


def step_time(model, x, y):
    """Seconds of a training step, the least of five."""
    seconds = []
    for _ in range(6):  # the first one compiles
        start = time.perf_counter()
        model.train_on_batch(x, y)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


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
    encoders: tuple[str, ...] = ("own", "MobileNetV2", "ResNet50", "EfficientNetB0"),
    decoders: tuple[str, ...] = ("fcn", "segnet", "unet", "fpn", "linknet", "psp"),
    weights: str = "none",
    width: int = 16,
    num_images: int = 800,
    image_size: tuple[int, int] = (96, 96),
):
    """Trains every pair of encoder and decoder in the same way.

    Args:
        encoders: "own" or names of keras.applications that keras_ae.pyramid_encoder knows.
        decoders: names that keras_ae.pyramid_decoder knows.
        weights: none, imagenet (downloads), or a file, of the encoders.
        width: channels of the decoders' finest level.
        num_images: training images.
        image_size: height and width in pixels.
    """
    with ex.Run("mix_and_match", locals(), quick_epochs=8) as run:
        # 1. Data: an image and the class of each of its pixels
        size, number, batch, filters = image_size, num_images, 16, (16, 32, 64, 128, 128)
        if run.quick:
            size, number, batch, filters, width = (64, 64), 128, 8, (8, 16, 32, 64, 64), 8
            encoders, decoders = ("own",), ("segnet", "unet", "fpn")
        pairs = sources.load_pairs(data, number, size, seed)
        x_test, y_test, names, void = pairs.x_test, pairs.y_test, pairs.class_names, pairs.void
        score = lambda maps: evaluation.score_label_maps(y_test, maps, names, void)["mean_iou"]
        trivial = score(pairs.commonest_class())
        run.metric("trivial_mean_iou", trivial, "mean IoU of the commonest class everywhere")
        class_weights = keras_ae.losses.median_frequency_weights(pairs.y_train, len(names), void)
        shape = x_test.shape[1:]
        grid, notes, found = {}, {}, {}
        for first in encoders:
            grid[first], notes[first] = {}, {}
            for second in decoders:
                # 2. Model: a pyramid of maps between the two
                keras.utils.set_random_seed(seed)
                model = keras_ae.EncoderDecoder(
                    encoder_of(first, shape, weights, filters),
                    second,
                    len(names),
                    shape,
                    width,
                    void=void,
                    class_weights=class_weights**0.5,
                )
                # 3. Objective: cross-entropy of every pixel, rare classes weighted up
                model.compile(keras.optimizers.Adam(2e-3))
                # 4. Train, then batch norm's statistics over the training set
                pair = f"{first}_{second}"
                model.fit(
                    pairs.x_train,
                    pairs.y_train,
                    batch_size=batch,
                    epochs=run.epochs,
                    verbose=0,
                    callbacks=run.callbacks(pair),
                )
                model.reestimate(pairs.x_train, batch_size=16)
                # 5. Look: intersection over union, size, speed
                maps = model.segment(x_test, batch_size=16)
                grid[first][second] = score(maps)
                million = model.count_params() / 1e6
                run.metric(f"{pair}_mean_iou", grid[first][second], "mean IoU")
                run.metric(f"{pair}_parameters", million, "million numbers")
                if second == "unet" or len(encoders) == 1:
                    found[f"{first}, {second}\nIoU {grid[first][second]:.2f}"] = maps[:2]
                if pair == f"{encoders[0]}_unet":
                    run.save(model)
                model.compile("sgd", steps_per_execution=1)  # as it is compiled, timed alone
                some = pairs.x_train[:16], pairs.y_train[:16]
                seconds = run.once(f"{pair}_seconds", step_time, model, *some)
                run.metric(f"{pair}_seconds", seconds, "seconds a step of 16 images")
                notes[first][second] = f"{million:.1f} M, {seconds:.2f} s"
        about = (
            f"{pathlib.Path(data).name}, {len(pairs.x_train)} images of {shape[0]} x {shape[1]}, "
        )
        about += f"{run.epochs} epochs, seed {seed}, weights: {weights}"
        about += "\none encoder here, four without --quick" if run.quick else ""
        title = (
            f"Mean IoU (one class everywhere: {trivial:.2f}), parameters, time of a step\n{about}"
        )
        run.figure("grid", figures.heat_grid(grid, notes, title, "mean IoU"))
        title = f"Pairs of encoder and decoder\n{about}"
        shown = (x_test[:2], y_test[:2], found, names, title, void)
        run.figure("overlays", figures.overlays(*shown, zoom=min(shape[:2]) // 3))
        iou = {f"{first}-{second}": v for first, row in grid.items() for second, v in row.items()}
        best, worst = max(iou, key=iou.get), min(iou, key=iou.get)
        result = f"mean IoU {iou[best]:.2f} ({best}) to {iou[worst]:.2f} ({worst})"
        run.finish(f"{result}; one class everywhere {trivial:.2f}", "grid")


if __name__ == "__main__":
    ex.command_line(main)
