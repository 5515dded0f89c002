"""Diffusion in the codes of an autoencoder: the slide's Stable Diffusion, on a model of ours.

Source: Rombach et al. 2022, arXiv:2112.10752, sections 3.2 and 3.3, appendix G.

    state = scale * encoder(x),  scale = 1 / deviation of the codes, measured before the first step
    the DDPM of keras_ae.DDPM, in states;  images = decoder(state / scale)
"""

import warnings

import keras
import numpy as np
from keras import ops

from ..engine import checks
from ..engine.coder import Coder
from .process import Diffusion

MEASURED = 1000  # images whose codes the scale is measured on


@keras.saving.register_keras_serializable("keras_ae")
class LatentDiffusion(Diffusion):
    """Denoising diffusion of what an autoencoder has compressed, with or without a prompt.

    The autoencoder is frozen. The scale of its codes is measured in the first `fit`, kept, and
    saved with the model. Everything else is as in `DDPM`: one term, "denoising", the mean over the
    numbers of a code; `sample` with guidance; `encode` and `decode` between images and noise.

    Source: Rombach et al. 2022, arXiv:2112.10752.

    Args:
        first_stage: model with an encoder and a decoder whose code is one map `(batch, h, w,
            channels)`, trained: `keras_ae.FirstStage`, or an autoencoder with convolutions. With a
            KL, codes are drawn in training; with a codebook they are what it would replace.
        network: `keras.Model`, as in `DDPM`, for the shape of a code.
        predicts: "noise", "image" or "velocity". Defaults to `"noise"`.
        schedule: "linear", "sqrt_linear" (the paper's) or "cosine". Defaults to `"sqrt_linear"`.
        num_steps: int, T. Defaults to `1000`.
        num_classes: int, as in `DDPM`. Defaults to `None`.
        conditioner: `keras.Model`, as in `DDPM`. Defaults to `None`.
        condition_dropout: float in [0, 1), as in `DDPM`. Defaults to `0.1`.
        average_decay: float in [0, 1) or `None`, as in `DDPM`. Defaults to `0.9999`.
        sampling_steps: int, as in `DDPM`. Defaults to `50`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when parts do not fit each other, or an argument is not known.
    """

    def __init__(
        self,
        first_stage,
        network,
        predicts="noise",
        schedule="sqrt_linear",
        num_steps=1000,
        num_classes=None,
        conditioner=None,
        condition_dropout=0.1,
        average_decay=0.9999,
        sampling_steps=50,
        **kwargs,
    ):
        if not isinstance(first_stage, Coder):
            raise ValueError(
                f"first_stage={first_stage!r}: pass a model with an encoder and a decoder, "
                "keras_ae.FirstStage say."
            )
        super().__init__(
            network,
            predicts,
            schedule,
            num_steps,
            num_classes,
            conditioner,
            condition_dropout,
            average_decay,
            sampling_steps,
            clip=False,
            **kwargs,
        )
        code = first_stage.decoder.input_shape
        takes = checks.ends(first_stage.decoder)[0]
        if len(takes) > 1:
            raise ValueError(
                f"the code of {first_stage.name} is {', '.join(sorted(takes))}: needed is one map, "
                "build the autoencoder without switches."
            )
        hint = f" Pass {code[1:]} to keras_ae.diffusion_unet."
        checks.check_shape("the first stage's code", code, self.state_shape, hint)
        first_stage.trainable = False
        self.first_stage = first_stage
        # 0 until it is measured; float32 also where layers compute in less
        kind = {"dtype": "float32", "autocast": False, "trainable": False}
        self.scale = self.add_weight((), "zeros", **kind, name="scale")

    def _scale(self):
        scale = ops.convert_to_tensor(self.scale.value)
        return ops.where(ops.equal(scale, 0.0), 1.0, scale)

    def before_fit(self, x):
        if not self.first_stage.epochs_trained:
            warnings.warn(
                f"the first stage {self.first_stage.name} was never trained, and is frozen here: "
                "its codes mean nothing, samples will be noise. Set its trainable = True, compile "
                "and fit it, and build this model anew.",
                stacklevel=3,
            )
        if float(self.scale) == 0.0:
            batch = x if isinstance(x, np.ndarray) else checks.first_batch(x)
            if batch is None:
                raise ValueError(
                    "the scale of the codes cannot be measured on these data: call "
                    "measure_scale(images) first."
                )
            self.measure_scale(batch[0] if isinstance(batch, (tuple, list)) else batch)

    def measure_scale(self, x):
        """Sets the scale of the codes, as the first `fit` does with its data.

        Source: Rombach et al. 2022, arXiv:2112.10752, appendix G.

        Args:
            x: array of images, shape `(examples, *image_shape)`; at most 1000 of them are used.

        Raises:
            ValueError: when all codes are the same.
        """
        x = ops.convert_to_numpy(x)
        some = np.random.default_rng(0).permutation(len(x))[:MEASURED]
        if not np.std(self.first_stage.encode(x[some])) > 0:
            raise ValueError("all codes of the first stage are the same: train it first.")
        self.scale.assign(1.0 / self.first_stage.code_deviation(x[some]))

    # What is diffused ----------------------------------------------------------------------------

    def to_state(self, x, training=False):
        x = ops.convert_to_tensor(x)
        codes = self.first_stage.draw_codes(x) if training else self.first_stage.encode(x)
        return self._scale() * codes

    def to_images(self, state):
        return self.first_stage.decode(state / self._scale())

    def array_to_state(self, x):
        return ops.convert_to_numpy(self._scale()) * self.first_stage.encode(x)

    def array_to_images(self, state):
        return self.first_stage.decode(state / ops.convert_to_numpy(self._scale()))

    def example_shape(self):
        return self.first_stage.example_shape()

    def target_range(self):
        return self.first_stage.target_range()
