"""Fully convolutional networks: a classifier turned into a map, coarse, and then with skips.

Source: Long et al. 2015, arXiv:1411.4038; lecture, "Extending the concept" (coarse segmentation,
skip connections).

    32s   VGG16, fc6 as conv 7x7, fc7 as conv 1x1, score 1x1, upsampled 32 times
    16s   the score upsampled 2 times + score of pool4, upsampled 16 times
    8s    that upsampled 2 times + score of pool3, upsampled 8 times

The first convolution pads 100, so that any image is large enough; crops (19; 5, 27; 5, 9, 31) align
the maps with the image again.
"""

import math

import keras
from keras import layers

from ..engine.checks import check_positive, check_positive_int, check_rate
from ..layers.upsampling import BilinearInitializer, BilinearUpsampling2D, CropLike
from .segmenter import Segmenter, check_image_shape

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions
OFFSETS = {32: (19,), 16: (5, 27), 8: (5, 9, 31)}


@keras.saving.register_keras_serializable("keras_ae")
class FCN(Segmenter):
    """FCN-32s, FCN-16s or FCN-8s.

    The paper trains in stages: 32s from a classifier, 16s from 32s, 8s from 16s. `transplant` takes
    over what another network has: `fcn.transplant(keras.applications.VGG16())` (images then go
    through `keras.applications.vgg16.preprocess_input`), `fcn16.transplant(fcn32)`.

    Source: Long et al. 2015, arXiv:1411.4038, section 4.

    Args:
        image_shape: tuple `(height, width, channels)`; sides may be `None`.
        num_classes: int, 2 or more.
        stride: 32, 16 or 8. Defaults to `8`.
        width: float, by how much all channels of VGG16 and of the two dense layers (4096) are
            multiplied, for small machines. Defaults to `1.0`.
        dropout: float in [0, 1), after both dense layers. Defaults to `0.5`.
        learned_upsampling: bool, whether the transposed convolutions, which start bilinear, are
            trained. Defaults to `False`.
        seed: int, of the dropout. Defaults to `0`.
        loss: name, dict or function, as in `Segmenter`. Defaults to `"cross_entropy"`.
        void: int or `None`, as in `Segmenter`. Defaults to `None`.
        class_weights: sequence or `None`, as in `Segmenter`. Defaults to `None`.
        l2: float, as in `Segmenter`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when an argument is out of range, or as `Segmenter` says.
    """

    def __init__(
        self,
        image_shape,
        num_classes,
        stride=8,
        width=1.0,
        dropout=0.5,
        learned_upsampling=False,
        seed=0,
        loss="cross_entropy",
        void=None,
        class_weights=None,
        l2=0.0,
        **kwargs,
    ):
        network = _network(
            image_shape, num_classes, stride, width, dropout, learned_upsampling, seed
        )
        super().__init__(network, loss, void, class_weights, l2, **kwargs)
        self.image_shape, self.num_classes, self.stride = tuple(image_shape), num_classes, stride
        self.width, self.dropout, self.seed = width, dropout, seed
        self.learned_upsampling = learned_upsampling

    def transplant(self, source):
        """Takes over the weights of layers that another network has under the same name.

        Source: Long et al. 2015, arXiv:1411.4038, section 4.1 (dense layers as convolutions).

        Args:
            source: `FCN`, or a VGG16 of `keras.applications`, with its dense layers or without.

        Returns:
            list of the names of the layers that were taken over.

        Raises:
            ValueError: when nothing fits, or a layer has another size; then nothing has changed.
        """
        network = source.network if isinstance(source, FCN) else source
        theirs = {{"fc1": "fc6", "fc2": "fc7"}.get(x.name, x.name): x for x in network.layers}
        found = {}
        for layer in self.network.layers:
            if not layer.weights or layer.name not in theirs:
                continue
            values = theirs[layer.name].get_weights()
            shape = tuple(layer.kernel.shape)
            if values[0].ndim == 2 and values[0].size == math.prod(shape):
                values[0] = values[0].reshape(shape)  # dense, of a map flattened in C order
            if [v.shape for v in values] != [tuple(w.shape) for w in layer.weights]:
                raise ValueError(
                    f"{layer.name} has weights {[tuple(w.shape) for w in layer.weights]}, that of "
                    f"{network.name} {[v.shape for v in values]}: pass one of equal width, "
                    "channels and classes."
                )
            found[layer] = values
        if not found:
            raise ValueError(
                f"{network.name} has no layer of {self.network.name}: pass an FCN or "
                "keras.applications.VGG16."
            )
        for layer, values in found.items():
            layer.set_weights(values)
        return [layer.name for layer in found]


def _network(image_shape, num_classes, stride, width, dropout, learned, seed):
    check_image_shape(image_shape)
    check_positive_int("num_classes", num_classes)
    check_positive("width", width)
    if stride not in OFFSETS:
        raise ValueError(f"stride={stride!r}: pass 32, 16 or 8.")
    check_rate("dropout", dropout)
    scaled = lambda channels: max(1, round(width * channels))

    def score(x, name):
        return layers.Conv2D(num_classes, 1, kernel_initializer="zeros", name=name)(x)

    def up(x, factor, name):
        if not learned:
            return BilinearUpsampling2D(factor, name=name)(x)
        return layers.Conv2DTranspose(
            num_classes,
            2 * factor,
            factor,
            use_bias=False,
            kernel_initializer=BilinearInitializer(),
            name=name,
        )(x)

    inputs = keras.Input(image_shape, name="image")  # (batch, height, width, channels)
    x = layers.ZeroPadding2D(99)(inputs)  # with the 1 of "same": 100
    pools = {}
    for number, (channels, depth) in enumerate(STAGES, 1):
        for place in range(1, depth + 1):
            conv = layers.Conv2D(
                scaled(channels),
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"block{number}_conv{place}",
            )
            x = conv(x)
        pools[number] = x = layers.MaxPooling2D(2, padding="same", name=f"block{number}_pool")(x)
    for name, size in (("fc6", 7), ("fc7", 1)):
        x = layers.Conv2D(
            scaled(4096), size, activation="relu", kernel_initializer="he_normal", name=name
        )(x)
        x = layers.Dropout(dropout, seed=seed + size, name=f"{name}_dropout")(x)
    x = score(x, "score")  # (batch, about height / 32, width / 32, num_classes)
    *crops, last = OFFSETS[stride]
    for crop, level in zip(crops, (4, 3)):
        x = up(x, 2, f"up_to_pool{level}")
        skip = CropLike(crop)(score(pools[level], f"score_pool{level}"), x)
        x = layers.Add()([x, skip])
    x = CropLike(last)(up(x, stride, f"up_{stride}"), inputs)  # (batch, height, width, num_classes)
    return keras.Model(inputs, x, name=f"fcn{stride}s")
