"""StyleGAN: a style for each layer instead of noise at the input, and noise for each pixel.

Source: Karras et al. 2018, arXiv:1812.04948; lecture, "Style-based GAN".

    w = mapping(z)                                        8 dense layers, a hundredth of the rate
    x = blur(conv(up(x))) or conv(x); + noise; + bias; LeakyReLU 0.2
    x = (s_0(w) + 1) (x - mean) / deviation + s_1(w)      a style for each layer, two for each side
    1. discriminator    -log D(x) - log(1 - D(fake)) + 10 / 2 |dD(x)/dx|^2
    2. generator        -log D(fake)

It grows as a ProGAN does, from 8 x 8 pixels; `start_side` of the last side keeps it from that.
"""

import keras
from keras import layers, ops

from ..layers import (
    AdaptiveInstanceNormalization,
    BiasedLeakyReLU,
    Blur2D,
    EqualizedConv2D,
    FadeIn,
    LearnedConstant,
    NoiseInjection,
)
from .growing import Growing
from .progan import adam_of_the_paper, progan_discriminator
from .resolutions import START, channels_by_side
from .style import StyleBased, mapping_network, style_generator
from .style_space import PARTS


@keras.saving.register_keras_serializable("keras_ae")
class StyleGAN(Growing, StyleBased):
    """The first style-based GAN: `StyleGAN(**stylegan_networks((32, 32, 1)))`.

    Terms: "discriminator" and "generator" (nats), "r1". `sample`, `map` and `synthesize` use the
    averaged generator and give images of the last side at any time.

    Source: Karras et al. 2018, arXiv:1812.04948.

    Args:
        generator: `keras.Model`, as `stylegan_generator` builds it.
        discriminator: `keras.Model`, as `progan_discriminator` builds it.
        noise: "normal" or "uniform". Defaults to `"normal"`.
        start_side: int, side of the first images, pixels; the last side for a model that does not
            grow. Defaults to `8`.
        fade_images: int, as in `ProGAN`. Defaults to `600_000`.
        stable_images: int, as in `ProGAN`. Defaults to `600_000`.
        r1: float, gamma. Defaults to `10.0`.
        mixing: float in [0, 1], share of images with two styles. Defaults to `0.9`.
        average_images: float, images after which half of the averaged generator is new. Defaults to
            `10_000`.
        ramp: float, the same as a share of the images seen so far, where that is less, or `None`.
            Defaults to `None`.
        augment: Keras layer, as in `GAN`. Defaults to `None`.
        loss: name, as in `GAN`; "wasserstein" with `gradient_penalty=10.0` and `r1=0.0` is what the
            paper trains with on CelebA-HQ. Defaults to `"non_saturating"`.
        gradient_penalty: float, weight, as in `GAN`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when networks do not fit, or an argument is not known.
    """

    def __init__(
        self,
        generator,
        discriminator,
        noise="normal",
        start_side=8,
        fade_images=600_000,
        stable_images=600_000,
        r1=10.0,
        mixing=0.9,
        average_images=10_000,
        ramp=None,
        augment=None,
        loss="non_saturating",
        gradient_penalty=0.0,
        **kwargs,
    ):
        super().__init__(
            generator,
            discriminator,
            start_side,
            fade_images,
            stable_images,
            mixing=mixing,
            average_images=average_images,
            ramp=ramp,
            loss=loss,
            noise=noise,
            gradient_penalty=gradient_penalty,
            r1=r1,
            augment=augment,
            **kwargs,
        )

    @staticmethod
    def paper_optimizers(learning_rate=1e-3):
        """Those of the paper, for `compile`: Adam with betas 0 and 0.99, one for each network.

        Source: Karras et al. 2018, arXiv:1812.04948, appendix C (1e-3 up to 64 pixels, 1.5e-3,
            2e-3 and 3e-3 above).

        Args:
            learning_rate: float. Defaults to `1e-3`.

        Returns:
            dict, name to `keras.optimizers.Adam`.
        """
        return adam_of_the_paper(learning_rate)

    # One training step ---------------------------------------------------------------------------

    def _synthesis(self, network):
        return self.grown(network.get_layer("synthesis"))

    def trained_now(self):
        drawing = [self.generator.get_layer("mapping"), self._synthesis(self.generator)]
        return {"discriminator": [self.grown(self.discriminator)], "generator": drawing}

    def _averaged(self):
        pair = self.average, self.generator
        whole = [tuple(each.get_layer(name) for each in pair) for name in PARTS[:2]]
        return [*whole, tuple(map(self._synthesis, pair))]

    def _styles_in_use(self):
        return 2 * (self.side // START).bit_length()

    def _draw(self, w, training):
        return self._synthesis(self.generator)(self._with_fade("w", w), training=training)

    def synthesize(self, w, *, average=True):
        """As `StyleBased.synthesize`: images of the last side, whatever the present one."""
        network = self.average if average else self.generator
        return self._full_size(self.run(self._synthesis(network), self._with_fade("w", w)))


def stylegan_networks(
    image_shape, noise_dim=512, w_dim=512, depth=8, width=8192, most=512, group_size=4
):
    """The networks of the paper, for square images of any side 4 * 2^n.

    Source: Karras et al. 2018, arXiv:1812.04948, figure 1 and appendix C.

    Args:
        image_shape: tuple `(side, side, channels)`, side 8, 16, 32 and so on.
        noise_dim: int. Defaults to `512`.
        w_dim: int, numbers in a style. Defaults to `512`.
        depth: int, dense layers from noise to style. Defaults to `8`.
        width: int; maps of side n have 2 width / n channels. Defaults to `8192`.
        most: int, channels at most. Defaults to `512`.
        group_size: int, images that the discriminator compares. Defaults to `4`.

    Returns:
        dict with "generator" and "discriminator", the arguments of `StyleGAN`.

    Raises:
        ValueError: when a size is not allowed.
    """
    return {
        "generator": stylegan_generator(image_shape, noise_dim, w_dim, depth, width, most),
        "discriminator": progan_discriminator(image_shape, width, most, group_size, blur=True),
    }


def stylegan_generator(image_shape, noise_dim=512, w_dim=512, depth=8, width=8192, most=512):
    """Mapping, and a synthesis network that draws images of every side.

    Source: Karras et al. 2018, arXiv:1812.04948, figure 1b and section 2.

    Args:
        image_shape: tuple, as in `stylegan_networks`.
        noise_dim: int. Defaults to `512`.
        w_dim: int. Defaults to `512`.
        depth: int. Defaults to `8`.
        width: int, as in `stylegan_networks`. Defaults to `8192`.
        most: int. Defaults to `512`.

    Returns:
        `keras.Model` from a dict with "noise" `(batch, noise_dim)` and "fade" `(batch, 1)` to a
        dict with "image_4", "image_8" and so on; pixels are not bounded.

    Raises:
        ValueError: when a size is not allowed.
    """
    (side, number), *more = channels_by_side(image_shape, width, most).items()
    styles = keras.Input((2 * (1 + len(more)), w_dim), name="w")
    fade = keras.Input((1,), name="fade")
    convolution = lambda number: EqualizedConv2D(number, use_bias=False)

    def to_image(x, side):
        return EqualizedConv2D(image_shape[-1], 1, gain=1.0, name=f"to_image_{side}")(x)

    def styled(x, index):
        x = BiasedLeakyReLU(gain=1.0)(NoiseInjection(per_channel=True)(x))
        return AdaptiveInstanceNormalization()(x, ops.take(styles, index, axis=1))

    x = styled(LearnedConstant((side, side, number))(styles), 0)
    x = styled(convolution(number)(x), 1)  # (batch, 4, 4, number)
    image = to_image(x, side)
    images, index = {f"image_{side}": image}, 2
    for side, number in more:
        x = Blur2D()(convolution(number)(layers.UpSampling2D()(x)))
        x = styled(x, index)  # (batch, side, side, number)
        x = styled(convolution(number)(x), index + 1)
        before, image = layers.UpSampling2D()(image), to_image(x, side)
        images[f"image_{side}"] = FadeIn()(before, image, fade)
        index += 2
    synthesis = keras.Model({"w": styles, "fade": fade}, images, name="synthesis")
    return style_generator(mapping_network(noise_dim, w_dim, depth), synthesis)
