"""The schedule of networks that grow: which level is trained when, inside one `fit`.

Source: Karras et al. 2017, arXiv:1710.10196, appendix A.1.

    level 0          images of the first side, `stable_images` of them
    level 1, 2, ...  twice the side: `fade_images` in which it is faded in, then `stable_images`

A level begins with the first epoch that starts after its images are due. Steps are compiled anew
for it, so that they compute nothing of another level, and optimizers forget what they remember.
"""

import itertools

import keras
import numpy as np
from keras import ops

from ..engine import distribution
from ..engine.trainer import as_list
from .gan import GAN
from .resolutions import START


class Scheduled(GAN):
    """A GAN that is trained at one level after the other.

    The level, the images seen and where the level began are saved with the weights.

    Source: Karras et al. 2017, arXiv:1710.10196, appendix A.1.

    Args:
        generator: `keras.Model` with images of every side.
        discriminator: `keras.Model` with logits of every side.
        start_side: int, side of the first images, pixels.
        fade_images: int, images while which a new side is faded in.
        stable_images: int, images before and after.
        **kwargs: as in `GAN`.

    Raises:
        ValueError: when networks do not fit, or an argument is not known.
    """

    def __init__(self, generator, discriminator, start_side, fade_images, stable_images, **kwargs):
        super().__init__(generator, discriminator, **kwargs)
        for name, number in (("fade_images", fade_images), ("stable_images", stable_images)):
            if not isinstance(number, (int, np.integer)) or number < 0:
                raise ValueError(f"{name}={number!r}: pass a number of images, 0 or more.")
        all_sides = [2**n for n in range(START.bit_length() - 1, self.image_shape[0].bit_length())]
        if start_side not in all_sides:
            raise ValueError(
                f"start_side={start_side!r}: pass one of {', '.join(map(str, all_sides))}."
            )
        self.start_side, self.fade_images = start_side, int(fade_images)
        self.stable_images = int(stable_images)
        self.sides = all_sides[all_sides.index(start_side) :]
        counter = lambda name: self.add_weight(
            (),
            "zeros",
            dtype="int32",
            trainable=False,
            aggregation="only_first_replica",  # all have the same number
            name=name,
        )
        self.level, self.images_seen, self.level_start = map(
            counter, ("level", "images_seen", "level_start")
        )
        self._level = 0  # the same number, known while a step is traced
        self.level.assign(self._due(0, 0, 0))
        self._follow_level()

    @property
    def side(self):
        """Side of the images that are drawn at present, pixels."""
        return self.sides[self._level]

    def _due(self, level, seen, start):
        """The level after so many images, of which the present one began at `start`."""
        while level + 1 < len(self.sides):
            if seen - start < self.stable_images + (self.fade_images if level else 0):
                break
            level, start = level + 1, seen
        return level

    def schedule(self, images, epochs, initial_epoch=0):
        """Which level each epoch of a run is trained at, from where the model stands.

        Args:
            images: int, images in an epoch.
            epochs: int, where the run ends.
            initial_epoch: int, where it begins. Defaults to `0`.

        Returns:
            list of int, numbers of `sides`.
        """
        level, seen, start = map(_number, (self.level, self.images_seen, self.level_start))
        levels = []
        for _ in range(initial_epoch, epochs):
            due = self._due(level, seen, start)
            level, start = due, start if due == level else seen
            levels.append(level)
            seen += images
        return levels

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        *,
        callbacks=None,
        initial_epoch=0,
        reach=None,
        **kwargs,
    ):
        """As `GAN.fit`, and grows on the way.

        To callbacks, a level is a training of its own: what Keras' EarlyStopping or CSVLogger
        remember begins anew with it (keras_ae's TrainingLog and Backup go on).

        Args:
            x: images of the last side, shape `(examples, *image_shape)`, or a data set of them.
            y: `None`.
            batch_size: int, or dict, side to images in a batch from this side on.
            epochs: int. Defaults to `1`.
            callbacks: list of `keras.callbacks.Callback`. Defaults to `None`.
            initial_epoch: int. Defaults to `0`.
            reach: int, the side that this run should reach; `None` for the last one. Defaults to
                `None`.
            **kwargs: as in `keras.Model.fit`.

        Returns:
            `keras.callbacks.History` of all levels.

        Raises:
            ValueError: when the schedule does not get there, or as `GAN.fit` says.
        """
        if kwargs.get("steps_per_epoch") is not None:
            raise ValueError(
                "growth is counted in images, of whole epochs: leave steps_per_epoch out, and pass "
                "fewer images where an epoch should be shorter."
            )
        images = _images_per_epoch(x, batch_size, kwargs.get("validation_split") or 0.0)
        levels = self.schedule(images, epochs, initial_epoch)
        if not images or not levels:  # nothing to do, or data that Keras' fit refuses
            args = {"epochs": epochs, "callbacks": callbacks, "initial_epoch": initial_epoch}
            return super().fit(x, y, **args, **kwargs)
        self._check_reach(reach, levels, images, initial_epoch)
        history, stop = None, initial_epoch
        for level, same in itertools.groupby(levels):
            start, stop = stop, stop + len(list(same))
            part = super().fit(
                x,
                y,
                self._batch_size(batch_size, level),
                epochs=stop,
                initial_epoch=start,
                callbacks=[_Level(level), *as_list(callbacks)],
                **kwargs,
            )
            history = _joined(history, part)
            if self.stop_training:
                break
        self.history = history
        return history

    def _check_reach(self, reach, levels, images, initial_epoch):
        reach = self.sides[-1] if reach is None else reach
        if reach not in self.sides:
            raise ValueError(f"reach={reach!r}: pass one of {', '.join(map(str, self.sides))}.")
        if self.sides[levels[-1]] < reach:
            needed = self._epochs_before(reach, images) + 1
            raise ValueError(
                f"{len(levels)} epochs of {images} images end at a side of "
                f"{self.sides[levels[-1]]} pixels and never reach {reach}, where epoch {needed} "
                f"would begin: pass epochs={initial_epoch + needed} or more, build the model with "
                f"less than {self.fade_images} fade_images and {self.stable_images} stable_images, "
                f"or say reach={self.sides[levels[-1]]} if that is meant."
            )

    def _epochs_before(self, side, images):
        """Epochs of so many images before the first one at a side."""
        level, seen, start = map(_number, (self.level, self.images_seen, self.level_start))
        epochs = 0
        while self.sides[level] < side:
            missing = self.stable_images + (self.fade_images if level else 0) - (seen - start)
            more = max(-(-missing // images), 0)
            epochs, seen = epochs + more, seen + more * images
            level, start = level + 1, seen
        return epochs

    def _batch_size(self, batch_size, level):
        if not isinstance(batch_size, dict):
            return batch_size
        known = [side for side in sorted(batch_size) if side <= self.sides[level]]
        if not known or set(batch_size) - set(self.sides):
            raise ValueError(
                f"batch_size={batch_size}: sides of this model are "
                f"{', '.join(map(str, self.sides))}; name {self.start_side} and any others."
            )
        return batch_size[known[-1]]

    def _grow_to(self, level):
        """Goes on at a level, with optimizers that remember nothing of another one."""
        if level != _number(self.level):
            self.level_start.assign(_number(self.images_seen))
            self.level.assign(level)
            self.optimizer.reset()
        self._follow_level()

    def _follow_level(self):
        """Takes the level of the saved variable; compiled functions of another one are left."""
        level = _number(self.level)
        if level == self._level:
            return
        self._level = level
        self.test_function = self.predict_function = None
        if self.compiled and self.train_function is not None:
            self.make_train_function(force=True)

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self._follow_level()


class _Level(keras.callbacks.Callback):
    """Sees to it that an epoch is trained at its level."""

    def __init__(self, level):
        super().__init__()
        self.level = level

    def on_epoch_begin(self, epoch, logs=None):
        self.model._grow_to(self.level)


def _number(variable):
    return int(ops.convert_to_numpy(variable))


def _images_per_epoch(x, batch_size, validation_split):
    """Images that an epoch of some data has."""
    if hasattr(x, "shape") or isinstance(x, (list, tuple)):
        images = int(len(x) * (1 - validation_split))
        return images - images % distribution.num_devices()
    if batch_size is not None:
        raise ValueError("a data set has batches of its own: pass arrays, or no batch_size.")
    if hasattr(x, "num_used"):
        return x.num_used
    try:
        batches, first = len(x), next(iter(x))
    except TypeError as error:
        raise ValueError(
            f"how many images an epoch has cannot be told of a {type(x).__name__}, and growth is "
            "counted in images: pass arrays, or a data set that has a length."
        ) from error
    return batches * len(first[0] if isinstance(first, tuple) else first)


def _joined(history, part):
    """One history of two trainings."""
    if history is None:
        return part
    history.epoch += part.epoch
    for name, values in part.history.items():
        history.history.setdefault(name, []).extend(values)
    return history
