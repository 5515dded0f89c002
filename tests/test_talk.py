"""What a run prints: progress by tenths, the outcome last, and nothing of TensorFlow's notes."""

import os
import re

import keras
import numpy as np
import pytest

from keras_ae.callbacks import Progress
from keras_ae.callbacks.progress import shown_seconds
from recipes import _experiment, _quiet
from tests import processes


def fitted(epochs, callback, examples=40, first_epoch=0, steps_per_execution=1):
    """A tiny fit of four steps an epoch."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=keras.backend.backend() != "jax")
    x = np.ones((examples, 2), "float32")
    model.fit(
        x,
        x[:, :1],
        batch_size=10,
        epochs=epochs,
        initial_epoch=first_epoch,
        verbose=0,
        callbacks=[callback],
    )


def lines(capsys, **arguments):
    Progress._last = None
    fitted(callback=Progress("digits", every_seconds=0.0), **arguments)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("epochs", [20, 3])
def test_progress_is_a_line_per_tenth(epochs, capsys):
    printed = lines(capsys, epochs=epochs)
    shares = [int(re.match(r"digits: +(\d+)%, epoch", line)[1]) for line in printed]
    assert len(printed) == 10 if epochs == 20 else 5 <= len(printed) <= 10
    assert shares == sorted(set(shares)) and shares[-1] == 100
    assert all(re.search(rf"epoch \d+ of {epochs}, loss [\d.e+-]+, .+ left$", p) for p in printed)


def test_progress_of_a_resumed_run_counts_what_is_left(capsys):
    printed = lines(capsys, epochs=30, first_epoch=20)
    assert len(printed) == 10 and "epoch 21 of 30" in printed[0]


def test_lines_of_many_short_runs_keep_their_distance(capsys):
    Progress._last = None
    for _ in range(3):
        fitted(5, Progress("digits", every_seconds=1000.0))
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    "seconds, text", [(7.6, "8 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")]
)
def test_times_are_shown_as_people_say_them(seconds, text):
    assert shown_seconds(seconds) == text


def test_the_end_says_what_came_out_and_where_to_look(tmp_path, capsys):
    settings = {"quick": True, "seed": 0, "epochs": 1, "out": str(tmp_path / "run")}
    settings |= {"resume": False, "precision": "float32", "distribute": 1}
    with _experiment.Run("autoencoder", settings) as run:
        run.metric("error", 16.74, "squared error")
        run.finish("error 16.7 per image; always the mean image: 37.1", "pairs")
    printed = capsys.readouterr().out.splitlines()
    picture = os.path.join(str(tmp_path / "run"), "pairs.png")
    assert printed[0] == "  error = 16.74 (squared error)"
    assert printed[1] == f"error 16.7 per image; always the mean image: 37.1 -> {picture}"


def test_tensorflow_starts_in_silence_and_errors_still_show():
    """Its notes on CUDA and oneDNN are held back; what is no note, and errors, are printed."""
    program = """
import os, sys
from recipes import _quiet

_quiet.silence()
import tensorflow as tf

assert float(tf.constant(2.0) * 2) == 4.0
with _quiet.without_notes():
    os.write(2, b"I0000 00:00:1795949539.682062   12540 port.cc:153] a note\\n")
    os.write(2, b"something else\\n")
    print("from Python", file=sys.stderr)
raise ValueError("ours")
"""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow's notes: KERAS_BACKEND=tensorflow runs it")
    process = processes.run("-c", program, check=False, TF_CPP_MIN_LOG_LEVEL="2")
    assert process.returncode == 1 and not process.stdout
    printed = process.stderr.splitlines()
    assert printed[:2] == ["something else", "from Python"], printed
    assert printed[-1] == "ValueError: ours"


def test_standard_error_comes_back_after_an_error():
    with pytest.raises(ImportError), _quiet.without_notes():
        raise ImportError("no such module")
    assert os.fstat(2)
