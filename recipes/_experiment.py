"""What every recipe does around its five steps: flags, folder, seed, devices, resume, results."""

import contextlib
import ctypes
import datetime
import importlib.metadata
import itertools
import json
import os
import pathlib
import platform
import subprocess
import sys
import time
from typing import Annotated, Literal

import keras
import tyro

import keras_ae
from keras_ae.callbacks import Backup, Progress, TrainingLog, read_log
from keras_ae.engine import distribution, trainer

_flag = tyro.conf.arg
Data = Annotated[
    str,
    _flag(
        help="pen (digits drawn on the spot), digits (ship with scikit-learn), a TFDS name such as "
        "mnist, an .npz file, or a folder of images."
    ),
]
Texts = Annotated[
    str,
    _flag(
        help="generated (documents that are made up), a folder with Reuters-21578's .sgm files, or "
        "a folder with one subfolder of texts per class."
    ),
]
Pairs = Annotated[
    str,
    _flag(
        help="scattered_pen (three digits of a pen on textures) or generated_cells, whichever the "
        "default is; scattered_digits (ten real ones) for the former; or a folder with images and "
        "label maps as the recipe's header says."
    ),
]
Shape = Annotated[Literal["rings", "moons"], _flag(help="Which points in the plane.")]
Epochs = Annotated[int, _flag(help="How often the training set is seen.")]
Seed = Annotated[int, _flag(help="Seed of weights, noise and the order of the data.")]
Out = Annotated[str, _flag(help="Folder for results; empty for runs/NAME.")]
Quick = Annotated[bool, _flag(help="A run of less than a minute that still learns something.")]
Resume = Annotated[bool, _flag(help="Go on with a run that was stopped, in the same folder.")]
Precision = Annotated[str, _flag(help="float32, mixed_bfloat16 or mixed_float16.")]
Distribute = Annotated[int, _flag(help="Devices to train on side by side (TensorFlow, JAX).")]

# least time between two backups of a run
BACKUP_SECONDS = float(os.environ.get("KERAS_AE_BACKUP_SECONDS", "30"))

# options of glibc's allocator: number for mallopt(3), bytes
MALLOC = {"TRIM_THRESHOLD": (-1, 2**30), "TOP_PAD": (-2, 2**26), "MMAP_THRESHOLD": (-3, 2**25)}


class AlreadyFinished(Exception):
    """The run that `--resume` asks for has nothing left to do."""


