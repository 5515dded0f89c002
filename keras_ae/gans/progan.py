"""ProGAN: a GAN that grows from 4 x 4 pixels to the last side.

Source: Karras et al. 2017, arXiv:1710.10196; lecture, "Progressively Growing GAN".

    generator        noise / rms -> 4x4; [double the side; two convolutions 3x3]; LeakyReLU 0.2 and
                     pixel normalisation behind each; a 1x1 convolution makes the image
    discriminator    its mirror, sides halved by means of 2x2; at 4x4 the deviation within groups
    critic           D(fake) - D(x) + 10 (|dD/dx| - 1)^2 + 0.001 D(x)^2
    weights          N(0, 1), scaled when they are used (equalised learning rate)
"""

import functools

import keras
from keras import layers

from .. import losses
from ..engine.checks import check_positive_int
from ..layers import (
    BiasedLeakyReLU,
    Blur2D,
    EqualizedConv2D,
    EqualizedDense,
    FadeIn,
    MinibatchStandardDeviation,
    PixelNormalization,
)
from ..layers.equalized import RELU_GAIN
from .growing import Growing
from .resolutions import START, channels_by_side


@keras.saving.register_keras_serializable("keras_ae")
class ProGAN(Growing):
    """A GAN that grows within one `fit`: `ProGAN(**progan_networks((32, 32, 1)))`.

    Terms: "discriminator", "generator", "gradient_penalty" and "drift", all in units of the
    critic's output. `sample` gives images of the last side at any time.

    Source: Karras et al. 2017, arXiv:1710.10196.

    Args:
        generator: `keras.Model`, as `progan_generator` builds it.
        discriminator: `keras.Model`, as `progan_discriminator` builds it.
        noise: "normal" or "uniform". Defaults to `"normal"`.
        start_side: int, side of the first images, pixels. Defaults to `4`.
        fade_images: int, images while which a new side is faded in. Defaults to `600_000`.
        stable_images: int, images before and after. Defaults to `600_000`.
        loss: name, as in `GAN`. Defaults to `"wasserstein"`.
        gradient_penalty: float, weight. Defaults to `10.0`.
        drift: float, weight of the square of what the critic gives real images. Defaults to
            `0.001`.
        average_decay: float or `None`, as in `GAN`. Defaults to `0.999`.
        augment: Keras layer, as in `GAN`. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when networks do not fit, or an argument is not known.
    """

    def __init__(
        self,
        generator,
        discriminator,
        noise="normal",
        start_side=4,
        fade_images=600_000,
        stable_images=600_000,
        loss="wasserstein",
        gradient_penalty=10.0,
        drift=0.001,
        average_decay=0.999,
        augment=None,
        **kwargs,
    ):
        super().__init__(
            generator,
            discriminator,
            start_side,
            fade_images,
            stable_images,
            loss=loss,
            noise=noise,
            gradient_penalty=gradient_penalty,
            average_decay=average_decay,
            augment=augment,
            terms={"drift": drift} if drift else {},
            **kwargs,
        )
        self.drift = drift

    @staticmethod
    def paper_optimizers(learning_rate=1e-3):
        """Those of the paper, for `compile`: Adam with betas 0 and 0.99, one for each network.

        Source: Karras et al. 2017, arXiv:1710.10196, appendix A.1.

        Args:
            learning_rate: float. Defaults to `1e-3`, the paper's.

        Returns:
            dict, name to `keras.optimizers.Adam`.
        """
        return adam_of_the_paper(learning_rate)

    def trained_now(self):
        players = {"discriminator": self.discriminator, "generator": self.generator}
        return {name: [self.grown(network)] for name, network in players.items()}

    def _averaged(self):
        return [(self.grown(self.average), self.grown(self.generator))]

    def _generate(self, batch, label, training):
        inputs = self._with_fade("noise", self._noise(batch))
        return self.grown(self.generator)(inputs, training=training)

    def _discriminator_terms(self, x, label, training):
        terms, real = super()._discriminator_terms(x, label, training)
        if self.drift:
            terms["drift"] = losses.drift(real)
        return terms, real

    def generate(self, noise, *, labels=None, average=True, fade=None):
        """As `GAN.generate`: images of the last side, whatever the present one.

        Args:
            noise: array or tensor, shape `(batch, noise_dim)`.
            labels: `None`.
            average: bool, as in `sample`. Defaults to `True`.
            fade: float in [0, 1], how far the present side is faded in, or `None` for as far as it
                is. Defaults to `None`.

        Returns:
            array or tensor, shape `(batch, *image_shape)`.

        Raises:
            ValueError: when shapes do not fit, or the fade is out of range.
        """
        if fade is not None and not 0 <= fade <= 1:
            raise ValueError(f"fade={fade!r}: pass 0 (the side before) to 1, or None.")
        network = self.average if average and self.average is not None else self.generator
        inputs = self._with_fade("noise", self._noise_inputs(noise, labels), fade)
        return self._full_size(self.run(self.grown(network), inputs))


def progan_networks(image_shape, noise_dim=512, width=8192, most=512, group_size=4):
    """The networks of the paper, for square images of any side 4 * 2^n.

    Source: Karras et al. 2017, arXiv:1710.10196, table 2.

    Args:
        image_shape: tuple `(side, side, channels)`, side 8, 16, 32 and so on.
        noise_dim: int. Defaults to `512`.
        width: int; maps of side n have 2 width / n channels. Defaults to `8192`.
        most: int, channels at most. Defaults to `512`.
        group_size: int, images that the discriminator compares. Defaults to `4`.

    Returns:
        dict with "generator" and "discriminator", the arguments of `ProGAN`.

    Raises:
        ValueError: when a size is not allowed.
    """
    return {
        "generator": progan_generator(image_shape, noise_dim, width, most),
        "discriminator": progan_discriminator(image_shape, width, most, group_size),
    }


