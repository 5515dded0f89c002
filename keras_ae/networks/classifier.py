"""A classifier on top of an encoder that was trained without labels."""

import random

import keras
from keras import layers

from ..engine.checks import check_positive_int, check_rate


def classifier(encoder, num_classes, frozen=False, pretrained=True, dropout=0.0, name="classifier"):
    """One linear layer on the codes of an encoder, whose weights it copies.

    The encoder itself stays as it is, however the classifier is trained. Its outputs are logits:
    compile it with `keras.losses.SparseCategoricalCrossentropy(from_logits=True)`.

    Source: lecture, "Autoencoders for weight initialisation"; Erhan et al. 2010 (JMLR 11).

    Args:
        encoder: `keras.Model`, Functional or Sequential, from images to codes of any shape; of a
            dict of outputs "code" is read.
        num_classes: int.
        frozen: bool, whether only the last layer is trained; the copy's dropout is then off.
            Defaults to `False`.
        pretrained: bool; without, the weights of the encoder are drawn anew, to compare with.
            Defaults to `True`.
        dropout: float in [0, 1), rate between the code and the last layer. Defaults to `0.0`.
        name: str. Defaults to `"classifier"`.

    Returns:
        `keras.Model` from `(batch, *image_shape)` to logits `(batch, num_classes)`.

    Raises:
        ValueError: when `num_classes` is not a positive integer, a rate is outside [0, 1), or the
            encoder has several outputs and none is called "code".
    """
    check_positive_int("num_classes", num_classes)
    check_rate("dropout", dropout)
    if not hasattr(encoder, "output_shape"):
        raise ValueError(f"{encoder} has no fixed shapes: pass a Functional or Sequential model.")
    copy = keras.models.clone_model(encoder, clone_function=_without_dropout if frozen else None)
    if pretrained:
        copy.set_weights(encoder.get_weights())
    copy.trainable = not frozen
    inputs = keras.Input(encoder.input_shape[1:], name="image")  # (batch, *image_shape)
    x = copy(inputs)
    if isinstance(x, dict):
        if "code" not in x:
            raise ValueError(f"the encoder gives {', '.join(sorted(x))}, and no 'code'.")
        x = x["code"]
    x = layers.Flatten()(x) if len(x.shape) > 2 else x  # (batch, features)
    if dropout:
        x = layers.Dropout(dropout, seed=random.randrange(2**31))(x)
    return keras.Model(inputs, layers.Dense(num_classes, name="logits")(x), name=name)


def _without_dropout(layer):
    config = layer.get_config()
    if isinstance(layer, layers.Dropout):
        config["rate"] = 0.0
    return type(layer).from_config(config)
