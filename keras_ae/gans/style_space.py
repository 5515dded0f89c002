"""What a user of a style-based GAN has: styles of noise, their mixtures, images, and back.

Source: Karras et al. 2018, arXiv:1812.04948; Karras et al. 2020, arXiv:1912.04958.
"""

import keras
import numpy as np
from keras import ops

from ..engine import autodiff
from ..engine.checks import check_positive, check_positive_int, check_shape, check_values
from .gan import GAN

PARTS = ("mapping", "codes", "synthesis")


class StyleSpace(GAN):
    """A GAN whose images are drawn from styles w, one for each layer.

    Source: Karras et al. 2018, arXiv:1812.04948, sections 2 and 3.

    Args:
        generator: `keras.Model` with layers "mapping", "codes" and "synthesis".
        discriminator: as in `GAN`.
        **kwargs: as in `GAN`.

    Raises:
        ValueError: when the generator lacks a part, or as `GAN` says.
    """

    def __init__(self, generator, discriminator, **kwargs):
        super().__init__(generator, discriminator, **kwargs)
        missing = [name for name in PARTS if name not in {each.name for each in generator.layers}]
        if missing:
            raise ValueError(
                f"{generator.name} has no layer {' or '.join(map(repr, missing))}: build it with "
                "keras_ae.stylegan2_generator or stylegan_generator, or name your own parts so."
            )
        self.num_styles = generator.get_layer("codes").num_layers
        self.w_dim = generator.get_layer("mapping").output_shape[-1]

    def target_range(self):
        return -1.0, 1.0, "a style-based generator"

    @property
    def paper_truncation(self):
        """Arguments of `sample`, `generate` and `map` for the first 8 layers and psi 0.7.

        Source: Karras et al. 2018, arXiv:1812.04948, appendix B.

        Returns:
            dict with "truncation" and "layers" (all where there are fewer).
        """
        return {"truncation": 0.7, "layers": min(8, self.num_styles)}

    def sample(self, n, *, labels=None, seed=None, average=True, truncation=1.0, layers=None):
        """New images.

        Args:
            n: int, number of images.
            labels: as in `GAN.sample`. Defaults to `None`.
            seed: int or `None`, as in `GAN.sample`. Defaults to `None`.
            average: bool, as in `GAN.sample`. Defaults to `True`.
            truncation: float from 0 (the mean image) to 1 (all variety), psi. Defaults to `1.0`.
            layers: int or `None`, as in `map`. Defaults to `None`.

        Returns:
            array, shape `(n, *image_shape)`, pixels as in the training data.

        Raises:
            ValueError: when `n` is not a positive integer, or another argument does not fit.
        """
        given = {"labels": labels, "average": average, "truncation": truncation, "layers": layers}
        return self.generate(self.sample_noise(n, seed), **given)

    def generate(self, noise, *, labels=None, average=True, truncation=1.0, layers=None):
        """Images of noise; arguments as in `sample`, `noise` of shape `(batch, noise_dim)`."""
        given = {"labels": labels, "average": average, "truncation": truncation, "layers": layers}
        return self.synthesize(self.map(noise, **given), average=average)

    def map(self, noise, *, labels=None, average=True, truncation=1.0, layers=None):
        """Styles of noise.

        Args:
            noise: array or tensor, shape `(batch, noise_dim)`.
            labels: int array or tensor, shape `(batch,)`, or `None`. Defaults to `None`.
            average: bool, as in `sample`. Defaults to `True`.
            truncation: float in [0, 1], as in `sample`, or a scalar tensor. Defaults to `1.0`.
            layers: int, how many layers, coarse ones first, are truncated, or `None` for all.
                Defaults to `None`.

        Returns:
            array or tensor, shape `(batch, num_styles, w_dim)`.

        Raises:
            ValueError: when an argument does not fit.
        """
        number = isinstance(truncation, (str, int, float, np.number))
        if number and (isinstance(truncation, str) or not 0 <= truncation <= 1):
            raise ValueError(f"truncation={truncation!r}: pass 0 (the mean) to 1 (all variety).")
        if layers is not None:
            check_positive_int("layers", layers)
            if layers > self.num_styles:
                raise ValueError(f"layers={layers}: this generator has {self.num_styles}.")
        network = self.average if average else self.generator
        mapping, codes, _ = (network.get_layer(name) for name in PARTS)
        inputs = self._noise_inputs(noise, labels)
        w = self.run(mapping, inputs)
        if isinstance(w, np.ndarray):
            w = np.repeat(w[:, None], self.num_styles, axis=1)
            mean = ops.convert_to_numpy(codes.mean)
        else:
            w = ops.repeat(w[:, None], self.num_styles, axis=1)
            mean = ops.convert_to_tensor(codes.mean)
        chosen = np.arange(self.num_styles) < (layers or self.num_styles)
        shares = (chosen[None, :, None].astype("float32")) * (1.0 - truncation)
        return w + shares * (mean - w)

    def synthesize(self, w, *, average=True):
        """Images of styles.

        Args:
            w: array or tensor, shape `(batch, num_styles, w_dim)`.
            average: bool, as in `sample`. Defaults to `True`.

        Returns:
            array or tensor, shape `(batch, *image_shape)`.

        Raises:
            ValueError: when the shape does not fit.
        """
        network = self.average if average else self.generator
        return self.run(network.get_layer("synthesis"), w)

    def mix(self, w, other, start, stop=None):
        """Every style of one set with some layers of every style of another: the grid of the paper.

        Source: Karras et al. 2018, arXiv:1812.04948, section 3.1 and figure 3.

        Args:
            w: array, shape `(rows, num_styles, w_dim)`, what images are in all other layers.
            other: array, shape `(columns, num_styles, w_dim)`, what they are from layer `start` on.
            start: int, first layer that is taken over: 0 for the coarsest.
            stop: int, layer behind the last one that is, or `None` for all that follow. Defaults to
                `None`.

        Returns:
            array, shape `(rows, columns, *image_shape)`.

        Raises:
            ValueError: when shapes do not fit, or no layer is taken over.
        """
        w, other = np.asarray(w, "float32"), np.asarray(other, "float32")
        for name, each in (("w", w), ("other", other)):
            check_shape(name, each.shape, (self.num_styles, self.w_dim))
        chosen = np.arange(self.num_styles)[start:stop]
        if not len(chosen):
            raise ValueError(
                f"start={start}, stop={stop} take over none of the {self.num_styles} layers: pass "
                f"0 <= start < stop <= {self.num_styles}."
            )
        mixed = np.repeat(w[:, None], len(other), axis=1)  # (rows, columns, num_styles, w_dim)
        mixed[:, :, chosen] = other[None][:, :, chosen]
        images = self.synthesize(mixed.reshape(-1, *w.shape[1:]))
        return images.reshape(len(w), len(other), *images.shape[1:])

    def walk(self, keys, steps, seed=None, truncation=1.0):
        """Images on a closed path through styles, for a strip or an animation.

        Straight from the style of one noise to that of the next, and back to the first.

        Source: Karras et al. 2018, arXiv:1812.04948, section 4.1 (linear in w).

        Args:
            keys: int, noises that are passed.
            steps: int, images from one to the next.
            seed: int or `None`, as in `sample`. Defaults to `None`.
            truncation: float, as in `sample`. Defaults to `1.0`.

        Returns:
            array, shape `(keys * steps, *image_shape)`.

        Raises:
            ValueError: when a number is not positive.
        """
        check_positive_int("keys", keys)
        check_positive_int("steps", steps)
        w = self.map(self.sample_noise(keys, seed), truncation=truncation)
        share = np.linspace(0.0, 1.0, steps, endpoint=False, dtype="float32")[:, None, None]
        ahead = np.roll(w, -1, axis=0)
        path = [(1.0 - share) * one + share * next_ for one, next_ in zip(w, ahead)]
        return self.synthesize(np.concatenate(path))

    def project(self, x, steps=300, learning_rate=0.1):
        """Styles whose images are nearest to given ones, by squared distance of pixels.

        The search starts from the mean style and moves the styles of all layers, which are the same
        in the beginning. (The paper moves one for all layers, adds noise to it, optimises the noise
        maps too, and compares images in the features of another network.)

        Source: Karras et al. 2020, arXiv:1912.04958, section 5 and appendix D.

        Args:
            x: array, shape `(batch, *image_shape)`, pixels as in the training data.
            steps: int, of Adam. Defaults to `300`.
            learning_rate: float, at the start; it falls to zero. Defaults to `0.1`, the paper's.

        Returns:
            array, shape `(batch, num_styles, w_dim)`, for `synthesize`.

        Raises:
            ValueError: when shapes do not fit, or a number is not positive.
        """
        check_positive_int("steps", steps)
        check_positive("learning_rate", learning_rate)
        x = np.asarray(x, "float32")
        check_shape("x", x.shape, self.image_shape)
        check_values("x", x)
        mean = self.average.get_layer("codes").mean
        start = np.broadcast_to(ops.convert_to_numpy(mean), (len(x), self.num_styles, self.w_dim))
        w, wanted = keras.Variable(start, name="w"), ops.convert_to_tensor(x)
        rates = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        optimizer = keras.optimizers.Adam(rates)
        optimizer.build([w])

        def distance():
            return ops.sum((self.synthesize(ops.convert_to_tensor(w)) - wanted) ** 2)

        for _ in range(steps):
            _, gradients = autodiff.value_and_grad(distance, [w])
            autodiff.apply_gradients(optimizer, gradients, [w])
        return ops.convert_to_numpy(w)

    def endpoints(self):
        spec = lambda name, *shape, dtype="float32": keras.InputSpec(
            shape=shape, dtype=dtype, name=name
        )
        inputs = [spec("noise", None, self.noise_dim), spec("truncation")]
        if self.num_classes is not None:
            inputs.append(spec("labels", None, dtype="int32"))

        def sample(noise, truncation, labels=None):
            return self.generate(noise, labels=labels, truncation=truncation)

        def mapped(noise, truncation, labels=None):
            return self.map(noise, labels=labels, truncation=truncation)

        return super().endpoints() | {
            "sample": (sample, inputs),
            "map": (mapped, inputs),
            "synthesize": (self.synthesize, [spec("w", None, self.num_styles, self.w_dim)]),
        }
