"""Noise in, picture out: a network that takes a little noise away, a thousand times.

Slide:    And now? Stable Diffusion models
Source:   Ho et al. 2020, arXiv:2006.11239, figures 2 and 6; Song et al. 2020, arXiv:2010.02502,
          table 1
Expected: no published number for digits in these features; on CIFAR-10, in Inception's, 13.36,
          6.84, 4.67 and 4.16 for 10, 20, 50 and 100 steps with eta 0, and 41.07, 18.36, 8.01 and
          5.78 with eta 1: few steps need eta 0. At most 3.75 bits per dimension
Measured: 15.5, 10.6, 8.9 and 8.3 with eta 0, and 20.1, 11.2, 7.7 and 8.5 with eta 1 (1000 samples,
          floor 4.6, independent pixels 316); without the average of weights 13.1 instead of 8.3.
          To noise and back in all steps: 0.0015. 1.83 bits per pixel (one seed)
Run:      python -m recipes diffusion --data mnist --epochs 10
"""

import keras
import numpy as np

import keras_ae
from keras_ae import evaluation, figures

from . import _diffusion, _samples
from . import _experiment as ex

STEPS = (10, 20, 50, 100)


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
    width: int = 16,
    samples: int = 1000,
):
    """Trains a DDPM on digits, or on other images with labels.

    Args:
        width: channels at the first level (the paper: 128).
        samples: images that are drawn for each score, at most as many as there are test images.
    """
    with ex.Run("diffusion", locals(), quick_epochs=10) as run:
        # 1. Data in [-1, 1], digits with a margin
        side, chosen = (16, (10, 50)) if run.quick else (32, STEPS)
        images, extractor = _samples.prepared(run, side, 10_000)
        x_train, x_test = (2.0 * x - 1.0 for x in (images.x_train, images.x_test))
        # 2. Model: the paper's U-Net, narrow; in a quick run dense layers
        shape, rate = x_train.shape[1:], 1e-3
        if run.quick:
            network, how = _diffusion.dense_denoiser(shape), {"average_decay": 0.99}
            how["predicts"] = "velocity"  # as dense layers find the noise of all pixels too slowly
            rate = keras.optimizers.schedules.CosineDecay(2e-3, _diffusion.num_steps(run, x_train))
        else:
            how, attend = {"average_decay": 0.999}, (side // 4,)
            network = keras_ae.diffusion_unet(shape, width, (1, 2, 4), 1, attend, 0.0, groups=8)
        # 3. Objective: the noise that was added, at a step that is drawn for each image
        model = keras_ae.DDPM(network, **how)
        model.compile(keras.optimizers.Adam(rate, clipnorm=1.0))
        # 4. Train
        model.fit(x_train, batch_size=64, epochs=run.epochs, verbose=0, callbacks=run.callbacks())

        # 5. Look: the way forth and back, then scores for few and many steps
        about = f"{data}, {run.epochs} epochs of {len(x_train)} images, seed {seed}"
        about += ", dense layers (without --quick: a U-Net)" if run.quick else ""
        run.metric("parameters", network.count_params(), "of the network")
        number = min(samples, len(x_test))
        run.say("Samples are drawn in few and in many steps.")
        score = _samples.Score(run, extractor, images.x_test[:number])
        floor = score.bounds(images.x_train)
        curves, panels = {"floor": [chosen[:: len(chosen) - 1], [floor, floor]]}, {}
        draw = lambda **how: _samples.in_range(
            model.sample(number, seed=seed, batch_size=100, **how)
        )
        for eta in (0.0, 1.0):
            found = []
            for steps in chosen:
                key, drawn = f"eta_{eta:.0f}_steps_{steps}_", draw(steps=steps, eta=eta)
                measured = score(key, drawn)
                found.append(measured["frechet"])
                unit = "total variation of classes"
                run.metric(f"{key}class_distance", measured["class_distance"], unit)
                panels[f"eta {eta:.0f},\n{steps} steps\n{found[-1]:.1f}"] = drawn[:12]
            curves[f"eta {eta:.0f}"] = [chosen, found]
        score("raw_", draw(steps=chosen[-1], average=False))
        best = f"Fréchet distance {curves['eta 0'][1][-1]:.1f}, floor {floor:.2f}"
        title = f"Noise added; noise taken away, from other noise: {best}\n{about}"
        run.figure("process", figures.strips(_ways(model, x_test[:8], seed), title))
        title = f"The same noise by eta and steps; Fréchet distance at the left, floor {floor:.2f}"
        run.figure("samples", figures.strips(panels, f"{title}\n{about}"))
        label = f"Fréchet distance of {number} samples"
        title = f"Few steps need eta 0\n{about}"
        run.figure("steps", figures.curves(curves, title, "steps", label, True, True))
        # 6. The deterministic way is one to one; and how many bits an image takes
        few, all_steps = x_test[:16], 50 if run.quick else model.num_steps
        again = model.reconstruct(few, all_steps)
        run.metric(
            "round_trip",
            np.sqrt(np.mean((again - few) ** 2)),
            "root mean square error, pixels in [-1, 1]",
        )
        levels = images.x_test[: min(number, 40 if run.quick else 200)]
        levels = 2.0 * evaluation.quantize(levels) - 1.0
        bits = model.bits_per_dimension(levels, steps=all_steps, seed=seed, batch_size=40)
        run.metric("bits_per_dimension", bits.mean(), f"at most, mean of {len(levels)} images")
        run.save(model)
        run.finish(_samples.outcome(run, "samples of 50 steps", "eta_0_steps_50_"), "process")


def _ways(model, x, seed):
    """Rows of a figure: images under more and more noise, and samples on their way back."""
    noise, rows = model.sample_noise(len(x), seed), {"images": x}
    for time in reversed(_diffusion.SHOWN):
        noisy = model.add_noise(x, np.full(len(x), time), noise)
        rows[f"step {time + 1}"] = keras.ops.convert_to_numpy(noisy)
    for step, state in _diffusion.states(model, len(x), [seed, 1]).items():
        rows[_diffusion.named(step)] = state
    return {name: np.clip((row + 1.0) / 2.0, 0.0, 1.0) for name, row in rows.items()}


if __name__ == "__main__":
    ex.command_line(main)
