"""The lecture's first autoencoder: 784 numbers through 3 and back.

Slide:    PyTorch Basic Autoencoder
Source:   the lecture's own code, 784-128-64-12-3-12-64-128-784, ReLU, Tanh output, MSE
Expected: no published number; better than the mean image by far, digits apart in 3-D
Measured: 25.46 +- 0.13 (mean image 52.90), 5-NN accuracy of the codes 80.5 % (MNIST, 3 seeds)
Run:      python -m recipes autoencoder --data mnist --epochs 20
"""

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 100,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
):
    """Trains the slide's 784-128-64-12-3 autoencoder and draws pairs and the 3-D codes."""
    with ex.Run("autoencoder", locals(), quick_epochs=20) as run:
        # 1. Data: pixels in [-1, 1], because the decoder ends in tanh
        images = sources.load(data, image_size=28)
        x_train, x_test = images.x_train * 2 - 1, images.x_test * 2 - 1
        shape = x_train.shape[1:]

        # 2. Model: the slide's encoder and decoder
        encoder = keras_ae.dense_encoder(shape, latent_dim=3, units=(128, 64, 12))
        decoder = keras_ae.dense_decoder(
            shape, latent_dim=3, units=(12, 64, 128), output_activation="tanh"
        )

        # 3. Objective: squared error, the slide's nn.MSELoss but summed over pixels
        model = keras_ae.Autoencoder(encoder, decoder, loss="squared_error")
        model.compile("adam")

        # 4. Train
        model.fit(
            x_train,
            batch_size=128,
            epochs=run.epochs,
            validation_data=x_test,
            verbose=0,
            callbacks=run.callbacks(),
        )

        # 5. Look: errors in the papers' scale, pixels in [0, 1]
        restored = (model.reconstruct(x_test) + 1) / 2
        error = evaluation.squared_error(images.x_test, restored)
        trivial = evaluation.mean_image_error(images.x_train, images.x_test)
        run.metric("test_squared_error", error, "squared error summed over pixels, per image")
        run.metric("mean_image_squared_error", trivial, "the same for the trivial answer")
        about = f"{data}, {run.epochs} epochs, seed {seed}"
        title = f"{x_test[0].size} numbers through 3 and back: test error {error:.1f} per image"
        title += f" (mean image {trivial:.1f}); {about}"
        rows = {"input": images.x_test[:12], "output": restored[:12]}
        run.figure("pairs", figures.strips(rows, title))
        if images.y_test is not None:
            codes = model.encode(x_test)
            accuracy = evaluation.knn_accuracy(
                model.encode(x_train), images.y_train, codes, images.y_test
            )
            run.metric("knn_accuracy", accuracy, "share of test images, 5 nearest codes")
            title = f"3-D codes of test images, labels not used in training ({about};"
            title += f" 5-NN accuracy {accuracy:.1%})"
            panels = {"seen from one side": codes[:3000], "from another": codes[:3000]}
            run.figure("codes", figures.codes(panels, images.y_test[:3000], title))
        run.save(model)
        run.finish(f"error {error:.1f} per image; always the mean image: {trivial:.1f}", "pairs")


if __name__ == "__main__":
    ex.command_line(main)
