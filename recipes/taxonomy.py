"""Four types of autoencoders, and why an unconstrained wide one learns nothing about the data.

Slide:    Types of autoencoders; Autoencoders taxonomy
Source:   lecture, "this has a trivial solution (learn the identity function)"; Charte et al. 2018,
          arXiv:1801.01586, section 2.3
Expected: no published number; the overcomplete ones also reproduce what is no digit, noise included
Measured: share of pure noise that is lost: 86 and 89 % undercomplete (shallow, deep), 1 %
          shallow overcomplete, 57 +- 51 % deep overcomplete (one of two seeds got stuck short of
          the identity); probe of the codes 90, 90, 86, 89 % (MNIST, 2 seeds)
Run:      python -m recipes taxonomy --data mnist --epochs 10 --off-data fashion_mnist
"""

import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex

TYPES = {  # size of the code, hidden layers, in pixels
    "shallow undercomplete": (1 / 16, ()),
    "deep undercomplete": (1 / 16, (0.5, 0.25)),
    "shallow overcomplete": (1.5, ()),
    "deep overcomplete": (1.5, (1.25,)),
}


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
    off_data: str = "",
):
    """Trains four types side by side and shows each digits, noise, and pictures of something else.

    Args:
        off_data: other pictures of the same size, a name as for --data; empty for the training
            digits with their pixels in one random order.
    """
    with ex.Run("taxonomy", locals(), quick_epochs=8) as run:
        # 1. Data: digits to learn, and three kinds of pictures that are none
        images = sources.load(data, image_size=14 if run.quick else 28)
        x_train, x_test = images.x_train, images.x_test
        rng, pixels = np.random.default_rng(seed), x_test[0].size
        noisy = np.clip(x_test + rng.normal(0, 0.3, x_test.shape), 0, 1).astype("float32")
        if off_data:
            other = sources.load(off_data, image_size=x_test.shape[1:3]).x_test
        else:
            order = rng.permutation(pixels)
            other = x_test.reshape(len(x_test), -1)[:, order].reshape(x_test.shape)
        noise = rng.permuted(x_test, axis=0)  # every pixel as grey as ever, and on its own
        shown = {"digits": x_test, "noisy digits": noisy, "other pictures": other, "noise": noise}
        probed = slice(0, 5000)

        about = f"{data}, {run.epochs} epochs, seed {seed}"
        trivial = evaluation.mean_image_error(x_train, x_test)
        run.metric("mean_image_squared_error", trivial, "squared error summed over pixels")
        pictures, noise_lost = {"input": np.concatenate([x[:3] for x in shown.values()])}, {}
        for name, (code, hidden) in TYPES.items():
            # 2. Model: one builder, two numbers apart
            model = keras_ae.dense_autoencoder(
                x_train.shape[1:], int(code * pixels), [int(h * pixels) for h in hidden]
            )
            # 3. Objective: squared error
            model.compile("adam")
            # 4. Train
            key = name.replace(" ", "_")
            model.fit(
                x_train,
                batch_size=64,
                epochs=run.epochs,
                verbose=0,
                callbacks=run.callbacks("model" if name == "deep undercomplete" else key),
            )
            # 5. Look: the identity succeeds on everything, the bottleneck fails off the data
            restored = {kind: model.reconstruct(x) for kind, x in shown.items()}
            error = evaluation.squared_error(x_test, restored["digits"])
            run.metric(f"{key}_squared_error", error, "squared error summed over pixels")
            for kind, x in (("noise", noise), ("other_pictures", other)):
                lost = evaluation.squared_error(x, restored[kind.replace("_", " ")])
                lost /= evaluation.mean_image_error(x, x)
                run.metric(f"{key}_{kind}_lost", lost, "share of the variance that is lost")
                if kind == "noise":
                    noise_lost[name] = lost
            left = evaluation.squared_error(x_test, restored["noisy digits"])
            left /= evaluation.squared_error(x_test, noisy)
            run.metric(f"{key}_noise_left", left, "error to the clean digit over the noise put in")
            line = f"{name}\nerror {error:.2g} per digit\n{noise_lost[name]:.0%} of noise lost"
            if images.y_test is not None:
                accuracy = evaluation.linear_probe(
                    model.encode(x_train[probed]),
                    images.y_train[probed],
                    model.encode(x_test),
                    images.y_test,
                )
                run.metric(f"{key}_probe", accuracy, "linear probe on up to 5,000 codes")
            pictures[line] = np.concatenate([x[:3] for x in restored.values()])
            if name == "deep undercomplete":
                run.save(model)
        title = "Digits, noisy digits, other pictures, pure noise, and what each type makes of them"
        title += f"\n{about}; always the mean image: error {trivial:.1f} per digit"
        run.figure("off_data", figures.strips(pictures, title))
        outcome = "of pure noise the deep undercomplete one loses "
        outcome += f"{noise_lost['deep undercomplete']:.0%}, the shallow overcomplete one "
        outcome += f"{noise_lost['shallow overcomplete']:.0%} (a copy loses 0%)"
        run.finish(outcome, "off_data")


if __name__ == "__main__":
    ex.command_line(main)
