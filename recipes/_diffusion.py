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

    Its perceptual term is computed in a classifier of the same images that scores nothing. In a
    quick run it is a few convolutions and learns from squared error alone.
    """
    shape, x = images.x_train.shape[1:], 2.0 * images.x_train - 1.0
    callbacks = run.callbacks("first_stage")
    settings = {"batch_size": 64, "epochs": run.epochs, "verbose": 0, "callbacks": callbacks}
    if run.quick:
        code = (shape[0] // 4, shape[1] // 4, 4)
        stage = keras_ae.Autoencoder(
            keras_ae.conv_encoder(shape, (16, 32, code[-1]), 3, (2, 2, 1), activation="tanh"),
            keras_ae.conv_decoder(shape, code, (32, 16), (3, 4, 4), (1, 2, 2)),
            name="first_stage",
        )
        stage.compile(keras.optimizers.Adam(4e-3))
        stage.fit(x, **settings)
        return stage
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
    model.fit(x, **settings)
    return model


def unet(shape, width, token_shape, multipliers):
    """A narrow U-Net that attends to tokens in the middle and, of several levels, at the lowest."""
    attend = (shape[0] // 2 ** (len(multipliers) - 1),) if len(multipliers) > 1 else ()
    sizes = {"num_blocks": 1, "dropout": 0.0, "groups": 8, "num_heads": 4}
    return keras_ae.diffusion_unet(
        shape, width, multipliers, attention_sides=attend, token_shape=token_shape, **sizes
    )


def dense_denoiser(shape, width=512):
    """Dense layers in the place of a U-Net, which a quick run has no time for.

    The state also passes them by, as most noise is to be found as it is; the time, in sines and
    cosines, says how much of it.
    """
    image, time = keras.Input(shape, name="image"), keras.Input((), name="time")
    when = keras_ae.layers.SinusoidalEmbedding(64)(time)  # (batch, 64)
    flat = keras.layers.Flatten()(image)
    x = keras.layers.Dense(width, "gelu")(keras.layers.Concatenate()([flat, when]))
    for _ in range(2):
        change = keras.layers.Dense(width, "gelu")(keras.layers.Concatenate()([x, when]))
        x = keras.layers.Add()([x, change])
    found = keras.layers.Dense(math.prod(shape))(x)
    passed = keras.layers.Multiply()([flat, keras.layers.Dense(math.prod(shape))(when)])
    found = keras.layers.Reshape(shape)(keras.layers.Add()([found, passed]))
    return keras.Model({"image": image, "time": time}, found, name="denoiser")


def pace(run, x):
    """Images in a batch and the rate of learning, faster in a quick run."""
    start = 4e-3 if run.quick else 2e-3
    return 64, keras.optimizers.schedules.CosineDecay(start, num_steps(run, x))


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
