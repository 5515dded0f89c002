"""The transposed convolution, drawn: distributing values, zero insertion, the adjoint.

Slide:    Transposed Convolutions (six slides); Fractionally strided convolutions
Source:   lecture; Dumoulin and Visin 2016, arXiv:1603.07285
Expected: three ways to compute it agree; it is the adjoint of the convolution, not its inverse
          ("the reverse process" of the slides)
Measured: no difference; error of the adjoint 54.9 (with its best factor), of a learned kernel 24.8,
          of the mean image 52.9 on MNIST, 2 seeds
Run:      python -m recipes transposed_convolution --data mnist --epochs 3
"""

import keras
import numpy as np
from keras import ops

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures
from keras_ae.layers.convolution import conv_transpose

from . import _experiment as ex


def distributed(x, kernel, stride):
    """The slide's rule: every value writes itself, times the kernel, into its place."""
    f, n = len(kernel), len(x)
    steps = np.zeros((n * n, *(2 * [keras_ae.layers.conv_transpose_size(n, f, stride)])))
    frames = np.zeros(steps.shape, bool)
    for step, (i, j) in enumerate(np.ndindex(n, n)):
        place = slice(i * stride, i * stride + f), slice(j * stride, j * stride + f)
        steps[step][place] = x[i, j] * kernel
        frames[step][place] = True
    return steps, frames


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 20,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
):
    """Draws a 2 x 2 input through a 3 x 3 kernel; then trains one to undo a strided convolution."""
    with ex.Run("transposed_convolution", locals(), quick_epochs=2) as run:
        x, kernel = np.array([[1.0, 2.0], [3.0, 4.0]]), np.arange(1.0, 10.0).reshape(3, 3)
        for stride in (1, 2):
            # The slides: distribute each value; or insert zeros, pad, convolve with a turned kernel
            steps, frames = distributed(x, kernel, stride)
            panels = {"input": x, "kernel": kernel}
            for number, (step, frame) in enumerate(zip(steps, frames)):
                panels[f"{x.flat[number]:g} distributed"] = (step, frame)
            panels["the sum"] = steps.sum(axis=0)
            inserted = np.zeros(2 * [(len(x) - 1) * stride + 1])
            inserted[::stride, ::stride] = x
            padded, flipped = np.pad(inserted, len(kernel) - 1), kernel[::-1, ::-1]
            name = "zeros inserted" if stride > 1 else "input"
            panels[f"{name}, full padding"] = padded
            panels["kernel turned by 180 degrees"] = flipped
            convolved = np.array(
                [
                    [np.sum(padded[i : i + 3, j : j + 3] * flipped) for j in range(len(steps[0]))]
                    for i in range(len(steps[0]))
                ]
            )
            panels["their convolution, stride 1"] = convolved
            ours = conv_transpose(
                x[None, :, :, None].astype("float32"),
                kernel[:, :, None, None].astype("float32"),
                (stride, stride),
                0,
            )
            ours = ops.convert_to_numpy(ours)[0, :, :, 0]
            panels["our layer"] = ours
            largest = max(np.abs(ours - y).max() for y in (steps.sum(axis=0), convolved))
            run.metric(f"stride_{stride}_difference", largest, "largest of three computations")
            size = len(ours)
            title = f"Transposed convolution, stride {stride}: (n - 1)s - 2p + f = "
            title += f"(2 - 1){stride} - 0 + 3 = {size}"
            run.figure(f"stride_{stride}", figures.matrices(panels, title))

        # 1. Data: pictures to convolve
        images = sources.load(data, image_size=28)
        x_train, x_test = images.x_train, images.x_test
        shape = x_train.shape[1:]
        # 2. Model: a fixed convolution with stride 2, and a transposed one that learns to undo it
        encoder = keras_ae.conv_encoder(shape, (1,), 4, strides=2, activation=None)
        fixed = np.random.default_rng(0).normal(0, 0.25, (4, 4, 1, 1))  # the same on every backend
        encoder.set_weights([fixed, np.zeros(1)])
        encoder.trainable = False
        adjoint = keras_ae.conv_decoder(shape, (14, 14, 1), (), 4, tied_to=encoder)
        decoder = keras_ae.conv_decoder(shape, (14, 14, 1), (), 4)
        # 3. Objective: squared error
        model = keras_ae.Autoencoder(encoder, decoder)
        model.compile(keras.optimizers.Adam(0.01))
        # 4. Train
        model.fit(x_train, batch_size=32, epochs=run.epochs, verbose=0, callbacks=run.callbacks())
        # 5. Look: <conv(x), y> = <x, adjoint(y)>, and yet adjoint(conv(x)) is not x
        y = np.random.default_rng(seed).normal(size=(len(x_test), 14, 14, 1)).astype("float32")
        left = np.sum(model.encode(x_test) * y)
        right = np.sum(x_test * adjoint.predict(y, verbose=0))
        run.metric("adjoint_identity", abs(left - right) / abs(left), "relative difference")
        low, high = np.percentile(model.encode(x_test), [1, 99])
        errors, rows = (
            {},
            {"x": x_test[:12], "conv(x)": (model.encode(x_test[:12]) - low) / (high - low)},
        )
        back = adjoint.predict(model.encode(x_test), verbose=0)
        back *= np.sum(back * x_test) / np.sum(back * back)  # the best factor
        for name, key, z in (
            ("same kernel\n(adjoint)", "adjoint", back),
            ("learned kernel", "learned", model.reconstruct(x_test)),
        ):
            errors[key] = error = evaluation.squared_error(x_test, z)
            run.metric(f"{key}_squared_error", error, "squared error summed over pixels")
            rows[f"{name}\nerror {error:.1f}"] = z[:12]
        trivial = evaluation.mean_image_error(x_train, x_test)
        run.metric("mean_image_squared_error", trivial, "squared error summed over pixels")
        title = "Adjoint, not inverse: the same kernel does not bring x back"
        title += f"\n{data}, {run.epochs} epochs, seed {seed} (mean image {trivial:.1f})"
        run.figure("adjoint", figures.strips(rows, title))
        run.save(model)
        outcome = f"three ways to compute it differ by {largest:g}; it undoes no convolution: "
        outcome += f"error {errors['adjoint']:.1f}, with a learned kernel {errors['learned']:.1f}, "
        run.finish(f"{outcome}always the mean image {trivial:.1f}", "stride_2")


if __name__ == "__main__":
    ex.command_line(main)
