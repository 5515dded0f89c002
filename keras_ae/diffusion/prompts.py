"""What a diffusion model is told: classes, or prompts of whole numbers, and how much they count.

Source: Rombach et al. 2022, arXiv:2112.10752, section 3.3; Ho and Salimans 2022, arXiv:2207.12598.
"""

import math
import numbers

import numpy as np
from keras import layers, ops

from ..engine.checks import check_labels, check_positive_int, check_shape, ends
from ..networks.text import class_tokens


class Prompts:
    """Mixed into a diffusion model: the ids that its conditioner makes tokens of.

    Source: Rombach et al. 2022, arXiv:2112.10752, section 3.3.
    """

    def _ids(self, labels):
        """Whole numbers as the conditioner takes them, shape `(batch, length)`."""
        labels = ops.cast(labels, "int32")
        return labels[:, None] if len(labels.shape) == 1 else labels

    def _no_prompt(self):
        """The ids of no prompt, shape `(1, length)`: the class after the last, or zeros."""
        length = self.conditioner.input_shape[1]
        return np.full((1, length), self.num_classes or 0, "int32")

    def _no_prompts(self, x):
        """The same for every example of an array or tensor."""
        if isinstance(x, np.ndarray):
            return np.repeat(self._no_prompt(), len(x), axis=0)
        shape = (ops.shape(x)[0], self.conditioner.input_shape[1])
        return ops.broadcast_to(ops.convert_to_tensor(self._no_prompt()), shape)

    def label_range(self):
        """`(least, greatest)` class or word, or `None` for a model that is told nothing.

        Words are those of the tables that read the prompt; where none is seen to, of the largest.
        """
        if self.conditioner is None:
            return None
        if self.num_classes is not None:
            return 0, self.num_classes - 1
        inside = self.conditioner._flatten_layers()
        starts = [id(part.inputs[0]) for part in inside if getattr(part, "inputs", None)]
        tables = [layer for layer in inside if isinstance(layer, layers.Embedding)]
        words = [table for table in tables if id(getattr(table, "input", None)) in starts]
        if words:
            return 0, min(table.input_dim for table in words) - 1
        return 0, max((table.input_dim for table in tables), default=2**31) - 1

    def target_shape(self):
        """Shape of one prompt, `(length,)`; of a model with classes as in `Model`."""
        if self.conditioner is None or self.num_classes is not None:
            return super().target_shape()
        return tuple(self.conditioner.input_shape[1:])

    def needs_target(self):
        """Why classes or prompts must be passed, a sentence; empty where there are none."""
        if self.conditioner is None:
            return ""
        given = "classes" if self.num_classes is not None else "prompts"
        return f"this model is told the {given} of images. Pass fit(x, {given})."

    def no_target(self):
        """Why none may be passed, a sentence; empty where classes or prompts are."""
        if self.conditioner is not None:
            return ""
        return (
            "this model is told nothing of images, and takes noise from the images themselves: "
            "call fit(x) alone, or build it with num_classes or a conditioner."
        )

    def _prompt(self, state, labels, guidance):
        """Ids `(batch, length)` and guidance, which is `None` where the network is asked once."""
        number = isinstance(guidance, numbers.Real)
        if self.conditioner is None:
            if labels is not None or (number and guidance != 1):
                raise ValueError("this model knows no prompts: leave labels and guidance out.")
            return None, None
        if number and not 0 <= guidance < math.inf:
            raise ValueError(f"guidance={guidance!r}: pass a number >= 0.")
        if labels is None:
            ids = self._no_prompts(state)
        elif isinstance(labels, (list, tuple, np.ndarray)):
            shape = () if self.num_classes is not None else self.conditioner.input_shape[1:]
            ids = check_labels("labels", labels, *self.label_range(), shape)
            if len(ids) != state.shape[0]:
                raise ValueError(f"{len(ids)} labels for {state.shape[0]} images: pass as many.")
            ids = ids.reshape(len(ids), -1)
        else:
            ids = self._ids(labels)
        return ids, None if number and guidance == 1 else guidance


def check_networks(network, num_classes, conditioner):
    """Refuses networks that do not fit each other.

    Source: this library.

    Args:
        network: should be a `keras.Model` from a dict with "image", "time" and maybe "tokens".
        num_classes: int or `None`.
        conditioner: `keras.Model` or `None`.

    Returns:
        The conditioner: what was passed, or one token for each class.

    Raises:
        ValueError: when they do not fit.
    """
    for part in (network, conditioner):
        if part is not None and not hasattr(part, "output_shape"):
            raise ValueError(f"{part} has no fixed shapes: pass a Functional or Sequential model.")
    if conditioner is not None:
        shapes = [tuple(each.shape) for each in conditioner.inputs]
        if len(shapes) != 1 or len(shapes[0]) != 2 or isinstance(conditioner.input_shape, dict):
            raise ValueError(
                f"{conditioner.name} takes {conditioner.input_shape}: needed is one array of whole "
                "numbers, shape (batch, length). Put a keras.Model round it that makes its inputs "
                "of them."
            )
    inputs = ends(network)[0]
    needed, prompt = {"image", "time"}, num_classes is not None or conditioner is not None
    if inputs.keys() != needed | ({"tokens"} if prompt else set()):
        takes = ", ".join(sorted(inputs)) if "" not in inputs else "one tensor"
        advice = "with" if prompt else "without"
        raise ValueError(
            f"{network.name} takes {takes}; needed are 'image', 'time'{' and tokens' * prompt}: "
            f"keras_ae.diffusion_unet {advice} token_shape builds it; num_classes or conditioner "
            "say what the tokens are."
        )
    check_shape("the network's output", network.output_shape, inputs["image"].shape[1:])
    if not prompt:
        return None
    shape = tuple(inputs["tokens"].shape[1:])
    if num_classes is not None:
        check_positive_int("num_classes", num_classes)
        if conditioner is None:
            conditioner = class_tokens(num_classes, shape)
        if conditioner.input_shape[1:] != (1,):
            raise ValueError(
                f"the conditioner takes {conditioner.input_shape}: with num_classes it is given "
                "one number for each image, shape (batch, 1); leave num_classes out for prompts."
            )
    check_shape("the conditioner's output", conditioner.output_shape, shape)
    return conditioner
