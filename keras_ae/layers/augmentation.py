"""Augmentation of what a discriminator sees, as strong as it needs to be.

Source: Karras et al. 2020, arXiv:2006.06676 (adaptive discriminator augmentation).

    x = colour(resample(x, geometry))      each transformation with probability p, drawn per image
    r = mean sign(D(x)) of real images     0 where the discriminator does not overfit, else up to 1
    p = p + sign(r - target) * images / images_per_unit      every few steps, within [0, 1]
"""

import math

import keras
import numpy as np
from keras import ops

from ..engine import distribution
from ..engine.checks import check_positive_int

LN2 = math.log(2.0)


@keras.saving.register_keras_serializable("keras_ae")
class AdaptiveAugmentation(keras.layers.Layer):
    """The paper's geometric and colour transformations, with a probability that adapts itself.

    Give it to a GAN as `augment`; `fit` logs "augmentation" (p) and "overfitting" (r). Images are
    resampled once, bilinearly, mirrored at their borders. (The paper filters with wavelets.)

    Source: Karras et al. 2020, arXiv:2006.06676, sections 2 and 3, appendices B and C ("bgc").

    Args:
        target: float, r that p is adapted to. Defaults to `0.6`.
        every: int, steps between two changes of p. Defaults to `4`.
        images_per_unit: float, images in which p can go from 0 to 1. Defaults to `500_000`.
        p: float in [0, 1], in the beginning, or always where `images_per_unit` is infinite.
            Defaults to `0.0`.
        flips: bool, whether images are mirrored and turned by quarters. Defaults to `True`.
        geometry: bool, whether they are moved, turned and stretched. Defaults to `True`.
        colour: bool, whether brightness and contrast change, and of three channels luma, hue and
            saturation. Defaults to `True`.
        seed: int, or `None` for any. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, side, side, channels)`, pixels in [-1, 1].

    Returns:
        Tensor of that shape, equal to `x` outside of training.

    Raises:
        ValueError: when a number is out of its range.
    """

    def __init__(
        self,
        target=0.6,
        every=4,
        images_per_unit=500_000,
        p=0.0,
        flips=True,
        geometry=True,
        colour=True,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive_int("every", every)
        if not -1 < target < 1:
            raise ValueError(f"target={target!r}: pass a mean of signs, above -1 and below 1.")
        if not images_per_unit > 0:
            raise ValueError(f"images_per_unit={images_per_unit!r}: pass a positive number.")
        if not 0 <= p <= 1:
            raise ValueError(f"p={p!r}: pass a probability.")
        self.target, self.every, self.images_per_unit, self.p = target, every, images_per_unit, p
        self.flips, self.geometry, self.colour, self.seed = flips, geometry, colour, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        number = lambda name, start=0.0: self.add_weight(
            (),
            keras.initializers.Constant(start),
            "float32",
            trainable=False,
            aggregation="only_first_replica",  # all have the same number
            name=name,
        )
        self.probability, self.overfitting = number("probability", p), number("overfitting")
        self._signs, self._images, self._steps = map(number, ("signs", "images", "steps"))

    def call(self, x, training=False):
        if not training:
            return x
        kind, x = x.dtype, ops.cast(x, "float32")
        if self.flips or self.geometry:
            x = resample(x, *self._matrices(ops.shape(x)[0], x.shape[1]))
        if self.colour:
            x = self._coloured(x)
        return ops.cast(x, kind)

    def observe(self, logits):
        """Counts a step; every few of them the probability is adapted.

        Args:
            logits: tensor, what the discriminator gave real images, `(batch, 1)`.
        """
        logits = ops.stop_gradient(ops.cast(logits, "float32"))
        batch = ops.cast(distribution.whole_batch(ops.shape(logits)[0]), "float32")
        mean = distribution.mean_over_devices(ops.mean(ops.sign(logits)))
        signs, images = self._signs.value + batch * mean, self._images.value + batch
        steps = self._steps.value + 1.0
        due, mean = steps >= self.every, signs / images
        p = self.probability.value + ops.sign(mean - self.target) * images / self.images_per_unit
        self.probability.assign(ops.where(due, ops.clip(p, 0.0, 1.0), self.probability.value))
        self.overfitting.assign(ops.where(due, mean, self.overfitting.value))
        for variable, value in ((self._signs, signs), (self._images, images), (self._steps, steps)):
            variable.assign(ops.where(due, 0.0, value))

    # Transformations, each drawn per image -------------------------------------------------------

    def _uniform(self, batch, low=0.0, high=1.0, *more):
        draw = {"dtype": "float32", "seed": self.seed_generator}
        return keras.random.uniform((batch, *more), low, high, **draw)

    def _normal(self, batch, deviation, *more):
        draw = {"dtype": "float32", "seed": self.seed_generator}
        return keras.random.normal((batch, *more), 0.0, deviation, **draw)

    def _maybe(self, batch, values, otherwise, share=None):
        """Values, but with probability 1 - p something else: the same for all of an image."""
        share = self.probability.value if share is None else share
        chosen = ops.reshape(self._uniform(batch) < share, (-1, *[1] * (len(values.shape) - 1)))
        return ops.where(chosen, values, otherwise)

    def _matrices(self, batch, side):
        """`(matrix, shift)`: from places in the result, seen from the centre, to those in `x`."""
        whole = lambda high: ops.floor(self._uniform(batch, 0.0, high))
        matrix, shift = _diagonal(ops.ones((batch,)), ops.ones((batch,))), ops.zeros((batch, 2, 1))
        if self.flips:
            flip = self._maybe(batch, 1.0 - 2.0 * whole(2.0), 1.0)
            turn = self._maybe(batch, 0.5 * math.pi * whole(4.0), 0.0)
            matrix = _turn(turn) @ _diagonal(flip, ops.ones((batch,)))
        if self.geometry:
            move = lambda values: self._maybe(batch, values, 0.0)[..., None]  # (batch, 2, 1)
            pixels = move(ops.round(self._uniform(batch, -0.125, 0.125, 2) * side))
            size = ops.exp(self._maybe(batch, self._normal(batch, 0.2 * LN2), 0.0))
            stretch = ops.exp(self._maybe(batch, self._normal(batch, 0.2 * LN2), 0.0))
            share = 1.0 - ops.sqrt(1.0 - ops.minimum(self.probability.value, 1.0))
            turns = [
                _turn(self._maybe(batch, self._uniform(batch, -math.pi, math.pi), 0.0, share))
                for _ in range(2)
            ]
            inner = turns[0] @ _diagonal(size * stretch, size / stretch) @ turns[1]
            parts = move(self._normal(batch, 0.125, 2) * side)
            matrix, shift = matrix @ inner, matrix @ (pixels + inner @ parts)
        return matrix, shift[..., 0]

    def _coloured(self, x):
        batch, channels = ops.shape(x)[0], x.shape[-1]
        wide = lambda values: values[:, None, None, None]
        maybe = lambda values, otherwise: wide(self._maybe(batch, values, otherwise))
        x = x + maybe(self._normal(batch, 0.2), 0.0)
        x = x * maybe(ops.exp(self._normal(batch, 0.5 * LN2)), 1.0)
        if channels != 3:
            return x
        grey = ops.mean(x, axis=-1, keepdims=True)  # along (1, 1, 1)
        x = x - 2.0 * grey * maybe(ops.floor(self._uniform(batch, 0.0, 2.0)), 0.0)
        angle = maybe(self._uniform(batch, -math.pi, math.pi), 0.0)
        grey = ops.mean(x, axis=-1, keepdims=True)
        crossed = (ops.roll(x, 1, axis=-1) - ops.roll(x, -1, axis=-1)) / math.sqrt(3.0)
        x = grey + (x - grey) * ops.cos(angle) + crossed * ops.sin(angle)  # Rodrigues' formula
        return grey + (x - grey) * maybe(ops.exp(self._normal(batch, LN2)), 1.0)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        names = ("target", "every", "images_per_unit", "p", "flips", "geometry", "colour", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def resample(x, matrix, shift):
    """Images moved by affine maps round their centres; bilinear, mirrored at the borders.

    Source: Karras et al. 2020, arXiv:2006.06676, appendix B.

    Args:
        x: tensor, shape `(batch, height, width, channels)`.
        matrix: tensor, shape `(batch, 2, 2)`, of `(column, row)` places seen from the centre: where
            in `x` a pixel of the result is taken from.
        shift: tensor, shape `(batch, 2)`, pixels that are added to it.

    Returns:
        Tensor of the shape of `x`.
    """
    x, matrix, shift = (ops.convert_to_tensor(each, "float32") for each in (x, matrix, shift))
    batch, (height, width, channels) = ops.shape(x)[0], x.shape[1:]
    # of plain operations: TensorFlow's own resampling has a gradient that is not its transpose
    centre = np.array([(width - 1) / 2.0, (height - 1) / 2.0], "float32")
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    places = np.stack([columns, rows], axis=-1).reshape(-1, 2).astype("float32") - centre
    at = ops.matmul(places, ops.transpose(matrix, (0, 2, 1))) + (shift + centre)[:, None]
    low = ops.floor(at)  # (batch, pixels, 2)
    part = at - low
    pixels = ops.reshape(x, (-1, channels))  # (batch * pixels, channels)
    first = ops.arange(batch, dtype="int32")[:, None] * (height * width)
    total = 0.0
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        column = _mirrored(low[..., 0] + right, width)
        row = _mirrored(low[..., 1] + down, height)
        across = part[..., 0] if right else 1.0 - part[..., 0]
        along = part[..., 1] if down else 1.0 - part[..., 1]
        found = ops.take(pixels, first + row * width + column, axis=0)
        total = total + (across * along)[..., None] * found
    return ops.reshape(total, (-1, height, width, channels))


def _mirrored(places, size):
    """Whole places on a line that is mirrored at both ends, its last pixels twice."""
    places = ops.mod(ops.cast(places, "int32"), 2 * size)
    return ops.minimum(places, 2 * size - 1 - places)


def _diagonal(first, second):
    none = ops.zeros_like(first)
    return ops.stack([ops.stack([first, none], 1), ops.stack([none, second], 1)], 1)


def _turn(angle):
    cosine, sine = ops.cos(angle), ops.sin(angle)
    return ops.stack([ops.stack([cosine, -sine], 1), ops.stack([sine, cosine], 1)], 1)
