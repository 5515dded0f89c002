"""What models with an encoder and a decoder have in common: codes of images, images of codes."""

import keras
import numpy as np

from .checks import check_positive_int, check_shape, ends
from .model import Model, input_spec


class Coder(Model):
    """A model of an encoder and a decoder that fit each other.

    A subclass says what of the encoder's outputs is the code, where it is not all of them (`code`).

    Source: lecture, "Autoencoders".

    Args:
        encoder: `keras.Model` from images `(batch, ...)` to codes.
        decoder: `keras.Model` from codes to images.
        terms: dict, as in `Model`.
        head: str, which of the encoder's outputs the decoder takes, or `None` for all of them.
            Defaults to `None`.
        output_shape: tuple, what the decoder gives for one image, or `None` for the shape of the
            encoder's input. Defaults to `None`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when encoder and decoder do not fit.
    """

    def __init__(self, encoder, decoder, terms, head=None, output_shape=None, **kwargs):
        for network in (encoder, decoder):
            if not hasattr(network, "output_shape"):
                raise ValueError(
                    f"{network} has no fixed shapes: pass a Functional or Sequential model."
                )
        codes, wanted = ends(encoder)[1], ends(decoder)[0]
        if head is not None:
            codes = {"": codes[head]}
        if codes.keys() != wanted.keys():
            raise ValueError(
                f"the encoder gives {_names(codes)}, the decoder takes {_names(wanted)}: switches, "
                "say, must be known to both."
            )
        for name, code in codes.items():
            check_shape(f"the encoder's output {name}".rstrip(), code.shape, wanted[name].shape[1:])
        if output_shape is None:
            output_shape = encoder.input_shape[1:]
        check_shape("the decoder's output", decoder.output_shape, output_shape)
        super().__init__(terms=terms, **kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.built = True  # as its parts are

    def code(self, outputs):
        """The code among what the encoder gives: all of it.

        Args:
            outputs: what the encoder returned.

        Returns:
            Tensor, or dict of them, that the decoder takes.
        """
        return outputs

    def encode(self, x):
        """Codes of images.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`.

        Returns:
            Codes, shape `(batch, latent_dim)`, or what else the encoder gives: arrays for an array,
            tensors for a tensor.
        """
        return self.run(self.encoder, x, self.code)

    def draw_codes(self, x):
        """Codes as the decoder is trained with them: of `encode`, unless a subclass adds noise.

        Args:
            x: tensor, shape `(batch, *image_shape)`.

        Returns:
            Tensor, shape `(batch, latent_dim)`.
        """
        return self.encode(x)

    def code_deviation(self, x):
        """Standard deviation of the numbers of codes, as `draw_codes` gives them.

        Args:
            x: array, shape `(batch, *image_shape)`.

        Returns:
            float.
        """
        return float(np.std(self.encode(x)))

    def decode(self, z):
        """Images of codes.

        Args:
            z: array or tensor, shape `(batch, latent_dim)`, or what else the encoder gives.

        Returns:
            Pixels, shape `(batch, *image_shape)`: an array for an array, a tensor for a tensor.
        """
        return self.run(self.decoder, z, self.prediction)

    def reconstruct(self, x):
        """Images through the code and back, `decode(encode(x))`."""
        return self.decode(self.encode(x))

    def interpolate(self, x, y, num=10):
        """Images of the codes on the straight line between the codes of two images.

        Args:
            x: array, shape `(batch, *image_shape)`, where the lines begin.
            y: array of the same shape, where they end.
            num: int >= 2, images on each line, ends included. Defaults to `10`.

        Returns:
            array, shape `(batch, num, *image_shape)`.

        Raises:
            ValueError: when shapes differ, `num` is below 2, or a code is not one tensor.
        """
        check_positive_int("num", num)
        if num < 2 or np.shape(x) != np.shape(y):
            raise ValueError(
                f"num={num}, x and y of shapes {np.shape(x)} and {np.shape(y)}: pass at least 2 "
                "and equal shapes."
            )
        start, end = self.encode(x), self.encode(y)  # (batch, latent_dim)
        if isinstance(start, dict):
            raise ValueError(f"codes are dicts with {', '.join(start)}: there is no line between.")
        share = np.linspace(0.0, 1.0, num).reshape(-1, *[1] * (start.ndim - 1))
        codes = (1.0 - share) * start[:, None] + share * end[:, None]  # (batch, num, latent_dim)
        images = self.decode(codes.reshape(-1, *start.shape[1:]).astype("float32"))
        return images.reshape(len(start), num, *images.shape[1:])

    def target_range(self):
        low = {"sigmoid": 0.0, "tanh": -1.0}.get(output_activation(self.decoder))
        if low is None:
            return super().target_range()
        return low, 1.0, f"a decoder that ends in {output_activation(self.decoder)}"

    def endpoints(self):
        serve = super().endpoints()["serve"]
        return {
            "serve": serve,
            "encode": (lambda x: self.encode(x), serve[1]),
            "decode": (lambda z: self.decode(z), [input_spec(self.decoder, "z")]),
        }


def check_linear_end(network, reason):
    """Refuses a network that ends in an activation, where the loss reads logits.

    Source: this library.

    Args:
        network: `keras.Model`.
        reason: str, what reads logits, "loss='bernoulli'" say.

    Raises:
        ValueError: when it ends in an activation.
    """
    if output_activation(network) not in ("linear", None):
        raise ValueError(
            f"{network.name} ends in {output_activation(network)!r}, but {reason} reads logits: "
            "build it with a linear end (output_activation=None of a decoder, "
            "latent_activation=None of an encoder)."
        )


def output_activation(network):
    """Name of the activation that a network ends in.

    Source: this library.

    Args:
        network: `keras.Model`.

    Returns:
        str, "linear" for none, or `None` where it cannot be told.
    """
    for layer in reversed(network.layers):
        if isinstance(layer, keras.Model):
            return output_activation(layer)
        if not isinstance(layer, (keras.layers.Reshape, keras.layers.Flatten)):
            activation = getattr(layer, "activation", None)
            return getattr(activation, "__name__", None)
    return None


def _names(by_name):
    return ", ".join(sorted(by_name)) if "" not in by_name else "one tensor"
