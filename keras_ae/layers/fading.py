"""A new path of a network that is faded in beside the old one."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_ae")
class FadeIn(keras.layers.Layer):
    """The old path and the new one, weighted 1 - fade and fade.

    Source: Karras et al. 2017, arXiv:1710.10196, section 2 and figure 2.

    Args:
        **kwargs: `name` and `dtype`, as in `keras.layers.Layer`.

    Call arguments:
        old: tensor, shape `(batch, height, width, channels)`.
        new: tensor of that shape.
        fade: tensor, numbers in [0, 1], shape `(batch, 1)`.

    Returns:
        Tensor of that shape.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, old, new, fade):
        return old + (new - old) * ops.cast(fade, new.dtype)[:, :, None, None]

    def compute_output_shape(self, old_shape, new_shape, fade_shape):
        return tuple(new_shape)
