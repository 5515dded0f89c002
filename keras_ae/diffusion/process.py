"""What all diffusion models share: noise that is added, a network that finds it, the way back.

Source: Ho et al. 2020, arXiv:2006.11239, algorithms 1 and 2; Song et al. 2020, arXiv:2010.02502,
equation 12; Ho and Salimans 2022, arXiv:2207.12598, equation 6 (guidance).

    x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise          a_t: the signal left at step t
    loss: the squared error of what the network predicts: noise, x_0, or the velocity
          sqrt(a_t) noise - sqrt(1 - a_t) x_0 (Salimans and Ho 2022, arXiv:2202.00512)
    guided: noise(no prompt) + guidance (noise(prompt) - noise(no prompt))
"""

import functools
import math
import random
import types

import keras
import numpy as np
from keras import ops

from .. import losses
from ..engine.adversarial import Adversarial, average_of
from ..engine.checks import check_positive_int, check_rate, ends
from ..engine.compiled import Programs
from ..engine.model import Model
from . import schedule as schedules
from .prompts import Prompts, check_networks
from .sampling import Sampling

PREDICTIONS = ("noise", "image", "velocity")


class Diffusion(Sampling, Prompts, Adversarial, Model):
    """A denoising network, its moving average, and a prompt that it may attend to.

    Source: Ho et al. 2020, arXiv:2006.11239.

    Args:
        network: `keras.Model` from a dict with "image", "time" and, with a prompt, "tokens", to
            what "image" has the shape of (`keras_ae.diffusion_unet`).
        predicts: "noise", "image" or "velocity". Defaults to `"noise"`.
        schedule: str, a name of `noise_schedule`. Defaults to `"linear"`.
        num_steps: int, T. Defaults to `1000`.
        num_classes: int, of a model that is told the classes of images, or `None`. Defaults to
            `None`.
        conditioner: `keras.Model` from whole numbers `(batch, length)` to tokens `(batch, tokens,
            channels)`, or `None` for one token for each class, or no prompt. Defaults to `None`.
        condition_dropout: float in [0, 1), share of the images that are shown without a prompt.
            Defaults to `0.1`.
        average_decay: float in [0, 1), of the network's moving average, or `None` for none.
            Defaults to `0.9999`.
        sampling_steps: int, how many steps samples take where nothing else is said, and an export.
            Defaults to `50`.
        clip: bool, whether the predicted image is kept in [-1, 1] on the way back. Defaults to
            `True`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when parts do not fit each other, or an argument is not known.
    """

    def __init__(
        self,
        network,
        predicts="noise",
        schedule="linear",
        num_steps=1000,
        num_classes=None,
        conditioner=None,
        condition_dropout=0.1,
        average_decay=0.9999,
        sampling_steps=50,
        clip=True,
        **kwargs,
    ):
        if predicts not in PREDICTIONS:
            raise ValueError(f"predicts={predicts!r}: pass one of {', '.join(PREDICTIONS)}.")
        check_positive_int("num_steps", num_steps)
        levels = schedules.noise_schedule(schedule, num_steps)
        check_positive_int("sampling_steps", sampling_steps)
        if sampling_steps > num_steps:
            raise ValueError(
                f"sampling_steps={sampling_steps}: num_steps is {num_steps}, pass at most as many."
            )
        check_rate("condition_dropout", condition_dropout)
        if average_decay is not None and not 0 <= average_decay < 1:
            raise ValueError(
                f"average_decay={average_decay!r}: pass a number of at least 0 and below 1, 0.9999 "
                "say, or None for no average."
            )
        conditioner = check_networks(network, num_classes, conditioner)
        super().__init__({"denoising": 1.0}, **kwargs)
        self.network, self.conditioner, self.num_classes = network, conditioner, num_classes
        self.predicts, self.schedule, self.num_steps = predicts, schedule, num_steps
        self.condition_dropout, self.average_decay = condition_dropout, average_decay
        self.sampling_steps, self.clip = sampling_steps, clip
        averages = average_decay is not None
        self.average = average_of(network, "average") if averages else None
        learned = averages and conditioner is not None and conditioner.trainable_variables
        self.average_conditioner = average_of(conditioner, "average_prompt") if learned else None
        self.seed_generator = keras.random.SeedGenerator(random.randrange(2**31))
        self.levels = types.MappingProxyType(levels)  # not a dict: Keras would save it
        self._programs = Programs(self)
        self.built = True  # as its parts are

    # Adding noise --------------------------------------------------------------------------------

    @property
    def state_shape(self):
        """Shape of what is diffused, a tuple: pixels, or codes."""
        return tuple(ends(self.network)[0]["image"].shape[1:])

    def to_state(self, x, training=False):
        """What is diffused, of images, both tensors: themselves, unless a subclass says so."""
        return ops.cast(x, "float32")

    def to_images(self, state):
        """Images of what was diffused, both tensors."""
        return state

    def array_to_state(self, x):
        """The same as `to_state`, of arrays."""
        return x

    def array_to_images(self, state):
        """The same as `to_images`, of arrays."""
        return state

    def _roots(self, time):
        """sqrt(a) and sqrt(1 - a) of steps `(batch,)`, shapes `(batch, 1, 1, 1)`."""
        signal = self.levels["signal"]
        table = np.stack([signal, 1.0 - signal], axis=-1) ** 0.5  # (T, 2)
        rows = ops.take(ops.convert_to_tensor(table, "float32"), time, axis=0)  # (batch, 2)
        rows = ops.reshape(rows, (-1, 2, *[1] * len(self.state_shape)))
        return rows[:, 0], rows[:, 1]

    def add_noise(self, x, time, noise):
        """Images (or codes) as they are at given steps.

        Source: Ho et al. 2020, arXiv:2006.11239, equation 4.

        Args:
            x: array or tensor, shape `(batch, *state_shape)`.
            time: int array or tensor, shape `(batch,)`, 0 to T - 1.
            noise: array or tensor, unit Gaussian, of the shape of `x`.

        Returns:
            Tensor of that shape.

        Raises:
            ValueError: when steps that are no tensor are not of 0 to T - 1.
        """
        if isinstance(time, (int, list, tuple, np.integer, np.ndarray)):
            time = np.asarray(time)
            if time.dtype.kind not in "iu" or time.min() < 0 or time.max() >= self.num_steps:
                raise ValueError(
                    f"time={time!r}: pass whole numbers of 0 to {self.num_steps - 1}, steps."
                )
        signal, rest = self._roots(ops.convert_to_tensor(time))
        return signal * ops.cast(x, "float32") + rest * ops.cast(noise, "float32")

    # One training step ---------------------------------------------------------------------------

    def trained_by(self):
        return {"denoiser": [n for n in (self.network, self.conditioner) if n is not None]}

    def update(self, x, target, sample_weight):
        def denoise():
            terms = self.loss_terms(x, target, None, True)
            return self.total(terms, sample_weight), terms

        self.log(self.minimize("denoiser", denoise), x, sample_weight)
        if self.average is not None:
            pairs = [(self.average, self.network)]
            if self.average_conditioner is not None:
                pairs.append((self.average_conditioner, self.conditioner))
            self.follow(pairs, self.average_decay)
        return x if self._compile_metrics is None else self(x, training=False)

    def loss_terms(self, x, target, outputs, training):
        state = self.to_state(x, training)
        batch, own = ops.shape(x)[0], {"seed": self.seed_generator}
        time = keras.random.randint((batch,), 0, self.num_steps, **own)
        noise = keras.random.normal(ops.shape(state), dtype="float32", **own)
        ids = None
        if self.conditioner is not None:
            ids = self._ids(target)
            if training and self.condition_dropout:
                kept = keras.random.uniform((batch, 1), **own) >= self.condition_dropout
                ids = ops.where(kept, ids, self._no_prompt())
        return {"denoising": self.errors(state, time, noise, ids, training)}

    def errors(self, state, time, noise, ids=None, training=False):
        """Squared error of what the network predicts, of states, steps and noise that are given.

        Args:
            state: tensor, shape `(batch, *state_shape)`.
            time: int tensor, shape `(batch,)`.
            noise: tensor of the shape of `state`.
            ids: int tensor, shape `(batch, length)`, of a model with a prompt. Defaults to `None`.
            training: bool. Defaults to `False`.

        Returns:
            Tensor, shape `(batch,)`, mean over the numbers of an image.
        """
        signal, rest = self._roots(time)
        noisy = signal * state + rest * noise
        wanted = {
            "noise": lambda: noise,
            "image": lambda: state,
            "velocity": lambda: signal * noise - rest * state,
        }[self.predicts]()
        tokens = None if ids is None else self.conditioner(ids, training=training)
        given = self._ask(self.network, noisy, time, tokens, training)
        return losses.squared_error(wanted, given) / math.prod(self.state_shape)

    @staticmethod
    def _ask(network, noisy, time, tokens, training=False):
        inputs = {"image": noisy, "time": ops.cast(time, "float32")}
        if tokens is not None:
            inputs["tokens"] = tokens
        return ops.cast(network(inputs, training=training), "float32")

    # What a user sees ----------------------------------------------------------------------------

    def call(self, x, training=False):
        """The images behind `x` at the middle step, as the averaged network sees them."""
        state = self.to_state(x)
        time = int(np.argmin(np.abs(self.levels["signal"] - 0.5)))
        signal = float(self.levels["signal"][time])
        row = (time, signal**0.5, (1.0 - signal) ** 0.5)
        ids = None if self.conditioner is None else self._no_prompts(state)
        noisy, tokens = row[1] * state, self._tokens(True, ids, None)
        ask = functools.partial(self._ask, self._network(True))  # what asks here may be stateless
        raw = self._guided(ask, noisy, row[0], tokens, None)
        return self.to_images(self._parts(raw, noisy, noisy, row, True, self.clip)[0])

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, None, y_pred, sample_weight)  # of images, not of labels

    def endpoints(self):
        spec = lambda shape, name, dtype="float32": keras.InputSpec(
            shape=shape, dtype=dtype, name=name
        )
        noise, z = (spec((None, *self.state_shape), name) for name in ("noise", "z"))
        state, number = spec((None, *self.state_shape), "state"), lambda n: spec((), n, "int32")
        serve = super().endpoints()["serve"]
        given, step = [noise], [state, number("step"), number("next_step")]
        if self.conditioner is not None:
            shape = (None, *(() if self.num_classes else self.conditioner.input_shape[1:]))
            prompt = [spec(shape, "labels", "int32"), spec((), "guidance")]
            given, step = given + prompt, step + prompt
        sample = lambda noise, labels=None, guidance=1.0: self.generate(
            noise, labels=labels, guidance=guidance
        )
        denoise = lambda state, step, next_step, labels=None, guidance=1.0: self.denoise_step(
            state, step, next_step, labels=labels, guidance=guidance
        )
        return {
            "serve": serve,
            "sample": (sample, given),
            "denoise_step": (denoise, step),
            "encode": (lambda x: self.encode(x), serve[1]),
            "decode": (lambda z: self.decode(z), [z]),
        }