class Run:
    """One run of a recipe: `with Run("autoencoder", locals()) as run:`.

    Entering checks and creates the folder, sets seed, precision and devices. Results appear in the
    folder as they are made; `metrics.json` is written last, whole, so that a folder that has one is
    a finished run.

    Args:
        name: str, name of the recipe.
        settings: dict, the arguments of the recipe's `main` (its `locals()`).
        quick_epochs: int, what `--quick` trains instead of `epochs`. Defaults to `10`.

    Raises:
        ValueError: when the folder cannot be written, holds something else, or holds a run with
            other settings than those to resume.
    """

    def __init__(self, name, settings, quick_epochs=10):
        self.name, self.settings = name, dict(settings)
        self.quick, self.seed = settings["quick"], settings["seed"]
        self.epochs = min(quick_epochs, settings["epochs"]) if self.quick else settings["epochs"]
        if self.epochs < 1:
            raise ValueError(f"--epochs {self.epochs}: pass a positive number.")
        self.folder = pathlib.Path(settings["out"] or os.path.join("runs", name))
        self.values = {}
        self._logs, self._exit, self._seconds_before = [], contextlib.ExitStack(), None

    def __enter__(self):
        self._start = time.monotonic()
        keras.utils.set_random_seed(self.seed)
        try:
            self._set_devices()
            self._prepare_folder()
        except BaseException:
            self._exit.close()
            raise
        return self

    def _set_devices(self):
        precision, devices = self.settings["precision"], self.settings["distribute"]
        self._exit.callback(keras.config.set_dtype_policy, keras.config.dtype_policy())
        try:
            keras.config.set_dtype_policy(precision)
        except ValueError as error:
            raise ValueError(
                f"--precision {precision}: pass float32, mixed_bfloat16 or mixed_float16."
            ) from error
        if devices > 1:
            distribution.split_cpu(devices)
        self._exit.enter_context(distribution.data_parallel(devices))
        if self.quick:
            self._exit.enter_context(trainer.without_xla())

    def __exit__(self, kind, error, trace):
        self._exit.close()
        if error is not None and [f.name for f in self.folder.iterdir()] == ["run.json"]:
            # nothing came of it (data that cannot be read, say): leave things as they were
            (self.folder / "run.json").unlink()
            self.folder.rmdir()
            if self._earlier is not None:
                self._earlier.rename(self.folder)

    def callbacks(self, name="model"):
        """Callbacks of one `fit`: its log, its progress, and the backup for `--resume`."""
        log = self.folder / ("log.csv" if name == "model" else f"log_{name}.csv")
        self._logs.append((log, len(read_log(log))))
        backup = Backup(self.folder / "backup", name, BACKUP_SECONDS)
        return [TrainingLog(log), self.progress(name), backup]

    def progress(self, name="model"):
        """A callback that prints a line per tenth of one `fit`, for a `fit` without backups."""
        return Progress(self.name if name == "model" else name.replace("_", " "))

    def say(self, text):
        """Prints what the run does now, for the steps that are no `fit`."""
        print(text, flush=True)

    def once(self, name, compute, *arguments):
        """A number that a resumed run does not compute again.

        Args:
            name: str, its key among the backups of this run.
            compute: function that returns a float.
            *arguments: what it is called with.

        Returns:
            float.
        """
        file = self.folder / "backup" / "numbers.json"
        numbers = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if self._seconds_before is None:  # what an earlier process spent on its numbers
            self._seconds_before = sum(seconds for _, seconds in numbers.values())
        if name not in numbers:
            start = time.monotonic()
            value = float(compute(*arguments))
            numbers[name] = (value, round(time.monotonic() - start, 1))
            file.parent.mkdir(exist_ok=True)
            _write_json(file, numbers)
        return numbers[name][0]

    def metric(self, name, value, unit):
        """Notes a number, and prints it.

        Args:
            name: str, its key in `metrics.json`.
            value: float.
            unit: str, what it counts, and per what.
        """
        self.values[name] = {"value": float(value), "unit": unit}
        print(f"  {name} = {float(value):.4g} ({unit})", flush=True)

    def figure(self, name, figure):
        """Writes a Matplotlib figure as `NAME.png`."""
        figure.savefig(self.folder / f"{name}.png", dpi=150)

    def animation(self, name, animation):
        """Writes a Matplotlib animation as `NAME.gif`."""
        from matplotlib.animation import PillowWriter

        animation.save(self.folder / f"{name}.gif", PillowWriter(fps=8), dpi=80)

    def save(self, model, name="model", export=True):
        """Writes a model as `NAME.keras` and, where TensorFlow can, as `NAME_savedmodel`.

        Args:
            model: `keras_ae` model.
            name: str. Defaults to `"model"`.
            export: bool, whether a SavedModel is written. Defaults to `True`.
        """
        unfinished = self.folder / f"{name}.unfinished.keras"
        model.save(unfinished)
        os.replace(unfinished, self.folder / f"{name}.keras")
        why_not = model.cannot_export()
        if why_not:
            print(f"no SavedModel: {why_not}")
        elif export:
            model.export(self.folder / f"{name}_savedmodel")

    def finish(self, outcome="", figure=""):
        """Writes `metrics.json`, whole, removes the backups, and says what came out.

        Args:
            outcome: str, the result in a line, beside that of a trivial answer where there is one.
            figure: str, name of the figure that shows it.
        """
        resumed = sum(float(row["seconds"]) for log, n in self._logs for row in read_log(log)[:n])
        resumed += self._seconds_before or 0.0
        content = {
            "recipe": self.name,
            "metrics": self.values,
            "settings": self.settings,
            "epochs": self.epochs,
            **environment(),
            "seconds": round(time.monotonic() - self._start + resumed, 1),
        }
        _write_json(self.folder / "metrics.json", content)
        for file in (self.folder / "backup").glob("*"):
            file.unlink()
        with contextlib.suppress(OSError):
            (self.folder / "backup").rmdir()
        if outcome:
            print(f"{outcome} -> {self.folder / figure}.png" if figure else outcome)
        print(f"numbers, pictures and the model are in {self.folder}{os.sep}", flush=True)

    def _prepare_folder(self):
        folder, marker, self._earlier = self.folder, self.folder / "run.json", None
        fixed = {k: v for k, v in self.settings.items() if k not in ("out", "resume")}
        fixed = {"recipe": self.name, "backend": keras.backend.backend(), **fixed}
        fixed = json.loads(json.dumps(fixed))
        try:
            finished = (folder / "metrics.json").exists()
            if self.settings["resume"] and marker.exists():
                started = json.loads(marker.read_text(encoding="utf-8"))
                differ = sorted(key for key in fixed if started.get(key) != fixed[key])
                if differ:
                    raise ValueError(
                        f"--resume: {folder} was started with other settings "
                        f"({', '.join(f'{key}={started.get(key)!r}' for key in differ)}): "
                        "repeat them, or choose another --out."
                    )
                if finished:
                    raise AlreadyFinished(f"{folder} holds a finished run; nothing is left to do.")
            elif folder.exists() and any(folder.iterdir()):
                if not finished or not marker.exists():
                    what = (
                        "an unfinished run: --resume goes on with it, or"
                        if marker.exists()
                        else ("files that are not a run:")
                    )
                    raise ValueError(f"--out {folder} holds {what} name a new folder.")
                numbered = (folder.with_name(f"{folder.name}.{n}") for n in itertools.count(1))
                self._earlier = folder.rename(next(p for p in numbered if not p.exists()))
                print(f"the earlier run in {folder} is now in {self._earlier}")
            folder.mkdir(parents=True, exist_ok=True)
            _write_json(marker, fixed)
        except (OSError, json.JSONDecodeError) as error:
            raise ValueError(
                f"--out {folder} cannot be used ({error}): name another one."
            ) from error


