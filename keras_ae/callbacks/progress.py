"""A line of text per tenth of a training run."""

import time

import keras


class Progress(keras.callbacks.Callback):
    """Prints a line per tenth of a `fit`: what it trains, the loss, and the time that is left.

    It is for terminals and log files alike, where a line per epoch is too much and
    `verbose=0` shows nothing. Lines come at most every `every_seconds`, over all instances,
    so that many short runs do not flood the screen. A resumed run counts from where it goes on.

    Source: this library.

    Args:
        name: str, what is trained, the start of each line.
        every_seconds: float, least time between two lines. Defaults to `2.0`.

    Example:
        >>> import keras, numpy as np
        >>> from keras_ae.callbacks import Progress
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x = np.ones((8, 2))
        >>> _ = model.fit(x, x[:, :1], epochs=20, verbose=0, callbacks=[Progress("a line")])
    """

    _last = None  # time of the latest line of any instance

    def __init__(self, name="training", every_seconds=2.0):
        super().__init__()
        self.name, self.every_seconds = name, every_seconds
        self._start = None

    def on_train_begin(self, logs=None):
        self._start = None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        if self._start is None:
            self._start, self._first, self._tenth = time.monotonic(), epoch, 0
            if Progress._last is None:
                Progress._last = self._start

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params.get("steps")
        if steps:
            self._look(self._epoch + min(1.0, (batch + 1) / steps), logs)

    def on_epoch_end(self, epoch, logs=None):
        self._look(epoch + 1.0, logs)

    def _look(self, epochs_done, logs):
        epochs = self.params["epochs"]
        done = (epochs_done - self._first) / max(1, epochs - self._first)
        now = time.monotonic()
        if int(10 * done) <= self._tenth or now - Progress._last < self.every_seconds:
            return
        self._tenth, Progress._last = int(10 * done), now
        loss = f", loss {float(logs['loss']):.4g}" if logs and "loss" in logs else ""
        left = shown_seconds((now - self._start) * (1.0 - done) / done)
        epoch = f"epoch {min(epochs, int(epochs_done) + (epochs_done % 1 > 0))} of {epochs}"
        print(f"{self.name}: {done:4.0%}, {epoch}{loss}, {left} left", flush=True)


def shown_seconds(seconds):
    """A time as people say it.

    Source: this library.

    Args:
        seconds: float.

    Returns:
        str, such as "8 s", "3 min 20 s" or "1 h 5 min".
    """
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
