"""Tied weights: a decoder's layer that uses the kernel of the encoder's layer it mirrors.

Source: lecture, "Autoencoders: compression", W_1 = W_2^T; Vincent et al. 2010 (JMLR 11), section 2.

There is one variable. The tied layer has only a bias of its own; gradients of both sides add up in
the kernel, files hold it once, and a model that is loaded shares it again. The kernel belongs to
the encoder: freezing the encoder's layer freezes it, freezing the tied layer its bias alone.

What keeps the tie is a keras_ae model (`Autoencoder` and its kind), saved, loaded or cloned whole.
A decoder saved alone brings a copy of the kernels. A plain `keras.Model` round both networks cannot
be loaded as a file: rebuild it in code and use `load_weights`.
"""

import keras
from keras import ops

from ..engine.checks import check_shape
from ..engine.sharing import find_layer
from .convolution import Conv2D, check_output_padding, conv_transpose, conv_transpose_size


class Tied(keras.layers.Layer):
    """What both tied layers share: the source, its kernel, a bias of their own, config and files.

    Source: lecture, "Autoencoders: compression", W_1 = W_2^T.

    Args:
        source: the layer whose kernel is used, built.
        activation: Keras activation. Defaults to `None`.
        use_bias: bool. Defaults to `True`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Raises:
        ValueError: when `source` is of another kind, or not built yet.
    """

    kind = keras.layers.Layer

    def __init__(self, source, activation=None, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(source, self.kind):
            raise ValueError(
                f"{type(self).__name__} mirrors a {self.kind.__module__.partition('.')[0]} "
                f"{self.kind.__name__} layer, not {source!r}."
            )
        if not source.built:
            raise ValueError(f"{source.name} has no kernel yet: build the encoder before its tie.")
        self.kernel = source.kernel  # the variable itself: tracked here and there, counted once
        # The layer is no part of this one, or its bias would be; files find it by the attribute.
        object.__setattr__(self, "source", source)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias

    @property
    def trainable(self):
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        if getattr(self, "bias", None) is not None:
            self.bias.trainable = self._trainable

    def add_bias(self, size):
        """Makes the bias; subclasses call it in `build`."""
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight((size,), "zeros", trainable=self.trainable, name="bias")

    def finish(self, x):
        """Adds the bias and applies the activation."""
        return self.activation(x + self.bias if self.use_bias else x)

    def get_config(self):
        return {
            **super().get_config(),
            "source": keras.saving.serialize_keras_object(self.source),
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }

    @classmethod
    def from_config(cls, config):
        source = find_layer(config["source"]["config"]["name"])
        if source is None:  # read alone: it has a copy of its own
            source = keras.saving.deserialize_keras_object(config["source"])
        return cls(**{**config, "source": source})

    def save_own_variables(self, store):
        if self.use_bias:
            store["0"] = self.bias

    def load_own_variables(self, store):
        if self.use_bias:
            self.bias.assign(store["0"])


@keras.saving.register_keras_serializable("keras_ae")
class TiedDense(Tied):
    """A Dense layer with the transposed kernel of another: y = activation(x W^T + b).

    Source: lecture, "Autoencoders: compression", W_1 = W_2^T; Vincent et al. 2010 (JMLR 11).

    Args:
        source: built `keras.layers.Dense`, whose kernel is used.
        activation: Keras activation. Defaults to `None`.
        use_bias: bool. Defaults to `True`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, units of the source)`.

    Returns:
        Tensor, shape `(batch, inputs of the source)`.

    Raises:
        ValueError: when `source` is no built Dense layer, or `x` does not have as many features as
            it has units.
    """

    kind = keras.layers.Dense

    def build(self, input_shape):
        units = self.kernel.shape[1]
        check_shape(f"the input of {self.name}, tied to {self.source.name},", input_shape, (units,))
        self.add_bias(self.kernel.shape[0])

    def call(self, x):
        return self.finish(ops.matmul(x, ops.transpose(self.kernel)))  # (batch, inputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.kernel.shape[0])


@keras.saving.register_keras_serializable("keras_ae")
class TiedConv2DTranspose(Tied):
    """The adjoint of a convolution, with its kernel.

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, section 4; Masci et al. 2011 (flipped
    weights), doi:10.1007/978-3-642-21735-7_7.

    Args:
        source: built `keras_ae.layers.Conv2D`, whose kernel, strides and padding are used.
        output_padding: int or pair, the rows and columns that the source's floor left over.
            Defaults to `0`.
        activation: Keras activation. Defaults to `None`.
        use_bias: bool. Defaults to `True`.
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        x: tensor, shape `(batch, height, width, filters of the source)`.

    Returns:
        Tensor, shape `(batch, height_out, width_out, channels the source reads)`.

    Raises:
        ValueError: when `source` is no built `Conv2D`, the output padding is not below the stride,
            or `x` does not have as many channels as the source gives.
    """

    kind = Conv2D

    def __init__(self, source, output_padding=0, activation=None, use_bias=True, **kwargs):
        super().__init__(source, activation, use_bias, **kwargs)
        self.output_padding = check_output_padding(output_padding, source.strides)

    def build(self, input_shape):
        wanted = (None, None, self.source.filters)
        check_shape(f"the input of {self.name}, tied to {self.source.name},", input_shape, wanted)
        self.add_bias(self.kernel.shape[2])

    def call(self, x):
        source = self.source
        y = conv_transpose(x, self.kernel, source.strides, source.padding, self.output_padding)
        return self.finish(y)  # (batch, height_out, width_out, channels)

    def compute_output_shape(self, input_shape):
        source = self.source
        sizes = zip(input_shape[1:3], source.kernel_size, source.strides, self.output_padding)
        sides = (conv_transpose_size(n, f, s, source.padding, more) for n, f, s, more in sizes)
        return (input_shape[0], *sides, self.kernel.shape[2])

    def get_config(self):
        return {**super().get_config(), "output_padding": self.output_padding}
