"""The contractive autoencoder: the code hardly moves when the input does.

Source: Rifai et al. 2011, "Contractive auto-encoders" (ICML), equations 2 to 6; lecture,
"Regularise by enforcing smoothness".

    ||J_h(x)||_F^2 = sum_ij (d h_i / d x_j)^2 with h the encoder
    J(w) = 1/m sum_i [ L(decoder(encoder(x_i)), x_i) + weight * ||J_h(x_i)||_F^2 ]

Three ways to the penalty, which agree:

    "closed_form"  Dense layers with known activations: J = D_L W_L^T ... D_1 W_1^T, multiplied out
                   from the narrower end; for one layer sum_i D_i^2 sum_j W_ji^2
    "exact"        any encoder: one vector-Jacobian product per code unit, or one Jacobian-vector
                   product per input where there are fewer inputs
    "projection"   E ||v^T J||^2 = ||J||^2 for v of random signs: one vector-Jacobian product per
                   draw, right on average, for codes of any size

An encoder can evade the penalty: half the code, twice the decoder's kernel, the same picture. Tie
the decoder (`tied_to=encoder`) as the paper does, or bound its norm (`kernel_constraint`).
"""

import math
import random
import warnings

import keras
from keras import ops

from ..engine import autodiff
from ..engine.checks import check_positive_int, check_shape, ends
from ..networks import jacobian
from .autoencoder import Autoencoder

MAX_PRODUCTS = 128  # the most Jacobian products per example that "auto" takes for exactness


