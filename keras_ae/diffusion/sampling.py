"""What a user asks of a diffusion model: images of noise, noise of images, single steps.

Source: Ho et al. 2020, arXiv:2006.11239, algorithm 2; Song et al. 2020, arXiv:2010.02502, equation
12; Ho and Salimans 2022, arXiv:2207.12598, equation 6.
"""

import numpy as np
from keras import ops

from ..engine.checks import check_positive_int, check_shape, check_values
from . import schedule as schedules
from .way import Way


class Sampling(Way):
    """Mixed into a diffusion model: `sample`, `encode`, `decode` and single steps.

    Source: Song et al. 2020, arXiv:2010.02502.
    """

    def sample(
        self,
        n,
        *,
        labels=None,
        seed=None,
        guidance=1.0,
        steps=None,
        eta=0.0,
        spacing="uniform",
        average=True,
        batch_size=64,
    ):
        """New images, from noise.

        Source: Song et al. 2020, arXiv:2010.02502, equation 12; Ho et al. 2020, arXiv:2006.11239,
        algorithm 2 (`eta=1`, or "fixed_large", with all steps).

        Args:
            n: int, number of images.
            labels: int array, shape `(n,)`, classes, or `(n, length)`, prompts; `None` for equal
                shares of all classes, or for no prompt. Defaults to `None`.
            seed: int, the same images (with the same weights) each time on every backend, however
                many are drawn at once, or `None` for others. Defaults to `None`.
            guidance: float >= 0: 0 forgets the prompt, 1 follows it as the data do, more follows
                it more than they do. Defaults to `1.0`.
            steps: int, 1 to T, or `None` for `sampling_steps`. Defaults to `None`.
            eta: float in [0, 1], share of fresh noise in each step, or "fixed_large". Defaults to
                `0.0`.
            spacing: "uniform" or "quadratic". Defaults to `"uniform"`.
            average: bool, whether the averaged network draws them, where there is one. Defaults to
                `True`.
            batch_size: int, images drawn at once. Defaults to `64`.

        Returns:
            array, shape `(n, *image_shape)`, pixels as in the training data.

        Raises:
            ValueError: when a number is out of its range, or the labels do not fit.
        """
        return self.generate(
            self.sample_noise(n, seed),
            labels=labels,
            seed=None if seed is None else [seed, 1],
            guidance=guidance,
            steps=steps,
            eta=eta,
            spacing=spacing,
            average=average,
            batch_size=batch_size,
        )

    def sample_noise(self, n, seed=None):
        """Noise as `sample` draws it.

        Args:
            n: int, rows.
            seed: as in `sample`. Defaults to `None`.

        Returns:
            float32 array, shape `(n, *state_shape)`.

        Raises:
            ValueError: when `n` is not a positive integer.
        """
        check_positive_int("n", n)
        return np.random.default_rng(seed).normal(size=(n, *self.state_shape)).astype("float32")

    def generate(
        self,
        noise,
        *,
        labels=None,
        seed=None,
        guidance=1.0,
        steps=None,
        eta=0.0,
        spacing="uniform",
        average=True,
        batch_size=64,
    ):
        """Images of noise.

        Args:
            noise: array or tensor, shape `(batch, *state_shape)`.
            labels: as in `sample`. Defaults to `None`.
            seed: int, or list of them, of the fresh noise of each step. Defaults to `None`.
            guidance: as in `sample`, or a scalar tensor. Defaults to `1.0`.
            steps: as in `sample`. Defaults to `None`.
            eta: as in `sample`; 0 where `noise` is a tensor. Defaults to `0.0`.
            spacing: as in `sample`. Defaults to `"uniform"`.
            average: as in `sample`. Defaults to `True`.
            batch_size: as in `sample`. Defaults to `64`.

        Returns:
            As `sample`: an array for an array, a tensor for a tensor.

        Raises:
            ValueError: as `sample`.
        """
        steps = self.sampling_steps if steps is None else steps
        table = schedules.steps_back(self.levels, steps, eta, spacing)
        noise = self._checked("noise", noise, self.state_shape)
        if labels is None and self.num_classes is not None and isinstance(noise.shape[0], int):
            labels = np.arange(noise.shape[0]) % self.num_classes
        ids, guidance = self._prompt(noise, labels, guidance)
        if isinstance(noise, np.ndarray):
            fresh = np.random.SeedSequence(seed) if np.any(table[:, 5]) else None
            given = (noise, table, ids, guidance, fresh, batch_size)
            return self.array_to_images(self._run_way(average, True, self.clip, *given))
        if np.any(table[:, 5]):
            raise ValueError("of a tensor images are drawn without fresh noise: pass eta=0.")
        table = ops.convert_to_tensor(table, "float32")
        return self.to_images(self._way(average, True, self.clip, noise, table, ids, guidance))

    def denoise_step(self, state, step, next_step, *, labels=None, guidance=1.0, average=True):
        """One step of the deterministic way from noise to image.

        Source: Song et al. 2020, arXiv:2010.02502, equation 12 with eta 0.

        Args:
            state: array or tensor, shape `(batch, *state_shape)`, at `step`.
            step: int or int tensor, 0 to T - 1.
            next_step: int or int tensor below `step`, -1 for the image itself.
            labels: as in `sample`; without, no prompt. Defaults to `None`.
            guidance: as in `sample`. Defaults to `1.0`.
            average: as in `sample`. Defaults to `True`.

        Returns:
            The state at `next_step`, of the shape of `state`: an array for an array, a tensor for
            a tensor.

        Raises:
            ValueError: when a number is out of its range, or the labels do not fit.
        """
        if isinstance(step, (int, np.integer)) and not -1 <= next_step < step < self.num_steps:
            raise ValueError(
                f"step={step}, next_step={next_step}: pass a step of 0 to {self.num_steps - 1}, "
                "and after it a smaller one, -1 for the image."
            )
        state = self._checked("state", state, self.state_shape)
        ids, guidance = self._prompt(state, labels, guidance)

        def one(given):
            signal = np.append(self.levels["signal"], 1.0)  # the last one is that of step -1
            roots = ops.convert_to_tensor(np.stack([signal, 1.0 - signal]) ** 0.5, "float32")
            number, later = given["step"], ops.mod(given["next_step"], self.num_steps + 1)
            row = [
                number,
                *(ops.take(roots, n, axis=1)[k] for n in (number, later) for k in (0, 1)),
            ]
            tokens = self._tokens(average, given.get("ids"), given.get("guidance"))
            ask, state = self._asking(average), given["state"]
            raw = self._guided(ask, state, number, tokens, given.get("guidance"))
            image, noise = self._parts(raw, state, state, row, True, self.clip)
            return row[3] * image + row[4] * noise

        given = {"state": state, "step": step, "next_step": next_step}
        given |= {} if ids is None else {"ids": ids}
        given |= {} if guidance is None else {"guidance": guidance}
        if not isinstance(state, np.ndarray):
            return one(given)
        given |= {name: np.int32(given[name]) for name in ("step", "next_step")}
        given |= {"guidance": np.float32(guidance)} if guidance is not None else {}
        return self._programs(("one", average, self.clip, *given), one)(given)

    def encode(self, x, steps=None, *, labels=None, average=True, batch_size=64):
        """The noise that `decode` makes these images of: the deterministic way, forth.

        The network is asked twice in each step, the second time where the first one led: the step
        back is asked there.

        Source: Song et al. 2020, arXiv:2010.02502, section 5.4.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`.
            steps: int, 1 to T, or `None` for `sampling_steps`. Defaults to `None`.
            labels: as in `sample`; without, no prompt. Defaults to `None`.
            average: as in `sample`. Defaults to `True`.
            batch_size: int, images at once. Defaults to `64`.

        Returns:
            Noise, shape `(batch, *state_shape)`: an array for an array, a tensor for a tensor.

        Raises:
            ValueError: when shapes do not fit, or `steps` is not in 1 to T.
        """
        x = self._checked("x", x, self.example_shape())
        state = self.array_to_state(x) if isinstance(x, np.ndarray) else self.to_state(x)
        return self._deterministic(False, state, steps, labels, average, batch_size)

    def decode(self, z, steps=None, *, labels=None, average=True, batch_size=64):
        """Images of noise; what is predicted on the way is not clipped.

        Source: Song et al. 2020, arXiv:2010.02502, section 5.4.

        Args:
            z: array or tensor, shape `(batch, *state_shape)`.
            steps: as in `encode`. Defaults to `None`.
            labels: as in `encode`. Defaults to `None`.
            average: as in `sample`. Defaults to `True`.
            batch_size: int, images at once. Defaults to `64`.

        Returns:
            Images, shape `(batch, *image_shape)`: an array for an array, a tensor for a tensor.

        Raises:
            ValueError: as `encode`.
        """
        z = self._checked("z", z, self.state_shape)
        state = self._deterministic(True, z, steps, labels, average, batch_size)
        return self.array_to_images(state) if isinstance(z, np.ndarray) else self.to_images(state)

    def reconstruct(self, x, steps=None, *, labels=None):
        """Images to noise and back, `decode(encode(x))`.

        Args:
            x: array or tensor, shape `(batch, *image_shape)`.
            steps: as in `encode`. Defaults to `None`.
            labels: as in `encode`. Defaults to `None`.

        Returns:
            Images of the shape of `x`: an array for an array, a tensor for a tensor.

        Raises:
            ValueError: as `encode`.
        """
        return self.decode(self.encode(x, steps, labels=labels), steps, labels=labels)

    def _deterministic(self, back, state, steps, labels, average, batch_size):
        steps = self.sampling_steps if steps is None else steps
        way = schedules.steps_back if back else schedules.steps_forth
        table, (ids, _) = way(self.levels, steps), self._prompt(state, labels, 1.0)
        if isinstance(state, np.ndarray):
            return self._run_way(average, back, False, state, table, ids, None, None, batch_size)
        return self._way(average, back, False, state, ops.convert_to_tensor(table, "float32"), ids)

    # Checks --------------------------------------------------------------------------------------

    @staticmethod
    def _checked(name, x, shape):
        if isinstance(x, (list, tuple, np.ndarray)):
            x = np.asarray(x, "float32")
            check_values(name, x)
        check_shape(name, x.shape, shape)
        return x
