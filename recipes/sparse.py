"""Few units speak: a code that is sparse by a penalty, or by keeping its k largest units.

Slide:    Regularise by enforcing sparsity
Source:   Makhzani and Frey 2013, arXiv:1312.5663 (k-sparse); Ng 2011, CS294A lecture notes (KL)
Expected: MNIST, logistic regression on 1000 frozen units: 1.35 % with k = 25, 1.54 % with 40,
          2.10 % with 10 (from memory)
Measured: k = 10, 25, 40, 100: 2.04, 1.47, 1.71, 2.35 % (k = 25: 1.60 and 1.33); L1 2.63, KL 3.19,
          dense 6.43 % (MNIST, two seeds); filters from whole digits (k = 10) over strokes to dots
          (k = 100)
Run:      python -m recipes sparse --data mnist --epochs 40
"""

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex


def probe_error(train, test, seed):
    """Test error in % of logistic regression on codes, scaled to a mean square length of 25."""
    keras.utils.set_random_seed(seed)
    scale = 5 / np.sqrt(np.mean(np.sum(train[0] ** 2, axis=1)))
    decay = keras.regularizers.L2(1e-6)
    probe = keras.Sequential(
        [keras.layers.Dense(int(train[1].max()) + 1, kernel_regularizer=decay)]
    )
    train, test = ((scale * codes, labels) for codes, labels in (train, test))
    return evaluation.classification_error(probe, train, test, 30, 3e-3, 200, seed)


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
    k: tuple[int, ...] = (10, 25, 40, 100),
    alpha: float = 3.0,
    l1: float = 0.1,
    kl: float = 0.1,
    target: float = 0.05,
):
    """Trains dense and sparse codes of one width and reads the digits from them.

    Args:
        units: units of the one layer; the decoder is tied to it.
        k: units that the k-sparse codes keep.
        alpha: how many times as many they keep after training.
        l1: weight of the L1 penalty.
        kl: weight of the KL penalty.
        target: mean activation that the KL penalty wants.
    """
    with ex.Run("sparse", locals(), quick_epochs=4) as run:
        # 1. Data: the mean image is taken off, or the units that agree with it win for every digit
        images = sources.load(data, image_size=28)
        if images.y_train is None:
            raise ValueError("--data needs labels: pass digits or mnist, for instance.")
        if run.quick:  # fewer units, and a stronger pull on them in the few steps there are
            units, k, l1, kl = 200, (5, 15, 40), 2 * l1, 10 * kl
        mean = images.x_train.mean(axis=0)
        x_train, x_test = images.x_train - mean, images.x_test - mean
        shape, steps = x_train.shape[1:], run.epochs * -(-len(x_train) // 100)

        # 2. Model: one layer, tied, so that no decoder makes up for a shrunken code
        def networks(activation):
            encoder = keras_ae.dense_encoder(shape, units, latent_activation=activation)
            return encoder, keras_ae.dense_decoder(shape, units, tied_to=encoder)

        # 3. Objective: squared error, and what makes a code sparse
        arms = {
            "dense": lambda: keras_ae.Autoencoder(*networks("relu")),
            "L1": lambda: keras_ae.SparseAutoencoder(*networks("relu"), "l1", l1),
            "KL": lambda: keras_ae.SparseAutoencoder(*networks("sigmoid"), "kl", kl, target),
        }
        for number in k:
            start = max(min(100, units), number)
            arms[f"k = {number}"] = lambda number=number, start=start: (
                keras_ae.k_sparse_autoencoder(shape, units, number, alpha, start, steps // 2)
            )
        lines, filters, codes, errors, shares = ([], []), {}, {}, {}, {}
        for name, build in arms.items():
            # 4. Train
            keras.utils.set_random_seed(seed)
            model, key = build(), name.replace(" = ", "_")
            if run.quick and name == "KL":  # sigmoids start at a half, a long way from the target
                model.encoder.layers[2].bias.assign(np.full(units, np.log(target / (1 - target))))
            model.compile(
                keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps))
            )
            file = "model" if name == f"k = {k[0]}" else key
            model.fit(
                x_train, batch_size=100, epochs=run.epochs, verbose=0, callbacks=run.callbacks(file)
            )
            # 5. Look: filters, activations, and what logistic regression reads from the codes
            train, test = model.encode(x_train), model.encode(x_test)
            known = slice(0, 10_000 if run.quick else None)
            pairs = (train[known], images.y_train[known]), (test, images.y_test)
            run.say(f"{name}: logistic regression on its codes")
            errors[name] = run.once(f"{name} probe", probe_error, *pairs, seed)
            run.metric(f"{key}_probe_error", errors[name], "% of test images, frozen codes")
            lost = evaluation.squared_error(x_test, model.reconstruct(x_test))
            run.metric(f"{key}_squared_error", lost, "squared error summed over pixels")
            speaks = np.abs(test) > 0.1 * np.abs(test).max(axis=1, keepdims=True)
            shares[name] = speaks.mean()
            run.metric(f"{key}_speaking", shares[name], "share of units above a tenth of the top")
            kernel = model.encoder.layers[2].get_weights()[0]  # (pixels, units)
            order = np.argsort(-np.linalg.norm(kernel, axis=0))[: units // 2]
            some = kernel[:, np.random.default_rng(seed).choice(order, 12, replace=False)]
            some = some / np.abs(some).max(axis=0)
            filters[f"{name}\n{errors[name]:.2f} %"] = some.T.reshape(12, *shape)
            codes[f"{name}\n{shares[name]:.1%} speak"] = (test[0], test)
            if name.startswith("k"):
                lines[0].append(int(name.split()[-1]))
                lines[1].append(errors[name])
            if file == "model":
                run.save(model)
        about = f"{data}, {units} tied units, {run.epochs} epochs, seed {seed}"
        title = f"Filters (each scaled to its largest weight), probe error at the left\n{about}"
        run.figure("filters", figures.strips(filters, title, low=-1.0))
        title = "One test digit's code above, activations of all test digits below; a unit speaks "
        title += f"above a tenth of the largest\n{about}"
        run.figure("activations", figures.activations(codes, title))
        levels = {name: errors[name] for name in ("dense", "L1", "KL")}
        title = (
            f"Logistic regression on frozen codes, {alpha:g} k units kept after training\n{about}"
        )
        axes = ("k, units that are kept in training", "test error, %")
        figure = figures.curves({"k-sparse": lines}, title, *axes, log_x=True, levels=levels)
        run.figure("probe", figure)
        outcome = "; ".join(
            f"{name}: {shares[name]:.0%} of the units speak, {errors[name]:.1f} % read wrong"
            for name in ("dense", "L1", f"k = {k[0]}")
        )
        run.finish(outcome, "activations")


if __name__ == "__main__":
    ex.command_line(main)
