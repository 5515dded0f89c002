"""What recipes of diffusion share: first stage, narrow U-Nets, the way back, inpainting."""

import math

import keras
import numpy as np

import keras_ae
from keras_ae import evaluation
from keras_ae.diffusion import schedule

SHOWN = (999, 399, 199, 99, 39)  # steps, of a thousand, whose states are drawn


def first_stage(run, images, width, code_channels=3):
    """An autoencoder of images to maps of a quarter of their sides, trained.

    Its perceptual term is computed in a classifier of the same images that scores nothing.
    """
    shape = images.x_train.shape[1:]
    sizes = {"latent_channels": code_channels, "width": width, "num_blocks": 1, "groups": 8}
    sizes["multipliers"] = (1, 2, 2)
    classifier = evaluation.feature_extractor(images, seed=1).network
    maps = [layer.output for layer in classifier.layers if isinstance(layer, keras.layers.Conv2D)]
    scaled = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Rescaling(0.5, 0.5),  # the classifier takes [0, 1]
            keras.Model(classifier.input, maps),
        ],
        name="features",
    )
    model = keras_ae.FirstStage(
        keras_ae.latent_encoder(shape, **sizes),
        keras_ae.latent_decoder(shape, **sizes),
        keras_ae.patch_discriminator(shape, width, 2),
        features=scaled,
        perceptual=0.1,
        adversarial=0.1,
        adversarial_start=num_steps(run, images.x_train) // 2,
        name="first_stage",
    )
    model.compile(keras_ae.FirstStage.paper_optimizers(1e-3))
    x = 2.0 * images.x_train - 1.0
    callbacks = run.callbacks("first_stage")
    model.fit(x, batch_size=64, epochs=run.epochs, verbose=0, callbacks=callbacks)
    return model


def unet(shape, width, token_shape, multipliers):
    """A narrow U-Net that attends to tokens in the middle and, of several levels, at the lowest."""
    attend = (shape[0] // 2 ** (len(multipliers) - 1),) if len(multipliers) > 1 else ()
    sizes = {"num_blocks": 1, "dropout": 0.0, "groups": 8, "num_heads": 4}
    return keras_ae.diffusion_unet(
        shape, width, multipliers, attention_sides=attend, token_shape=token_shape, **sizes
    )


def pace(run, x):
    """Images in a batch and the rate of learning, faster in a quick run."""
    size, start = (32, 4e-3) if run.quick else (64, 2e-3)
    return size, keras.optimizers.schedules.CosineDecay(start, num_steps(run, x, size))


def num_steps(run, x, batch_size=64):
    """Steps of a whole `fit`."""
    return run.epochs * math.ceil(len(x) / batch_size)


def steps_of(model, steps):
    """Pairs of a step and the next one, from noise to -1, the image."""
    times = schedule.chosen_steps(model.num_steps, steps)[::-1].tolist()
    return list(zip(times, [*times[1:], -1]))


def states(model, number, seed, **prompt):
    """What noise has become before the steps `SHOWN`, of fifty, and at the end (step -1)."""
    state, found = model.sample_noise(number, seed), {}
    for step, later in steps_of(model, 50):
        if step in SHOWN:
            found[step] = state
        state = model.denoise_step(state, step, later, **prompt)
    return found | {-1: state}


def inpaint(model, x, known, labels, seed=0, guidance=1.0, steps=50):
    """Draws what is not known of images, so that it fits what is.

    At each step the known part of the state is that of the image, with as much noise as the step
    has; the network makes the rest fit it (Lugmayr et al. 2022, arXiv:2201.09865, equation 8; here
    the noise is the same at every step, as the way back adds none either). In codes the known part
    comes back as the first stage reconstructs it.

    Args:
        model: `LatentDiffusion` or `DDPM`.
        x: images, shape `(n, *image_shape)`.
        known: array that broadcasts with `(n, *state_shape)`: 1 where it is known, 0 elsewhere.
        labels: int array, shape `(n,)`, or `None` for no prompt.
        seed: int. Defaults to `0`.
        guidance: float, as in `sample`. Defaults to `1.0`.
        steps: int. Defaults to `50`.

    Returns:
        images, shape `(n, *image_shape)`.
    """
    clean, state = model.array_to_state(x), model.sample_noise(len(x), seed)
    noise = model.sample_noise(len(x), [seed, 1])
    for step, later in steps_of(model, steps):
        state = model.denoise_step(state, step, later, labels=labels, guidance=guidance)
        there = clean
        if later >= 0:
            there = keras.ops.convert_to_numpy(
                model.add_noise(clean, np.full(len(x), later), noise)
            )
        state = known * there + (1.0 - known) * state
    return model.array_to_images(state.astype("float32"))


def named(step):
    """A step in the name of a row of a figure, counted from 1."""
    return "samples" if step < 0 else f"back from\nstep {step + 1}"
