"""The Jacobian of a dense network in closed form, and what an estimate of one needs."""

import keras
from keras import ops

from ..engine.checks import ends

DERIVATIVES = {  # of an activation, from its own output
    keras.activations.linear: lambda h: ops.ones_like(h),
    keras.activations.sigmoid: lambda h: h * (1.0 - h),
    keras.activations.tanh: lambda h: 1.0 - ops.square(h),
    keras.activations.relu: lambda h: ops.cast(h > 0.0, h.dtype),
    keras.activations.softplus: lambda h: -ops.expm1(-h),
    keras.activations.exponential: lambda h: h,
}


def dense_chain(encoder):
    """The Dense layers of an encoder whose Jacobian is a product of matrices.

    Source: Rifai et al. 2011, equation 6, and the chain rule.

    Args:
        encoder: `keras.Model`, Functional or Sequential.

    Returns:
        list of `(Dense layer, derivative)`: functions of the layer's output; `None` where the
        encoder is something else.
    """
    chain, before = [], None
    for layer in encoder.layers:
        try:
            single = before is None or layer.input is before
        except (AttributeError, ValueError):  # called twice, or not by itself
            return None
        kind = type(layer)
        if not single or isinstance(layer.output, dict):
            return None
        before = layer.output
        if kind is keras.layers.Dense:
            if layer.activation not in DERIVATIVES or len(layer.input.shape) != 2:
                return None
            chain.append((layer, DERIVATIVES[layer.activation]))
        elif kind not in (
            keras.layers.InputLayer,
            keras.layers.Flatten,
            keras.layers.Reshape,
            keras.layers.Dropout,
        ):
            return None
    code = ends(encoder)[1]
    is_code = code.get("", code.get("code")) is before
    return chain if chain and is_code else None


def layer_outputs(chain, x):
    """What each layer of a chain gives, without dropout.

    Source: Rifai et al. 2011 (the forward pass).

    Args:
        chain: list, what `dense_chain` returned.
        x: tensor, shape `(batch, ...)`.

    Returns:
        list of tensors, shape `(batch, units)` each.
    """
    outputs, h = [], ops.reshape(x, (-1, chain[0][0].kernel.shape[0]))  # (batch, inputs)
    for layer, _ in chain:
        h = layer(h)
        outputs.append(h)
    return outputs


def squared_norm(chain, outputs):
    """||J||_F^2 of a chain of Dense layers: J = D_L W_L^T ... D_1 W_1^T from its narrower end.

    Source: Rifai et al. 2011, equation 6 for one layer; the chain rule for more.

    Args:
        chain: list, what `dense_chain` returned.
        outputs: list of tensors, what each layer gave.

    Returns:
        Tensor, shape `(batch,)`.
    """
    kernels = [ops.cast(layer.kernel, "float32") for layer, _ in chain]  # (inputs, units) each
    slopes = [  # (batch, units) each
        derivative(ops.reshape(ops.cast(h, "float32"), (-1, layer.units)))
        for (layer, derivative), h in zip(chain, outputs)
    ]
    if len(chain) == 1:  # products, not squares: PyTorch differentiates them three times as fast
        (kernel,), (slope,) = kernels, slopes
        return ops.sum(slope * slope * ops.sum(kernel * kernel, axis=0), axis=-1)
    inputs, units = kernels[0].shape[0], kernels[-1].shape[1]
    if inputs < units:  # columns of J, from the input on: (batch, inputs, width)
        columns = kernels[0] * slopes[0][:, None, :]
        for kernel, slope in zip(kernels[1:], slopes[1:]):
            columns = ops.matmul(columns, kernel) * slope[:, None, :]
        return sum_of_squares(columns)
    rows = ops.transpose(kernels[-1]) * slopes[-1][:, :, None]  # (batch, units, width)
    for kernel, slope in zip(kernels[-2:0:-1], slopes[-2:0:-1]):
        rows = ops.matmul(rows * slope[:, None, :], ops.transpose(kernel))
    rows = rows * slopes[0][:, None, :]  # what is left is W_1^T
    if kernels[0].shape[1] < inputs:  # ||R W^T||^2 = sum of (R W^T W) * R
        gram = ops.matmul(ops.transpose(kernels[0]), kernels[0])
        return ops.sum(ops.matmul(rows, gram) * rows, axis=(1, 2))
    return sum_of_squares(ops.matmul(rows, ops.transpose(kernels[0])))


def random_signs(batch, units, seed):
    """Random signs: unit covariance, and less variance than a Gaussian has.

    Thirty come from one random integer (on TensorFlow with XLA drawing is slow, 0.2 ms per 1000).

    Source: Hutchinson 1990, doi:10.1080/03610919008812866.

    Args:
        batch: int or scalar tensor.
        units: int.
        seed: `keras.random.SeedGenerator`.

    Returns:
        int32 tensor of -1 and 1, shape `(batch, units)`.
    """
    draws = keras.random.randint((batch, -(-units // 30)), 0, 2**30, dtype="int32", seed=seed)
    bits = ops.bitwise_and(ops.right_shift(draws[:, :, None], ops.arange(30, dtype="int32")), 1)
    return 2 * ops.reshape(bits, (batch, -1))[:, :units] - 1


def sum_of_squares(values):
    """Sum of squares of each example.

    Source: definition.

    Args:
        values: tensor, shape `(batch, ...)`.

    Returns:
        Tensor of float32, shape `(batch,)`.
    """
    values = ops.cast(values, "float32")
    return ops.sum(ops.reshape(ops.square(values), (ops.shape(values)[0], -1)), axis=-1)
