"""Denoising diffusion in pixels: the DDPM, sampled by any of its own steps or those of DDIM.

Source: Ho et al. 2020, arXiv:2006.11239; Song et al. 2020, arXiv:2010.02502.

    x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise
    loss = mean over pixels of (noise - network(x_t, t))^2                         equation 14
"""

import keras

from ..engine.checks import ends
from .bound import Bound
from .process import Diffusion


@keras.saving.register_keras_serializable("keras_ae")
class DDPM(Bound, Diffusion):
    """A network that finds the noise in images, and draws new ones by taking it away.

    The loss has one term, "denoising": squared error of what the network predicts, mean over the
    numbers of an image, at a step drawn for each image. `call` and `predict` give the images that
    the averaged network sees behind sqrt(a) x at the step where half the variance is noise.

    Source: Ho et al. 2020, arXiv:2006.11239, algorithm 1; its settings are the defaults.

    Args:
        network: `keras.Model` from a dict with "image", "time" `(batch,)` and, with a prompt,
            "tokens", to what "image" has the shape of: `keras_ae.diffusion_unet`, say.
        predicts: "noise", "image" or "velocity" (Salimans and Ho 2022, arXiv:2202.00512). Defaults
            to `"noise"`.
        schedule: "linear", "sqrt_linear" or "cosine". Defaults to `"linear"`.
        num_steps: int, T. Defaults to `1000`.
        num_classes: int, for `fit(x, labels)`, or `None`. Defaults to `None`.
        conditioner: `keras.Model` from whole numbers `(batch, length)` to tokens, for `fit(x,
            prompts)`, zeros being no prompt; with `num_classes` from `(batch, 1)`, the number
            after the last class being no class. `None` for learned tokens of each class, or no
            prompt. Defaults to `None`.
        condition_dropout: float in [0, 1), share of the images that are shown without a prompt (Ho
            and Salimans 2022, arXiv:2207.12598). Defaults to `0.1`.
        average_decay: float in [0, 1), of the network's moving average, which draws samples, or
            `None` for none. Defaults to `0.9999`.
        sampling_steps: int, how many steps samples take where nothing else is said, and in an
            export. Defaults to `50`.
        clip: bool, whether predicted images are kept in [-1, 1] when samples are drawn; compile
            anew after changing it. Defaults to `True`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when parts do not fit each other, or an argument is not known.
    """

    def example_shape(self):
        return tuple(ends(self.network)[0]["image"].shape[1:])

    def target_range(self):
        return -1.0, 1.0, "diffusion"
