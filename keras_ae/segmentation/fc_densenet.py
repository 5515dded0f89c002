"""FC-DenseNet, the "one hundred layers Tiramisu".

Source: Jégou et al. 2017, arXiv:1611.09326, tables 1 and 2; lecture, "FC-DenseNet103".

    layer      batch norm, ReLU, conv 3x3 (growth rate), dropout; a block concatenates its layers
    down       batch norm, ReLU, conv 1x1, dropout, max pooling 2x2
    up         transposed conv 3x3, stride 2, of only the new maps of the block below; concat
"""

import keras
from keras import layers

from ..engine.checks import check_positive_int, check_rate
from ..layers.normalization import BatchNormalization
from ..layers.upsampling import CropLike
from .segmenter import Segmenter, check_image_shape

PRESETS = {
    56: {"growth_rate": 12, "blocks": (4,) * 11},
    67: {"growth_rate": 16, "blocks": (5,) * 11},
    103: {"growth_rate": 16, "blocks": (4, 5, 7, 10, 12, 15, 12, 10, 7, 5, 4)},
}


@keras.saving.register_keras_serializable("keras_ae")
class FCDenseNet(Segmenter):
    """A densely connected network with dense blocks on both sides.

    `FCDenseNet(image_shape, 11, **FCDenseNet.PRESETS[103])` is FC-DenseNet103; 56 and 67 are there
    too. `model.batch_statistics = True` tests with the statistics of the batch, as the reference
    does; the default are moving averages.

    Source: Jégou et al. 2017, arXiv:1611.09326.

    Args:
        image_shape: tuple `(height, width, channels)`; sides may be `None`.
        num_classes: int, 2 or more.
        growth_rate: int, new maps of a layer. Defaults to `16`.
        blocks: tuple of int of odd length, layers of each block from top to top; the one in the
            middle is the bottleneck. Defaults to those of FC-DenseNet103.
        stem: int, maps of the first convolution. Defaults to `48`.
        dropout: float in [0, 1). Defaults to `0.2`.
        seed: int, of the dropout. Defaults to `0`.
        loss: name, dict or function, as in `Segmenter`. Defaults to `"cross_entropy"`.
        void: int or `None`, as in `Segmenter`. Defaults to `None`.
        class_weights: sequence or `None`, as in `Segmenter`. Defaults to `None`.
        l2: float, as in `Segmenter`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when an argument is out of range, or as `Segmenter` says.
    """

    PRESETS = PRESETS

    def __init__(
        self,
        image_shape,
        num_classes,
        growth_rate=16,
        blocks=PRESETS[103]["blocks"],
        stem=48,
        dropout=0.2,
        seed=0,
        loss="cross_entropy",
        void=None,
        class_weights=None,
        l2=0.0,
        **kwargs,
    ):
        network = _network(image_shape, num_classes, growth_rate, blocks, stem, dropout, seed)
        super().__init__(network, loss, void, class_weights, l2, **kwargs)
        self.image_shape, self.num_classes = tuple(image_shape), num_classes
        self.growth_rate, self.blocks, self.stem = growth_rate, tuple(blocks), stem
        self.dropout, self.seed = dropout, seed


def _network(image_shape, num_classes, growth_rate, blocks, stem, dropout, seed):
    check_image_shape(image_shape)
    if not isinstance(blocks, (tuple, list)) or len(blocks) % 2 == 0:
        raise ValueError(f"blocks={blocks!r}: pass an odd number of numbers of layers.")
    for number in (num_classes, growth_rate, stem, *blocks):
        check_positive_int("num_classes, growth_rate, stem, or a number in blocks", number)
    check_rate("dropout", dropout)
    seeds = iter(range(seed, seed + sum(blocks) + len(blocks)))

    def layer(x, width, size):
        x = layers.ReLU()(BatchNormalization()(x))
        x = layers.Conv2D(width, size, padding="same", kernel_initializer="he_uniform")(x)
        return layers.Dropout(dropout, seed=next(seeds))(x)

    def block(x, depth):
        """What comes in with all that is new, and what is new alone."""
        new = []
        for _ in range(depth):
            new.append(layer(x, growth_rate, 3))  # (batch, h, w, growth_rate)
            x = layers.Concatenate()([x, new[-1]])
        return x, layers.Concatenate()(new) if depth > 1 else new[0]

    depth = len(blocks) // 2
    x = inputs = keras.Input(image_shape, name="image")  # (batch, height, width, channels)
    x = layers.Conv2D(stem, 3, padding="same", kernel_initializer="he_uniform")(x)
    across = []
    for number in blocks[:depth]:
        x, _ = block(x, number)
        across.append(x)
        x = layer(x, x.shape[-1], 1)
        x = layers.MaxPooling2D(2, padding="same")(x)  # half the sides; of odd ones up
    x, new = block(x, blocks[depth])
    for number, skip in zip(blocks[depth + 1 :], across[::-1]):
        up = layers.Conv2DTranspose(
            new.shape[-1], 3, 2, padding="same", kernel_initializer="he_uniform"
        )
        x = CropLike(0)(up(new), skip)  # twice the sides, of the new maps only
        x, new = block(layers.Concatenate()([x, skip]), number)
    logits = layers.Conv2D(num_classes, 1, kernel_initializer="he_uniform", name="logits")(x)
    return keras.Model(inputs, logits, name="fc_densenet")