def environment():
    """Where numbers come from: backend, device, versions, commit, date.

    Source: this library.

    Returns:
        dict that `metrics.json` and `recipes/results.json` hold.
    """
    packages = ("keras", "tensorflow", "jax", "torch", "numpy")
    versions = {"python": platform.python_version(), "keras_ae": keras_ae.__version__}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    here, commit = pathlib.Path(__file__).resolve().parent.parent, "unknown"
    git = ["git", "-C", str(here), "describe", "--always", "--dirty", "--exclude=*"]
    if (here / ".git").exists():  # a wheel may lie within the repository of something else
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    return {
        "backend": keras.backend.backend(),
        "device": distribution.device_name(),
        "versions": versions,
        "commit": commit,
        "date": datetime.date.today().isoformat(),
    }


def command_line(main, arguments=None, program=None):
    """Runs a recipe's `main` with its signature as the command line.

    A user's mistake is one line on standard error and exit code 1; an unknown flag is exit code 2.

    Source: tyro.

    Args:
        main: function with keyword-only arguments.
        arguments: list of str. Defaults to `sys.argv[1:]`.
        program: str, name in the usage line. Defaults to the script's.

    Raises:
        SystemExit: on wrong flags or a wrong input.
    """
    keep_freed_memory()
    try:
        tyro.cli(main, args=arguments, prog=program)
    except AlreadyFinished as message:
        print(message)
    except KeyboardInterrupt:
        print("\nstopped; the same command with --resume goes on", file=sys.stderr)
        raise SystemExit(130) from None
    except (ValueError, OSError) as error:
        if os.environ.get("KERAS_AE_DEBUG"):
            raise
        message = " ".join(str(error).split())
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(1) from None


def keep_freed_memory():
    """Lets this process keep the memory of tensors that are gone, for the next ones.

    glibc gives it back to Linux and asks for it anew, page by page: TensorFlow, which frees and
    allocates the maps of a convolution in every step, can spend most of a step on that. Other
    systems are left as they are.

    Source: mallopt(3), whose numbers these are; the same by `MALLOC_TRIM_THRESHOLD_` and so on.

    Returns:
        bool, whether the process does so now.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all([mallopt(number, size) for number, size in MALLOC.values()])


def _write_json(file, content):
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(unfinished, file)
