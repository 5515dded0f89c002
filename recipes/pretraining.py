"""Unlabelled data help where labels are scarce: greedy pretraining against random weights.

Slide:    Autoencoders for weight initialisation
Source:   Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647; Bengio et al. 2007; masking
          noise in each layer as in Vincent et al. 2010 (JMLR 11)
Expected: with other methods than plain fine-tuning, 11.82 / 5.72 / 4.24 / 3.49 % test errors with
          100 / 600 / 1000 / 3000 labels (M1+TSVM, arXiv:1406.5298), 13.47 / 6.3 / 4.77 / 3.22 (CAE)
          (--quick is too short for pretraining to pay, and says so). Draws of labels and seeds of
          the classifier vary; the pretraining is one
Measured: pretrained 13.3 / 4.7 / 3.9 / 2.7 / 1.6 % against random 17.1 / 6.6 / 5.4 / 3.6 / 2.3 %
          at 100 / 600 / 1000 / 3000 / all labels of MNIST (with random shifts in both); an
          encoder from Fashion-MNIST does no better than random weights (3 draws)
Run:      python -m recipes pretraining --data mnist --other fashion_mnist --epochs 5
"""

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex

ARMS = ("random", "pretrained", "frozen", "reused")  # frozen: only the last layer is trained


def pretrained(run, name, images):
    """A stack of three layers, each trained to undo masking noise in what it reads."""
    # 2. Model: 784-1000-1000-1000 and back
    units = (200, 200) if run.quick else (1000, 1000)
    encoder, decoder = (
        build(images.x_train.shape[1:], units[0], units, "relu", "relu" if end else None)
        for build, end in ((keras_ae.dense_encoder, True), (keras_ae.dense_decoder, False))
    )
    # 3. Objective: cross-entropy of the pixels, squared error of the layers above
    model = keras_ae.StackedAutoencoder(encoder, decoder, loss="bernoulli")
    # 4. Train: greedy, layer by layer; after that the stack is unrolled
    model.pretrain(
        images.x_train,
        epochs=run.epochs,
        augment=sources.RandomMask(0.5),
        seed=run.seed,
        callbacks=lambda stage: run.callbacks(f"{name}_{stage}"),
    )
    error = evaluation.squared_error(images.x_test, model.reconstruct(images.x_test))
    run.metric(f"{name}_unrolled_squared_error", error, "squared error summed over pixels")
    return model


