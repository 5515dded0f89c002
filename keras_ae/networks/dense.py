"""Fully connected encoders and decoders, as Functional models."""

import math
import random

import keras
from keras import layers

from ..engine.checks import check_positive_int, check_rate
from ..layers.tied import TiedDense


def dense_encoder(
    image_shape,
    latent_dim,
    units=(),
    activation="relu",
    latent_activation=None,
    dropout=0.0,
    heads=("code",),
    batch_norm=False,
    name="encoder",
):
    """Dense layers from an image (or a vector) down to a code.

    Source: lecture, "Types of autoencoders", "Going deeper", "PyTorch Basic Autoencoder".

    Args:
        image_shape: tuple, shape of one input without the batch, `(784,)` or `(28, 28, 1)`.
        latent_dim: int, size of the code.
        units: tuple of int, hidden layers from the input inwards; empty for a shallow network.
            Defaults to `()`.
        activation: Keras activation of the hidden layers. Defaults to `"relu"`.
        latent_activation: Keras activation of the code. Defaults to `None` (linear).
        dropout: float in [0, 1), rate after every hidden layer. Defaults to `0.0`.
        heads: tuple of str, one linear layer of `latent_dim` units each, side by side;
            `("mean", "log_variance")` for a Gaussian code. Defaults to `("code",)`.
        batch_norm: bool, whether each hidden layer is normalised over the batch before its
            activation (and has no bias of its own). Defaults to `False`.
        name: str. Defaults to `"encoder"`.

    Returns:
        `keras.Model` from `(batch, *image_shape)` to `(batch, latent_dim)`, or to a dict of such
        tensors by head where there are several.

    Raises:
        ValueError: when a size is not a positive integer, a rate is outside [0, 1), or heads are
            missing or repeated.
    """
    image_shape = _checked(image_shape, latent_dim, units, dropout)
    if not heads or len(set(heads)) != len(heads):
        raise ValueError(f"heads={heads!r}: pass at least one name, and no name twice.")
    inputs = keras.Input(image_shape, name="image")  # (batch, *image_shape)
    x = layers.Flatten()(inputs) if len(image_shape) > 1 else inputs  # (batch, pixels)
    x = _hidden(x, units, activation, dropout, batch_norm=batch_norm)
    codes = {head: layers.Dense(latent_dim, latent_activation, name=head)(x) for head in heads}
    return keras.Model(inputs, codes if len(heads) > 1 else codes[heads[0]], name=name)


def dense_decoder(
    image_shape,
    latent_dim,
    units=(),
    activation="relu",
    output_activation=None,
    dropout=0.0,
    tied_to=None,
    kernel_constraint=None,
    name="decoder",
):
    """Dense layers from a code up to an image (or a vector).

    Source: lecture, "Types of autoencoders", "Going deeper", "PyTorch Basic Autoencoder".

    Args:
        image_shape: tuple, shape of one output without the batch, `(784,)` or `(28, 28, 1)`.
        latent_dim: int, size of the code.
        units: tuple of int, hidden layers from the code outwards; empty for a shallow network.
            Defaults to `()`.
        activation: Keras activation of the hidden layers. Defaults to `"relu"`.
        output_activation: Keras activation of the output: "tanh" for pixels in [-1, 1], "sigmoid"
            for [0, 1] with a squared error, `None` for logits (a Bernoulli loss) or any range.
            Defaults to `None`.
        dropout: float in [0, 1), rate after every hidden layer. Defaults to `0.0`.
        tied_to: `keras.Model`, a `dense_encoder` whose kernels are used transposed, in reverse
            order, or `None` for kernels of its own. Defaults to `None`.
        kernel_constraint: `keras.constraints.Constraint` of kernels of its own:
            `keras.constraints.MaxNorm(1.0, axis=1)`, say, so that the decoder cannot make up for a
            code that a penalty shrinks. Defaults to `None`.
        name: str. Defaults to `"decoder"`.

    Returns:
        `keras.Model` from `(batch, latent_dim)` to `(batch, *image_shape)`.

    Raises:
        ValueError: when a size is not a positive integer, a rate is outside [0, 1), the decoder
            does not mirror the encoder that it is tied to, or is both tied and constrained.
    """
    image_shape = _checked(image_shape, latent_dim, units, dropout)
    pixels = math.prod(image_shape)
    sources = [None] * (len(units) + 1)
    if tied_to is not None:
        if kernel_constraint is not None:
            raise ValueError("a tied kernel is the encoder's: pass tied_to or kernel_constraint.")
        sources = _mirrored(tied_to, (latent_dim, *units, pixels))
    inputs = keras.Input((latent_dim,), name="code")  # (batch, latent_dim)
    bound = {} if kernel_constraint is None else {"kernel_constraint": kernel_constraint}
    x = _hidden(inputs, units, activation, dropout, sources, **bound)
    x = _dense(pixels, output_activation, sources[-1], name="pixels", **bound)(x)  # (batch, pixels)
    if len(image_shape) > 1:
        x = layers.Reshape(image_shape)(x)  # (batch, *image_shape)
    return keras.Model(inputs, x, name=name)


def _dense(width, activation, source=None, **kwargs):
    if source is None:
        return layers.Dense(width, activation, **kwargs)
    return TiedDense(source, activation, **kwargs)


def _mirrored(encoder, widths):
    """The encoder's Dense layers from the code outwards, after a look whether they fit."""
    sources = [layer for layer in encoder.layers if isinstance(layer, layers.Dense)][::-1]
    theirs = (*(layer.units for layer in sources), *(x.kernel.shape[0] for x in sources[-1:]))
    if theirs != tuple(widths):
        raise ValueError(
            "the decoder does not mirror the encoder that it is tied to: from the code outwards "
            f"the encoder has {'-'.join(map(str, theirs))}, the decoder "
            f"{'-'.join(map(str, widths))}."
        )
    return sources


def _hidden(x, units, activation, dropout, sources=None, batch_norm=False, **kwargs):
    for width, source in zip(units, sources or [None] * len(units)):
        if batch_norm:
            x = layers.BatchNormalization()(layers.Dense(width, use_bias=False)(x))
            x = layers.Activation(activation)(x)  # (batch, width)
        else:
            x = _dense(width, activation, source, **kwargs)(x)  # (batch, width)
        if dropout:
            # a seed of its own, or torch would draw from its global state
            x = layers.Dropout(dropout, seed=random.randrange(2**31))(x)
    return x


def _checked(image_shape, latent_dim, units, dropout):
    image_shape = (image_shape,) if isinstance(image_shape, int) else tuple(image_shape)
    check_positive_int("latent_dim", latent_dim)
    if not isinstance(units, (tuple, list)):
        raise ValueError(f"units={units!r}: pass a tuple of widths, one per hidden layer.")
    for size in image_shape:
        check_positive_int(f"a size in image_shape={image_shape}", size)
    for width in units:
        check_positive_int(f"a width in units={tuple(units)}", width)
    check_rate("dropout", dropout)
    return image_shape
