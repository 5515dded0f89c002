"""How many bits a diffusion model needs for a pixel: its variational bound.

Source: Ho et al. 2020, arXiv:2006.11239, equations 5 to 7 and 13, section 4.3.

    L = KL(q(x_T | x_0), N(0, 1))
      + sum over t of KL(q(x_{t-1} | x_t, x_0), p(x_{t-1} | x_t)) - log p(x_0 | x_1)
"""

import math

import numpy as np
from keras import ops

from ..engine.checks import check_positive_int
from . import schedule as schedules
from .way import rows

HALF_LEVEL = 1.0 / 255.0  # of 256 levels in [-1, 1]
SMALLEST = 1e-12  # probability of a level


class Bound:
    """Mixed into a diffusion model of pixels: `bits_per_dimension`.

    Source: Ho et al. 2020, arXiv:2006.11239, section 4.3.
    """

    def bits_per_dimension(
        self,
        x,
        *,
        labels=None,
        variance="fixed_large",
        steps=None,
        seed=0,
        average=True,
        batch_size=64,
    ):
        """Bits for each number of an image, at most: the bound on its negative log-likelihood.

        Of each step one noise is drawn. With fewer `steps` the sum over all of them is estimated,
        without bias, from the first one and one of each of so many equal parts of the others.

        Source: Ho et al. 2020, arXiv:2006.11239, equations 5, 7 and 13.

        Args:
            x: array, shape `(batch, *image_shape)`, the 256 levels of 8 bits in [-1, 1].
            labels: as in `sample`; without, no prompt. Defaults to `None`.
            variance: of the way back, "fixed_large" (beta) or "fixed_small" (the posterior's).
                Defaults to `"fixed_large"`.
            steps: int, 1 to T, or `None` for all. Defaults to `None`.
            seed: int, of noise and steps, which each batch has of its own, or `None` for others
                each time. Defaults to `0`.
            average: as in `sample`. Defaults to `True`.
            batch_size: int, images at once, at most; fewer where they and the noise of all steps
                would be too much. Defaults to `64`.

        Returns:
            float32 array, shape `(batch,)`, bits per dimension.

        Raises:
            ValueError: when pixels are not 256 levels in [-1, 1], or an argument does not fit.
        """
        x = self._checked("x", x, self.state_shape)
        levels = (x + 1.0) / (2.0 * HALF_LEVEL)
        if np.abs(x).max() > 1.0 or np.abs(levels - np.round(levels)).max() > 1e-2:
            raise ValueError("x has values between the 256 levels k / 127.5 - 1: round them first.")
        table = schedules.bound_table(self.levels, variance)
        ids, _ = self._prompt(x, labels, 1.0)
        rng = np.random.default_rng(seed)
        check_positive_int("batch_size", batch_size)
        steps = self.num_steps if steps is None else steps
        schedules.chosen_steps(self.num_steps, steps)
        ends = np.array([0, self.num_steps])  # of the parts; the first step is one of its own
        if steps > 1:
            ends = np.append(0, 1 + (self.num_steps - 1) * np.arange(steps) // (steps - 1))
        key = ("bound", average, self.clip, ids is None)
        program = self._programs(key, lambda given: self._nats(average, **given))
        size, results = self._affordable(min(batch_size, len(x)), steps), []
        for start in range(0, len(x), size):
            chosen = rng.integers(ends[:-1], ends[1:])  # one step of each part
            weighted = np.concatenate([table[chosen], np.diff(ends)[:, None]], axis=1)
            given = {"x": rows(x, start, size), "table": weighted.astype("float32")}
            given["noise"] = rng.standard_normal((steps, size, *self.state_shape), "float32")
            given |= {} if ids is None else {"ids": rows(ids, start, size)}
            results.append(program(given))
        signal = self.levels["signal"][-1]
        prior = 0.5 * (signal * (x.astype("float64") ** 2 - 1.0) - np.log(1.0 - signal))
        prior = prior.reshape(len(x), -1).sum(axis=1)
        nats = np.concatenate(results)[: len(x)] + prior
        return (nats / (math.prod(self.state_shape) * math.log(2.0))).astype("float32")

    def _nats(self, average, x, table, noise, ids=None):
        """The sum over the rows of a table of steps, shape `(batch,)`."""
        ask, tokens = self._asking(average), self._tokens(average, ids, None)

        def step(number, total):
            row = ops.take(table, number, axis=0)
            _, signal, rest, of_image, of_state, true_variance, variance, weight = (
                row[k] for k in range(8)
            )
            noisy = signal * x + rest * ops.take(noise, number, axis=0)
            raw = self._guided(ask, noisy, row[0], tokens, None)
            image, _ = self._parts(raw, noisy, noisy, row, True, self.clip)
            mean = of_image * image + of_state * noisy
            away = of_image * (x - image)
            apart = ops.log(variance / true_variance) + (true_variance + away**2) / variance - 1.0
            nats = ops.where(row[0] > 0, 0.5 * apart, -_log_of_level(x, mean, variance))
            return total + weight * ops.sum(nats, axis=tuple(range(1, len(x.shape))))

        return ops.fori_loop(0, table.shape[0], step, ops.zeros((ops.shape(x)[0],)))


def _log_of_level(x, mean, variance):
    """log of what N(mean, variance) gives the level of `x`; the outermost have no end."""
    below = lambda bound: 0.5 * (1.0 + ops.erf((bound - mean) / ops.sqrt(2.0 * variance)))
    upper = ops.where(x > 1.0 - HALF_LEVEL, 1.0, below(x + HALF_LEVEL))
    lower = ops.where(x < HALF_LEVEL - 1.0, 0.0, below(x - HALF_LEVEL))
    return ops.log(ops.maximum(upper - lower, SMALLEST))
