"""Sentences about digits, made of what is measured on them: "a thick seven slanted to the right".

Source: this library; the slant of digits as in Castro et al. 2019, arXiv:1809.10780 (Morpho-MNIST).
"""

import dataclasses

import numpy as np

from ..engine.checks import check_rate

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
THICKNESS = ("thin", "medium", "thick")
SLANT = ("slanted to the left", "upright", "slanted to the right")
LENGTH = 7  # words of the longest sentence


def thickness(x):
    """How thick the strokes of digits are.

    Ink over half its outline: of a long bar its area over its length. The outline of grey pixels is
    their total variation, of slopes between four pixels each, so that a mirrored digit is as thick.

    Source: this library.

    Args:
        x: array of bright strokes on black, shape `(examples, height, width, 1)`, in [0, 1].

    Returns:
        float32 array, shape `(examples,)`, pixels; 0 for a black image.

    Raises:
        ValueError: when images have more than one channel, or values outside [0, 1].
    """
    x = np.pad(_grey(x), ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(x, axis=1), np.diff(x, axis=2)
    down, right = (down[:, :, 1:] + down[:, :, :-1]) / 2, (right[:, 1:] + right[:, :-1]) / 2
    outline = np.hypot(down, right).sum(axis=(1, 2))  # between four pixels each
    return (2.0 * x.sum(axis=(1, 2)) / np.maximum(outline, 1e-6)).astype("float32")


def slant(x):
    """By which angle digits lean to the right.

    The shear that makes the second moments of rows and columns independent: tan(angle) = covariance
    of row (counted upwards) and column over the variance of the row.

    Source: Castro et al. 2019, arXiv:1809.10780 ("slant", by moments).

    Args:
        x: array, as for `thickness`.

    Returns:
        float32 array, shape `(examples,)`, degrees; 0 for what has no height.

    Raises:
        ValueError: when images have more than one channel, or values outside [0, 1].
    """
    x = _grey(x)
    ink = np.maximum(x.sum(axis=(1, 2)), 1e-6)
    mean = lambda values: (x * values).sum(axis=(1, 2)) / ink
    up, right = np.mgrid[: x.shape[1], : x.shape[2]].astype("float64")
    up = up[::-1]
    variance = mean(up**2) - mean(up) ** 2
    covariance = mean(up * right) - mean(up) * mean(right)
    angle = np.arctan2(covariance, np.maximum(variance, 1e-6))
    return np.degrees(np.where(variance < 1e-3, 0.0, angle)).astype("float32")


def _grey(x):
    x = np.asarray(x, "float64")
    if x.ndim != 4 or x.shape[-1] != 1 or not len(x):
        raise ValueError(f"x has shape {x.shape}: pass (examples, height, width, 1).")
    if not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(
            f"x has values from {x.min():.3g} to {x.max():.3g}: pass bright strokes on black, in "
            "[0, 1]."
        )
    return x[..., 0]


@dataclasses.dataclass
class DigitCaptions:
    """What is said of digits: thin, medium or thick, which digit, and where it leans.

    The words split the images that they were made for into three equal parts each.

    Source: this library.

    Args:
        thickness: `(float, float)`, pixels where "medium" begins and ends.
        slant: `(float, float)`, degrees where "upright" begins and ends.
    """

    thickness: tuple
    slant: tuple

    @classmethod
    def of(cls, x):
        """Captions whose words split these images into three equal parts.

        Args:
            x: array, as for `thickness`.

        Returns:
            `DigitCaptions`.
        """
        thirds = lambda values: tuple(float(v) for v in np.quantile(values, (1 / 3, 2 / 3)))
        return cls(thirds(thickness(x)), thirds(slant(x)))

    @property
    def words(self):
        """All words, those of `encode` from 1 on."""
        return list(dict.fromkeys(["a", *THICKNESS, *DIGITS, *" ".join(SLANT).split()]))

    def measure(self, x):
        """Which of three words hold for images.

        Args:
            x: array, as for `thickness`.

        Returns:
            int array, shape `(examples, 2)`: of `THICKNESS` and of `SLANT`, 0 to 2.
        """
        found = np.digitize(thickness(x), self.thickness), np.digitize(slant(x), self.slant)
        return np.stack(found, axis=-1)

    def sentences(self, x, labels, left_out=0.0, seed=0):
        """A sentence for each image.

        Args:
            x: array, as for `thickness`.
            labels: int array, shape `(examples,)`, 0 to 9.
            left_out: float in [0, 1), how often thickness is not told, and how often the slant.
                Defaults to `0.0`.
            seed: int, of what is left out. Defaults to `0`.

        Returns:
            list of str.

        Raises:
            ValueError: when images or labels do not fit.
        """
        labels, which = np.asarray(labels), self.measure(x)
        if labels.shape != (len(x),) or not np.isin(labels, range(10)).all():
            wrong = labels[~np.isin(labels, range(10))][:1]
            raise ValueError(
                f"labels of shape {labels.shape}{f' with {wrong[0]}' if len(wrong) else ''}: pass "
                f"one of 0 to 9 for each of {len(x)} images."
            )
        check_rate("left_out", left_out)
        told = np.random.default_rng(seed).random((len(x), 2)) >= left_out
        return [
            sentence(int(label), *(int(w) if t else None for w, t in zip(which, tells)))
            for label, which, tells in zip(labels, which, told)
        ]

    def encode(self, sentences):
        """Sentences as the numbers of their words.

        Args:
            sentences: list of str.

        Returns:
            int32 array, shape `(sentences, 7)`, 0 behind the last word; what
            `keras_ae.text_encoder(len(captions.words) + 1, 7)` takes.

        Raises:
            ValueError: when a word is not known, or there are too many of them.
        """
        if isinstance(sentences, str):
            raise ValueError(f"{sentences!r} is one sentence: pass a list of them.")
        numbers = {word: number for number, word in enumerate(self.words, 1)}
        ids = np.zeros((len(sentences), LENGTH), "int32")
        for row, text in zip(ids, sentences):
            words = text.lower().split()
            unknown = [word for word in words if word not in numbers]
            if unknown or len(words) > LENGTH:
                what = f"the unknown word {unknown[0]!r}" if unknown else f"{len(words)} words"
                raise ValueError(
                    f"the prompt {text!r} has {what}: pass at most {LENGTH} of "
                    f"{', '.join(numbers)}."
                )
            row[: len(words)] = [numbers[word] for word in words]
        return ids


def sentence(digit, thickness=None, slant=None):
    """One sentence.

    Source: this library.

    Args:
        digit: int, 0 to 9.
        thickness: int, of `THICKNESS`, or `None` for none. Defaults to `None`.
        slant: int, of `SLANT`, or `None` for none. Defaults to `None`.

    Returns:
        str, "a thick seven slanted to the right", say.

    Raises:
        ValueError: when the digit is not one.
    """
    if digit not in range(10):
        raise ValueError(f"digit={digit!r}: pass 0 to 9.")
    words = ["a", None if thickness is None else THICKNESS[thickness], DIGITS[digit]]
    words.append(None if slant is None else SLANT[slant])
    return " ".join(word for word in words if word)
