"""Sparse autoencoders: few units of a code speak, by a penalty or by construction.

Source: lecture, "Regularise by enforcing sparsity"; Ng 2011, "Sparse autoencoder" (CS294A);
Makhzani and Frey 2013, arXiv:1312.5663; Charte et al. 2018, arXiv:1801.01586.

    J(w) = 1/m sum_i [ L(decoder(h_i), x_i) + weight * penalty(h) ],   h_i = encoder(x_i)
    "l1"  sum_u |h_iu|
    "kl"  sum_u KL(target || mean of h_u over the batch), units that are probabilities
    k-sparse: h = the k largest of W^T x + b, the others zero; x_hat = W h + c

An encoder can evade L1: half the code, twice the decoder's kernel, the same picture. Tie the
decoder (`tied_to=encoder`), or bound its norm (`kernel_constraint`).
"""

import keras

from .. import losses
from ..engine.checks import ends
from ..engine.coder import output_activation
from ..layers.sparse import KSparse
from ..networks.dense import dense_decoder, dense_encoder
from .autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_ae")
class SparseAutoencoder(Autoencoder):
    """An autoencoder whose code is penalised for speaking.

    The penalty is logged as the term "sparsity", summed over the units: "l1" per example, "kl" in
    nats as only the whole batch defines it (so it changes a little with the batch size).

    Source: Ng 2011, "Sparse autoencoder" (CS294A), section 3; lecture, "Regularise by enforcing
    sparsity".

    Args:
        encoder: `keras.Model`, as in `Autoencoder`, with one code; for "kl" it ends in a sigmoid.
        decoder: `keras.Model`, as in `Autoencoder`; for "l1" tie or bound it.
        penalty: "l1" or "kl". Defaults to `"l1"`.
        weight: float, of the penalty. Defaults to `0.1`.
        target: float in (0, 1), mean activation that "kl" wants. Defaults to `0.05`.
        loss: as in `Autoencoder`. Defaults to `"squared_error"`.
        l2: float, as in `Autoencoder`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the penalty is unknown or does not fit the encoder's activation, a number
            is out of range, or as `Autoencoder` says.
    """

    def __init__(
        self,
        encoder,
        decoder,
        penalty="l1",
        weight=0.1,
        target=0.05,
        loss="squared_error",
        l2=0.0,
        **kwargs,
    ):
        if penalty not in ("l1", "kl"):
            raise ValueError(f"penalty={penalty!r}: pass 'l1' or 'kl'.")
        if not 0 < target < 1:
            raise ValueError(f"target={target!r}: pass a mean activation between 0 and 1.")
        terms = {"reconstruction": 1.0, "sparsity": weight}
        super().__init__(encoder, decoder, loss, l2, terms=terms, **kwargs)
        if "" not in ends(encoder)[1]:
            raise ValueError(f"{encoder.name} gives several tensors: pass one with a single code.")
        if penalty == "kl" and output_activation(encoder) not in ("sigmoid", "hard_sigmoid"):
            raise ValueError(
                f"the encoder ends in {output_activation(encoder)!r}, but penalty='kl' reads its "
                "units as probabilities: build it with latent_activation='sigmoid'."
            )
        self.penalty, self.weight, self.target = penalty, weight, target

    def call(self, x, training=False):
        z = self.encoder(x, training=training)  # (batch, latent_dim)
        return {"output": self.decoder(z, training=training), "code": z}

    def loss_terms(self, x, target, outputs, training):
        terms = super().loss_terms(x, target, outputs, training)
        z = outputs["code"]
        sparsity = losses.l1(z) if self.penalty == "l1" else losses.kl_sparsity(z, self.target)
        return terms | {"sparsity": sparsity}


def k_sparse_autoencoder(
    image_shape, latent_dim, k, alpha=1.0, k_start=None, decay_steps=0, **kwargs
):
    """A linear autoencoder that reconstructs every image from the k largest units of its code.

    The decoder has the encoder's kernels, transposed.

    Source: Makhzani and Frey 2013, arXiv:1312.5663.

    Args:
        image_shape: tuple, shape of one input without the batch.
        latent_dim: int, size of the code.
        k: int, units that are kept.
        alpha: float >= 1, how many times as many in inference. Defaults to `1.0`.
        k_start: int, units that are kept in the first training step, or `None` for `k`. Defaults
            to `None`.
        decay_steps: int, training steps until `k` is reached. Defaults to `0`.
        **kwargs: `loss`, `l2` and `name` of `Autoencoder`.

    Returns:
        `Autoencoder`; its encoder ends in `keras_ae.layers.KSparse`.

    Raises:
        ValueError: as `KSparse`, `dense_encoder` and `Autoencoder` say.
    """
    dense = dense_encoder(image_shape, latent_dim)
    sparse = KSparse(k, alpha, k_start, decay_steps, name="support")
    encoder = keras.Model(dense.input, sparse(dense.output), name="encoder")
    decoder = dense_decoder(image_shape, latent_dim, tied_to=encoder)
    return Autoencoder(encoder, decoder, **kwargs)
