"""Recipes as a user runs them: what they leave, what they refuse, and going on after a kill."""

import json
import platform
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from keras_ae.callbacks import read_log
from recipes import __main__ as recipes
from recipes import _experiment as experiment
from recipes import autoencoder, pretraining
from tests import processes

EXPORTS = keras.backend.backend() != "torch"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished quick run, started as a script."""
    folder = tmp_path_factory.mktemp("runs") / "quick"
    processes.run("-m", "recipes.autoencoder", "--quick", "--out", folder)
    return folder


def test_a_run_leaves_what_it_promises(finished):
    left = {file.name for file in finished.iterdir()}
    expected = {"run.json", "metrics.json", "log.csv", "pairs.png", "codes.png", "model.keras"}
    assert left == expected | ({"model_savedmodel"} if EXPORTS else set())
    content = json.loads((finished / "metrics.json").read_text())
    numbers = {name: metric["value"] for name, metric in content["metrics"].items()}
    assert numbers["test_squared_error"] < 0.6 * numbers["mean_image_squared_error"]
    assert numbers["knn_accuracy"] > 0.5
    assert content["backend"] == keras.backend.backend() and content["seconds"] < 60
    rows = read_log(finished / "log.csv")
    assert [int(row["epoch"]) for row in rows] == list(range(content["epochs"]))
    assert {"loss", "reconstruction", "val_loss", "seconds"} <= set(rows[0])
    assert keras.saving.load_model(finished / "model.keras").count_params() == 219_891


def test_resuming_a_finished_run_does_nothing(finished, capsys):
    before = (finished / "metrics.json").stat().st_mtime_ns
    experiment.command_line(autoencoder.main, ["--quick", "--resume", "--out", str(finished)])
    assert "nothing is left to do" in capsys.readouterr().out
    assert (finished / "metrics.json").stat().st_mtime_ns == before


def fails(arguments, capsys, code=1):
    with pytest.raises(SystemExit) as exit_:
        experiment.command_line(autoencoder.main, arguments)
    assert exit_.value.code == code
    output = capsys.readouterr().err
    if code == 1:
        assert output.startswith("error: ") and output.count("\n") == 1
    return output


def test_wrong_input_is_one_line_and_leaves_nothing_finished(tmp_path, capsys, finished):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "corrupt.npz").write_bytes(b"PK\x03\x04 but not really")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    bad = np.full((20, 28, 28), np.nan, "float32")
    np.savez(tmp_path / "nan.npz", x=bad)
    for arguments, message in (
        (["--data", "no_such_data"], "there is no data set"),
        (["--data", str(tmp_path / "none.npz")], "does not exist"),
        (["--data", str(tmp_path / "corrupt.npz")], "cannot be read"),
        (["--data", str(tmp_path / "nan.npz")], "NaN"),
        (["--precision", "float7"], "mixed_bfloat16"),
        (["--epochs", "0"], "positive"),
    ):
        out = tmp_path / "out"
        assert message in fails([*arguments, "--out", str(out)], capsys)
        assert not (out / "metrics.json").exists() and not (out / "model.keras").exists()
        assert not out.exists()
    assert "cannot be used" in fails(["--out", str(tmp_path / "file" / "below")], capsys)
    assert "not a run" in fails(["--out", str(tmp_path / "mine")], capsys)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    settings = ["--quick", "--resume", "--seed", "5", "--out", str(finished)]
    assert "seed=0" in fails(settings, capsys)
    fails(["--no-such-flag"], capsys, code=2)
    before = (finished / "metrics.json").read_text()
    fails(["--data", "no_such_data", "--out", str(finished)], capsys)
    assert (finished / "metrics.json").read_text() == before  # moved away, and back
    assert not finished.with_name("quick.1").exists()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.json").write_text("{}")
    assert "--resume goes on" in fails(["--out", str(tmp_path / "half")], capsys)


def test_an_earlier_run_is_kept(tmp_path):
    settings = {
        "quick": True,
        "seed": 0,
        "epochs": 1,
        "out": str(tmp_path / "run"),
        "resume": False,
        "precision": "float32",
        "distribute": 1,
    }
    for number in range(3):
        with experiment.Run("autoencoder", {**settings, "seed": number}) as run:
            (run.folder / "metrics.json").write_text(str(number))
    kept = {f.name: (f / "metrics.json").read_text() for f in tmp_path.iterdir()}
    assert kept == {"run": "2", "run.1": "0", "run.2": "1"}


@pytest.mark.neutral
@pytest.mark.long
def test_a_killed_run_goes_on_and_ends_the_same(tmp_path):
    # enough to be killed in between: an epoch is over soonest on JAX
    epochs = 100 if keras.backend.backend() == "jax" else 60
    flags = ["-m", "recipes", "autoencoder", "--epochs", str(epochs), "--seed", "3", "--out"]
    command = [sys.executable, *flags, str(tmp_path / "killed")]
    environment = processes.with_backend({"KERAS_AE_BACKUP_SECONDS": "0.2"})
    process = subprocess.Popen(
        command,
        cwd=processes.ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    backup = tmp_path / "killed" / "backup"
    deadline = time.monotonic() + 120
    while not list(backup.glob("*.epoch*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(backup.glob("*.epoch*")), "it was killed before its first backup"
    assert not (tmp_path / "killed" / "metrics.json").exists(), "it was killed too late"
    stopped_at = len(read_log(tmp_path / "killed" / "log.csv"))
    assert 0 < stopped_at < epochs
    processes.run(*flags, tmp_path / "killed", "--resume")
    processes.run(*flags, tmp_path / "unbroken")
    models = [keras.saving.load_model(tmp_path / n / "model.keras") for n in ("killed", "unbroken")]
    assert models[0].epochs_trained == models[1].epochs_trained == epochs
    for left, right in zip(*(model.weights for model in models)):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (left, right)))
    rows = [read_log(tmp_path / name / "log.csv") for name in ("killed", "unbroken")]
    assert [r["epoch"] for r in rows[0]] == [r["epoch"] for r in rows[1]]
    assert rows[0][-1]["val_loss"] == rows[1][-1]["val_loss"]
    assert not backup.exists()


def test_memory_of_tensors_that_are_gone_is_used_again():
    """New pages would be asked of Linux in every round: a fault for each of 4096 bytes."""
    program = """
