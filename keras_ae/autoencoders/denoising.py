"""The denoising autoencoder: it sees a corrupted input and learns to give back the clean one.

Source: Vincent et al. 2008, doi:10.1145/1390156.1390294; Vincent et al. 2010 (JMLR 11); lecture,
"Denoising Autoencoders". What it learns is the vector field of Alain and Bengio 2014 (JMLR 15).

    seen = C(x)
    J(w) = 1/m sum_i L(decoder(encoder(C(x_i))), x_i)
    emphasised: corrupted * (L over the pixels that C changed) + kept * (L over the others)

The corruption is fresh for every example at every step, and off wherever the model is used.
"""

import inspect

import keras
import numpy as np
from keras import ops

from ..engine import seeds
from ..engine.checks import as_array, check_shape
from .autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_ae")
class DenoisingAutoencoder(Autoencoder):
    """An autoencoder that undoes a corruption of its input.

    `fit(x)` corrupts `x` and trains towards `x`; `fit(x_noisy, x_clean)` trains from the user's own
    pairs (with a corruption, it is applied to `x_noisy` on top; with `None` there is none).

    Source: Vincent et al. 2008, doi:10.1145/1390156.1390294; 2010 (JMLR 11), section 5.1
    (emphasis).

    Args:
        encoder: `keras.Model`, as in `Autoencoder`.
        decoder: `keras.Model`, as in `Autoencoder`.
        corruption: `keras.layers.Layer` that keeps the shape and corrupts where `training` is true:
            `MaskingNoise`, `SaltAndPepperNoise`, `keras.layers.GaussianNoise` or a user's own; or
            `None` for data that come as pairs.
        loss: as in `Autoencoder`; a function takes `weights` too where there is an emphasis.
            Defaults to `"squared_error"`.
        emphasis: pair of weights, of the pixels that the corruption changed and of the others,
            logged as the terms "corrupted" and "kept" in place of "reconstruction"; or `None` for
            equal ones. (The paper counts the pixels that were chosen: a black one that is masked
            is unchanged, and so kept, here.) In `evaluate` and validation, where nothing is
            corrupted, all is kept: watch "kept" there. Defaults to `None`.
        l2: float, as in `Autoencoder`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the corruption is no layer or changes the shape, a weight is negative, or
            as `Autoencoder` says.
    """

    def __init__(
        self, encoder, decoder, corruption, loss="squared_error", emphasis=None, l2=0.0, **kwargs
    ):
        terms = {"reconstruction": 1.0}
        if emphasis is not None:
            if not isinstance(emphasis, (tuple, list)) or len(emphasis) != 2:
                raise ValueError(
                    f"emphasis={emphasis!r}: pass two weights, of the corrupted pixels and of the "
                    "others, (1.0, 0.5) say."
                )
            if callable(loss) and "weights" not in inspect.signature(loss).parameters:
                raise ValueError("emphasis needs a loss function (target, output, weights).")
            terms = dict(zip(("corrupted", "kept"), emphasis))
        super().__init__(encoder, decoder, loss, l2, terms=terms, **kwargs)
        if corruption is not None:
            check_corruption(corruption, encoder)
        self.corruption = corruption
        self.emphasis = emphasis if emphasis is None else tuple(emphasis)

    def call(self, x, training=False):
        seen = x  # (batch, *image_shape)
        if self.corruption is not None and training:
            seen = self.corruption(x, training=True)
        output = self.decoder(self.encoder(seen, training=training), training=training)
        return output if self.emphasis is None else {"output": output, "seen": seen}

    def loss_terms(self, x, target, outputs, training):
        if target is x and self.needs_target():  # a generator's, which nothing could check before
            raise ValueError(self.needs_target())
        terms = super().loss_terms(x, target, outputs, training)
        if self.emphasis is not None:
            seen, clean = (ops.cast(image, "float32") for image in (outputs["seen"], target))
            rounding = 0.0 if self.compute_dtype in ("float32", "float64") else 2.0**-7
            changed = ops.abs(seen - clean) > rounding * ops.abs(clean)
            for term, weights in (("corrupted", changed), ("kept", ops.logical_not(changed))):
                terms[term] = self.distance(target, outputs["output"], weights=weights)
        return terms

    def needs_target(self):
        if self.corruption is not None:
            return ""
        return (
            "there is nothing to undo, corruption is None. Pass (x_noisy, x_clean), or build the "
            "model with a corruption."
        )

    def corrupt(self, x, seed=0):
        """Corrupts images as training does.

        Args:
            x: array, shape `(batch, *image_shape)`.
            seed: int, of the noise; that of training goes on where it was. Defaults to `0`.

        Returns:
            array, shape `(batch, *image_shape)`.

        Raises:
            ValueError: when the model has no corruption, or `x` another shape.
        """
        if self.corruption is None:
            raise ValueError("corruption is None: this model was built for pairs of images.")
        x = as_array("x", x)
        check_shape("x", x.shape, self.example_shape())
        with seeds.fixed(self.corruption, seed):
            seen = self.corruption(ops.convert_to_tensor(x), training=True)
        return np.array(ops.convert_to_numpy(ops.cast(seen, "float32")))

    def evaluate(self, x=None, y=None, *args, corrupted=False, **kwargs):
        """As `keras.Model.evaluate`, on inputs as they are.

        Args:
            x: as in `keras.Model.evaluate`.
            y: as in `keras.Model.evaluate`.
            *args: as in `keras.Model.evaluate`.
            corrupted: bool, whether the inputs (an array) are corrupted first, by the same noise in
                each call. Defaults to `False`.
            **kwargs: as in `keras.Model.evaluate`.

        Raises:
            ValueError: when `corrupted` is asked for and there is no corruption or no array, or the
                data do not fit.
        """
        if corrupted:
            clean = as_array("x", x)
            if clean is None:
                raise ValueError("corrupted=True takes x as an array, not as a data set.")
            x, y = self.corrupt(clean, seeds.EVALUATION), clean if y is None else y
        return super().evaluate(x, y, *args, **kwargs)


def check_corruption(corruption, encoder):
    """Refuses what cannot corrupt the inputs of an encoder.

    Source: this library.

    Args:
        corruption: should be a `keras.layers.Layer` that keeps the shape.
        encoder: `keras.Model`.

    Raises:
        ValueError: when it is none.
    """
    if not isinstance(corruption, keras.layers.Layer):
        raise ValueError(
            f"corruption={corruption!r}: pass a layer, keras_ae.layers.MaskingNoise(0.25) or "
            "keras.layers.GaussianNoise(0.3) say, or None for pairs of images."
        )
    shape = encoder.input_shape
    corrupted = corruption(keras.KerasTensor(shape, encoder.inputs[0].dtype), training=True)
    if tuple(corrupted.shape) != tuple(shape):
        raise ValueError(
            f"the corruption {corruption.name} makes {tuple(corrupted.shape)} of {tuple(shape)}: "
            "pass one that keeps the shape."
        )
