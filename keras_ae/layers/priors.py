"""Distributions of codes, each a function of unit Gaussian noise.

A prior is a layer that maps noise of `noise_dim` independent N(0, 1) numbers (and, where it knows
classes, labels) to a code. So an exported model is deterministic given its noise, and a prior of
the user's own is any layer with the attribute `noise_dim`.
"""

import math

import keras
from keras import ops

from ..engine.checks import check_positive, check_positive_int


class Prior(keras.layers.Layer):
    """What the priors share: sizes, and the choice of a class.

    Source: Makhzani et al. 2015, arXiv:1511.05644, section 2.3.

    Args:
        noise_dim: int, unit Gaussian numbers that one code is made of.
        latent_dim: int, size of a code.
        num_classes: int, or `None` where the prior knows none. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.
    """

    def __init__(self, noise_dim, latent_dim, num_classes=None, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # bfloat16 would blur a thin prior
        for name, number in (("noise_dim", noise_dim), ("latent_dim", latent_dim)):
            check_positive_int(name, number)
        if num_classes is not None:
            check_positive_int("num_classes", num_classes)
        self.noise_dim, self.latent_dim, self.num_classes = noise_dim, latent_dim, num_classes

    def uniform(self, noise):
        """A uniform number in [0, 1] from two unit Gaussian ones, the last: their angle."""
        return ops.arctan2(noise[:, -1], noise[:, -2]) / (2.0 * math.pi) + 0.5  # (batch,)


@keras.saving.register_keras_serializable("keras_ae")
class GaussianPrior(Prior):
    """N(0, s^2), independent in each latent.

    Source: Makhzani et al. 2015, arXiv:1511.05644, section 2.3.

    Args:
        latent_dim: int, size of a code.
        scale: float, standard deviation s. Defaults to `1.0`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        noise: tensor, unit Gaussian, shape `(batch, latent_dim)`.

    Returns:
        Tensor, shape `(batch, latent_dim)`.

    Raises:
        ValueError: when a number is out of range.
    """

    def __init__(self, latent_dim, scale=1.0, **kwargs):
        super().__init__(latent_dim, latent_dim, **kwargs)
        check_positive("scale", scale)
        self.scale = scale

    def call(self, noise):
        return self.scale * noise

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, "scale": self.scale}


