"""All steps from noise to images, or back, in one loop that is compiled.

Source: Song et al. 2020, arXiv:2010.02502, equation 12; Ho and Salimans 2022, arXiv:2207.12598,
equation 6.
"""

import functools
import math

import numpy as np
from keras import ops

from ..engine.checks import check_positive_int

MOST_FRESH = 2**26  # numbers of noise that a program is handed at once


class Way:
    """Mixed into a diffusion model: it walks along any table of `schedule`.

    Source: Song et al. 2020, arXiv:2010.02502.
    """

    def _way(self, average, back, clip, state, table, ids=None, guidance=None, fresh=None):
        """All steps of a table, in one loop.

        Args:
            average: bool, which network is asked.
            back: bool, whether from noise to image.
            clip: bool, whether the predicted image is kept in [-1, 1].
            state: float32 tensor, shape `(batch, *state_shape)`.
            table: float32 tensor, shape `(steps, 6)`, with the columns `schedule.COLUMNS`.
            ids: int tensor, shape `(batch, length)`, or `None` for no prompt.
            guidance: scalar tensor, or `None` for 1.
            fresh: tensor, shape `(steps, batch, *state_shape)`, noise, or `None`.

        Returns:
            Tensor, shape `(batch, *state_shape)`.
        """
        ask, tokens = self._asking(average), self._tokens(average, ids, guidance)

        def step(number, state):
            row = ops.take(table, number, axis=0)  # (6,)
            after = state
            for _ in range(1 if back else 2):  # forth, once more from where the first one led
                raw = self._guided(ask, after, row[0], tokens, guidance)
                image, noise = self._parts(raw, after, state, row, back, clip)
                after = row[3] * image + row[4] * noise
            if fresh is not None:
                after = after + row[5] * ops.take(fresh, number, axis=0)
            return after

        return ops.fori_loop(0, table.shape[0], step, state)

    def _network(self, average):
        return self.average if average and self.average is not None else self.network

    def _tokens(self, average, ids, guidance):
        """What is attended to; where guidance asks twice, of no prompt and then of the prompt."""
        if self.conditioner is None:
            return None
        conditioner = self.conditioner
        if average and self.average_conditioner is not None:
            conditioner = self.average_conditioner
        if guidance is not None:
            ids = ops.concatenate([ops.convert_to_tensor(self._no_prompts(ids)), ids], axis=0)
        return conditioner(ids, training=False)

    def _asking(self, average):
        """What asks a network of states, steps and tokens: written down once for all programs."""
        network = self._network(average)
        return self._programs.part(network, functools.partial(self._ask, network))

    def _guided(self, ask, state, time, tokens, guidance):
        if guidance is not None:
            state = ops.concatenate([state, state], axis=0)
        time = ops.broadcast_to(ops.cast(time, "float32"), (ops.shape(state)[0],))
        raw = ask(state, time, tokens)
        if guidance is None:
            return raw
        without, with_prompt = ops.split(raw, 2, axis=0)
        return without + guidance * (with_prompt - without)

    def _parts(self, raw, seen, state, row, back, clip):
        """The image and the noise that a state consists of, as the network sees it.

        On the way forth the network is asked for the step that is gone to (columns 3 and 4 of
        `row`), of what it has `seen` there; the image is what that noise leaves of the state at
        hand (columns 1 and 2).
        """
        signal, rest = row[1], row[2]
        asked, missing = (signal, rest) if back else (row[3], row[4])
        if self.predicts == "noise":
            noise = raw
        elif self.predicts == "image":
            noise = (seen - asked * raw) / missing
        else:
            noise = missing * seen + asked * raw
        if back and self.predicts == "image":
            image = raw
        elif back and self.predicts == "velocity":
            image = signal * state - rest * raw
        else:
            image = (state - rest * noise) / signal
        if clip:
            image = ops.clip(image, -1.0, 1.0)
            noise = (state - signal * image) / rest
        return image, noise

    def _run_way(self, average, back, clip, state, table, ids, guidance, fresh, batch_size):
        """`_way` of arrays, compiled once for each number of steps and size of batch."""
        check_positive_int("batch_size", batch_size)
        given = {"state": state} | ({} if ids is None else {"ids": ids})
        shared = {"table": table.astype("float32")}
        if guidance is not None:
            shared["guidance"] = np.float32(guidance)
        key = (average, back, clip, *given, *shared, fresh is None)
        way = self._programs(key, lambda given: self._way(average, back, clip, **given))
        size = min(batch_size, len(state))
        if fresh is not None:
            size, fresh = self._affordable(size, len(table)), fresh.spawn(len(state))
        results = []
        for start in range(0, len(state), size):
            parts = {name: rows(each, start, size) for name, each in given.items()} | shared
            if fresh is not None:  # each image has its own
                parts["fresh"] = np.empty((len(table), size, *self.state_shape), "float32")
                for place, own in enumerate(rows(np.array(fresh), start, size)):
                    shape = (len(table), *self.state_shape)
                    drawn = np.random.default_rng(own).standard_normal(shape, "float32")
                    parts["fresh"][:, place] = drawn
            results.append(way(parts))
        return np.concatenate(results)[: len(state)]

    def _affordable(self, size, steps):
        """How many images may be handed noise of so many steps at once."""
        return min(size, max(MOST_FRESH // (steps * math.prod(self.state_shape)), 1))


def rows(x, start, size):
    """So many rows of an array; behind its end the last one again, or they would be compiled anew.

    Source: this library.

    Args:
        x: array, shape `(examples, ...)`.
        start: int, below `examples`.
        size: int.

    Returns:
        array, shape `(size, ...)`.
    """
    return x[np.minimum(np.arange(start, start + size), len(x) - 1)]
