"""The small classifier whose features scores (and perceptual terms) are computed in."""

import keras
from keras import layers

from ..engine.checks import check_positive_int


def feature_network(image_shape, num_classes, num_features=64, name="features"):
    """Two strided convolutions and a dense layer, and what it makes of them: classes.

    Source: this library; after LeCun et al. 1998, doi:10.1109/5.726791.

    Args:
        image_shape: tuple `(height, width, channels)`, pixels in [0, 1].
        num_classes: int.
        num_features: int, size of the last hidden layer, whose activations are the features.
            Defaults to `64`.
        name: str. Defaults to `"features"`.

    Returns:
        `keras.Model` from `(batch, *image_shape)` to a dict with "features", shape
        `(batch, num_features)`, and "logits", shape `(batch, num_classes)`.

    Raises:
        ValueError: when a number is not a positive integer, or the shape is not that of images.
    """
    check_positive_int("num_classes", num_classes)
    check_positive_int("num_features", num_features)
    if len(image_shape) != 3:
        raise ValueError(f"image_shape={image_shape}: pass (height, width, channels).")
    inputs = keras.Input(image_shape, name="image")  # (batch, height, width, channels)
    x = layers.Conv2D(32, 5, 2, "same", activation="relu")(inputs)  # half the sides
    x = layers.Conv2D(64, 5, 2, "same", activation="relu")(x)  # a quarter
    x = layers.Flatten()(x)
    features = layers.Dense(num_features, "relu", name="features")(x)
    logits = layers.Dense(num_classes, name="logits")(features)
    return keras.Model(inputs, {"features": features, "logits": logits}, name=name)
