"""What all models of this family share: noise, an averaged generator, samples, their export."""

import random

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine.adversarial import Adversarial, average_of
from ..engine.checks import check_labels, check_positive_int, check_shape, ends
from ..engine.coder import output_activation
from ..engine.model import Model

NOISES = ("normal", "uniform")


class Generative(Adversarial, Model):
    """A generator of noise, and its moving average, which is what users see.

    Source: Goodfellow et al. 2014, arXiv:1406.2661; Karras et al. 2017, arXiv:1710.10196, section
    4.1 (the average).

    Args:
        generator: `keras.Model` from noise `(batch, noise_dim)` to images, or to a dict of them;
            with `num_classes` from a dict with "noise" and "label" `(batch, num_classes)`, one-hot.
        terms: dict, as in `Model`.
        loss: str, a name in `keras_ae.losses.ADVERSARIAL_LOSSES`.
        noise: "normal" for N(0, 1), "uniform" for U(-1, 1).
        num_classes: int, or `None` for a model that reads no labels.
        average_decay: float in [0, 1), of the generator's moving average, or `None` for none; in
            step t it is (1 + t) / (10 + t) where that is less.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the generator's shapes do not fit, or an argument is not known.
    """

    def __init__(self, generator, terms, loss, noise, num_classes, average_decay, **kwargs):
        if loss not in losses.ADVERSARIAL_LOSSES:
            known = ", ".join(map(repr, losses.ADVERSARIAL_LOSSES))
            raise ValueError(f"loss={loss!r}: pass one of {known}.")
        if noise not in NOISES:
            raise ValueError(f"noise={noise!r}: pass 'normal' or 'uniform'.")
        if num_classes is not None:
            check_positive_int("num_classes", num_classes)
        if average_decay is not None and not 0 <= average_decay < 1:
            raise ValueError(
                f"average_decay={average_decay!r}: pass a number of at least 0 and below 1, 0.999 "
                "say, or None for no average."
            )
        self.check_generator(generator, num_classes)
        super().__init__(terms, **kwargs)
        self.generator, self.loss, self.noise = generator, loss, noise
        self.num_classes, self.average_decay = num_classes, average_decay
        inputs = ends(generator)[0]
        self.noise_dim = inputs.get("noise", next(iter(inputs.values()))).shape[-1]
        self.average = average_of(generator, "average") if average_decay is not None else None
        self.seed_generator = keras.random.SeedGenerator(random.randrange(2**31))
        self.built = True  # as its parts are

    # Parts of a training step --------------------------------------------------------------------

    def _noise(self, batch):
        """Noise for training, shape `(batch, noise_dim)`."""
        draw, shape = {"dtype": "float32", "seed": self.seed_generator}, (batch, self.noise_dim)
        if self.noise == "uniform":
            return keras.random.uniform(shape, -1.0, 1.0, **draw)
        return keras.random.normal(shape, **draw)

    def _label(self, target):
        """What networks are told of classes: one-hot rows `(batch, num_classes)`, or nothing."""
        if self.num_classes is None:
            return {}
        return {"label": ops.one_hot(ops.cast(target, "int32"), self.num_classes)}

    def _generate(self, batch, label, training):
        noise = self._noise(batch)
        inputs = {"noise": noise, **label} if label else noise
        return self.generator(inputs, training=training)

    def _follow(self, batch):
        """The averaged generator follows the trained one, closely in the first steps."""
        if self.average is not None:
            self.follow(self._averaged(), self.average_decay)

    def _averaged(self):
        """Pairs of networks, the first of which holds the moving average of the second."""
        return [(self.average, self.generator)]

    # What a user sees ----------------------------------------------------------------------------

    @staticmethod
    def check_generator(generator, num_classes):
        """Refuses a generator that does not take what this model gives it.

        Args:
            generator: `keras.Model`.
            num_classes: int or `None`.

        Raises:
            ValueError: when it takes something else.
        """
        check_inputs(generator, "noise", num_classes)

    def needs_target(self):
        if self.num_classes is None:
            return ""
        return "this model is told the classes of images. Pass fit(x, labels)."

    def label_range(self):
        return None if self.num_classes is None else (0, self.num_classes - 1)

    def target_range(self):
        ending = output_activation(self.generator)
        low = 0.0 if ending == "sigmoid" else -1.0
        return low, 1.0, f"a generator that ends in {ending}"

    def check_batches(self, batches):
        size = batches.batch_size
        smallest = min(size, batches.num_used % size or size)
        for layer in self._flatten_layers():
            least = getattr(layer, "group_size", 1)
            if smallest < least:
                raise ValueError(
                    f"{layer.name} compares groups of {least} images, but a batch has {smallest} "
                    f"(batch_size={size}, {batches.num_used} examples): pass a batch_size of at "
                    f"least {least}, and leave out {batches.num_used % size} examples."
                )

    def sample(self, n, *, labels=None, seed=None, average=True):
        """New images.

        Args:
            n: int, number of images.
            labels: int array, shape `(n,)`, classes, of a model that is told them; `None` for
                equal shares of all. Defaults to `None`.
            seed: int, the same images (with the same weights) each time on every backend, or
                `None` for others. Defaults to `None`.
            average: bool, whether the averaged generator draws them, where there is one. Defaults
                to `True`.

        Returns:
            array, shape `(n, *image_shape)`, pixels as in the training data; or a dict of them,
            where the generator gives several.

        Raises:
            ValueError: when `n` is not a positive integer, or the labels do not fit.
        """
        return self.generate(self.sample_noise(n, seed), labels=labels, average=average)

    def sample_noise(self, n, seed=None):
        """Noise as `sample` draws it.

        Args:
            n: int, rows.
            seed: as in `sample`. Defaults to `None`.

        Returns:
            float32 array, shape `(n, noise_dim)`.

        Raises:
            ValueError: when `n` is not a positive integer.
        """
        check_positive_int("n", n)
        rng, shape = np.random.default_rng(seed), (n, self.noise_dim)
        drawn = rng.uniform(-1.0, 1.0, shape) if self.noise == "uniform" else rng.normal(size=shape)
        return drawn.astype("float32")

    def generate(self, noise, *, labels=None, average=True):
        """Images of noise.

        Args:
            noise: array or tensor, shape `(batch, noise_dim)`.
            labels: int array or tensor, shape `(batch,)`, as in `sample`. Defaults to `None`.
            average: bool, as in `sample`. Defaults to `True`.

        Returns:
            As `sample`: arrays for an array, tensors for a tensor.

        Raises:
            ValueError: when shapes do not fit, or the labels are not the model's.
        """
        network = self.average if average and self.average is not None else self.generator
        return self.run(network, self._noise_inputs(noise, labels))

    def _noise_inputs(self, noise, labels):
        """What a network of noise takes: noise, and with classes a dict with their one-hot rows."""
        if self.num_classes is None:
            if labels is not None:
                raise ValueError("this model knows no classes: leave labels out.")
            return noise
        if isinstance(noise, (list, tuple)):
            noise = np.asarray(noise, "float32")
        if labels is None:
            if not isinstance(noise.shape[0], int):
                raise ValueError("the batch has no size yet: pass labels.")
            labels = np.arange(noise.shape[0]) % self.num_classes
        if isinstance(labels, (list, tuple, np.ndarray)):
            labels = check_labels("labels", labels, 0, self.num_classes - 1)
            if len(labels) != noise.shape[0]:
                raise ValueError(
                    f"{len(labels)} labels for {noise.shape[0]} images: pass one for each."
                )
        if isinstance(noise, np.ndarray):
            one_hot = np.eye(self.num_classes, dtype="float32")[np.asarray(labels)]
        else:
            one_hot = ops.one_hot(labels, self.num_classes)
        return {"noise": noise, "label": one_hot}

    def realness(self, x):
        """Logits of images: how real the discriminator finds them, also while `fit` runs.

        Args:
            x: array, shape `(examples, *image_shape)`, of the first domain where there are two.

        Returns:
            float32 array, shape `(examples,)`; of a class-conditional model the greatest over the
            classes.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what it finds real.")

    def endpoints(self):
        shape = (None, self.noise_dim)
        specs = [keras.InputSpec(shape=shape, dtype="float32", name="noise")]
        if self.num_classes is not None:
            specs.append(keras.InputSpec(shape=(None,), dtype="int32", name="labels"))
        sample = lambda noise, labels=None: self.generate(noise, labels=labels)
        return super().endpoints() | {"sample": (sample, specs)}


def check_inputs(network, first, num_classes):
    """Refuses a network that does not take what the model gives it.

    Source: this library.

    Args:
        network: should be a `keras.Model` of one input, or with `num_classes` of a dict.
        first: str, name of the input beside "label".
        num_classes: int or `None`.

    Raises:
        ValueError: when it takes something else.
    """
    if not hasattr(network, "output_shape"):
        raise ValueError(f"{network} has no fixed shapes: pass a Functional or Sequential model.")
    inputs = ends(network)[0]
    if num_classes is None:
        if len(inputs) != 1 or "label" in inputs:
            raise ValueError(
                f"{network.name} takes a dict with {', '.join(sorted(inputs))}: without "
                f"num_classes it is given one tensor, {first}."
            )
        return
    if inputs.keys() != {first, "label"}:
        takes = "one tensor" if "" in inputs else f"a dict with {', '.join(sorted(inputs))}"
        raise ValueError(
            f"{network.name} takes {takes}, with num_classes={num_classes} it is given a dict with "
            f"{first!r} and 'label'."
        )
    check_shape(f"the input 'label' of {network.name}", inputs["label"].shape, (num_classes,))