def progan_generator(image_shape, noise_dim=512, width=8192, most=512):
    """From noise to images of every side, each mixed with the one before.

    Source: Karras et al. 2017, arXiv:1710.10196, table 2 and figure 2.

    Args:
        image_shape: tuple, as in `progan_networks`.
        noise_dim: int. Defaults to `512`.
        width: int, as in `progan_networks`. Defaults to `8192`.
        most: int. Defaults to `512`.

    Returns:
        `keras.Model` from a dict with "noise" `(batch, noise_dim)` and "fade" `(batch, 1)` to a
        dict with "image_4", "image_8" and so on; pixels are not bounded.

    Raises:
        ValueError: when a size is not allowed.
    """
    check_positive_int("noise_dim", noise_dim)
    (side, number), *more = channels_by_side(image_shape, width, most).items()
    normed = lambda x: PixelNormalization()(x)
    convolved = lambda x, number: normed(layers.LeakyReLU(0.2)(EqualizedConv2D(number)(x)))

    def to_image(x, side):
        return EqualizedConv2D(image_shape[-1], 1, gain=1.0, name=f"to_image_{side}")(x)

    noise, fade = keras.Input((noise_dim,), name="noise"), keras.Input((1,), name="fade")
    x = EqualizedDense(side * side * number, RELU_GAIN / 4, use_bias=False)(normed(noise))
    x = layers.Reshape((side, side, number))(x)
    x = normed(BiasedLeakyReLU(gain=1.0)(x))
    x = convolved(x, number)  # (batch, 4, 4, number)
    image = to_image(x, side)
    images = {f"image_{side}": image}
    for side, number in more:
        x = convolved(layers.UpSampling2D()(x), number)  # (batch, side, side, number)
        x = convolved(x, number)
        before, image = layers.UpSampling2D()(image), to_image(x, side)
        images[f"image_{side}"] = FadeIn()(before, image, fade)
    return keras.Model({"noise": noise, "fade": fade}, images, name="generator")


def progan_discriminator(image_shape, width=8192, most=512, group_size=4, blur=False):
    """From images of every side to logits, the first block mixed with what follows it.

    Source: Karras et al. 2017, arXiv:1710.10196, table 2 and figure 2; Karras et al. 2018,
    arXiv:1812.04948, section 2 (filtered before halving).

    Args:
        image_shape: tuple, as in `progan_networks`.
        width: int, as in `progan_networks`. Defaults to `8192`.
        most: int. Defaults to `512`.
        group_size: int, as in `progan_networks`. Defaults to `4`.
        blur: bool, a filter [1, 2, 1] before a side is halved, as StyleGAN has it. Defaults to
            `False`.

    Returns:
        `keras.Model` from a dict with "fade" `(batch, 1)`, "image_4", "image_8" and so on to a
        dict with "logit_4", "logit_8" and so on, `(batch, 1)`.

    Raises:
        ValueError: when a size is not allowed.
    """
    numbers = channels_by_side(image_shape, width, most)
    active = lambda layer: [layer, layers.LeakyReLU(0.2)]
    halve = layers.AveragePooling2D(2)
    chain = lambda x, parts: functools.reduce(lambda y, layer: layer(y), parts, x)
    blocks, from_image = {}, {}
    for side, number in numbers.items():
        from_image[side] = active(EqualizedConv2D(number, 1, name=f"from_image_{side}"))
        if side == START:
            blocks[side] = [
                MinibatchStandardDeviation(group_size),
                *active(EqualizedConv2D(number)),
                layers.Flatten(),
                *active(EqualizedDense(number)),
                EqualizedDense(1, gain=1.0, name="logit"),
            ]
            continue
        convolution, activation = active(EqualizedConv2D(numbers[side // 2]))
        ending = [Blur2D(), convolution, halve, activation]
        blocks[side] = [
            *active(EqualizedConv2D(number)),
            *(ending if blur else [convolution, activation, halve]),
        ]

    fade = keras.Input((1,), name="fade")
    shape = lambda side: (side, side, image_shape[-1])
    images = {side: keras.Input(shape(side), name=f"image_{side}") for side in numbers}
    logits = {}
    for side, image in images.items():
        x = chain(image, from_image[side])  # (batch, side, side, number)
        if side > START:
            before = chain(halve(image), from_image[side // 2])
            x = FadeIn()(before, chain(x, blocks[side]), fade)  # (batch, side / 2, ..., number)
            side //= 2
        while side >= START:
            x, side = chain(x, blocks[side]), side // 2
        logits[image.name.replace("image", "logit")] = x
    inputs = {image.name: image for image in images.values()}
    return keras.Model({**inputs, "fade": fade}, logits, name="discriminator")


def adam_of_the_paper(learning_rate):
    """Adam without momentum for each network.

    Source: Karras et al. 2017, arXiv:1710.10196, appendix A.1.

    Args:
        learning_rate: float.

    Returns:
        dict, name to `keras.optimizers.Adam`.
    """
    adam = lambda: keras.optimizers.Adam(learning_rate, beta_1=0.0, beta_2=0.99, epsilon=1e-8)
    return {"discriminator": adam(), "generator": adam()}
