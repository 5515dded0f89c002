"""What recipes of diffusion share: the first stage, narrow U-Nets, states on the way back."""

import math

import keras

import keras_ae
from keras_ae import evaluation

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
    """A narrow U-Net that attends to tokens at the lowest level."""
    attend = (shape[0] // 2 ** (len(multipliers) - 1),)
    sizes = {"num_blocks": 1, "dropout": 0.0, "groups": 8, "num_heads": 4}
    return keras_ae.diffusion_unet(
        shape, width, multipliers, attention_sides=attend, token_shape=token_shape, **sizes
    )


def num_steps(run, x, batch_size=64):
    """Steps of a whole `fit`."""
    return run.epochs * math.ceil(len(x) / batch_size)


def steps_of(model, steps):
    """Pairs of a step and the next one, from noise to -1, the image."""
    times = [model.num_steps * n // steps - 1 for n in range(steps, 0, -1)]
    return list(zip(times, [*times[1:], -1]))


def states(model, number, seed, **prompt):
    """What noise has become before the steps `SHOWN`, of fifty, and at the end (step -1)."""
    state, found = model.sample_noise(number, seed), {}
    for step, later in steps_of(model, 50):
        if step in SHOWN:
            found[step] = state
        state = model.denoise_step(state, step, later, **prompt)
    return found | {-1: state}


def named(step):
    """A step in the name of a row of a figure, counted from 1."""
    return "samples" if step < 0 else f"back from\nstep {step + 1}"
