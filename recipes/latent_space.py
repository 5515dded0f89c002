"""Where codes lie, and what lies between them: standard and variational codes in the plane.

Slide:    Unit Gaussian Embedding of MNIST data; Traditional Autoencoder; Generative Autoencoders
Source:   Kingma and Welling 2013, arXiv:1312.6114, figures 4 and 5; Higgins et al. 2017 (beta)
Expected: no published number; codes of the VAE fill N(0, 1), those of the standard one do not
Measured: MMD of codes to N(0, 1) 0.0047 (VAE) against 0.37 (standard one); 15-NN share right 0.75
          (MNIST, 5 epochs, one seed)
Run:      python -m recipes latent_space --data mnist --epochs 40
"""

import keras
import numpy as np
from scipy import stats

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex

SIDE = 15  # images along a side of a grid of codes


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
    betas: tuple[float, ...] = (0.1, 1.0, 5.0),
):
    """Trains a standard autoencoder and VAEs with codes of two numbers, and walks among the codes.

    Args:
        betas: weights of the KL, 1.0 (the VAE proper) among them.
    """
    with ex.Run("latent_space", locals(), quick_epochs=8) as run:
        # 1. Data
        images = sources.load(data, image_size=28)
        if images.y_test is None or 1.0 not in betas:
            raise ValueError("pass --data with labels, mnist say, and --betas with 1.0 among them.")
        x_train, x_test, labels = images.x_train, images.x_test, images.y_test
        shape, units = x_train.shape[1:], (256, 128) if run.quick else (512, 256)

        # 2. Model: 784-512-256-2 and back
        # 3. Objective: cross-entropy of the pixels, plus beta times the KL to N(0, 1)
        def variational(beta):
            heads = ("mean", "log_variance")
            encoder = keras_ae.dense_encoder(shape, 2, units, heads=heads)
            return keras_ae.VAE(encoder, keras_ae.dense_decoder(shape, 2, units[::-1]), beta=beta)

        arms = {"standard": lambda: keras_ae.dense_autoencoder(shape, 2, units, loss="bernoulli")}
        arms |= {f"beta {beta:g}": lambda beta=beta: variational(beta) for beta in betas}
        models, codes, distances = {}, {}, {}
        number = min(500 if run.quick else 2000, len(x_test))
        prior = lambda seed: np.random.default_rng(seed).normal(size=(number, 2))
        run.say(f"how far samples of {number} codes of N(0, 1) are from each other")
        threshold, bandwidth = evaluation.mmd_quantile(prior, number)
        run.metric("prior_mmd", threshold, "95 % quantile of two samples of N(0, 1)")
        for name, build in arms.items():
            # 4. Train
            keras.utils.set_random_seed(seed)
            models[name] = model = build()
            model.compile("adam")
            key = "model" if name == "beta 1" else name.replace(" ", "_").replace(".", "_")
            model.fit(
                x_train, batch_size=128, epochs=run.epochs, verbose=0, callbacks=run.callbacks(key)
            )

            # 5. Look: codes against N(0, 1), what their neighbourhoods say, and the pictures
            key = name.replace(" ", "_").replace(".", "_")
            codes[name] = model.encode(x_test)
            drawn = codes[name]  # all codes together should be N(0, 1), each drawn from its own
            if name != "standard":
                posterior = model.encode_distribution(x_test)
                noise = np.random.default_rng(seed).normal(size=drawn.shape)
                drawn = posterior["mean"] + np.exp(posterior["log_variance"] / 2) * noise
            distances[name] = evaluation.mmd(drawn[:number], prior(seed + 1_000_000), bandwidth)
            unit = "squared discrepancy of drawn codes to N(0, 1)"
            run.metric(f"{key}_mmd", distances[name], unit)
            lost = evaluation.squared_error(x_test, model.reconstruct(x_test))
            run.metric(f"{key}_squared_error", lost, "squared error summed over pixels")
            near = evaluation.knn_accuracy(
                model.encode(x_train), images.y_train, codes[name], labels, 15
            )
            run.metric(f"{key}_knn_accuracy", near, "share of test images, 15 nearest codes")
        sizes = "-".join(map(str, (x_test[0].size, *units, 2)))
        about = f"{data}, {sizes}, {run.epochs} epochs, seed {seed}"
        few, circles = slice(0, 4000), (1.0, 2.0, 3.0)
        title = "Codes of test images, labels not used; circles: 1, 2, 3 deviations of N(0, 1)"
        panels = {
            f"{name}\nMMD to N(0, 1) {distances[name]:.2g}": codes[name][few]
            for name in ("standard", "beta 1")
        }
        run.figure(
            "codes", figures.codes(panels, labels[few], f"{title}\n{about}", circles=circles)
        )
        panels = {
            f"{name}\nMMD to N(0, 1) {distances[name]:.2g}": points[few]
            for name, points in codes.items()
            if name != "standard"
        }
        run.figure(
            "betas", figures.codes(panels, labels[few], f"{title}\n{about}", circles=circles)
        )
        normal = stats.norm.ppf(np.linspace(0.03, 0.97, SIDE))
        low, high = np.percentile(codes["standard"], [3, 97], axis=0)
        own = [np.linspace(a, b, SIDE) for a, b in zip(low, high)]
        panels = {
            "standard, codes of N(0, 1)": models["standard"].decode(grid(normal, normal)),
            "standard, where its codes lie": models["standard"].decode(grid(*own)),
            "VAE, codes of N(0, 1)": models["beta 1"].decode(grid(normal, normal)),
        }
        run.figure("grid", figures.tiles(panels, f"Decoded grids of codes\n{about}"))
        first = [np.flatnonzero(labels == digit)[0] for digit in (0, 1, 4, 8)]
        then = [np.flatnonzero(labels == digit)[1] for digit in (6, 5, 2, 3)]
        rows = {}
        for name in ("standard", "beta 1"):
            lines = models[name].interpolate(x_test[first], x_test[then], 12)
            rows |= {f"{name}\nline {n + 1}": line for n, line in enumerate(lines)}
        title = "Straight lines between the codes of two test images, decoded"
        run.figure("interpolations", figures.strips(rows, f"{title}\n{about}"))
        run.save(models["beta 1"])
        outcome = f"discrepancy of codes to N(0, 1): {distances['beta 1']:.2g} VAE, "
        outcome += f"{distances['standard']:.2g} standard autoencoder; its own samples: "
        run.finish(f"{outcome}up to {threshold:.2g}", "codes")


def grid(across, down):
    """Codes of a grid in reading order, the first number from left to right, the second upwards."""
    columns, rows = np.meshgrid(across, down[::-1])
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype("float32")


if __name__ == "__main__":
    ex.command_line(main)
