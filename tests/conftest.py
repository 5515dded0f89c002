"""What runs where, and how two processes share it.

Two tiers. The first is what `python -m pytest` runs: on TensorFlow everything that is not marked
`slow`; on PyTorch the same without what is `neutral`, which one backend has; on JAX, which compiles
longest, without NOT_ON_JAX either. `--all` runs everything, on any backend.

On TensorFlow tests run op by op, because tracing a step takes longer than a few tiny steps; those
that are about what is traced are marked `compiled`.

pytest-xdist gives the tests to two processes: a Case stays together, and so does a file, because
their tests share one trained model or one finished run. Groups that take long go first, so that
neither process waits for the other at the end. Each computes with one thread of OpenMP: two that
want both cores each spin on barriers, and PyTorch takes ten times as long."""

import os
import pathlib

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # also for the processes that tests start
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as recipes do: see recipes/__init__.py
if os.environ.get("KERAS_BACKEND") == "jax":  # compiling takes longest here; not in those
    flags = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    os.environ.setdefault("XLA_FLAGS", flags)
    # several tests of a Case compile the same step: once is enough
    cache = pathlib.Path(__file__).parent.parent / ".pytest_cache/jax"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

FIRST = ("test_data", "test_recipes", "test_distribution", "test_export", "test_sampling")
# data, scores of arrays, the house: the same on every backend, as tests marked `neutral`
NEUTRAL = (
    "test_command",
    "test_data",
    "test_evaluation",
    "test_house",
    "test_modes",
    "test_moves",
    "test_pen",
    "test_samples",
    "test_segmentation_data",
    "test_segmentation_scores",
    "test_talk",
    "test_text",
)
# what TensorFlow and PyTorch have, and JAX, which compiles longest, in the contract: whole files,
NOT_ON_JAX = (
    *("test_aae", "test_denoising", "test_export", "test_features", "test_growing"),
    *("test_latent_diffusion", "test_likelihood", "test_monitor", "test_pyramid", "test_sampling"),
    *("test_segmentation", "test_stacked", "test_stylegan", "test_tiles"),
    # and single tests
    *("test_a_file_of_another_backend", "test_sample_weight", "test_dynamic_batch"),
    *("test_dcgan_has_the_size_of_the_paper", "test_terms_of_an_image"),
    *("test_features_stay_as_they_are", "test_the_discriminator_begins_late"),
    *("test_a_discriminator_is_scored_with_statistics_of_the_batch_as_it_is_trained",),
    *("test_the_papers_network_has_the_papers_size", "test_gradient_with_respect_to_weights"),
    *("test_group_normalization_is_that_of_keras", "test_it_runs_under_xla"),
    "test_real_layers_have_the_sides_of_the_formulas",
)
# The contract: PyTorch, which compiles nothing, has all checks of all Cases. TensorFlow and JAX
# have all of one Case for each way to make a step,
STEPS = (
    *("autoencoder_bernoulli", "contractive_closed_form", "vae", "semi_supervised_aae"),
    *("segmentation_unet", "gan_dcgan", "gan_growing", "diffusion_ddpm", "diffusion_first_stage"),
)
# these of the Case that is `whole` of each other model, and TensorFlow golden values of all
OF_WHOLE_CASES = {
    "tensorflow": ("test_mixed_bfloat16_trains", "test_a_file_of_another_backend"),
    "jax": ("test_golden_values", "test_a_step_can_be_traced"),
}
# On TensorFlow, where other tests run op by op, these are traced; exported is one for each kind of
# endpoints (those of test_export.py beside it)
CHOSEN = {
    ("tensorflow", "test_steps_as_a_user_compiles_them"): (*STEPS, "denoising_autoencoder"),
    ("tensorflow", "test_export"): (
        *("autoencoder_switches", "adversarial_labels", "semi_supervised_aae"),
        *("segmentation_unet", "segmentation_segnet", "gan_dcgan", "gan_cogan", "gan_growing"),
        *("stylegan_second", "diffusion_first_stage"),
    ),
    ("jax", "test_export"): ("autoencoder_bernoulli", "vae", "gan_dcgan", "diffusion_ddpm"),
    ("jax", "test_mixed_bfloat16_trains"): ("autoencoder_bernoulli", "vae", "gan_dcgan"),
}
# older files that JAX loads
OLDER = ("autoencoder_tied", "vae", "semi_supervised_aae", "segmentation_unet", "gan_dcgan")


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="the second tier, too, on any backend")


def group(item):
    """Which tests one process has: those of a Case, those of a file, or a test alone."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if item.path.stem == "test_contract" and "case" in parameters:
        return parameters["case"].name
    if item.originalname.startswith("test_quick_runs") or item.originalname == "test_every_pair":
        return f"{item.originalname}_{parameters['name']}"
    return item.path.stem


def second_tier(item, backend):
    """Why a test is not in the first tier on this backend; empty where it is."""
    stem, name = item.path.stem, item.originalname
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    case = parameters.get("case") if stem == "test_contract" else None
    if item.get_closest_marker("slow"):
        return "takes long: --all has it"
    neutral = item.get_closest_marker("neutral")
    if neutral or stem in NEUTRAL:
        one = neutral.args[0] if neutral and neutral.args else "tensorflow"
        same = f"the same on every backend: {one} has it, this one with --all"
        return "" if backend == one else same
    if backend == "jax" and (stem in NOT_ON_JAX or name in NOT_ON_JAX):
        return "TensorFlow and PyTorch have it, JAX with --all"
    file = parameters.get("file") if stem == "test_older_files" else None
    if backend == "jax" and file is not None and file.stem not in OLDER:
        return "TensorFlow and PyTorch load it, JAX with --all"
    if case is None or backend == "torch":
        return ""
    if (backend, name) in CHOSEN:
        has_it = case.name in CHOSEN[backend, name]
    else:
        has_it = case.name in STEPS or (case.whole and name in OF_WHOLE_CASES[backend])
    if not has_it and (backend, name) != ("tensorflow", "test_golden_values"):
        return "checked on other Cases or on PyTorch: this one with --all"
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    import keras  # after the lines above, which PyTorch reads when it is imported

    from recipes import _experiment

    _experiment.keep_freed_memory()
    items.sort(key=lambda item: item.path.stem not in FIRST)  # stable: the rest stays in order
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
        reason = second_tier(item, keras.backend.backend())
        if reason and not config.getoption("--all"):
            item.add_marker(pytest.mark.skip(reason))


@pytest.hookimpl(tryfirst=True)  # before the fixtures of a module, which compile
def pytest_runtest_setup(item):
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.run_functions_eagerly(not item.get_closest_marker("compiled"))
