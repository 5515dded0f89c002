"""How far images lie apart in the features of a network."""

import math

import keras
from keras import ops

from .reduction import as_float, sum_pixels


def perceptual(features, other):
    """Squared distance of the features of two images, each position's feature of length 1.

    Summed over channels, averaged over positions, summed over the maps of several layers. The
    published distance weighs the channels by human judgement; here all weigh 1.

    Source: Zhang et al. 2018, arXiv:1801.03924, equation 1.

    Args:
        features: tensor, shape `(batch, ..., channels)`, or list or dict of them.
        other: the same of the other images.

    Returns:
        Tensor, shape `(batch,)`; 0 for the same features, at most 4 for each map.
    """
    pairs = zip(keras.tree.flatten(features), keras.tree.flatten(other))
    total = 0.0
    for one, two in pairs:
        apart = ops.square(_of_length_one(one) - _of_length_one(two))
        total = total + sum_pixels(apart) / math.prod(apart.shape[1:-1])
    return total


def _of_length_one(features):
    features = as_float(features)  # (batch, ..., channels)
    # the small number keeps the slope where no unit speaks
    return features * ops.rsqrt(ops.sum(ops.square(features), axis=-1, keepdims=True) + 1e-10)
