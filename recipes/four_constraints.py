"""Four ways to keep an autoencoder from learning nothing, side by side with none.

Slide:    Types of autoencoders; Regularise by enforcing sparsity; Denoising Autoencoders;
          Generative Autoencoders
Source:   lecture, "this has a trivial solution (learn the identity function)", and its four
          answers: a small code, a sparse code, undo a change, force a distribution on the codes
Expected: no published number; without a constraint noise passes as digits do
Measured: MNIST, 10 epochs, 1 seed: of noise the overcomplete one without a constraint loses 25 % of
          the variance, sparse 63 %, prior 96 %, small code and denoising more than all; a probe
          reads digits right from 88.5 % (none), 91.2 (small), 94.7 (sparse), 96.0 (denoising) and
          92.0 (prior) of the codes; random codes through the small code fare best (Fréchet
          distance 119, prior 232, none 423), which is not the slide's order
Run:      python -m recipes four_constraints --data mnist --epochs 10
"""

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures, layers

from . import _experiment as ex

COLUMNS = {  # in the table, and in full
    "numbers": ("numbers", "numbers in the code"),
    "speaking": ("speaking", "share of numbers above a tenth of an image's largest"),
    "varying": ("varying", "share of numbers whose variance over test images is above 0.01"),
    "probe": ("digits\nread", "accuracy of a linear probe on up to 5,000 codes"),
    "digits_lost": ("digits\nlost", "share of the variance that is lost, test images"),
    "other_lost": (
        "reordered\nlost",
        "share of the variance that is lost, reordered pixels",
    ),
    "noise_lost": ("noise\nlost", "share of the variance that is lost, independent pixels"),
    "frechet": ("random\ncodes", "Fréchet distance of random codes' images, in features"),
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
    units: int = 1000,
    small: int = 16,
    l1: float = 0.1,
    masked: float = 0.5,
    deviation: float = 0.25,
):
    """Trains one network five times: as it is, and under each of the lecture's constraints.

    Args:
        units: units of the hidden layers and of the wide code.
        small: size of the small code.
        l1: weight of the L1 penalty on the sparse code.
        masked: share of the pixels that the denoising one does not see.
        deviation: standard deviation of a pixel under the VAE.
    """
    with ex.Run("four_constraints", locals(), quick_epochs=5) as run:
        # 1. Data: digits to learn, and what is none
        images = sources.load(data, image_size=14 if run.quick else 28)
        if images.y_train is None:
            raise ValueError("--data needs labels: pass digits or mnist, for instance.")
        if run.quick:
            units = min(units, 400)
        x_train, x_test, shape = images.x_train, images.x_test, images.x_train.shape[1:]
        number, probed = min(len(x_test), 10_000), slice(0, 2000 if run.quick else 5000)
        rng = np.random.default_rng(seed)
        noise = rng.permuted(x_test, axis=0)  # every pixel as grey as ever, and on its own
        order = rng.permutation(x_test[0].size)
        other = x_test.reshape(len(x_test), -1)[:, order].reshape(x_test.shape)
        run.say("a small classifier, whose features score the pictures of random codes")
        extractor = evaluation.feature_extractor(images, epochs=1 if run.quick else 4)
        drawn = rng.choice(len(x_train), min(number, len(x_train)), replace=False)
        features = lambda x: extractor(evaluation.quantize(x))
        real = features(x_test[:number])
        floor = evaluation.frechet_distance(features(x_train[drawn]), real)
        run.metric("floor_frechet", floor, "Fréchet distance of training to test images")
        halves = evaluation.two_halves(evaluation.frechet_distance, real)
        run.metric("halves_frechet", halves, "Fréchet distance between halves of the test images")

        # 2. Model: 784-1000-1000-1000-784; the code of none, sparse and denoising is ReLU
        def networks(code=units, **kwargs):
            constraint = kwargs.pop("constraint", None)
            return (
                keras_ae.dense_encoder(shape, code, (units,), **kwargs),
                keras_ae.dense_decoder(shape, code, (units,), kernel_constraint=constraint),
            )

        # 3. Objective: squared error (the VAE's in units of its pixels' variance), and a constraint
        relu, heads = {"latent_activation": "relu"}, ("mean", "log_variance")
        bound = keras.constraints.MaxNorm(1.0, axis=1)  # or it would make up for a shrunken code
        arms = {
            "none": lambda: keras_ae.Autoencoder(*networks(**relu)),
            "small code": lambda: keras_ae.Autoencoder(*networks(small)),
            "sparse": lambda: keras_ae.SparseAutoencoder(
                *networks(**relu, constraint=bound), "l1", l1
            ),
            "denoising": lambda: keras_ae.DenoisingAutoencoder(
                *networks(**relu), layers.MaskingNoise(masked)
            ),
            "prior": lambda: keras_ae.VAE(*networks(heads=heads), "gaussian", deviation=deviation),
        }
        kinds = {"digits": x_test, "other": other, "noise": noise}
        blank = np.full_like(x_test[:4], np.nan)
        rows = {"input": np.concatenate([x[:3] for x in kinds.values()] + [blank])}
        table, codes = {}, {}
        for name, build in arms.items():
            # 4. Train
            keras.utils.set_random_seed(seed)
            model, key = build(), name.replace(" ", "_")
            # clipped, or one large variance makes the VAE of 1000 latents diverge
            model.compile(keras.optimizers.Adam(clipnorm=1.0))
            file = run.callbacks("model" if name == "prior" else key)
            model.fit(x_train, batch_size=100, epochs=run.epochs, verbose=0, callbacks=file)

            # 5. Look: the code, what is no digit, and what random codes become
            run.say(f"{name}: looking at its code")
            test, passed = model.encode(x_test), {k: model.reconstruct(x) for k, x in kinds.items()}
            lost = {
                kind: evaluation.squared_error(x, passed[kind]) / evaluation.mean_image_error(x, x)
                for kind, x in kinds.items()
            }
            pairs = (model.encode(x_train[probed]), images.y_train[probed]), (test, images.y_test)
            threshold = 0.1 * np.abs(test).max(axis=1, keepdims=True)
            found = {
                "numbers": test.shape[1],
                "speaking": np.mean(np.abs(test) > threshold),
                "varying": np.mean(test.var(axis=0) > 0.01),
                "probe": evaluation.linear_probe(*pairs[0], *pairs[1]),
                **{f"{kind}_lost": share for kind, share in lost.items()},
            }
            # random codes: of the prior, or every number as often as ever and on its own
            if name == "prior":
                random = rng.normal(size=test[:number].shape)
            else:
                random = rng.permuted(model.encode(x_train), axis=0)[:number]
            new = model.decode(random.astype("float32"))
            found["frechet"] = evaluation.frechet_distance(features(new), real)
            for what, value in found.items():
                run.metric(f"{key}_{what}", value, COLUMNS[what][1])
            table[name] = {COLUMNS[what][0]: value for what, value in found.items()}
            codes[name] = test[0], test[:200]
            line = f"{name}\nnoise lost {lost['noise']:.0%}"
            rows[line] = np.concatenate([x[:3] for x in passed.values()] + [new[:4]])
        about = f"{data}, {x_test[0].size}-{units}-code-{units}, {run.epochs} epochs, seed {seed}"
        title = "Three digits, pixels in another order, noise (independent pixels), and results;\n"
        title += "at the right random codes (every number drawn alone; prior: N(0, 1)), decoded"
        run.figure("pictures", figures.strips(rows, f"{title}\n{about}"))
        title = "The code (how much of it speaks, varies, tells digits); shares of variance that\n"
        title += f"are lost; Fréchet distance of random codes' images (training images {floor:.1f})"
        run.figure("table", figures.table(table, f"{title}\n{about}"))
        title = f"The code of one test digit, and the activations of 200\n{about}"
        run.figure("codes", figures.activations(codes, title))
        run.save(model)
        lost = COLUMNS["noise_lost"][0]
        outcome = "of noise (independent pixels) this share is lost (a copy loses nothing): "
        outcome += ", ".join(f"{name} {found[lost]:.0%}" for name, found in table.items())
        run.finish(outcome, "pictures")


if __name__ == "__main__":
    ex.command_line(main)
