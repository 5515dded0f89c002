"""Four ways of going up: switches, learned transposed convolutions, nearest, bed of nails.

Slide:    Unpooling; MaxUnpool2d
Source:   lecture; Zeiler and Fergus 2014, arXiv:1311.2901 (switches); Odena et al. 2016,
          doi:10.23915/distill.00003 (checkerboards)
Expected: no published number; switches are best by far, for they carry most of the picture past
          the code: two bits for every pooled value
Measured: switches 4.4 (7,128 bits past a code of 1,152), transposed 17.9, nearest 22.5,
          bed of nails 26.1 on MNIST, 2 seeds
Run:      python -m recipes unpooling --data mnist --epochs 2
"""

import keras
import numpy as np
from keras import ops

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex

WAYS = ("switches", "transposed", "nearest", "bed_of_nails")
FILTERS = (16, 8, 4)


def scaled(maps):
    """Maps from their least to their largest value as 0 to 1, each for itself."""
    low, high = (bound(maps, axis=(1, 2), keepdims=True) for bound in (np.min, np.max))
    return (maps - low) / np.maximum(high - low, 1e-9)


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 40,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
):
    """Trains the same encoder with four decoders that differ in how they undo the pooling."""
    with ex.Run("unpooling", locals(), quick_epochs=2) as run:
        # 1. Data: grey values in [0, 1]
        images = sources.load(data, image_size=28)
        x_train, x_test = images.x_train[: 7_000 if run.quick else None], images.x_test
        shape, about = x_train.shape[1:], f"{data}, {run.epochs} epochs, seed {seed}"
        trivial = evaluation.mean_image_error(x_train, x_test)
        run.metric("mean_image_squared_error", trivial, "squared error summed over pixels")
        rows, maps, errors = {"input": x_test[:12]}, {}, {}
        for up in WAYS:
            # 2. Model: 28 - 14 - 7 - 3 and back; the encoder starts from the same weights
            keras.utils.set_random_seed(seed)
            encoder = keras_ae.conv_encoder(shape, FILTERS, pool_size=2, switches=up == "switches")
            decoder = keras_ae.unpool_decoder(shape, FILTERS[::-1], up)
            # 3. Objective: cross-entropy
            model = keras_ae.Autoencoder(encoder, decoder, loss="bernoulli")
            model.compile("adam")
            # 4. Train
            name = "model" if up == "transposed" else up
            model.fit(
                x_train,
                batch_size=32,
                epochs=run.epochs,
                verbose=0,
                callbacks=run.callbacks(name),
            )
            # 5. Look: error, pictures, and the maps on the way up
            restored = model.reconstruct(x_test)
            errors[up] = error = evaluation.squared_error(x_test, restored)
            run.metric(f"{up}_squared_error", error, "squared error summed over pixels")
            run.metric(f"{up}_parameters", model.count_params(), "trainable numbers")
            codes, title = model.encode(x_test[:6]), up.replace("_", " ")
            rows[f"{title}\nerror {error:.1f}"] = restored[:12]
            ups = decoder.layers[-2]  # the last way up, before the last convolution
            steps = keras.Model(decoder.input, [ups.output, decoder.output])
            before, logits = (ops.convert_to_numpy(y) for y in steps(codes))
            maps[f"{title}:\nunpooled"] = scaled(before.mean(axis=-1))
            maps[f"convolved,\nerror {error:.1f}"] = scaled(logits[..., 0])
            if up == "switches":
                bits = sum(codes[key][0].size * 2 for key in codes if key != "code")
                run.metric("switches_bits", bits, "bits per image that go past the code")
                run.metric("code_bits", codes["code"][0].size * 32, "bits of the code, float32")
            if up == "transposed":
                run.save(model)
        title = f"Four ways up, squared error per image (mean image {trivial:.1f})\n{about}"
        title += f"; switches: {bits:,} bits an image beside a code of {codes[0].size} numbers"
        run.figure("strips", figures.strips(rows, title))
        title = f"Maps of the last level: as unpooled (mean of channels), and convolved\n{about}"
        run.figure("maps", figures.strips(maps, title))

        # Checkerboards: how often each output is written, for a constant input
        panels = {}
        for f, s in ((3, 2), (2, 2), (4, 2), (5, 3)):
            layer = keras_ae.layers.Conv2DTranspose(1, f, s, kernel_initializer="ones")
            counts = ops.convert_to_numpy(layer(np.ones((1, 5, 5, 1), "float32")))[0, ..., 0]
            panels[f"kernel {f}, stride {s}"] = counts[1:-1, 1:-1]
        title = "Checkerboards: how many inputs write to each output of a transposed convolution\n"
        title += "(even only where the stride divides the kernel)"
        run.figure("checkerboard", figures.matrices(panels, title))
        outcome = f"error {errors['switches']:.1f} with switches ({bits:,} bits past the code), "
        outcome += f"{errors['transposed']:.1f} transposed; always the mean image: {trivial:.1f}"
        run.finish(outcome, "strips")


if __name__ == "__main__":
    ex.command_line(main)
