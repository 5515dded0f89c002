"""The log of a training run."""

import csv
import os
import pathlib
import time

import keras


class TrainingLog(keras.callbacks.Callback):
    """Writes one line of CSV per epoch; a resumed run goes on where its backup stands.

    Source: this library; `keras.callbacks.CSVLogger`.

    Args:
        file: path of the CSV file. Columns: `epoch` (from 0), `seconds`, and what `fit` logs.
    """

    def __init__(self, file):
        super().__init__()
        self.file, self.names = pathlib.Path(file), None

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch, "seconds": round(time.monotonic() - self._start, 3)}
        row |= {name: float(value) for name, value in (logs or {}).items()}
        if self.names is None or set(row) - set(self.names):  # the first, or a new column
            rows = [*self._rows_before(epoch), row]
            self.names = list(dict.fromkeys(name for each in rows for name in each))
            self._write(rows)
        else:
            with open(self.file, "a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.names).writerow(row)

    def _rows_before(self, epoch):
        return [row for row in read_log(self.file) if int(row["epoch"]) < epoch]

    def _write(self, rows):
        unfinished = self.file.with_suffix(".unfinished")
        with open(unfinished, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.names)
            writer.writeheader()
            writer.writerows(rows)
        os.replace(unfinished, self.file)


def read_log(file):
    """Rows of a training log.

    Source: `TrainingLog`.

    Args:
        file: path of the CSV file; it need not exist.

    Returns:
        list of dicts of str, empty where there is no file.
    """
    if not pathlib.Path(file).exists():
        return []
    with open(file, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
