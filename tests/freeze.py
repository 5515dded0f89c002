"""Files of the present version, for every later one to load (tests/test_older_files.py).

`python -m tests.freeze VERSION` writes tests/fixtures/VERSION/: a small `.keras` file per model,
trained for some steps, with what it predicts as `.npz`; a finished run of a recipe, and one that
was killed. What is there is never written anew: those files are what users have.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import keras
import numpy as np

from keras_ae.engine import seeds
from tests.cases import CASES

FOLDER = pathlib.Path(__file__).parent / "fixtures"
FROZEN = (
    *("autoencoder_tied", "autoencoder_switches", "stacked_autoencoder", "denoising_autoencoder"),
    *("contractive_closed_form", "k_sparse_autoencoder", "robust_autoencoder"),
    *("vae", "adversarial_labels", "semi_supervised_aae"),
    *("segmentation_unet", "segmentation_segnet", "segmentation_encoder_decoder"),
    *("gan_wasserstein", "gan_dcgan", "gan_cogan", "gan_growing", "stylegan_second"),
    *("diffusion_ddpm", "diffusion_first_stage", "diffusion_latent"),
)


def freeze(case, folder):
    """Writes a model that was trained for two epochs, and what it gives."""
    keras.utils.set_random_seed(1)
    model = case.build()
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(*case.data(np.random.default_rng(0), 12), batch_size=8, epochs=2, verbose=0)
    whole = folder / "whole.keras"
    model.save(whole)
    with zipfile.ZipFile(folder / f"{case.name}.keras", "w", zipfile.ZIP_DEFLATED) as file:
        for member in zipfile.ZipFile(whole).infolist():
            file.writestr(member.filename, zipfile.ZipFile(whole).read(member), compresslevel=9)
    whole.unlink()
    x, *y = case.data(np.random.default_rng(1), 4)
    values = {"x": x, "prediction": model.predict(x, verbose=0)}
    values |= {"y": y[0]} if y else {}
    noise = seeds.states(model)
    values |= {f"seed_{n}": keras.ops.convert_to_numpy(state) for n, state in enumerate(noise)}
    values["order"] = np.array([model._order_seed, model.epochs_trained])
    values["steps"] = keras.ops.convert_to_numpy(model.optimizer.iterations)
    if not noise:  # noise differs by backend
        model.fit(x, *y, batch_size=4, verbose=0)
        values["prediction_after_step"] = model.predict(x, verbose=0)
    np.savez_compressed(folder / f"{case.name}.npz", **values)


def recipe(folder, *arguments):
    command = [sys.executable, "-m", "recipes", *arguments, "--out", str(folder)]
    return subprocess.Popen(command, env={**os.environ, "KERAS_AE_BACKUP_SECONDS": "0"})


def rename(file):
    """Takes the path of this machine out of a metrics.json."""
    content = json.loads(file.read_text())
    content["settings"]["out"] = f"runs/{content['recipe']}"
    file.write_text(json.dumps(content, indent=2) + "\n")


def finished_run(folder):
    """What a run leaves, without pictures and the model, which are large."""
    assert recipe(folder, "autoencoder", "--data", "digits", "--quick").wait() == 0
    for file in folder.iterdir():
        if file.suffix not in (".json", ".csv"):
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    rename(folder / "metrics.json")


def killed_run(folder):
    """A run whose first model is finished and whose second is not; and the log of both unbroken."""
    settings = ["drawing_lines", "--data", "rings", "--epochs", "60"]
    process = recipe(folder, *settings)
    while not list((folder / "backup").glob("model.epoch0001*")):
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert recipe(folder.with_name("unbroken"), *settings).wait() == 0
    for name in ("log.csv", "metrics.json"):
        shutil.copy(folder.with_name("unbroken") / name, folder.with_name(f"unbroken_{name}"))
    shutil.rmtree(folder.with_name("unbroken"))
    rename(folder.with_name("unbroken_metrics.json"))


if __name__ == "__main__":
    here = FOLDER / sys.argv[1]
    here.mkdir(parents=True)
    for case in CASES:
        if case.name in FROZEN:
            freeze(case, here)
    finished_run(here / "finished_run")
    killed_run(here / "killed_run")
