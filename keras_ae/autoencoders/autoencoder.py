"""The autoencoder of the lecture: shallow or deep, under- or overcomplete, dense or convolutional.

Source: lecture, "Autoencoders: compression"; Hinton and Salakhutdinov 2006,
doi:10.1126/science.1127647; Charte et al. 2018, arXiv:1801.01586.

    J(w) = 1/m sum_i L(decoder(encoder(x_i)), x_i) + l2 * sum_k w_k^2

The slides write ||x - x_hat|| for L_MSE; the squared norm is meant, and is what stands here. It is
summed over pixels (`torch.nn.MSELoss` takes the mean over them).
"""

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine.coder import Coder, check_linear_end
from ..layers.tied import Tied
from ..networks.dense import dense_decoder, dense_encoder


@keras.saving.register_keras_serializable("keras_ae")
class Autoencoder(Coder):
    """An encoder and a decoder trained to reproduce the input.

    `fit(x)` trains towards `x` itself, `fit(x, y)` towards `y` of the same shape. The model's call
    returns what the loss reads (logits for "bernoulli" and "categorical"); `predict`,
    `reconstruct`, `decode` and the export return pixels or probabilities.

    Source: lecture, "Autoencoders: compression", "PyTorch Basic Autoencoder".

    Args:
        encoder: `keras.Model` from images `(batch, ...)` to codes, `(batch, latent_dim)`, a map
            `(batch, height, width, channels)`, or a dict of several.
        decoder: `keras.Model` from codes to images of the same shape; it returns logits where
            `loss` is "bernoulli" or "categorical". Layers tied to the encoder's count once.
        loss: "squared_error" (summed over pixels), "bernoulli" (nats per image, pixels in [0, 1]),
            "categorical" (nats per document, word probabilities along the last axis), or a function
            `(target, output) -> (batch,)`. Defaults to `"squared_error"`.
        l2: float, weight of the sum of all squared kernels (biases are free), logged as the term
            "l2". Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`; a subclass also passes `terms`, the terms
            of its loss by name, with their weights.

    Raises:
        ValueError: when encoder and decoder do not fit, the loss is unknown, `l2` is negative, or
            the decoder of a loss that reads logits ends in an activation.
    """

    LOSSES = {
        "squared_error": losses.squared_error,
        "bernoulli": losses.bernoulli,
        "categorical": losses.categorical,
    }

    def __init__(self, encoder, decoder, loss="squared_error", l2=0.0, **kwargs):
        if not callable(loss) and loss not in self.LOSSES:
            raise ValueError(
                f"loss={loss!r} is not known: pass 'squared_error' (summed over pixels, the "
                "slides' L_MSE), 'bernoulli', 'categorical', or a function (target, output) -> "
                "(batch,)."
            )
        terms = kwargs.pop("terms", {"reconstruction": 1.0})
        super().__init__(encoder, decoder, terms | ({"l2": l2} if l2 else {}), **kwargs)
        owners = {id(layer) for layer in encoder._flatten_layers()}
        for layer in decoder._flatten_layers():
            if isinstance(layer, Tied) and id(layer.source) not in owners:
                raise ValueError(
                    f"the decoder's layer {layer.name} is tied to {layer.source.name} of another "
                    "network: build the decoder with tied_to=encoder."
                )
        if loss in ("bernoulli", "categorical"):
            check_linear_end(decoder, f"loss={loss!r}")
        self.loss, self.l2 = loss, l2

    def call(self, x, training=False):
        z = self.encoder(x, training=training)  # (batch, latent_dim)
        return self.decoder(z, training=training)  # (batch, *image_shape)

    def distance(self, target, output, **weights):
        """How far the output is from the target, per example: what `loss` names."""
        return self.LOSSES.get(self.loss, self.loss)(target, output, **weights)

    def loss_terms(self, x, target, outputs, training):
        terms = {}
        if "reconstruction" in self.term_weights:
            terms["reconstruction"] = self.distance(target, _image(outputs))
        if self.l2:
            kernels = [v for v in self.trainable_weights if len(v.shape) > 1]
            terms["l2"] = losses.sum_of_squares(kernels)
        return terms

    def prediction(self, outputs):
        outputs = super().prediction(_image(outputs))
        activations = {"bernoulli": ops.sigmoid, "categorical": ops.softmax}
        return activations.get(self.loss, lambda logits: logits)(outputs)

    def target_range(self):
        if self.loss == "bernoulli":
            return 0.0, 1.0, "loss='bernoulli'"
        if self.loss == "categorical":
            return 0.0, None, "loss='categorical'"
        return super().target_range()

    def check_target(self, name, target):
        if self.loss != "categorical":
            return
        empty = np.flatnonzero(target.sum(axis=-1).reshape(-1) <= 0)
        if len(empty):
            raise ValueError(
                f"{name} has {len(empty)} rows of zeros (the first is number {empty[0]}): a "
                "document without words has no distribution, leave it out."
            )


def dense_autoencoder(
    image_shape,
    latent_dim,
    units=(),
    activation="relu",
    latent_activation=None,
    output_activation=None,
    tied=False,
    **kwargs,
):
    """A dense autoencoder of any of the four types: shallow or deep, under- or overcomplete.

    Without `units` it is shallow; it is undercomplete where `latent_dim` is below the number of
    pixels, overcomplete above.

    Source: lecture, "Types of autoencoders", "Autoencoders: compression" (tied weights); Charte et
    al. 2018, arXiv:1801.01586, section 2.3.

    Args:
        image_shape: tuple, shape of one input without the batch.
        latent_dim: int, size of the code.
        units: tuple of int, hidden layers of the encoder from the input inwards; the decoder
            mirrors them. Defaults to `()`.
        activation: Keras activation of the hidden layers. Defaults to `"relu"`.
        latent_activation: Keras activation of the code. Defaults to `None`.
        output_activation: Keras activation of the output. Defaults to `None`.
        tied: bool, whether the decoder uses the transposed kernels of the encoder. Defaults to
            `False`.
        **kwargs: `loss`, `l2` and `name` of `Autoencoder`.

    Returns:
        `Autoencoder`.

    Raises:
        ValueError: as `dense_encoder`, `dense_decoder` and `Autoencoder` say.
    """
    encoder = dense_encoder(image_shape, latent_dim, units, activation, latent_activation)
    decoder = dense_decoder(
        image_shape,
        latent_dim,
        tuple(units)[::-1],
        activation,
        output_activation,
        tied_to=encoder if tied else None,
    )
    return Autoencoder(encoder, decoder, **kwargs)


def _image(outputs):
    """The image among what `call` returned; a subclass whose loss reads more returns a dict."""
    return outputs["output"] if isinstance(outputs, dict) else outputs