def error_of(arm, encoder, images, num_labels, draw, steps, quick=False):
    """Test error of a classifier trained on one draw of labels; seeds are those of the draw.

    A quick run has all steps in three epochs, which show the labels often: starting an epoch takes
    longer than ten steps.
    """
    keras.utils.set_random_seed(draw)
    chosen = sources.balanced_sample(images.y_train, num_labels, draw)
    if quick:
        chosen = np.tile(chosen, max(1, steps * min(100, num_labels) // (3 * num_labels)))
    model = keras_ae.classifier(
        encoder,
        int(images.y_train.max()) + 1,
        frozen=arm == "frozen",
        pretrained=arm != "random",
        dropout=0.5,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(5e-4), loss, metrics=["accuracy"])
    batches = keras_ae.Batches(
        images.x_train[chosen],
        images.y_train[chosen],
        batch_size=min(100, num_labels),
        seed=draw,
        augment=sources.RandomShift(2) if images.x_train.shape[1] >= 28 else None,
    )
    model.fit(batches, epochs=max(3, steps // batches.num_batches), verbose=0)
    _, accuracy = model.evaluate(images.x_test, images.y_test, batch_size=1000, verbose=0)
    return 1 - accuracy


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 50,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    other: str = "",
    labels: tuple[int, ...] = (100, 600, 1000, 3000, 0),
    draws: int = 10,
    steps: int = 800,
):
    """Compares random with pretrained weights over numbers of labels, and across two data sets.

    Args:
        other: data set whose encoder is reused, and back; empty for the same pictures turned by 90
            degrees.
        labels: numbers of labels, 0 for all of them.
        draws: draws of labels for random and pretrained weights with up to 1,000 labels; half as
            many for all else.
        steps: training steps of a classifier of 100 examples each (at least 3 epochs).
    """
    with ex.Run("pretraining", locals(), quick_epochs=5) as run:
        # 1. Data: many pictures, few labels; and another data set
        here = sources.load(data, image_size=28)
        turn = lambda x: np.rot90(x, axes=(1, 2)).copy()
        turned = (turn(here.x_train), turn(here.x_test), here.y_train, here.y_test)
        there = sources.load(other, 28) if other else sources.Dataset("turned", *turned)
        if here.y_train is None or there.y_train is None:
            raise ValueError("--data and --other need labels: pass digits, mnist or fashion_mnist.")
        if run.quick:
            labels, draws, steps = (30, 100), min(draws, 3), 150
        every = len(here.y_train)
        labels = tuple(number or every for number in labels)
        fewer = () if run.quick else labels[:3:2]  # for the other data set
        if here.x_train.shape[1:] != there.x_train.shape[1:] or draws < 3:
            raise ValueError(
                f"--data has pictures of shape {here.x_train.shape[1:]}, --other of "
                f"{there.x_train.shape[1:]}, --draws is {draws}: pass equal shapes, and 3 or more."
            )
        for images, numbers in ((here, labels), (there, fewer)):
            for number in numbers:  # too many are refused before any work
                sources.balanced_sample(images.y_train, number)
        models = {"here": pretrained(run, "model", here), "there": pretrained(run, "other", there)}
        encoders = {name: model.encoder for name, model in models.items()}

        # 5. Look: test error against the number of labels, the same draws for every arm
        table, gains, few = {}, {}, min(labels)
        for where, images, numbers, arms in (
            ("here", here, labels, ARMS[:2] + ARMS[3:] if run.quick else ARMS),
            ("there", there, fewer, ("random", "pretrained", "reused")),
        ):
            away = {"here": "there", "there": "here"}[where]
            for number in numbers:
                run.say(f"classifiers from {number} labels of {images.name}")
                for arm in arms:
                    paired = arm in ARMS[:2] and where == "here" and number <= 1000
                    repeats = draws if paired else -(-draws // 2)
                    encoder = encoders[away if arm == "reused" else where]
                    train = (arm, encoder, images, number)
                    table[where, arm, number] = np.array(
                        [
                            run.once(
                                f"{where} {arm} {number} {draw}",
                                error_of,
                                *train,
                                draw,
                                steps,
                                run.quick,
                            )
                            for draw in range(repeats)
                        ]
                    )
                    values = table[where, arm, number]
                    count = "all" if number == every else number
                    key = f"{arm}_error_{count}_labels".removeprefix("pretrained_")
                    unit = f"test error, mean of {repeats} draws (std {values.std(ddof=1):.4f})"
                    run.metric(key if where == "here" else f"other_{key}", values.mean(), unit)
                pair = (table[where, arm, number] for arm in ARMS[:2])
                gain, low = gains[where, number] = evaluation.paired_gain(*pair)
                name = "gain" if where == "here" else "other_gain"
                name += f"_{'all' if number == every else number}_labels"
                run.metric(name, gain, "random minus pretrained, paired by draw")
                run.metric(f"{name}_low", low, "lower end of its 95 % interval")
        words = dict(zip(ARMS, ("random weights", "pretrained", "pretrained, frozen")))
        for where, images, source in (("here", here, there), ("there", there, here)):
            lines = {}
            for arm in ARMS:
                rows = [(n, v) for (w, a, n), v in table.items() if (w, a) == (where, arm)]
                if rows:
                    name = words.get(arm, f"pretrained on {source.name}")
                    lines[name] = (
                        [n for n, _ in rows],
                        [100 * v.mean() for _, v in rows],
                        np.array([100 * v.std(ddof=1) for _, v in rows]),
                    )
            if not lines:  # the other data set in a quick run
                continue
            title = f"{images.name}: test error, mean and standard deviation over draws of labels\n"
            title += f"one pretraining of {run.epochs} epochs a layer, {steps} steps, seed {seed}; "
            title += f"{draws} draws (half as many where not compared in pairs)"
            if where == "here":
                gain, low = (100 * value for value in gains[where, few])
                title += (
                    f"\npretraining gains {gain:.1f} points at {few} labels, {low:.1f} or more "
                )
                title += "with 95 % confidence"
                if run.quick:
                    title += (
                        "\na minute is too short for it to pay: MNIST, full run, 3.8 points at 100"
                    )
            axes = ("labels", "test error in %")
            figure = figures.curves(lines, title, *axes, log_x=True, log_y=True, bars=True)
            run.figure("curve" if where == "here" else "curve_other", figure)
        run.save(models["here"])
        pretrained_, random, reused = (
            table["here", arm, few].mean() for arm in ("pretrained", "random", "reused")
        )
        outcome = f"test error with {few} labels {pretrained_:.1%} pretrained, {random:.1%} from "
        outcome += f"random weights, {reused:.1%} pretrained on {there.name}"
        outcome += " (it takes more than a minute to pay)" if run.quick else ""
        run.finish(outcome, "curve")


if __name__ == "__main__":
    ex.command_line(main)
