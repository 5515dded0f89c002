"""Checks that need a process of their own."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


def run(*arguments, check=True, **environment):
    """Runs Python with the tests' backend in the project's folder; returns the finished process."""
    process = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=with_backend(environment),
        capture_output=True,
        text=True,
        timeout=300,
    )
    if check:
        assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-3000:]
    return process


def with_backend(environment):
    import keras

    common = {"KERAS_BACKEND": keras.backend.backend(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    inherited = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    return {**inherited, **common, **environment}
