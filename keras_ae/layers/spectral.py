"""Spectral normalisation: a layer whose kernel has a largest singular value of about one."""

import keras
from keras import ops

from ..engine.checks import check_positive_int
from ..losses.reduction import as_float


@keras.saving.register_keras_serializable("keras_ae")
class SpectralNormalization(keras.layers.Wrapper):
    """A linear layer divided by its kernel's largest singular value, which is estimated on the way.

    `keras.layers.SpectralNormalization` overwrites the kernel in each call in training: a network
    that judges two batches in one step is then two networks, and PyTorch cannot differentiate it.
    Here the kernel stays and the gradient goes through the singular value, as in the paper.

    Source: Miyato et al. 2018, arXiv:1802.05957, equations 8 to 12 and algorithm 1.

    Args:
        layer: `keras.layers.Dense`, `Conv2D` or another layer with one `kernel`, linear: put the
            activation behind it.
        power_iterations: int, steps of the power method in each call in training. Defaults to `1`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: what the layer takes.

    Returns:
        What the layer gives, its kernel divided by the singular value.

    Raises:
        ValueError: when the layer has an activation or no kernel, or the number is not positive.
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        check_positive_int("power_iterations", power_iterations)
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if activation != "linear":
            raise ValueError(
                f"{layer.name} ends in {activation!r}: build it without, and put the activation "
                "behind the normalised layer."
            )
        self.power_iterations = power_iterations

    def build(self, input_shape):
        super().build(input_shape)
        if not hasattr(self.layer, "kernel"):
            raise ValueError(f"{self.layer.name} has no kernel: pass a Dense or Conv2D layer, say.")
        self.vector = self.add_weight(
            (1, self._matrix().shape[1]),
            keras.initializers.RandomNormal(0.0, 1.0),
            dtype="float32",
            trainable=False,
            autocast=False,
            name="vector",
        )

    def _matrix(self):
        """The kernel, float32, shape `(inputs, outputs)`."""
        kernel = as_float(self.layer.kernel)
        if "Transpose" in type(self.layer).__name__:  # which has its outputs before its inputs
            kernel = ops.swapaxes(kernel, -1, -2)
        return ops.reshape(kernel, (-1, kernel.shape[-1]))

    def call(self, x, training=False):
        matrix = self._matrix()
        fixed, right = ops.stop_gradient(matrix), ops.stop_gradient(1.0 * self.vector)
        left = _unit(right @ ops.transpose(fixed))  # (1, inputs)
        if training:
            for more in reversed(range(self.power_iterations)):
                right = _unit(left @ fixed)  # (1, outputs)
                left = _unit(right @ ops.transpose(fixed)) if more else left
            self.vector.assign(right)
        largest = ops.sum((left @ matrix) * _unit(right))
        y, bias = self.layer(x), 0.0
        if getattr(self.layer, "bias", None) is not None:
            bias = ops.cast(self.layer.bias, y.dtype)  # (outputs,), not divided
        return (y - bias) / ops.cast(ops.maximum(largest, 1e-12), y.dtype) + bias

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(vector):
    return vector / (ops.norm(vector) + 1e-12)