@keras.saving.register_keras_serializable("keras_ae")
class ContractiveAutoencoder(Autoencoder):
    """An autoencoder that penalises the squared norm of its encoder's Jacobian.

    The penalty is that of the encoder as it is used: dropout is off and batch normalisation has its
    moving statistics. It is logged as the term "contraction", mean of ||J_h(x)||_F^2. (Some layers
    cannot be differentiated twice everywhere: recurrent ones on TensorFlow, PyTorch's fused
    attention. Train those on JAX.)

    Source: Rifai et al. 2011, "Contractive auto-encoders" (ICML).

    Args:
        encoder: `keras.Model` as in `Autoencoder`, of real inputs, with one code or a dict that has
            a "code" (only the code is penalised).
        decoder: `keras.Model`, as in `Autoencoder`; tie or bound it.
        weight: float, lambda of the penalty per example. Defaults to `0.1`.
        method: "closed_form", "exact", "projection", or "auto": the cheapest exact way, and the
            estimate (with a warning) where code and input both have more than 128 numbers.
            `chosen_method` says which it is. Defaults to `"auto"`.
        num_projections: int, draws of v per example and step. Defaults to `1`.
        loss: as in `Autoencoder`. Defaults to `"squared_error"`.
        l2: float, as in `Autoencoder`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the encoder's Jacobian cannot be taken, the method is unknown or does not
            fit the encoder, a number is out of range, or as `Autoencoder` says.
    """

    METHODS = ("auto", "closed_form", "exact", "projection")

    def __init__(
        self,
        encoder,
        decoder,
        weight=0.1,
        method="auto",
        num_projections=1,
        loss="squared_error",
        l2=0.0,
        **kwargs,
    ):
        if method not in self.METHODS:
            raise ValueError(f"method={method!r}: pass one of {', '.join(self.METHODS)}.")
        check_positive_int("num_projections", num_projections)
        terms = {"reconstruction": 1.0, "contraction": weight}
        super().__init__(encoder, decoder, loss, l2, terms=terms, **kwargs)
        self._sides = _check_differentiable(encoder)  # numbers in a code, in an input
        self._chain = jacobian.dense_chain(encoder)
        dropout = any(isinstance(layer, keras.layers.Dropout) for layer in encoder.layers)
        self._code_tells = self._chain is not None and len(self._chain) == 1 and not dropout
        if method == "closed_form" and self._chain is None:
            raise ValueError(
                f"method='closed_form' is for a chain of Dense layers, which {encoder.name} is not "
                f"(activations: {', '.join(f.__name__ for f in jacobian.DERIVATIVES)}): pass "
                "'exact' or 'projection'."
            )
        self.weight, self.method, self.num_projections = weight, method, num_projections
        self.chosen_method = self._choose()
        if self.chosen_method == "projection":
            self.seed_generator = keras.random.SeedGenerator(random.randrange(2**31))

    def _choose(self):
        if self.method != "auto":
            return self.method
        few = min(self._sides) <= MAX_PRODUCTS
        if self._chain is not None and (few or len(self._chain) == 1):
            return "closed_form"
        if few:
            return "exact"
        warnings.warn(
            f"{self.name}: code and input have {self._sides[0]} and {self._sides[1]} numbers, too "
            "many for the exact contraction; it is estimated by random projection. "
            "method='exact' insists, method='projection' says you know.",
            stacklevel=3,
        )
        return "projection"

    def call(self, x, training=False):
        z = self.encoder(x, training=training)  # (batch, latent_dim)
        return {"output": self.decoder(z, training=training), "code": z}

    def loss_terms(self, x, target, outputs, training):
        terms = super().loss_terms(x, target, outputs, training)
        return terms | {"contraction": self._contraction(x, _code(outputs["code"]))}

    def contraction(self, x):
        """Squared Frobenius norm of the encoder's Jacobian, by the chosen method.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`. (A projection draws new signs in
                each call, from the noise of training.)

        Returns:
            Tensor, shape `(batch,)`, in squared code per squared pixel.

        Raises:
            ValueError: when `x` has another shape.
        """
        x = ops.convert_to_tensor(x)
        check_shape("x", x.shape, self.example_shape())
        return self._contraction(x, _code(self.encoder(x, training=False)))

    def _contraction(self, x, code):
        if self.chosen_method == "closed_form":
            outputs = [code] if self._code_tells else jacobian.layer_outputs(self._chain, x)
            return jacobian.squared_norm(self._chain, outputs)
        if self.chosen_method == "exact":
            forward = self._sides[1] < self._sides[0]
            rows = autodiff.jacobian(self._flat_code, x, forward)  # (batch, codes, inputs)
            return jacobian.sum_of_squares(rows)
        z, pullback = autodiff.vjp(self._flat_code, x)
        total = 0.0
        for _ in range(self.num_projections):
            v = ops.cast(
                jacobian.random_signs(ops.shape(z)[0], z.shape[1], self.seed_generator), z.dtype
            )
            total = total + jacobian.sum_of_squares(pullback(v))
        return total / self.num_projections

    def _flat_code(self, x):
        z = _code(self.encoder(x, training=False))
        return ops.reshape(z, (-1, self._sides[0]))  # (batch, codes)


def _code(outputs):
    """The code among what an encoder gives."""
    return outputs["code"] if isinstance(outputs, dict) else outputs


def _check_differentiable(encoder):
    """Numbers in a code and in an input, after a look that both are real and known."""
    found = []
    for word, tensors in zip(("reads", "gives"), ends(encoder)):
        tensor = tensors.get("", tensors.get("code") if word == "gives" else None)
        if tensor is None:
            raise ValueError(
                f"{encoder.name} {word} several tensors: the contraction needs one input and one "
                "code (or a dict with a 'code')."
            )
        if not keras.backend.is_float_dtype(tensor.dtype):
            raise ValueError(
                f"{encoder.name} {word} {tensor.dtype}: the contraction differentiates the code "
                "with respect to the input, so both must be real numbers (embed integers before)."
            )
        if None in tensor.shape[1:]:
            raise ValueError(
                f"{encoder.name} {word} shape {tuple(tensor.shape)}: the contraction needs fixed "
                "sizes, build the encoder for one image shape."
            )
        found.append(math.prod(tensor.shape[1:]))
    return tuple(found[::-1])
