"""Gross outliers in the training set do not rule a robust autoencoder.

Slide:    Further Info (robust autoencoders are in the tutorial by Charte et al.)
Source:   Charte et al. 2018, arXiv:1801.01586; Qi et al. 2014, doi:10.1109/ICASSP.2014.6854900
Expected: no published number on this data; at most half of the squared error's clean test error
          with 20 % outliers
Measured: clean test error 9.5 against 36.7 with 20 % outliers, a ratio of 0.26 (MNIST, one seed);
          without outliers 7.5 against 7.2
Run:      python -m recipes robust --data mnist --epochs 20
"""

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex


def broken(x, share, amplitude, seed):
    """Pictures of which a share is broken: every row and every column has an offset of its own."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(x))[: round(share * len(x))]
    height, width = x.shape[1:3]
    x = x.copy()
    for shape in ((height, 1, 1), (1, width, 1)):
        x[chosen] += rng.normal(0.0, amplitude, (len(chosen), *shape)).astype("float32")
    return x, chosen


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
    amplitude: float = 3.0,
    bandwidth: float = 0.3,
    shares: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4),
):
    """Trains with squared error and with correntropy on data of which a growing share is broken.

    Args:
        amplitude: standard deviation of the offsets of a broken picture (pixels are 0 to 1).
        bandwidth: error of a pixel from which on it counts as an outlier.
        shares: shares of broken pictures; 0.2 is the one of the headline.
    """
    with ex.Run("robust", locals(), quick_epochs=5) as run:
        # 1. Data: clean test digits; a share of the training digits is broken
        images = sources.load(data, image_size=28)
        x_test = images.x_test
        shares = (0.0, 0.2, 0.4) if run.quick else shares
        units, code = 256, 32
        trivial = evaluation.mean_image_error(images.x_train, x_test)
        run.metric("mean_image_squared_error", trivial, "squared error summed over pixels")
        lines, pictures = {}, {}
        for share in shares:
            x_train, outliers = broken(images.x_train, share, amplitude, seed)

            # 2. Model: 784-256-32-256-784, with either loss
            def networks():
                encoder = keras_ae.dense_encoder(x_test.shape[1:], code, (units,))
                return encoder, keras_ae.dense_decoder(x_test.shape[1:], code, (units,))

            for name, build in (
                # 3. Objective: the square of each error, or a bounded function of it
                ("squared error", lambda n=networks: keras_ae.Autoencoder(*n())),
                ("correntropy", lambda n=networks: keras_ae.RobustAutoencoder(*n(), bandwidth)),
            ):
                keras.utils.set_random_seed(seed)
                model, count = build(), round(100 * share)
                model.compile("adam")
                # 4. Train
                last = name == "correntropy" and share == 0.2
                key = f"{name.replace(' ', '_')}_{count}"
                model.fit(
                    x_train,
                    batch_size=100,
                    epochs=run.epochs,
                    verbose=0,
                    callbacks=run.callbacks("model" if last else key),
                )
                # 5. Look: clean test digits, and what becomes of the broken ones
                error = evaluation.squared_error(x_test, model.reconstruct(x_test))
                run.metric(f"{key}_percent_outliers", error, "squared error of clean test digits")
                lines.setdefault(name, ([], []))
                lines[name][0].append(count)
                lines[name][1].append(error)
                if share == 0.2:
                    some = outliers[:5]
                    pictures["clean, and broken\nin training"] = (x_test[:5], x_train[some])
                    restored = (model.reconstruct(x) for x in (x_test[:5], x_train[some]))
                    pictures[f"{name}\n{error:.1f} clean"] = tuple(restored)
                if last:
                    run.save(model)
        outcome = ""
        if 0.2 in shares:
            worse, better = (lines[name][1][shares.index(0.2)] for name in lines)
            run.metric("ratio_20_percent", better / worse, "error, correntropy over squared error")
            outcome = f"clean test error with 20 % outliers in training: {better:.1f} correntropy, "
            outcome += f"{worse:.1f} squared error; always the mean image: {trivial:.1f}"
        about = f"{data}, offsets of {amplitude:g}, {run.epochs} epochs, seed {seed}"
        axes = ("outliers in the training set, %", "squared error of clean test digits")
        title = "Clean test error against the share of outliers; always the mean image: "
        title += f"{trivial:.1f}\n{about}"
        run.figure("curve", figures.curves(lines, title, *axes, log_y=True))
        rows = {name: np.concatenate(both) for name, both in pictures.items()}
        title = f"20 % outliers: five clean test digits, five broken training digits\n{about}"
        run.figure("strips", figures.strips(rows, title))
        run.finish(outcome, "strips")


if __name__ == "__main__":
    ex.command_line(main)
