"""L2 and tied weights: half the parameters, and filters that mirror each other.

Slide:    Autoencoders: compression (with L2 regularization; tied weights)
Source:   lecture, J + lambda sum_k w_k^2 and w_1 = w_2^T; Vincent et al. 2010 (JMLR 11)
Expected: no published number; tying costs little error and saves nearly half of the parameters
Measured: error 14.04 free, 14.05 tied, 20.8 with L2; 101,200 parameters, tied 51,024 (MNIST)
Run:      KERAS_BACKEND=jax python -m recipes tied_weights --data mnist --epochs 15
"""

import numpy as np
from keras import ops

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex

VARIANTS = {"free": {}, "l2": {"l2": 1e-2}, "tied": {"tied": True}}


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 150,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    code_size: int = 64,
):
    """Trains a shallow autoencoder with free, L2-regularised and tied weights, side by side.

    Args:
        code_size: units of the code, one filter each.
    """
    with ex.Run("tied_weights", locals(), quick_epochs=15) as run:
        # 1. Data: grey values in [0, 1]
        images = sources.load(data, image_size=28)
        x_train, x_test = images.x_train, images.x_test
        shape, about = x_train.shape[1:], f"{data}, {run.epochs} epochs, seed {seed}"
        trivial = evaluation.mean_image_error(x_train, x_test)
        run.metric("mean_image_squared_error", trivial, "squared error summed over pixels")
        pictures, restored, results = {}, {"input": x_test[:12]}, []
        for name, variant in VARIANTS.items():
            # 2. Model: sigmoid units, so that the code is not linear
            model = keras_ae.dense_autoencoder(
                shape, code_size, latent_activation="sigmoid", loss="bernoulli", **variant
            )
            # 3. Objective: cross-entropy, for "l2" plus the sum of all squared weights
            model.compile("adam")
            # 4. Train
            model.fit(
                x_train,
                batch_size=128,
                epochs=run.epochs,
                verbose=0,
                callbacks=run.callbacks("model" if name == "tied" else name),
            )
            # 5. Look: filters of both sides, error and parameters
            output = model.reconstruct(x_test)
            error = evaluation.squared_error(x_test, output)
            count = model.count_params()
            run.metric(f"{name}_squared_error", error, "squared error summed over pixels")
            run.metric(f"{name}_parameters", count, "trainable numbers")
            kernels = [
                next(
                    ops.convert_to_numpy(layer.kernel) for layer in network.layers if layer.weights
                )
                for network in (model.encoder, model.decoder)
            ]
            inwards = kernels[0].T  # (code_size, pixels)
            tied = isinstance(model.decoder.layers[1], keras_ae.layers.TiedDense)
            outwards = kernels[1].T if tied else kernels[1]  # the same shape
            cosine = np.sum(inwards * outwards, axis=1)
            cosine /= np.linalg.norm(inwards, axis=1) * np.linalg.norm(outwards, axis=1) + 1e-12
            run.metric(f"{name}_cosine", cosine.mean(), "between the two filters of a unit, mean")
            for side, filters, numbers in (
                ("encoder", inwards, f"error {error:.1f}"),
                ("decoder", outwards, f"cosine {cosine.mean():.2f}"),
            ):
                scale = 2 * np.abs(filters[:12]).max(axis=1, keepdims=True)
                grey = 0.5 + filters[:12] / scale  # zero is grey
                pictures[f"{name}, {side}\n{numbers}"] = grey.reshape(-1, *shape)
            results.append(f"{name}: error {error:.1f}\n{count:,} parameters")
            restored[results[-1]] = output[:12]
            if name == "tied":
                run.save(model)
        title = f"What twelve units read (encoder) and write (decoder); zero is grey\n{about}"
        run.figure("filters", figures.strips(pictures, title))
        title = f"Free, L2 and tied weights: squared error per image, parameters\n{about}"
        run.figure("strips", figures.strips(restored, title))
        outcome = "; ".join(results).replace("\n", ", ")
        run.finish(f"{outcome}; always the mean image: error {trivial:.1f}", "filters")


if __name__ == "__main__":
    ex.command_line(main)
