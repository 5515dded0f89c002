"""The autoencoder of the lecture: shallow or deep, under- or overcomplete.

Source: lecture, "Autoencoders: compression"; Hinton and Salakhutdinov 2006,
doi:10.1126/science.1127647; Charte et al. 2018, arXiv:1801.01586.

    J(w) = 1/m sum_i L(decoder(encoder(x_i)), x_i) + l2 * sum_k w_k^2

The slides write ||x - x_hat|| for L_MSE; the squared norm is meant, and is what stands here. It is
summed over pixels (`torch.nn.MSELoss` takes the mean over them).
"""

import keras
from keras import ops

from .. import losses
from ..engine.checks import check_shape
from ..engine.model import Model


@keras.saving.register_keras_serializable("keras_ae")
class Autoencoder(Model):
    """An encoder and a decoder trained to reproduce the input.

    `fit(x)` trains towards `x` itself, `fit(x, y)` towards `y` of the same shape. The model's call
    returns what the loss reads (logits for "bernoulli"); `predict`, `reconstruct`, `decode` and the
    export return pixels.

    Source: lecture, "Autoencoders: compression", "PyTorch Basic Autoencoder".

    Args:
        encoder: `keras.Model` from images `(batch, ...)` to codes `(batch, latent_dim)`.
        decoder: `keras.Model` from codes to images of the same shape; it returns logits where
            `loss` is "bernoulli".
        loss: "squared_error" (summed over pixels), "bernoulli" (nats per image, pixels in [0, 1]),
            or a function `(target, output) -> (batch,)`. Defaults to `"squared_error"`.
        l2: float, weight of the sum of all squared kernels (biases are free), logged as the term
            "l2". Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when encoder and decoder do not fit, the loss is unknown, `l2` is negative, or
            the decoder of a Bernoulli loss ends in an activation.
    """

    def __init__(self, encoder, decoder, loss="squared_error", l2=0.0, **kwargs):
        if loss not in ("squared_error", "bernoulli") and not callable(loss):
            raise ValueError(
                f"loss={loss!r} is not known: pass 'squared_error' (summed over pixels, the "
                "slides' L_MSE), 'bernoulli', or a function (target, output) -> (batch,)."
            )
        for network in (encoder, decoder):
            if not hasattr(network, "output_shape"):
                raise ValueError(
                    f"{network} has no fixed shapes: pass a Functional or Sequential model."
                )
        check_shape("the encoder's output", encoder.output_shape, decoder.input_shape[1:])
        check_shape("the decoder's output", decoder.output_shape, encoder.input_shape[1:])
        if loss == "bernoulli" and _output_activation(decoder) not in ("linear", None):
            raise ValueError(
                f"the decoder ends in {_output_activation(decoder)!r}, but loss='bernoulli' "
                "reads logits: build it with output_activation=None; predict() applies the sigmoid."
            )
        super().__init__(terms={"reconstruction": 1.0} | ({"l2": l2} if l2 else {}), **kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.loss, self.l2 = loss, l2
        self.built = True  # as its parts are

    def call(self, x, training=False):
        z = self.encoder(x, training=training)  # (batch, latent_dim)
        return self.decoder(z, training=training)  # (batch, *image_shape)

    def loss_terms(self, x, target, outputs, training):
        functions = {"squared_error": losses.squared_error, "bernoulli": losses.bernoulli}
        terms = {"reconstruction": functions.get(self.loss, self.loss)(target, outputs)}
        if self.l2:
            kernels = [v for v in self.trainable_weights if len(v.shape) > 1]
            terms["l2"] = losses.sum_of_squares(kernels)
        return terms

    def prediction(self, outputs):
        outputs = super().prediction(outputs)
        return ops.sigmoid(outputs) if self.loss == "bernoulli" else outputs

    def encode(self, x):
        """Codes of images.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`.

        Returns:
            Codes, shape `(batch, latent_dim)`: an array for an array, a tensor for a tensor.
        """
        return self.run(self.encoder, x)

    def decode(self, z):
        """Images of codes.

        Args:
            z: array or tensor, shape `(batch, latent_dim)`.

        Returns:
            Pixels, shape `(batch, *image_shape)`: an array for an array, a tensor for a tensor.
        """
        return self.run(self.decoder, z, self.prediction)

    def reconstruct(self, x):
        """Images through the code and back, `decode(encode(x))`."""
        return self.decode(self.encode(x))

    def target_range(self):
        if self.loss == "bernoulli":
            return 0.0, 1.0, "loss='bernoulli'"
        bounded = {"sigmoid": 0.0, "tanh": -1.0}
        end = _output_activation(self.decoder)
        return (
            (bounded[end], 1.0, f"a decoder that ends in {end}")
            if end in bounded
            else super().target_range()
        )

    def endpoints(self):
        code = keras.InputSpec(
            shape=(None, *self.decoder.input_shape[1:]), dtype="float32", name="z"
        )
        serve = super().endpoints()["serve"]
        return {
            "serve": serve,
            "encode": (lambda x: self.encode(x), serve[1]),
            "decode": (lambda z: self.decode(z), [code]),
        }


def _output_activation(network):
    """Name of the activation that a network ends in; `None` where it cannot be told."""
    for layer in reversed(network.layers):
        if isinstance(layer, keras.Model):
            return _output_activation(layer)
        if not isinstance(layer, (keras.layers.Reshape, keras.layers.Flatten)):
            activation = getattr(layer, "activation", None)
            return getattr(activation, "__name__", None)
    return None
