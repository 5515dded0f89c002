"""A code in which few units speak, by construction."""

import keras
from keras import ops

from ..engine.checks import check_positive_int


@keras.saving.register_keras_serializable("keras_ae")
class KSparse(keras.layers.Layer):
    """Keeps the k largest units of each example and sets the others to zero.

    Gradients flow through the units that are kept. Of equal units the first ones are kept, so that
    there are never more than k. In training k may start higher and come down linearly with the
    steps, so that every unit is used early on; in inference `alpha * k` units are kept.

    Source: Makhzani and Frey 2013, arXiv:1312.5663, sections 2.1 and 4.2.

    Args:
        k: int, units that are kept.
        alpha: float >= 1, how many times as many in inference. Defaults to `1.0`.
        k_start: int >= k, units that are kept in the first training step, or `None` for `k`.
            Defaults to `None`.
        decay_steps: int, training steps until `k` is reached; needed with `k_start`. Defaults to
            `0`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, units)`.
        training: bool. Defaults to `False`.

    Returns:
        Tensor, shape `(batch, units)`.

    Raises:
        ValueError: when k, alpha * k or k_start is larger than the number of units, or a number is
            out of range.
    """

    def __init__(self, k, alpha=1.0, k_start=None, decay_steps=0, **kwargs):
        super().__init__(**kwargs)
        check_positive_int("k", k)
        if not isinstance(alpha, (int, float)) or not 1 <= alpha < float("inf"):
            raise ValueError(f"alpha={alpha!r}: pass a number >= 1.")
        if k_start is None and decay_steps:
            raise ValueError(f"decay_steps={decay_steps} needs k_start: pass both or none.")
        if k_start is not None:
            check_positive_int("decay_steps", decay_steps)
            check_positive_int("k_start", k_start)
            if k_start < k:
                raise ValueError(f"k_start={k_start} is below k={k}: pass at least k.")
        self.k, self.alpha, self.k_start, self.decay_steps = k, alpha, k_start, decay_steps

    def build(self, input_shape):
        units = input_shape[-1]
        most = {"k": self.k, "alpha * k": round(self.alpha * self.k), "k_start": self.k_start or 0}
        for name, number in most.items():
            if number > units:
                raise ValueError(f"{name} is {number}, the code has {units} units: pass less.")
        if len(input_shape) != 2:
            raise ValueError(f"{self.name} takes codes of shape (batch, units), not {input_shape}.")
        if self.k_start is not None:
            self.steps = self.add_weight(
                (), "zeros", dtype="float32", trainable=False, name="steps"
            )

    def call(self, x, training=False):
        if not training:
            k = round(self.alpha * self.k)
        elif self.k_start is None:
            k = self.k
        else:
            left = ops.maximum(1.0 - self.steps / self.decay_steps, 0.0)
            k = ops.cast(ops.round(self.k + (self.k_start - self.k) * left), "int32")
            self.steps.assign_add(1.0)
        return x * ops.cast(_largest(x, k), x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {name: getattr(self, name) for name in ("k", "alpha", "k_start", "decay_steps")}
        return {**super().get_config(), **own}


HALVINGS = 40  # of the interval in which the k-th largest value lies


def _largest(x, k):
    """One for the k largest of each row and zero for the others; `k` may be a tensor.

    The k-th value is found by halving an interval and counting: on a CPU several times as fast as
    the sort behind `ops.top_k`, which JAX also cannot export.
    """
    x = ops.cast(ops.stop_gradient(x), "float32")  # (batch, units)
    count = lambda mask: ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)  # (batch, 1)

    def halve(_, ends):
        low, high = ends  # at least k units reach the low end, fewer the high one
        middle = 0.5 * (low + high)
        enough = count(x >= middle) >= k
        return ops.where(enough, middle, low), ops.where(enough, high, middle)

    least, most = ops.min(x, axis=1, keepdims=True), ops.max(x, axis=1, keepdims=True)
    beyond = most + ops.maximum(1.0, ops.abs(most))
    low, high = ops.fori_loop(0, HALVINGS, halve, (least, beyond))
    above = x >= high
    equal = ops.logical_and(x >= low, ops.logical_not(above))
    first = ops.cumsum(ops.cast(equal, "int32"), axis=1) <= k - count(above)
    return ops.logical_or(above, ops.logical_and(equal, first))
