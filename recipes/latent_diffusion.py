"""An autoencoder and a U-Net together: diffusion in codes, told which digit to draw.

Slide:    And now? Stable Diffusion models
Source:   Rombach et al. 2022, arXiv:2112.10752, sections 3 and 4.3; Ho and Salimans 2022,
          arXiv:2207.12598 (guidance)
Expected: no published number for digits; the paper's first stage (KL, side / 4) has a Fréchet
          distance of 0.27 in Inception's features. Here: within 1.5 times the score of diffusion in
          pixels at a quarter of its sampling time or less; at least 95 % of guided samples are of
          the class that was asked for
Measured: MNIST, one seed, 2000 samples: 2.6 in codes (guidance 1), 2.9 in pixels, floor 2.3; 0.18
          of the time; 99.9 % of samples are of the class that was asked for with guidance 2, 96.3 %
          with 1. The first stage alone: 0.13
Run:      python -m recipes latent_diffusion --data mnist --epochs 10
"""

import math
import time

import keras
import numpy as np

import keras_ae
from keras_ae import figures

from . import _diffusion, _samples
from . import _experiment as ex


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 200,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    width: int = 32,
    guidance: float = 2.0,
    samples: int = 2000,
):
    """Trains an autoencoder, diffusion in its codes, and beside them diffusion in pixels.

    Args:
        width: channels of the codes' U-Net at its first level; half of them in the autoencoder and
            in the pixels' U-Net, which has three levels, (1, 2, 4) times as wide.
        guidance: how much samples are drawn towards their class; 1 is as in the data.
        samples: images that are drawn for each score, at most as many as there are test images.
    """
    with ex.Run("latent_diffusion", locals(), quick_epochs=9) as run:
        # 1. Data in [-1, 1], digits with a margin, and their classes
        side, width = (16, 16) if run.quick else (32, width)
        images, extractor = _samples.prepared(run, side)
        x_train, y_train = 2.0 * images.x_train - 1.0, images.y_train.astype("int32")
        classes, shape = int(y_train.max()) + 1, images.x_train.shape[1:]
        # 2. Models: the autoencoder; a U-Net for its codes, and one for pixels
        stage = _diffusion.first_stage(run, images, width // 2)
        token = (1, 2 * width)
        told = {"predicts": "velocity", "num_classes": classes, "average_decay": 0.999}
        if run.quick:
            told["average_decay"] = 0.99
        unet, code = _diffusion.unet, stage.decoder.input_shape[1:]
        levels = (1,) if run.quick else (1, 2)
        arms = {"model": keras_ae.LatentDiffusion(stage, unet(code, width, token, levels), **told)}
        if not run.quick:
            arms["pixels"] = keras_ae.DDPM(unet(shape, width // 2, token, (1, 2, 4)), **told)
        # 3. Objective: the velocity, at a step that is drawn, of codes or of pixels; a tenth of the
        #    images is shown without its class
        # 4. Train: both as long
        for name, model in arms.items():
            size, rate = _diffusion.pace(run, x_train)
            model.compile(keras.optimizers.Adam(rate, clipnorm=1.0))
            callbacks = run.callbacks(name)
            settings = {"batch_size": size, "epochs": run.epochs, "verbose": 0}
            model.fit(x_train, y_train, **settings, callbacks=callbacks)

        # 5. Look: what codes lose; what guidance does; time and score beside those in pixels
        run.say("Samples are drawn with and without guidance.")
        about = f"{data}, {run.epochs} epochs of {len(x_train)} images, seed {seed}"
        number = min(samples, len(images.x_test), 300 if run.quick else samples)
        score = _samples.Score(run, extractor, images.x_test[:number])
        floor = score.bounds(images.x_train)
        _look_at_codes(run, arms["model"], score, about)

        labels, panels, plain = np.arange(number) % classes, {}, {}
        draw = lambda model, strength: _samples.in_range(
            model.sample(number, labels=labels, seed=seed, guidance=strength, batch_size=100)
        )
        by_class = np.argsort(labels[:100], kind="stable")
        for strength in sorted({1.0, guidance} if run.quick else {0.0, 1.0, 2.0, 4.0, guidance}):
            drawn = draw(arms["model"], strength)
            found = score("" if strength == guidance else f"guidance_{strength:g}_", drawn, labels)
            plain |= {"codes": (drawn, found["frechet"])} if strength == 1 else {}
            name = f"guidance {strength:g}:\ndistance {found['frechet']:.1f}"
            panels[f"{name}, {found['class_accuracy']:.0%} right"] = drawn[by_class]
        title = f"A row for each class that was asked for; floor {floor:.2f}\n{about}"
        run.figure("guidance", figures.tiles(panels, title))

        if "pixels" in arms:  # too slow for a quick run
            drawn = draw(arms["pixels"], 1.0)
            plain["pixels"] = drawn, score("pixels_", drawn, labels)["frechet"]
            _compare(run, arms, plain, labels, floor, about)
        _draw_steps_and_halves(run, arms["model"], images, score, guidance, about)
        run.save(arms["model"], export=not run.quick)  # which takes a while
        outcome = _samples.outcome(run, "samples in codes", "guidance_1_")
        right = f"{run.values['class_accuracy']['value']:.0%} are of the class asked for"
        run.finish(f"{outcome}; {right}, by chance {1 / classes:.0%}", "guidance")


def _look_at_codes(run, latent, score, about):
    again = _samples.in_range(latent.first_stage.reconstruct(2.0 * score.real - 1.0))
    score("reconstruction_", again)
    error = np.abs(again - score.real).mean()
    run.metric("reconstruction_error", error, "mean absolute error of a pixel, of 1")
    code, pixels = (math.prod(shape) for shape in (latent.state_shape, again.shape[1:]))
    run.metric("code_numbers", code, f"numbers of a code, of {pixels} pixels")
    run.metric("scale", float(latent.scale), "1 / deviation of the codes")
    rows = {"input": score.real[:12], "through\nthe code": again[:12]}
    title = f"{pixels} pixels through {code} numbers and back\n{about}"
    run.figure("reconstructions", figures.strips(rows, title))


def _compare(run, arms, plain, labels, floor, about):
    """Score and time of sampling, in codes and in pixels, of as many samples and steps."""
    panels, spent = {}, {}
    for where, model in zip(("codes", "pixels"), arms.values()):
        drawn, found = plain[where]  # guidance 1
        spent[where] = _seconds(model, labels[:100])
        run.metric(f"{where}_parameters", model.network.count_params(), "of the U-Net")
        run.metric(f"{where}_seconds", spent[where], "for 100 samples in 50 steps")
        panels[f"in {where}: {found:.1f}, {spent[where]:.1f} s"] = drawn[:100]
    distances = plain["codes"][1] / plain["pixels"][1]
    run.metric("ratio_to_pixels", distances, "Fréchet distance over that of the pixels' model")
    times = spent["codes"] / spent["pixels"]
    run.metric("time_ratio", times, "time of sampling over that of the pixels' model")
    title = f"Fréchet distance (floor {floor:.2f}) and time for 100 samples\n{about}"
    run.figure("samples", figures.tiles(panels, title))


def _draw_steps_and_halves(run, latent, images, score, guidance, about):
    # as many each time, so that a step is compiled once; the first ones are drawn
    number, classes = min(100, len(images.x_test)), int(images.y_train.max()) + 1
    rows, told = {}, {"labels": np.arange(number) % classes, "guidance": guidance}
    for step, state in _diffusion.states(latent, number, run.seed, **told).items():
        rows[_diffusion.named(step)] = _samples.in_range(latent.array_to_images(state[:classes]))
    title = f"From noise to images: what the codes decode to on their way\n{about}"
    run.figure("steps", figures.strips(rows, title))

    real, label = images.x_test[:number], images.y_test[:number].astype("int32")
    known = np.zeros((*latent.state_shape[:2], 1), "float32")
    known[: len(known) // 2] = 1.0  # the upper half
    hidden = np.array(real)
    hidden[:, real.shape[1] // 2 :] = 0.5
    rows = {"input": real, "known": hidden}
    for name, asked in {"own": label, "next": (label + 1) % classes}.items():
        drawn = _diffusion.inpaint(latent, 2.0 * real - 1.0, known, asked, run.seed, guidance)
        drawn = _samples.in_range(drawn)
        right = score.accuracy(f"inpainted_{name}_", drawn, asked)
        rows[f"{name} class:\n{right:.0%} of it"] = drawn
    title = f"The lower half drawn to fit the upper one and a class (shares of {number})\n{about}"
    rows = {name: row[:classes] for name, row in rows.items()}
    run.figure("inpainting", figures.strips(rows, title))


def _seconds(model, labels):
    """Time of one compiled call, the best of three."""
    spent = []
    for _ in range(3):
        start = time.monotonic()
        model.sample(len(labels), labels=labels, seed=0, steps=50, batch_size=100)
        spent.append(time.monotonic() - start)
    return min(spent)


if __name__ == "__main__":
    ex.command_line(main)
