"""Networks that grow while they are trained: from few pixels to many, each new side faded in.

Source: Karras et al. 2017, arXiv:1710.10196, section 2; lecture, "Progressively Growing GAN".

    generator        (1 - fade) * image of the side before, its pixels repeated  +  fade * image
    discriminator    (1 - fade) * features of the halved image  +  fade * those of the first block
    real images      (1 - fade) * the halved image, its pixels repeated  +  fade * image

Every side is built from the beginning, in one Functional model for each player. A step runs the
part that draws and judges images of one side alone: `grown`.
"""

import keras
import numpy as np
from keras import ops

from ..engine import distribution
from ..engine.checks import check_shape, ends
from .schedule import Scheduled

NEEDED = (
    "needed are networks of every side, as keras_ae.progan_networks or keras_ae.stylegan_networks "
    "builds them"
)


class Growing(Scheduled):
    """A GAN that grows, mixed into one with styles: `class StyleGAN(Growing, StyleBased)`.

    The generator takes "fade" beside its noise and gives a dict with "image_4", "image_8" and so
    on; the discriminator takes "fade" and such a dict, and gives "logit_4", "logit_8" and so on.

    Source: Karras et al. 2017, arXiv:1710.10196, section 2 and figure 2.

    Args:
        generator: `keras.Model` with images of every side.
        discriminator: `keras.Model` with logits of every side.
        start_side: int, side of the first images, pixels.
        fade_images: int, images while which a new side is faded in.
        stable_images: int, images before and after.
        **kwargs: as in `GAN`.

    Raises:
        ValueError: when networks do not fit, or an argument is not known.
    """

    def __init__(self, generator, discriminator, start_side, fade_images, stable_images, **kwargs):
        schedule = start_side, fade_images, stable_images
        super().__init__(generator, discriminator, *schedule, **kwargs)
        self._parts = _Parts()

    # Networks at the present level ---------------------------------------------------------------

    def check_generator(self, generator, num_classes):
        takes, gives = ends(generator)
        if "fade" not in takes or not all(name.startswith("image_") for name in gives):
            raise ValueError(f"{generator.name} {_does(takes, gives)}: {NEEDED}.")

    def check_discriminator(self, discriminator):
        drawn, (takes, gives) = ends(self.generator)[1], ends(discriminator)
        logits = {name.replace("image", "logit") for name in drawn}
        if takes.keys() != {*drawn, "fade"} or gives.keys() != logits:
            raise ValueError(f"{discriminator.name} {_does(takes, gives)}: {NEEDED}.")
        for name, image in drawn.items():
            check_shape(f"the generator's output {name!r}", image.shape, takes[name].shape[1:])
        return tuple(max((image.shape[1:] for image in drawn.values()), key=lambda s: s[0]))

    def grown(self, network):
        """The part of a network that draws or judges images of the present side.

        Args:
            network: `keras.Model` with outputs by side.

        Returns:
            `keras.Model` of the same layers, with one output.
        """
        return self._parts.get(network, self.side)

    def fade_now(self):
        """Share of the new path, a scalar tensor from 0 to 1."""
        if not self._level or not self.fade_images:
            return ops.ones((), "float32")
        seen = ops.cast(self.images_seen.value - self.level_start.value, "float32")
        return ops.minimum(seen / self.fade_images, 1.0)

    def _with_fade(self, name, x, fade=None):
        """Inputs of a network: `x` under a name, and the fade of each of its rows."""
        fade = self.fade_now() if fade is None else fade
        if isinstance(x, np.ndarray):
            return {name: x, "fade": np.full((len(x), 1), ops.convert_to_numpy(fade), "float32")}
        fade = ops.convert_to_tensor(fade, "float32")
        return {name: x, "fade": ops.broadcast_to(fade, (ops.shape(x)[0], 1))}

    def _shrunk(self, x):
        """Images of the present side, while it fades in mixed with those of the side before."""
        times = self.image_shape[0] // self.side
        x = _box(x, times)
        if not self._level or not self.fade_images:
            return x
        coarse = enlarged(_box(x, 2), 2)
        return coarse + self.fade_now() * (x - coarse)

    def _full_size(self, images):
        return enlarged(images, self.image_shape[0] // self.side)

    # What a GAN does -----------------------------------------------------------------------------

    def update(self, x, target, sample_weight):
        output = super().update(self._shrunk(x), target, sample_weight)
        images = distribution.whole_batch(ops.shape(x)[0])
        self.images_seen.assign_add(ops.cast(images, "int32"))
        return output

    def _judge(self, images, label, training):
        if training and self.augment is not None:
            images = self.augment(images, training=True)
        inputs = self._with_fade(f"image_{self.side}", images)
        return self.grown(self.discriminator)(inputs, training=training)  # (batch, 1)

    def call(self, x, training=False):
        return self._judge(self._shrunk(x), {}, training)

    def realness(self, x):
        return super().realness(self._shrunk(ops.convert_to_tensor(x)))

    def loss_terms(self, x, target, outputs, training):
        return super().loss_terms(self._shrunk(x), target, outputs, training)

    def target_range(self):
        return -1.0, 1.0, "a GAN that grows"


class _Parts:
    """Parts of networks by side. (Not a dict: Keras would save them as layers of the model.)"""

    def __init__(self):
        self.known = {}

    def get(self, network, side):
        key = id(network), side
        if key not in self.known:
            (output,) = [
                tensor for name, tensor in network.output.items() if name.endswith(f"_{side}")
            ]
            inputs = {
                name: tensor
                for name, tensor in network.input.items()
                if not name.startswith("image_") or name == f"image_{side}"
            }
            self.known[key] = keras.Model(inputs, output, name=f"{network.name}_{side}")
        return self.known[key]


def _does(takes, gives):
    named = lambda parts: "one tensor" if "" in parts else ", ".join(parts)
    return f"takes {named(takes)} and gives {named(gives)}"


def enlarged(x, times):
    """Images whose pixels are repeated.

    Source: Karras et al. 2017, arXiv:1710.10196, section 2 (nearest neighbour).

    Args:
        x: array or tensor, shape `(batch, height, width, channels)`.
        times: int.

    Returns:
        The same, shape `(batch, times * height, times * width, channels)`.
    """
    if times == 1:
        return x
    repeat = np.repeat if isinstance(x, np.ndarray) else ops.repeat
    return repeat(repeat(x, times, axis=1), times, axis=2)


def _box(x, times):
    """Means of squares of pixels."""
    return x if times == 1 else ops.average_pool(x, times, times, "valid")
