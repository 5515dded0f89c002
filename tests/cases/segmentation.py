"""Cases of keras_ae/segmentation."""

import keras

import keras_ae

from .case import Case, pixels


def label_maps(shape, num_classes=3, void=None):
    """Images, and classes that their brightness tells."""

    def data(rng, examples):
        (x,) = pixels(rng, examples, shape)
        y = (x.mean(axis=-1) * num_classes).astype("int32")
        if void is not None:
            y[:, 0] = void
        return x, y

    return data


def plain_cross_entropy(target, logits):
    """A user's own loss of label maps."""
    return keras_ae.losses.cross_entropy(target, logits, void=9)


keras.saving.register_keras_serializable("tests")(plain_cross_entropy)


def own_network():
    image = keras.Input((5, 6, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(image)
    return keras.Model(image, keras.layers.Conv2D(3, 1)(x))


# off their defaults, for every segmentation network
WEIGHED = {"class_weights": (1.0, 2.0, 0.5), "void": 9, "l2": 1e-3}


def unet(image_shape=(20, 18, 2), num_classes=3, filters=(3, 4), **kwargs):
    return keras_ae.UNet(image_shape, num_classes, filters, **kwargs)


def segnet(image_shape=(11, 8, 1), num_classes=3, filters=((3,), (4, 3)), **kwargs):
    return keras_ae.SegNet(image_shape, num_classes, filters, **kwargs)


def fc_densenet(image_shape=(7, 8, 3), blocks=(1, 2, 1), **kwargs):
    return keras_ae.FCDenseNet(image_shape, 3, 2, blocks, stem=3, **kwargs)


def fcn(stride=8, width=1 / 64, **kwargs):
    return keras_ae.FCN((12, 10, 3), 3, stride, width=width, **kwargs)


def encoder_decoder(decoder="unet", image_shape=(7, 9, 2), **kwargs):
    encoder = keras_ae.conv_pyramid((None, None, 2), (3, 4), depth=1)
    return keras_ae.EncoderDecoder(encoder, decoder, 3, image_shape, width=2, **kwargs)


CASES = [
    Case(
        name="segmentation_unet",
        whole=True,
        build=lambda: unet(
            dropout=0.2, seed=3, loss={"cross_entropy": 1.0, "dice": 0.5}, **WEIGHED
        ),
        data=label_maps((20, 18, 2), void=9),
    ),
    Case(
        name="segmentation_unet_same",
        build=lambda: unet((7, 6, 1), padding="same", loss="lovasz"),
        data=label_maps((7, 6, 1)),
    ),
    Case(
        name="segmentation_segnet",
        whole=True,
        build=lambda: segnet(loss="focal", **WEIGHED),
        data=label_maps((11, 8, 1), void=9),
    ),
    Case(
        name="segmentation_segnet_add",
        build=lambda: segnet(up="add"),
        data=label_maps((11, 8, 1)),
    ),
    Case(
        name="segmentation_fc_densenet",
        whole=True,
        build=lambda: fc_densenet(dropout=0.1, seed=2, loss="jaccard", **WEIGHED),
        data=label_maps((7, 8, 3), void=9),
    ),
    Case(
        name="segmentation_fcn",
        whole=True,
        deviation=0.12,
        build=lambda: fcn(
            16,
            1 / 32,  # of one channel PyTorch trains no bfloat16 kernel on CPUs without AVX-512
            dropout=0.1,
            learned_upsampling=True,
            seed=4,
            loss="tversky",
            **WEIGHED,
        ),
        data=label_maps((12, 10, 3), void=9),
    ),
    Case(
        name="segmentation_encoder_decoder",
        whole=True,
        build=lambda: encoder_decoder(loss="dice", **WEIGHED),
        data=label_maps((7, 9, 2), void=9),
    ),
    Case(
        name="segmentation_frozen",
        build=lambda: encoder_decoder("fpn", frozen=True),
        data=label_maps((7, 9, 2)),
    ),
    Case(
        name="segmentation_network",
        whole=True,
        build=lambda: keras_ae.Segmenter(own_network(), plain_cross_entropy, void=9, l2=1e-3),
        data=label_maps((5, 6, 1), void=9),
    ),
    Case(
        name="segmentation_weighted",
        build=lambda: keras_ae.Segmenter(own_network(), class_weights=(1.0, 2.0, 0.5)),
        data=label_maps((5, 6, 1)),
    ),
]
