"""Any encoder with any decoder: a pyramid of maps between them.

Source: lecture, "Mixing and matching encoders and decoders".
"""

import keras
from keras import layers

from ..layers.upsampling import CropLike, PadToMultiple
from ..networks.pyramid import check_strides, strides
from ..networks.pyramid_decoder import pyramid_decoder
from .segmenter import Segmenter, check_image_shape


@keras.saving.register_keras_serializable("keras_ae")
class EncoderDecoder(Segmenter):
    """An encoder and a decoder for images of any size and any number of channels.

    Inside, an image is padded to multiples of the greatest stride, and the logits are cropped back.

    Source: lecture, "Mixing and matching encoders and decoders"; of the decoders
    `networks.pyramid_decoder.pyramid_decoder`.

    Args:
        encoder: `keras.Model` to a dict of maps "stride_1", "stride_2", ...: of `conv_pyramid`,
            `pyramid_encoder`, or your own. Build it with sides of `None`.
        decoder: "fcn", "segnet", "unet", "fpn", "linknet" or "psp", or a `keras.Model` from such a
            dict to logits of the size of the image.
        num_classes: int, 2 or more.
        image_shape: tuple `(height, width, channels)`, or `None` for that of the encoder. "psp" and
            the export need known sides. Defaults to `None`.
        width: int, channels of a decoder that is named. Defaults to `64`.
        frozen: bool, whether the encoder stays as it is, its batch normalisation included (the
            instance that is passed becomes untrainable). Defaults to `False`.
        loss: name, dict or function, as in `Segmenter`. Defaults to `"cross_entropy"`.
        void: int or `None`, as in `Segmenter`. Defaults to `None`.
        class_weights: sequence or `None`, as in `Segmenter`. Defaults to `None`.
        l2: float, as in `Segmenter`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when encoder and decoder do not fit each other or the image, or as `Segmenter`
            says.
    """

    def __init__(
        self,
        encoder,
        decoder,
        num_classes,
        image_shape=None,
        width=64,
        frozen=False,
        loss="cross_entropy",
        void=None,
        class_weights=None,
        l2=0.0,
        **kwargs,
    ):
        steps = strides(getattr(encoder, "output", None))
        check_strides(encoder)
        shape = tuple(encoder.input_shape[1:]) if image_shape is None else tuple(image_shape)
        check_image_shape(shape)
        if frozen:
            encoder.trainable = False
        image = keras.Input(shape, name="image")  # (batch, height, width, channels)
        padded = PadToMultiple(max(steps))(image)
        for have, want in zip(padded.shape[1:], encoder.input_shape[1:]):
            if None not in (have, want) and have != want:
                raise ValueError(
                    f"the encoder takes images of {tuple(encoder.input_shape[1:])}, those of "
                    f"{shape} are padded to {tuple(padded.shape[1:])}: build it with sides of None."
                )
        maps = encoder(padded)  # by stride
        head = decoder
        if isinstance(decoder, str):
            head = pyramid_decoder(decoder, maps, num_classes, width)
        elif head.output_shape[-1] != num_classes:
            raise ValueError(
                f"the decoder gives {head.output_shape[-1]} classes, num_classes is {num_classes}."
            )
        logits = layers.Activation("linear", name="logits")(CropLike(0)(head(maps), image))
        network = keras.Model(image, logits, name="encoder_decoder")
        super().__init__(network, loss, void, class_weights, l2, **kwargs)
        self.encoder, self.decoder, self.num_classes = encoder, decoder, num_classes
        self.image_shape = None if image_shape is None else shape
        self.width = width

    @property
    def frozen(self):
        """Whether the encoder stays as it is; after a change, compile again."""
        return not self.encoder.trainable

    @frozen.setter
    def frozen(self, value):
        self.encoder.trainable = not value
