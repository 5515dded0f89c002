"""The code of a contractive autoencoder hardly moves off the data, and makes a better classifier.

Slide:    Regularise by enforcing smoothness (the "contractive" autoencoder)
Source:   Rifai et al. 2011, "Contractive auto-encoders" (ICML), sections 5.1 and 5.3
Expected: MNIST, 1000 hidden units, fine-tuned with all labels: 1.14 % contractive, 1.18 % denoising
          (Gaussian), 1.78 % plain, 1.68 % weight decay (the last from memory)
Measured: 1.40 +- 0.04 % contractive, 1.54 +- 0.03 % denoising, 1.70 +- 0.08 % plain, 1.72 +- 0.02 %
          weight decay (MNIST, 5 seeds); a code moves 0.17 of the spread with noise of 0.2 on the
          pixels, 0.55 plain, 0.21 weight decay; shifts and rotations move it nearly as far as ever
Run:      python -m recipes contractive --data mnist --epochs 40
"""

import keras
import numpy as np
from scipy import ndimage

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex

CHANGES = {  # of an input: name, amounts, and how they are made
    "shifted": (
        np.linspace(0, 1 / 7, 9),
        "share of the width",
        lambda x, a, _: ndimage.shift(x, (0, 0, a * x.shape[2], 0), order=1),
    ),
    "rotated": (
        np.linspace(0, 32, 9),
        "degrees",
        lambda x, a, _: ndimage.rotate(x, a, (1, 2), reshape=False, order=1),
    ),
    "noisy": (np.linspace(0, 0.4, 9), "standard deviation", lambda x, a, noise: x + a * noise),
}


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
    units: int = 1000,
    weight: float = 1.0,
    noise: float = 0.6,
    decay: float = 1e-2,
    fine_tuning: int = 20,
):
    """Trains plain, weight-decayed, contractive and denoising codes, and compares how they move.

    Args:
        units: hidden units of the one sigmoid layer; the decoder is tied to it.
        weight: lambda of the contraction.
        noise: standard deviation of the denoising autoencoder's Gaussian noise.
        decay: weight of the squared kernels in the weight-decayed one.
        fine_tuning: epochs of the classifier.
    """
    with ex.Run("contractive", locals(), quick_epochs=5) as run:
        # 1. Data
        images = sources.load(data, image_size=28)
        x_train, x_test = images.x_train, images.x_test
        if images.y_train is None:
            raise ValueError("--data needs labels: pass digits or mnist, for instance.")
        if run.quick:  # fewer units, and a stronger pull on them in the few steps there are
            units, fine_tuning, weight = min(units, 200), 2, 4 * weight
        rng = np.random.default_rng(seed)
        few = rng.choice(len(x_test), min(300 if run.quick else 1000, len(x_test)), replace=False)
        normal = rng.normal(size=x_test[few].shape).astype("float32")
        paths, moved, spectra = {}, {}, {}

        # 2. Model: one sigmoid layer; tied, so that no decoder makes up for a shrunken code
        def networks():
            encoder = keras_ae.dense_encoder(x_train.shape[1:], units, latent_activation="sigmoid")
            return encoder, keras_ae.dense_decoder(x_train.shape[1:], units, tied_to=encoder)

        # 3. Objective: the same cross-entropy, and what each arm adds
        arms = {
            "plain": lambda: keras_ae.Autoencoder(*networks(), "bernoulli"),
            "weight decay": lambda: keras_ae.Autoencoder(*networks(), "bernoulli", decay),
            "contractive": lambda: keras_ae.ContractiveAutoencoder(
                *networks(), weight, loss="bernoulli"
            ),
            "denoising": lambda: keras_ae.DenoisingAutoencoder(
                *networks(), keras.layers.GaussianNoise(noise), "bernoulli"
            ),
        }
        for name, build in arms.items():
            # 4. Train without labels, then with them
            keras.utils.set_random_seed(seed)
            model, key = build(), name.replace(" ", "_")
            steps = run.epochs * -(-len(x_train) // 100)
            model.compile(
                keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps))
            )
            file = "model" if name == "contractive" else key
            model.fit(
                x_train, batch_size=100, epochs=run.epochs, verbose=0, callbacks=run.callbacks(file)
            )
            run.say(f"{name}: training as a classifier, with labels")
            error = run.once(f"{key} error", fine_tuned, model.encoder, images, fine_tuning, seed)
            metric = "test_error" if name == "contractive" else f"{key}_test_error"
            run.metric(metric, error, "% of test images, classifier fine-tuned with all labels")

            # 5. Look: singular values of the Jacobian, and the code while its input changes
            codes = model.encode(x_test[few])
            some = x_test[few[:30]]
            values = evaluation.jacobian_spectrum(model.encoder, some, 30).mean(axis=0)
            scale = np.sqrt(np.mean(np.sum((codes - codes.mean(axis=0)) ** 2, axis=1)))
            spectra[name] = (np.arange(1, len(values) + 1)[:150], values[:150] / scale)
            norm = np.sum((values / scale) ** 2)
            run.metric(f"{key}_contraction", norm, "squared singular values, relative to the codes")
            mean, axes = codes.mean(axis=0), np.linalg.svd(codes - codes.mean(axis=0))[2][:2].T
            lines = {}
            for change, (amounts, _, make) in CHANGES.items():
                other = [
                    model.encode(make(x_test[few], a, normal).astype("float32")) for a in amounts
                ]
                distances = [evaluation.relative_displacement(codes, each) for each in other]
                moved.setdefault(change, {})[name] = (amounts, distances)
                run.metric(f"{key}_{change}", distances[4], "displacement over spread, half way")
                lines[change] = np.stack([(each[0] - mean) @ axes for each in other])
            paths[f"{name}\n{error:.2f} % error"] = ((codes - mean) @ axes, lines)
            if name == "contractive":
                run.save(model)
        about = f"{data}, {units} tied sigmoid units, {run.epochs} epochs, seed {seed}"
        run.figure(
            "spectrum",
            figures.curves(
                spectra,
                f"Singular values of the encoder's Jacobian, mean of 30 test images\n{about}",
                "number of the singular value",
                "value over the spread of the codes",
                log_y=True,
            ),
        )
        labels = [f"{amount[1]}" for amount in CHANGES.values()]
        run.figure(
            "robustness",
            figures.curve_panels(
                moved,
                f"How far a code moves when its input is changed, mean of {len(few)} test images\n"
                f"{about}",
                labels,
                "displacement over spread",
            ),
        )
        title = "One code while its input is shifted, rotated and made noisy, in the plane of the "
        title += f"codes' two main directions\n{about}"
        run.figure("paths", figures.paths(paths, images.y_test[few], title))
        outcome = "a code moves by this share of the codes' spread when noise of 0.2 is added: "
        outcome += ", ".join(f"{far[4]:.2f} {name}" for name, (_, far) in moved["noisy"].items())
        run.finish(outcome, "robustness")


def fine_tuned(encoder, images, epochs, seed):
    """Test error in % of a classifier that starts from the encoder's weights."""
    keras.utils.set_random_seed(seed)
    model = keras_ae.classifier(encoder, int(images.y_train.max()) + 1)
    train, test = (images.x_train, images.y_train), (images.x_test, images.y_test)
    return evaluation.classification_error(model, train, test, epochs, seed=seed)


if __name__ == "__main__":
    ex.command_line(main)
