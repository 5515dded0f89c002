"""The lecture's convolutional autoencoder: 28 x 28 pixels through a 2 x 2 x 8 code and back.

Slide:    PyTorch Convolutional AE ("Note: This is a non symmetric example")
Source:   the lecture's own code, 5,729 parameters, ReLU, Tanh output, MSE
Expected: no published number; a dense network with a code of the same 32 numbers is better, with
          39 times as many parameters
Measured: error 20.6 +- 1.8 (5,729 parameters), dense with 32 numbers 6.2 (222,384), with 3 numbers
          25.4 (219,891) on MNIST, 2 seeds
Run:      python -m recipes convolutional_autoencoder --data mnist --epochs 10
"""

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex


def networks(shape):
    """The slide's two networks, and the dense one with a code as large as the convolutional's."""
    encoder = keras_ae.conv_encoder(
        shape, (16, 8), 3, strides=(3, 2), padding=1, pool_size=2, pool_strides=(2, 1)
    )
    decoder = keras_ae.conv_decoder(
        shape,
        (2, 2, 8),
        (16, 8),
        kernel_size=(3, 5, 2),
        strides=(2, 3, 2),
        padding=(0, 1, 1),
        output_activation="tanh",
    )
    dense = lambda size: keras_ae.dense_autoencoder(
        shape, size, (128, 64) if size == 32 else (128, 64, 12), output_activation="tanh"
    )
    return {
        "convolutional": keras_ae.Autoencoder(encoder, decoder),
        "dense_32": dense(32),
        "dense_3": dense(3),
    }


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 60,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
):
    """Trains the slide's network beside dense ones with codes of 32 and of 3 numbers."""
    with ex.Run("convolutional_autoencoder", locals(), quick_epochs=8) as run:
        # 1. Data: pixels in [-1, 1], because the decoder ends in tanh
        images = sources.load(data, image_size=28)
        x_train, x_test = images.x_train * 2 - 1, images.x_test * 2 - 1
        about = f"{data}, {run.epochs} epochs, seed {seed}"
        rows, results = {"input": images.x_test[:12]}, []
        trivial = evaluation.mean_image_error(images.x_train, images.x_test)
        run.metric("mean_image_squared_error", trivial, "squared error summed over pixels")
        # 2. Models; 3. objective: squared error, the slide's nn.MSELoss but summed over pixels
        for name, model in networks(x_train.shape[1:]).items():
            model.compile("adam")
            # 4. Train
            model.fit(
                x_train,
                batch_size=32,
                epochs=run.epochs,
                verbose=0,
                callbacks=run.callbacks("model" if name == "convolutional" else name),
            )
            # 5. Look: errors in the papers' scale, pixels in [0, 1]
            restored = (model.reconstruct(x_test) + 1) / 2
            error, count = evaluation.squared_error(images.x_test, restored), model.count_params()
            run.metric(f"{name}_squared_error", error, "squared error summed over pixels")
            run.metric(f"{name}_parameters", count, "trainable numbers")
            if images.y_test is not None:
                flat = [model.encode(x).reshape(len(x), -1) for x in (x_train, x_test)]
                accuracy = evaluation.knn_accuracy(flat[0], images.y_train, flat[1], images.y_test)
                run.metric(
                    f"{name}_knn_accuracy", accuracy, "share of test images, 5 nearest codes"
                )
            label = name.replace("_", ", code ").replace("convolutional", "convolutional, code 32")
            rows[f"{label}\n{count:,} parameters\nerror {error:.1f}"] = restored[:12]
            results.append(f"{label}: {error:.1f} with {count:,} parameters")
            if name == "convolutional":
                title = f"The slide's network: {count:,} parameters, error {error:.1f} ({about})"
                run.figure("sides", figures.side_lengths(model.encoder, model.decoder, title))
                run.save(model)
        title = f"In and out, squared error per image (mean image {trivial:.1f}); {about}"
        run.figure("pairs", figures.strips(rows, title))
        outcome = f"error per image, {'; '.join(results)}; always the mean image: {trivial:.1f}"
        run.finish(outcome, "pairs")


if __name__ == "__main__":
    ex.command_line(main)
