"""StyleGAN2: styles scale kernels instead of maps, and nothing grows.

Source: Karras et al. 2020, arXiv:1912.04958; lecture, "Improved Style-based GAN".

    w = mapping(z)                                   8 dense layers; one w for every layer
    x = conv(x, kernel * s(w) / norm) + noise; bias; LeakyReLU * sqrt(2)
    image = sum over resolutions of up(toRGB(x))     the skip generator
    1. discriminator    -log D(x) - log(1 - D(fake));   in every 16th step gamma/2 |dD(x)/dx|^2
    2. generator        -log D(fake);                   in every 4th step (|J^T y| - a)^2

What has a turn in every k-th step only is multiplied by k, and the optimizer's rate and decays are
taken to the power k / (k + 1): `StyleGAN2.paper_optimizers`.
"""

import itertools
import math

import keras
from keras import layers, ops

from .. import losses
from ..engine.checks import check_positive_int
from ..layers import (
    BiasedLeakyReLU,
    EqualizedConv2D,
    EqualizedDense,
    FIRUpsampling2D,
    LearnedConstant,
    MinibatchStandardDeviation,
    ModulatedConv2D,
    NoiseInjection,
)
from .resolutions import channels_by_side
from .style import StyleBased, mapping_network, style_generator


@keras.saving.register_keras_serializable("keras_ae")
class StyleGAN2(StyleBased):
    """The second style-based GAN: `StyleGAN2(**stylegan2_networks((64, 64, 3)))`.

    For small images (32 x 32) the authors have another configuration:
    `StyleGAN2(**stylegan2_networks((32, 32, 3), depth=2), **StyleGAN2.small_images)`.
    (Its weight of R1, 0.01, is for tens of millions of images; short runs go farther with 1.0.)

    Terms: "discriminator" and "generator" (nats), "r1" and "path_length" (means over the steps in
    which they had their turn). `sample`, `map` and `synthesize` use the averaged generator.

    Source: Karras et al. 2020, arXiv:1912.04958 (configuration F); `small_images` and
    `automatic_r1`: Karras et al. 2020, arXiv:2006.06676, appendix (training configurations).

    Args:
        generator: `keras.Model`, as `stylegan2_generator` builds it.
        discriminator: `keras.Model` from images to one logit, or from a dict with "image" and
            "label".
        noise: "normal" or "uniform". Defaults to `"normal"`.
        num_classes: int, for `fit(x, labels)`, or `None`. Defaults to `None`.
        r1: float, gamma. Defaults to `10.0`.
        r1_every: int, steps. Defaults to `16`.
        path_length: float, weight; 0 for none. Defaults to `2.0`.
        path_every: int, steps. Defaults to `4`.
        path_decay: float, share by which the mean length moves in a turn. Defaults to `0.01`.
        mixing: float in [0, 1], share of images with two styles. Defaults to `0.9`.
        average_images: float, images after which half of the averaged generator is new. Defaults to
            `10_000`.
        ramp: float, the same as a share of the images seen so far, where that is less, or `None`.
            Defaults to `0.05`.
        augment: Keras layer, as in `GAN`. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when networks do not fit, or an argument is not known.
    """

    small_images = {"r1": 0.01, "path_length": 0.0, "mixing": 0.0}

    @staticmethod
    def automatic_r1(side, batch_size):
        """R1's weight for a size of images and of batches: 0.0002 side^2 / batch_size.

        Source: Karras et al. 2020, arXiv:2006.06676, appendix (training configurations).

        Args:
            side: int, of the images, pixels.
            batch_size: int.

        Returns:
            float, the argument `r1`.
        """
        return 0.0002 * side**2 / batch_size

    def __init__(
        self,
        generator,
        discriminator,
        noise="normal",
        num_classes=None,
        r1=10.0,
        r1_every=16,
        path_length=2.0,
        path_every=4,
        path_decay=0.01,
        mixing=0.9,
        average_images=10_000,
        ramp=0.05,
        augment=None,
        **kwargs,
    ):
        super().__init__(
            generator,
            discriminator,
            mixing,
            average_images,
            ramp,
            terms={"path_length": path_length} if path_length else {},
            noise=noise,
            num_classes=num_classes,
            r1=r1,
            augment=augment,
            **kwargs,
        )
        check_positive_int("r1_every", r1_every)
        check_positive_int("path_every", path_every)
        if not 0 < path_decay <= 1:
            raise ValueError(f"path_decay={path_decay!r}: pass a share above 0, up to 1.")
        self.r1_every, self.path_length, self.path_every = r1_every, path_length, path_every
        self.path_decay = path_decay
        self.mean_length = self.add_weight((), "zeros", trainable=False, name="mean_length")

    def paper_optimizers(self, learning_rate=2e-3):
        """Adam for each network, rate and decays corrected for what is computed now and then.

        Source: Karras et al. 2020, arXiv:1912.04958, appendix B (lazy regularisation).

        Args:
            learning_rate: float. Defaults to `2e-3`.

        Returns:
            dict, name to `keras.optimizers.Adam`.
        """

        def adam(interval):
            share = interval / (interval + 1)
            return keras.optimizers.Adam(
                learning_rate * share, beta_1=0.0, beta_2=0.99**share, epsilon=1e-8
            )

        plain = keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.99, epsilon=1e-8)
        return {
            "discriminator": adam(self.r1_every) if self.r1 else plain,
            "generator": adam(self.path_every) if self.path_length else plain,
        }

    # One training step ---------------------------------------------------------------------------

    def update(self, x, target, sample_weight):
        label, batch = self._label(target), ops.shape(x)[0]

        def judge():
            fake = ops.stop_gradient(self._generate(batch, label, True))
            real = self._judge(x, label, True)
            pay = losses.ADVERSARIAL_LOSSES[self.loss][0]
            terms = {"discriminator": pay(real, self._judge(fake, label, True))}
            return self.total(terms, sample_weight), {**terms, "output": real}

        def flatten():
            critic = lambda images: self._judge(images, label, True)  # (batch, 1)
            terms = {"r1": losses.zero_centered_penalty(critic, x)}
            return self.r1_every * self.total(terms, sample_weight), terms

        def deceive():
            terms = self._generator_terms(x, label, True)
            return self.total(terms, sample_weight), terms

        def straighten():
            few = {name: rows[: (batch + 1) // 2] for name, rows in label.items()}
            terms = self._path_terms((batch + 1) // 2, few, True)
            return self.path_every * self.total(terms, None), terms

        turn = lambda name, function: self.log(self.minimize(name, function), x)
        terms = self.minimize("discriminator", judge)
        self._observe(terms["output"])
        if self.r1:
            self.every(self.r1_every, lambda: turn("discriminator", flatten))
        terms |= self.minimize("generator", deceive)
        if self.path_length:
            self.every(self.path_every, lambda: turn("generator", straighten))
        self._follow(batch)
        self.log(terms, x, sample_weight)
        if self.num_classes is not None and self._compile_metrics is not None:
            return self(x, training=False)  # as `evaluate`, not of the class that it was told
        return terms["output"]

    def _path_terms(self, batch, label, training):
        """(|J^T y| - a)^2, a being the mean of lengths in training."""
        synthesis = self.generator.get_layer("synthesis")
        noise = keras.random.normal((batch, *self.image_shape), seed=self.seed_generator)
        w = self._styles(batch, label, training)
        draw = lambda styles: synthesis(styles, training=training)
        lengths = losses.path_lengths(draw, w, noise)  # (batch,)
        mean = ops.convert_to_tensor(self.mean_length)
        if training:
            seen = ops.stop_gradient(ops.mean(lengths))
            mean = mean + self.path_decay * (seen - mean)
            self.mean_length.assign(mean)
        return {"path_length": (lengths - mean) ** 2}

    def loss_terms(self, x, target, outputs, training):
        terms = super().loss_terms(x, target, outputs, training)
        if self.path_length:
            terms |= self._path_terms(ops.shape(x)[0], self._label(target), training)
        return terms


def stylegan2_networks(
    image_shape,
    noise_dim=512,
    w_dim=512,
    depth=8,
    width=16384,
    most=512,
    num_classes=None,
    group_size=4,
):
    """The networks of the paper, for square images of any side 4 * 2^n.

    Source: Karras et al. 2020, arXiv:1912.04958, figure 7 and appendix B (configuration F).

    Args:
        image_shape: tuple `(side, side, channels)`, side 8, 16, 32 and so on.
        noise_dim: int. Defaults to `512`.
        w_dim: int, numbers in a style. Defaults to `512`.
        depth: int, dense layers from noise to style. Defaults to `8`.
        width: int; maps of side n have 2 width / n channels. Defaults to `16384`.
        most: int, channels at most. Defaults to `512`.
        num_classes: int, or `None`. Defaults to `None`.
        group_size: int, images that the discriminator compares. Defaults to `4`.

    Returns:
        dict with "generator" and "discriminator", the arguments of `StyleGAN2`.

    Raises:
        ValueError: when a size is not allowed.
    """
    sizes = {"width": width, "most": most, "num_classes": num_classes}
    return {
        "generator": stylegan2_generator(image_shape, noise_dim, w_dim, depth, **sizes),
        "discriminator": stylegan2_discriminator(image_shape, **sizes, group_size=group_size),
    }


def stylegan2_generator(
    image_shape, noise_dim=512, w_dim=512, depth=8, width=16384, most=512, num_classes=None
):
    """Mapping and skip generator.

    Source: Karras et al. 2020, arXiv:1912.04958, figures 2c and 7b.

    Args:
        image_shape: tuple, as in `stylegan2_networks`.
        noise_dim: int. Defaults to `512`.
        w_dim: int. Defaults to `512`.
        depth: int. Defaults to `8`.
        width: int, as in `stylegan2_networks`. Defaults to `16384`.
        most: int. Defaults to `512`.
        num_classes: int or `None`. Defaults to `None`.

    Returns:
        `keras.Model` from `(batch, noise_dim)`, or from a dict with "noise" and "label", to images;
        pixels are not bounded.

    Raises:
        ValueError: when a size is not allowed.
    """
    sides, channels = channels_by_side(image_shape, width, most), image_shape[-1]
    styles = keras.Input((2 * len(sides), w_dim), name="w")

    def styled(x, index, number, up=False):
        x = ModulatedConv2D(number, up=up)(x, ops.take(styles, index, axis=1))
        return BiasedLeakyReLU()(NoiseInjection()(x))

    def to_image(x, index):
        x = ModulatedConv2D(channels, 1, demodulate=False)(x, ops.take(styles, index, axis=1))
        return BiasedLeakyReLU(1.0, slope=1.0)(x)

    (side, number), *more = sides.items()
    start = keras.initializers.RandomNormal(0.0, 1.0)
    x = LearnedConstant((side, side, number), start)(styles)
    x = styled(x, 0, number)  # (batch, 4, 4, number)
    image, index = to_image(x, 1), 1
    for _, number in more:
        x = styled(x, index, number, up=True)  # (batch, side, side, number)
        x = styled(x, index + 1, number)
        image = layers.Add()([FIRUpsampling2D()(image), to_image(x, index + 2)])
        index += 2
    synthesis = keras.Model(styles, image, name="synthesis")
    mapping = mapping_network(noise_dim, w_dim, depth, num_classes, gain_of="output")
    return style_generator(mapping, synthesis)


def stylegan2_discriminator(image_shape, width=16384, most=512, num_classes=None, group_size=4):
    """Residual blocks, the deviation within groups of images, two dense layers.

    With classes it has a logit for each of them, and that of the label counts.

    Source: Karras et al. 2020, arXiv:1912.04958, figure 7c; of classes Mescheder et al. 2018,
    arXiv:1801.04406, appendix.

    Args:
        image_shape: tuple, as in `stylegan2_networks`.
        width: int, as in `stylegan2_networks`. Defaults to `16384`.
        most: int. Defaults to `512`.
        num_classes: int or `None`. Defaults to `None`.
        group_size: int, as in `stylegan2_networks`. Defaults to `4`.

    Returns:
        `keras.Model` from images, or from a dict with "image" and "label", to `(batch, 1)`.

    Raises:
        ValueError: when a size is not allowed.
    """
    sides = channels_by_side(image_shape, width, most)
    convolution = lambda number, size=3, **kwargs: EqualizedConv2D(
        number, size, gain=1.0, use_bias=False, **kwargs
    )
    numbers = list(sides.values())[::-1]
    image = keras.Input(image_shape, name="image")
    x = BiasedLeakyReLU()(convolution(numbers[0], 1)(image))
    for number, after in itertools.pairwise(numbers):
        skip = convolution(after, 1, down=True)(x)
        x = BiasedLeakyReLU()(convolution(number)(x))
        x = BiasedLeakyReLU()(convolution(after, down=True)(x))  # (batch, side / 2, ..., after)
        x = layers.Rescaling(1.0 / math.sqrt(2))(layers.Add()([x, skip]))
    x = MinibatchStandardDeviation(group_size)(x)
    x = BiasedLeakyReLU()(convolution(numbers[-1])(x))
    dense = lambda number: EqualizedDense(number, gain=1.0, use_bias=False)
    x = BiasedLeakyReLU()(dense(numbers[-1])(layers.Flatten()(x)))
    if num_classes is None:
        logit = EqualizedDense(1, gain=1.0, name="logit")(x)
        return keras.Model(image, logit, name="discriminator")
    label = keras.Input((num_classes,), name="label")
    every = EqualizedDense(num_classes, gain=1.0)(x)
    logit = layers.Dot(1, name="logit")([every, label])
    return keras.Model({"image": image, "label": label}, logit, name="discriminator")
