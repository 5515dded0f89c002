"""The weight of an adversary beside an error: how much steeper the one is than the other.

Source: Esser et al. 2021, arXiv:2012.09841, equation 7; Rombach et al. 2022, arXiv:2112.10752,
appendix G.

    weight = |slope of the error| / (|slope of the verdict| + 1e-4), by the decoder's last kernel
"""

import keras
from keras import ops

from ..engine import autodiff

SMALL, LARGEST = 1e-4, 1e4


class AdaptiveWeight:
    """The two slopes, computed from the last layer with a kernel on.

    Where a decoder cannot be cut there, as something leads round that layer, all of it is asked for
    each slope.

    Source: Esser et al. 2021, arXiv:2012.09841, equation 7.

    Args:
        decoder: `keras.Model`, Functional or Sequential.

    Call arguments:
        code: tensor, what the decoder takes.
        error: callable from the decoder's output to a loss, whose mean is taken.
        verdict: callable of the same kind.
        training: bool.

    Returns:
        Scalar tensor without a slope, 0 to 1e4.

    Raises:
        ValueError: when the decoder has no kernel.
    """

    def __init__(self, decoder):
        last = [layer for layer in decoder.layers if _last_kernel(layer) is not None][-1:]
        if not last:
            raise ValueError(
                f"{decoder.name} has no kernel: the adaptive weight is that of its last one."
            )
        (layer,) = last
        self._kernel = _last_kernel(layer)
        try:
            self._body = keras.Model(decoder.inputs[0], layer.input)
            self._end = keras.Model(layer.input, decoder.outputs[0])
        except (AttributeError, ValueError):  # Keras': not connected, or used twice
            self._body, self._end = None, decoder

    def __call__(self, code, error, verdict, training):
        if self._body is not None:
            code = self._body(code, training=training)  # no slope goes further back

        def steepness(loss):
            def of_output():
                output = ops.cast(self._end(code, training=training), "float32")
                return ops.mean(loss(output))

            _, (slope,) = autodiff.value_and_grad(of_output, [self._kernel])
            return ops.sqrt(ops.sum(ops.square(ops.cast(slope, "float32"))))

        weight = steepness(error) / (steepness(verdict) + SMALL)
        return ops.stop_gradient(ops.clip(weight, 0.0, LARGEST))


def _last_kernel(layer):
    """Its own, or the last one of what it is made of; `None` where there is none."""
    for name in ("pointwise_kernel", "kernel"):  # the former of separable convolutions
        if isinstance(getattr(layer, name, None), keras.Variable):
            return getattr(layer, name)
    parts = layer._flatten_layers(include_self=False, recursive=False)
    kernels = [_last_kernel(part) for part in getattr(layer, "layers", parts)]
    return next((kernel for kernel in reversed(kernels) if kernel is not None), None)