@keras.saving.register_keras_serializable("keras_ae")
class GaussianMixturePrior(Prior):
    """Gaussians round a circle in the plane, long towards the centre, one for each class.

    Source: Makhzani et al. 2015, arXiv:1511.05644, section 2.3, figure 4a (a mixture of 10 2-D
    Gaussians; the sizes are read from the figure).

    Args:
        num_classes: int, Gaussians, equally likely. Defaults to `10`.
        radius: float, distance of their centres from the origin. Defaults to `4.0`.
        length: float, standard deviation towards the origin. Defaults to `1.0`.
        width: float, standard deviation across. Defaults to `0.3`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        noise: tensor, unit Gaussian, shape `(batch, 4)`; the last two choose the Gaussian.
        labels: int tensor, shape `(batch,)`, which Gaussian, -1 for any; or `None`. Defaults to
            `None`.

    Returns:
        Tensor, shape `(batch, 2)`.

    Raises:
        ValueError: when a number is out of range.
    """

    def __init__(self, num_classes=10, radius=4.0, length=1.0, width=0.3, **kwargs):
        super().__init__(4, 2, num_classes, **kwargs)
        for name, number in (("radius", radius), ("length", length), ("width", width)):
            check_positive(name, number)
        self.radius, self.length, self.width = radius, length, width

    def call(self, noise, labels=None):
        chosen = ops.floor(self.num_classes * self.uniform(noise))
        chosen = ops.clip(chosen, 0.0, self.num_classes - 1.0)  # (batch,)
        if labels is not None:
            labels = ops.cast(labels, noise.dtype)
            chosen = ops.where(labels < 0.0, chosen, labels)
        angle = 2.0 * math.pi * chosen / self.num_classes
        along = self.radius + self.length * noise[:, 0]
        across = self.width * noise[:, 1]
        x = along * ops.cos(angle) - across * ops.sin(angle)
        y = along * ops.sin(angle) + across * ops.cos(angle)
        return ops.stack([x, y], axis=-1)  # (batch, 2)

    def get_config(self):
        own = {name: getattr(self, name) for name in ("num_classes", "radius", "length", "width")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("keras_ae")
class SwissRollPrior(Prior):
    """A rolled-up sheet seen from its edge: a spiral in the plane, each class a piece of it.

    With t in [0, 1] even, the angle is proportional to sqrt(t), and so is the distance from the
    origin: the arc is covered evenly but for the innermost turn, which is thinner.

    Source: Makhzani et al. 2015, arXiv:1511.05644, section 2.3, figure 4b (the sizes are read from
    the figure).

    Args:
        num_classes: int, pieces, equally likely. Defaults to `10`.
        radius: float, distance of the outer end from the origin. Defaults to `5.0`.
        turns: float, number of turns. Defaults to `2.0`.
        width: float, standard deviation of a code round the spiral. Defaults to `0.1`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        noise: tensor, unit Gaussian, shape `(batch, 4)`; the last two choose the place.
        labels: int tensor, shape `(batch,)`, which piece, -1 for any; or `None`. Defaults to
            `None`.

    Returns:
        Tensor, shape `(batch, 2)`.

    Raises:
        ValueError: when a number is out of range.
    """

    def __init__(self, num_classes=10, radius=5.0, turns=2.0, width=0.1, **kwargs):
        super().__init__(4, 2, num_classes, **kwargs)
        for name, number in (("radius", radius), ("turns", turns), ("width", width)):
            check_positive(name, number)
        self.radius, self.turns, self.width = radius, turns, width

    def call(self, noise, labels=None):
        way = self.uniform(noise)  # (batch,)
        if labels is not None:
            labels = ops.cast(labels, noise.dtype)
            way = ops.where(labels < 0.0, way, (labels + way) / self.num_classes)
        share = ops.sqrt(way)
        angle = 2.0 * math.pi * self.turns * share
        place = self.radius * ops.stack([share * ops.cos(angle), share * ops.sin(angle)], axis=-1)
        return place + self.width * noise[:, :2]  # (batch, 2)

    def get_config(self):
        own = {name: getattr(self, name) for name in ("num_classes", "radius", "turns", "width")}
        return {**super().get_config(), **own}


def check_prior(prior, latent_dim):
    """Refuses what is no prior of codes of a size.

    Source: this library.

    Args:
        prior: should be a `keras.layers.Layer` with `noise_dim`, from `(batch, noise_dim)` to
            `(batch, latent_dim)`.
        latent_dim: int.

    Raises:
        ValueError: when it is none.
    """
    if not isinstance(prior, keras.layers.Layer) or not hasattr(prior, "noise_dim"):
        raise ValueError(
            f"prior={prior!r}: pass keras_ae.layers.GaussianPrior({latent_dim}), say, or a layer "
            "with the attribute noise_dim, from unit Gaussian noise (batch, noise_dim) to codes."
        )
    noise = keras.KerasTensor((None, prior.noise_dim), "float32")
    labels = keras.KerasTensor((None,), "int32")
    with_labels = {} if getattr(prior, "num_classes", None) is None else {"labels": labels}
    try:
        code = prior(noise, **with_labels)
        prior(noise)  # also without, for images of any class
    except TypeError as error:
        raise ValueError(
            f"the prior {prior.name} cannot be called with noise, and with labels=None or class "
            f"numbers where it has num_classes: {error}"
        ) from error
    if tuple(code.shape) != (None, latent_dim):
        raise ValueError(
            f"the prior {prior.name} gives codes of shape {tuple(code.shape)}, the encoder "
            f"(None, {latent_dim}): pass one of that size."
        )
