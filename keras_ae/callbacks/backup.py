"""An exact backup of a training run."""

import os
import pathlib
import re
import time

import keras


class Backup(keras.callbacks.Callback):
    """Saves the state of training after each epoch, and goes on from it in the next process.

    Unlike `keras.callbacks.BackupAndRestore` the state is one file that is there whole or not at
    all (the epoch is its name), and with a keras_ae model it holds the seeds and the order of the
    batches too, so that a resumed run ends with the weights of an unbroken one.

    Source: this library; `keras.callbacks.BackupAndRestore`.

    Args:
        folder: path of the folder for the backups.
        name: str, start of the file's name, one per model that is trained there. Defaults to
            `"model"`.
        every_seconds: float, least time between two backups; the last epoch is always saved.
            Defaults to `0.0`.
    """

    def __init__(self, folder, name="model", every_seconds=0.0):
        super().__init__()
        self.folder, self.name, self.every_seconds = pathlib.Path(folder), name, every_seconds
        self._last, self._epoch, self._saved = time.monotonic(), 0, 0

    def find(self):
        """`(file, epochs)` of the newest backup, or `(None, 0)`."""
        pattern = re.compile(re.escape(self.name) + r"\.epoch(\d+)\.weights\.h5")
        found = [(int(m[1]), f) for f in self.folder.glob("*") if (m := pattern.fullmatch(f.name))]
        return max(found)[::-1] if found else (None, 0)

    def on_train_begin(self, logs=None):
        file, self._epoch = self.find()
        self._saved = self._epoch
        if file is None:
            return
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        try:
            self.model.load_weights(file)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(
                f"the backup {file} does not fit this model or is broken ({error}): start again "
                "without it, in another folder."
            ) from error
        self.model._initial_epoch = self._epoch  # what Keras' own BackupAndRestore sets

    def on_epoch_end(self, epoch, logs=None):
        self._epoch = epoch + 1
        if time.monotonic() - self._last >= self.every_seconds:
            self._save()

    def on_train_end(self, logs=None):
        if self._saved != self._epoch:
            self._save()
        self.model._initial_epoch = 0

    def _save(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        older, _ = self.find()
        file = self.folder / f"{self.name}.epoch{self._epoch:05d}.weights.h5"
        unfinished = self.folder / f"{self.name}.unfinished.weights.h5"
        self.model.save_weights(unfinished, overwrite=True)
        os.replace(unfinished, file)
        if older is not None and older != file:
            older.unlink()
        self._last, self._saved = time.monotonic(), self._epoch
