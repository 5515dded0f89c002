"""What StyleGAN and StyleGAN2 share: a mapping to styles, their mixture, mean and truncation."""

import keras
from keras import layers, ops

from ..engine import distribution
from ..engine.adversarial import update_average
from ..engine.checks import check_positive_int
from ..layers import EqualizedDense, PixelNormalization, StyleCodes
from ..layers.equalized import RELU_GAIN
from .gan import noise_and_label
from .style_space import PARTS, StyleSpace


class StyleBased(StyleSpace):
    """A GAN whose generator maps noise to a style w for each of its layers, and draws from these.

    Source: Karras et al. 2018, arXiv:1812.04948.

    Args:
        generator: `keras.Model` from noise to images with layers "mapping" (noise to w), "codes"
            (`keras_ae.layers.StyleCodes`) and "synthesis" (w of all layers to images).
        discriminator: as in `GAN`.
        mixing: float in [0, 1], share of images that are trained with two styles.
        average_images: float, images after which half of the moving average is new.
        ramp: float, the same as a share of the images seen so far, where that is less, or `None`.
        **kwargs: as in `GAN`.

    Raises:
        ValueError: when the generator lacks a part, or as `GAN` says.
    """

    def __init__(self, generator, discriminator, mixing, average_images, ramp, **kwargs):
        super().__init__(generator, discriminator, average_decay=0.999, **kwargs)
        if not 0 <= mixing <= 1:
            raise ValueError(f"mixing={mixing!r}: pass a share from 0 to 1.")
        if not average_images > 0:
            raise ValueError(f"average_images={average_images!r}: pass a positive number.")
        self.mixing, self.average_images, self.ramp = mixing, average_images, ramp

    # Parts of a training step --------------------------------------------------------------------

    def _styles(self, batch, label, training):
        """Styles of all layers, `(batch, num_styles, w_dim)`; with mixing from two codes."""
        mapping, codes, _ = (self.generator.get_layer(name) for name in PARTS)
        noise = lambda: {"noise": self._noise(batch), **label} if label else self._noise(batch)
        w = codes(mapping(noise(), training=training), training=training)
        if not training or not self.mixing:
            return w
        other = codes(mapping(noise(), training=training), training=False)
        draw = {"dtype": "float32", "seed": self.seed_generator}
        mixed = keras.random.uniform((batch, 1, 1), **draw) < self.mixing
        places = self._styles_in_use() - 1
        start = 1.0 + ops.floor(keras.random.uniform((batch, 1, 1), **draw) * places)
        later = ops.cast(ops.arange(self.num_styles), "float32")[None, :, None] >= start
        return ops.where(ops.logical_and(mixed, later), other, w)

    def _styles_in_use(self):
        """How many styles, from the first on, the images of the present side depend on."""
        return self.num_styles

    def _draw(self, w, training):
        """Images of the trained generator, of styles of all layers."""
        return self.generator.get_layer("synthesis")(w, training=training)

    def _generate(self, batch, label, training):
        return self._draw(self._styles(batch, label, training), training)

    def _follow(self, batch):
        """The averaged generator follows, half of the way in so many images."""
        batch = distribution.whole_batch(batch)
        half = ops.convert_to_tensor(float(self.average_images))
        if self.ramp is not None:
            seen = ops.cast(self.optimizer.iterations, "float32") * ops.cast(batch, "float32")
            half = ops.minimum(half, ops.maximum(self.ramp * seen, 1e-8))
        decay = 0.5 ** (ops.cast(batch, "float32") / half)
        for average, network in self._averaged():
            update_average(average, network, decay)


def mapping_network(noise_dim, w_dim, depth, num_classes=None, gain_of="kernel"):
    """Dense layers from noise to styles, trained at a hundredth of the learning rate.

    Source: Karras et al. 2018, arXiv:1812.04948, section 2 and appendix C; Karras et al. 2020,
    arXiv:1912.04958, appendix B (gains of activations); of classes Karras et al. 2020,
    arXiv:2006.06676, appendix.

    Args:
        noise_dim: int.
        w_dim: int, numbers in w.
        depth: int, dense layers.
        num_classes: int, or `None` for no classes. Defaults to `None`.
        gain_of: what is multiplied by sqrt(2), "kernel" (StyleGAN) or "output", bias included
            (StyleGAN2). Defaults to `"kernel"`.

    Returns:
        `keras.Model` from noise, or from a dict with "noise" and "label", to `(batch, w_dim)`.

    Raises:
        ValueError: when a number is not positive.
    """
    for name, number in (("noise_dim", noise_dim), ("w_dim", w_dim), ("depth", depth)):
        check_positive_int(name, number)
    if num_classes is None:
        inputs = noise = keras.Input((noise_dim,), name="noise")
        x = PixelNormalization()(noise)
    else:
        inputs = noise_and_label(noise_dim, num_classes)
        embedded = EqualizedDense(noise_dim, gain=1.0, name="embedding")(inputs["label"])
        x = [PixelNormalization()(each) for each in (inputs["noise"], embedded)]
        x = layers.Concatenate()(x)
    gains = {"kernel": (RELU_GAIN, 1.0), "output": (1.0, RELU_GAIN)}[gain_of]
    for _ in range(depth):
        x = layers.LeakyReLU(0.2)(EqualizedDense(w_dim, gains[0], lr_multiplier=0.01)(x))
        if gains[1] != 1.0:
            x = layers.Rescaling(gains[1])(x)
    return keras.Model(inputs, x, name="mapping")


def style_generator(mapping, synthesis):
    """Mapping, a style for each layer, synthesis: a generator as `StyleGAN2` takes it.

    Source: Karras et al. 2018, arXiv:1812.04948, figure 1.

    Args:
        mapping: `keras.Model`, named "mapping".
        synthesis: `keras.Model` from `(batch, num_styles, w_dim)` to images, named "synthesis", or
            from a dict with "w" and "fade", of a generator that grows.

    Returns:
        `keras.Model` of the mapping's inputs.
    """
    fresh = lambda each, name: keras.Input(each.shape[1:], name=name)
    if isinstance(mapping.input, dict):
        inputs = {name: fresh(each, name) for name, each in mapping.input.items()}
    else:
        inputs = fresh(mapping.input, "noise")
    w = mapping(inputs)  # (batch, w_dim)
    if not isinstance(synthesis.input, dict):
        w = StyleCodes(synthesis.input.shape[1], name="codes")(w)  # (batch, num_styles, w_dim)
        return keras.Model(inputs, synthesis(w), name="generator")
    w = StyleCodes(synthesis.input["w"].shape[1], name="codes")(w)
    fade = fresh(synthesis.input["fade"], "fade")
    images = synthesis({"w": w, "fade": fade})
    return keras.Model({"noise": inputs, "fade": fade}, images, name="generator")
