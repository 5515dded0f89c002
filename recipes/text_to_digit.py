"""A prompt: "a thick seven slanted to the right", and what is drawn of it.

Slide:    And now? Stable Diffusion models
Source:   Rombach et al. 2022, arXiv:2112.10752, section 4.3.1 (a transformer over the words,
          trained with the denoiser that attends to them); Castro et al. 2019, arXiv:1809.10780 (the
          slant of digits)
Expected: no published number; the digit of nearly every sample is the one that was asked for, and
          thickness and slant are measured to follow the words (by chance a third)
Measured: MNIST, 6 epochs, one seed, 1800 samples: 99.9 % are the digit that was asked for, 99.0 %
          have the thickness and 97.2 % the slant; with guidance 1 94.8, 84.1 and 85.4 %
Run:      python -m recipes text_to_digit --data mnist --epochs 6
"""

import keras
import numpy as np

import keras_ae
from keras_ae import data as sources
from keras_ae import figures
from keras_ae.data import captions as words

from . import _diffusion, _samples
from . import _experiment as ex

PROMPTS = (
    "a thick seven slanted to the right",
    "a thin seven slanted to the left",
    "a medium three upright",
    "a thin zero slanted to the right",
    "a thick one slanted to the left",
    "a five",
    "a thin eight",
    "a four slanted to the right",
)


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
    prompts: tuple[str, ...] = PROMPTS,
    width: int = 32,
    guidance: float = 2.0,
    samples: int = 1800,
):
    """Trains an autoencoder, a text encoder and diffusion in the codes, on digits with captions.

    Args:
        prompts: what to draw; words of the captions, at most seven.
        width: channels of the U-Net at its first level; half of them in the autoencoder.
        guidance: how much samples are drawn towards their prompt; 1 is as in the data.
        samples: images whose digit, thickness and slant are measured.
    """
    with ex.Run("text_to_digit", locals(), quick_epochs=11) as run:
        if not prompts:
            raise ValueError("--prompts: pass at least one.")
        if samples < 90:
            raise ValueError(f"--samples {samples}: there are 90 prompts, pass at least as many.")
        # 1. Data: digits, and sentences about what is measured on them; a word is left out at times
        side, width = (16, 16) if run.quick else (32, width)
        images, extractor = _samples.prepared(run, side)
        captions = sources.DigitCaptions.of(images.x_train)
        asked = captions.encode(list(prompts))  # an unknown word is told before training
        sentences = captions.sentences(images.x_train, images.y_train, left_out=0.2, seed=seed)
        x_train, ids = 2.0 * images.x_train - 1.0, captions.encode(sentences)
        # 2. Model: an autoencoder; words to tokens; a U-Net for codes that attends to the tokens
        stage = _diffusion.first_stage(run, images, width // 2)
        code = stage.decoder.input_shape[1:]
        reader = keras_ae.text_encoder(len(captions.words) + 1, words.LENGTH, 2 * width)
        model = keras_ae.LatentDiffusion(
            stage,
            _diffusion.unet(code, width, (words.LENGTH, 2 * width), (1,) if run.quick else (1, 2)),
            predicts="velocity",
            conditioner=reader,
            average_decay=0.99 if run.quick else 0.999,
        )
        # 3. Objective: the velocity, at a step that is drawn, of codes; a tenth has no prompt
        size, rate = _diffusion.pace(run, x_train)
        model.compile(keras.optimizers.Adam(rate, clipnorm=1.0))
        # 4. Train: words and pictures together
        settings = {"batch_size": size, "epochs": run.epochs, "verbose": 0}
        model.fit(x_train, ids, **settings, callbacks=run.callbacks())

        # 5. Look: every prompt there is, measured; some prompts and what they gave
        run.say("Every prompt is drawn, and measured.")
        draw = lambda ids, strength: _samples.in_range(
            model.sample(len(ids), labels=ids, seed=seed, guidance=strength, batch_size=100)
        )
        about = f"{data}, {run.epochs} epochs of {len(x_train)} images, seed {seed}"
        number = np.arange(180 if run.quick else samples)
        digits, wanted = number % 10, np.stack([number // 10 % 3, number // 30 % 3], axis=-1)
        texts = [words.sentence(digit, *which) for digit, which in zip(digits, wanted)]
        every, measured = captions.encode(texts), {}
        score = _samples.Score(run, extractor, images.x_test)
        for strength in sorted({1.0, guidance}):
            key = "" if strength == guidance else f"guidance_{strength:g}_"
            drawn = draw(every, strength)
            score.accuracy(key, drawn, digits)
            for column, name in enumerate(("thickness", "slant")):
                follows = captions.measure(drawn)[:, column] == wanted[:, column]
                unit = f"share of samples of the {name} asked for, by chance a third"
                run.metric(f"{key}{name}_accuracy", follows.mean(), unit)
            measured[strength] = drawn
        value = lambda name: run.values[f"{name}_accuracy"]["value"]
        named = {"digit": "class", "thickness": "thickness", "slant": "slant"}
        accuracies = ", ".join(f"{name} {value(key):.0%}" for name, key in named.items())
        drawn = draw(np.repeat(asked, 10, axis=0), guidance)  # ten of each
        rows = {
            text.replace(" slanted", "\nslanted"): drawn[10 * n : 10 * n + 10]
            for n, text in enumerate(prompts)
        }
        title = f"What prompts gave, guidance {guidance:g}; of all: {accuracies}\n{about}"
        title += "; strokes of 2 pixels leave thickness little room" if run.quick else ""
        run.figure("prompts", figures.strips(rows, title))

        drawn = measured[guidance]
        for column, (name, unit, terms) in enumerate(
            [("thickness", "pixels", words.THICKNESS), ("slant", "degrees", words.SLANT)]
        ):
            values = getattr(words, name)(drawn)
            by_word = {term: values[wanted[:, column] == n] for n, term in enumerate(terms)}
            means = [each.mean() for each in by_word.values()]
            run.metric(f"{name}_range", means[-1] - means[0], f"{unit}, first to last word's mean")
            ends = " and ".join(f"{end:.1f}" for end in getattr(captions, name))
            title = f"Measured {name} of samples by the word in their prompt; of training images "
            title += f"a third each\nlies below, between and above {ends} {unit}; {about}"
            run.figure(name, figures.histograms(by_word, title, unit))
        run.save(model, export=not run.quick)  # which takes a while
        run.finish(f"as the prompt says: {accuracies} (by chance 10%, 33%, 33%)", "prompts")


if __name__ == "__main__":
    ex.command_line(main)