import resource
import numpy as np
from recipes import _experiment as experiment

assert experiment.keep_freed_memory()
faults = []
for _ in range(6):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.full(3_000_000, 1.0) for _ in range(5)]  # 24 MB each
    del arrays
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
assert max(faults[1:]) < 100, faults
"""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another system's allocator is left as it is")
    processes.run("-c", program)


CONSTRAINTS = ("small_code", "sparse", "denoising", "prior")
# pictures of each recipe, and what its numbers must show after a quick run
QUICK = {
    "drawing_lines": (
        {"spaces"},
        lambda n: n["with_labels_layer_3"] > 0.95 > 0.8 > n["raw_features"],
    ),
    "deep_autoencoder": (
        {"strips", "bitmaps", "codes", "curve"},
        lambda n: n["test_squared_error"] < 0.5 * n["mean_image_squared_error"],
    ),
    "transposed_convolution": (
        {"stride_1", "stride_2", "adjoint"},
        lambda n: (
            n["stride_1_difference"] == n["stride_2_difference"] == 0
            and n["adjoint_identity"] < 1e-3
            and n["learned_squared_error"] < 0.8 * n["mean_image_squared_error"]
        ),
    ),
    "tied_weights": (
        {"filters", "strips"},
        lambda n: (
            n["tied_squared_error"] < 0.5 * n["mean_image_squared_error"]
            and n["free_parameters"] - n["tied_parameters"] == 64 * 64
            and n["free_cosine"] < 0.999 < n["tied_cosine"]
        ),
    ),
    "taxonomy": (
        {"off_data"},
        lambda n: (
            n["deep_undercomplete_squared_error"] < 0.8 * n["mean_image_squared_error"]
            and n["shallow_overcomplete_noise_lost"] < 0.5 * n["shallow_undercomplete_noise_lost"]
        ),
    ),
    "convolutional_autoencoder": (
        {"sides", "pairs"},
        lambda n: (
            n["convolutional_squared_error"] < 0.5 * n["mean_image_squared_error"]
            and n["convolutional_parameters"] == 5_729
        ),
    ),
    "unpooling": (
        {"strips", "maps", "checkerboard"},
        lambda n: (
            n["switches_squared_error"] < 0.8 * n["mean_image_squared_error"]
            and n["switches_squared_error"] < n["nearest_squared_error"]
            and n["switches_bits"] == 2 * (14 * 14 * 16 + 7 * 7 * 8 + 3 * 3 * 4)
        ),
    ),
    "documents": (
        {"curve", "precision_recall", "neighbours", "codes"},
        lambda n: (
            n["autoencoder_10_precision_at_7"] > 3 * n["chance"]
            and n["autoencoder_2_precision_at_7"] > n["lsa_2_precision_at_7"]
        ),
    ),
    "sparse": (
        {"filters", "activations", "probe"},
        lambda n: (
            n["L1_speaking"] < 0.5 * n["dense_speaking"]
            and n["k_10_probe_error"] < 15
            and n["k_10_squared_error"] < n["k_3_squared_error"] < 4
        ),
    ),
    "contractive": (
        {"spectrum", "robustness", "paths"},
        lambda n: (
            n["test_error"] < 10
            and n["contractive_contraction"] < 0.7 * n["plain_contraction"]
            and n["contractive_noisy"] < 0.9 * n["plain_noisy"]
        ),
    ),
    "denoising": (
        {"strips_masking", "strips_salt_and_pepper", "strips_gaussian", "gain"},
        lambda n: all(
            n[f"{name}_least_margin"] > 2 for name in ("masking", "salt_and_pepper", "gaussian")
        ),
    ),
    "manifold": (
        {"field"},
        lambda n: n["denoising_cosine"] > 0.95 and abs(n["denoising_length_ratio"] - 1) < 0.1,
    ),
    "robust": ({"curve", "strips"}, lambda n: n["ratio_20_percent"] < 0.5),
    "stacked_denoising": (
        {"depth"},
        lambda n: (
            all(n[f"stacked_denoising_{depth}_layers"] < 8 for depth in (1, 2, 3))
            and n["stacked_denoising_unrolled"] < 3
        ),
    ),
    "vae": (
        {"reconstructions", "samples", "terms"},
        lambda n: (
            n["test_loss"] < 0.9 * n["independent_pixels"]
            and n["active_units"] > 5
            and n["test_loss"] == pytest.approx(n["test_reconstruction"] + n["test_kl"])
        ),
    ),
    "iwae": (
        {"bounds"},
        lambda n: (
            n["nll"] < 0.95 * n["independent_pixels"]
            and n["nll"] < n["bound"]
            and n["nll_iwae_5"] < n["bound_iwae_5"] < n["bound"]
            and n["gain"] > 0
        ),
    ),
    "adversarial_autoencoder": (
        {"codes", "samples", "styles"},
        lambda n: (
            n["gaussian_mmd"] < 0.02  # an untrained encoder's is above 0.5
            and n["gaussian_in_8_d_squared_error"] < 3
            and n["error_100_labels"] < 25
        ),
    ),
    "generation": (
        {"samples", "nearest"},
        lambda n: (
            n["floor_frechet"] < 4 < n["standard_fitted_frechet"] + n["variational_frechet"]
            and 0 < n["halves_frechet"] < 8
            and all(
                3 * n[f"{name}_frechet"]
                < min(n["standard_frechet"], n["independent_pixels_frechet"])
                for name in ("standard_fitted", "variational", "adversarial")
            )
            and n["variational_nearest"] > 0.5 * n["test_nearest"]  # no copies
        ),
    ),
    "four_constraints": (
        {"table", "pictures", "codes"},
        lambda n: (
            n["none_noise_lost"] < 0.6 * min(n[f"{name}_noise_lost"] for name in CONSTRAINTS)
            and n["sparse_speaking"] < 0.4 * n["none_speaking"]
            and n["small_code_numbers"] == 16
            and n["small_code_frechet"] < min(n["none_frechet"], n["sparse_frechet"])
        ),
    ),
    "gan": (
        {"process", "samples"},
        lambda n: (
            n["process_after_distance"] < 0.3 * n["process_before_distance"]
            and n["process_after_gap"] < 0.15 < n["process_before_gap"]
            and n["independent_pixels_parzen"] < 0 < n["parzen"] < n["training_images_parzen"]
        ),
    ),
    "reparametrisation": (
        {"variance", "draws"},
        lambda n: (
            1 < n["after_training_baseline_ratio"] < 0.1 * n["after_training_score_ratio"]
            and n["before_training_baseline_ratio"] > 1
            and max(n["after_training_score_difference"], n["before_training_score_difference"]) < 2
        ),
    ),
    "latent_space": (
        {"codes", "betas", "grid", "interpolations"},
        lambda n: (
            10 * n["beta_1_mmd"] < n["standard_mmd"]
            and n["beta_5_mmd"] < n["beta_1_mmd"] < n["beta_0_1_mmd"]
            and n["beta_1_knn_accuracy"] > 0.6
        ),
    ),
    "pretraining": (
        {"curve", "curve_other"},
        lambda n: (
            n["error_100_labels"] < 0.3
            and n["random_error_100_labels"] < 0.3
            and n["error_all_labels"] < n["error_30_labels"] < 0.7
        ),
    ),
}
QUICK |= {
    "denoising_to_diffusion": (
        {"field", "samples"},
        lambda n: (
            min(n["autoencoder_cosine"], n["diffusion_cosine"]) > 0.95
            and abs(n["diffusion_length_ratio"] - 1) < 0.15
            and n["diffusion_mmd"] < 0.2 * n["autoencoder_mmd"]
            and n["diffusion_distance"] < 0.1 * n["noise_distance"]
        ),
    ),
}
QUICK |= {  # small networks with many operations, which JAX fuses
    "stylegan": (
        {"samples", "training", "mixing", "truncation", "noise"},
        lambda n: n["frechet"] < 0.7 * n["independent_pixels_frechet"] and n["classes_hit"] > 7,
    ),
    "stylegan2": (
        {"samples", "training", "mixing", "truncation", "noise"},
        lambda n: n["frechet"] < 0.6 * n["independent_pixels_frechet"] and n["classes_hit"] > 7,
    ),
}
# these are made of convolutions, which TensorFlow computes fastest on a CPU
CONVOLUTIONAL = {
    "fcn_skips": (
        {"overlays"},
        lambda n: (
            n["fcn32s_mean_iou"] <= n["fcn16s_mean_iou"] + 0.01
            and n["trivial_mean_iou"] < n["fcn8s_mean_iou"]
            and n["fcn32s_boundary"] < n["fcn16s_boundary"] < n["fcn8s_boundary"]
        ),
    ),
    "unpooling_segnet": (
        {"overlays", "classes"},
        lambda n: (
            n["trivial_mean_iou"] + 0.05 < n["add_mean_iou"]
            and 0.15 < n["switches_boundary"] < n["add_boundary"]
            and 0.15 < n["bilinear_boundary"] < n["add_boundary"]
            and n["bilinear_bits"] == 0 < n["switches_bits"] < n["add_bits"]
        ),
    ),
    "unet_membranes": (
        {"overlays", "weight_map"},
        lambda n: (
            n["weight_map_iou"] > 2 * n["trivial_iou"]
            and n["weight_map_pixel_error"] < 0.6 * n["trivial_pixel_error"]
            and n["weight_map_rand"] > n["plain_rand"]
        ),
    ),
    "tiramisu": (
        {"overlays", "classes"},
        lambda n: (
            n["mean_iou"] > n["trivial_mean_iou"] + 0.01
            and n["mean_iou_batch_statistics"] > n["trivial_mean_iou"] + 0.01
        ),
    ),
    "mix_and_match": (
        {"overlays", "grid"},
        lambda n: min(n["own_unet_mean_iou"], n["own_fpn_mean_iou"]) > 1.5 * n["trivial_mean_iou"],
    ),
    "dcgan": (
        {"samples", "walks", "discriminator"},
        lambda n: n["frechet"] < 5 * n["floor_frechet"] and n["nearest"] > 1,
    ),
    "cogan": (
        {"pairs", "walk"},
        lambda n: (
            # in a minute both learn digits; that edges belong to them takes longer
            n["shared_patches"] < 0.6 * n["independent_pixels_patches"]
            and n["unshared_edge_iou"] < n["unshared_chance_edge_iou"] + 0.02
            and n["shared_parameters"] < 0.6 * n["unshared_parameters"]
        ),
    ),
    "progan": (
        {"samples", "growth", "fade"},
        lambda n: n["frechet"] < 0.25 * n["independent_pixels_frechet"] and n["classes_hit"] == 10,
    ),
    "diffusion": (
        {"process", "samples"},
        lambda n: (
            n["eta_0_steps_10_frechet"] < 0.6 * n["independent_pixels_frechet"]
            and n["eta_0_steps_10_frechet"] < min(n["eta_1_steps_10_frechet"], n["raw_frechet"])
            and n["round_trip"] < 0.05
            and n["bits_per_dimension"] < 4  # 8 without a model
        ),
    ),
    "latent_diffusion": (
        {"reconstructions", "guidance", "steps", "inpainting"},
        lambda n: (
            n["reconstruction_frechet"] < 0.2 * n["independent_pixels_frechet"]
            and n["guidance_1_frechet"] < 0.4 * n["independent_pixels_frechet"]
            and n["class_accuracy"] >= max(0.5, n["guidance_1_class_accuracy"])
        ),
    ),
    "text_to_digit": (
        {"prompts", "thickness", "slant"},
        lambda n: (
            n["class_accuracy"] >= max(0.5, n["guidance_1_class_accuracy"])
            and min(n["thickness_accuracy"], n["slant_accuracy"]) > 0.42  # by chance a third
            and n["thickness_range"] > 0.1
            and n["slant_range"] > 4
        ),
    ),
    "gan_progress": (
        {"samples", "nearest", "training"},
        lambda n: (
            n["dcgan_ratio_to_floor"] < 5 < n["independent_pixels_ratio_to_floor"]
            and n["dcgan_frechet"] < n["gan_frechet"]
            and n["dcgan_classes_hit"] == 10
        ),
    ),
}
# JAX compiles fastest; on the others a few keep the whole test within its ten minutes
EVERYWHERE = ("transposed_convolution",)
# a few; the others take minutes each, and run with KERAS_AE_LONG_TESTS=all
IN_CI = (
    *EVERYWHERE,
    "vae",
    "gan",
    "dcgan",
    "progan",
)


def each(recipes):
    seldom = {name: () if name in IN_CI else pytest.mark.seldom for name in recipes}
    return [pytest.param(name, marks=marks) for name, marks in seldom.items()]


@pytest.mark.parametrize("name", each(QUICK))
def test_quick_runs_learn_something(tmp_path, name):
    if keras.backend.backend() != "jax" and name not in EVERYWHERE:
        pytest.skip("this quick run is tested on JAX")
    run_quickly(name, tmp_path / "run", *QUICK[name])


@pytest.mark.long
@pytest.mark.parametrize("name", each(CONVOLUTIONAL))
def test_quick_runs_of_convolutions_learn_something(tmp_path, name):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("this quick run is tested on TensorFlow")
    run_quickly(name, tmp_path / "run", *CONVOLUTIONAL[name])


def run_quickly(name, folder, pictures, shows):
    processes.run("-m", "recipes", name, "--quick", "--out", folder)
    content = json.loads((folder / "metrics.json").read_text())
    numbers = {key: metric["value"] for key, metric in content["metrics"].items()}
    assert shows(numbers), numbers
    assert {file.stem for file in folder.glob("*.png")} == pictures


def test_every_recipe_has_a_quick_run():
    assert {*QUICK, *CONVOLUTIONAL, "autoencoder"} == set(recipes.names())


def test_numbers_are_computed_once_per_run(tmp_path):
    settings = {"quick": True, "seed": 0, "epochs": 1, "out": str(tmp_path / "run")}
    settings |= {"resume": False, "precision": "float32", "distribute": 1}
    calls = []
    with pytest.raises(KeyboardInterrupt), experiment.Run("autoencoder", settings) as run:
        assert run.once("a", lambda x: calls.append(x) or 0.5, 1) == 0.5
        raise KeyboardInterrupt
    with experiment.Run("autoencoder", {**settings, "resume": True}) as run:
        assert run.once("a", lambda x: calls.append(x) or 0.7, 2) == 0.5
        assert run.once("b", lambda: 0.9) == 0.9
        run.finish()
    assert calls == [1] and not (tmp_path / "run" / "backup").exists()


def test_more_labels_than_there_are(tmp_path, capsys):
    with pytest.raises(SystemExit):
        arguments = ["--labels", "100", "5000", "--out", str(tmp_path / "out")]
        experiment.command_line(pretraining.main, arguments)
    error = capsys.readouterr().err
    assert "5000 labels are asked for: pass a multiple of 10" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_list_and_unknown_recipes():
    listed = processes.run("-m", "recipes").stdout
    for name in recipes.names():
        assert name in listed
    process = processes.run("-m", "recipes", "autoencodr", check=False)
    assert process.returncode == 2 and "did you mean autoencoder" in process.stderr
    assert "--quick" in processes.run("-m", "recipes", "autoencoder", "--help").stdout


@pytest.mark.neutral
def test_the_example_of_the_readme(tmp_path):
    text = (processes.ROOT / "README.md").read_text()
    example = text.partition("```python\n")[2].partition("```")[0]
    assert len([line for line in example.splitlines() if line.startswith(("model", "import"))]) == 6
    if not EXPORTS:
        example = example.replace("model.export", "pass  #")
    script = f"import os; os.chdir({str(tmp_path)!r})\n{example}"
    processes.run("-c", script)
    assert (tmp_path / "model.keras").exists()
    assert (tmp_path / "savedmodel").exists() == EXPORTS
