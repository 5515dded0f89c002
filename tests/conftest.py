"""How pytest-xdist shares the tests between two processes: a Case stays together, and so does a
file, because their tests share one compiled model or one finished run; only the quick runs of
recipes, and encoders with each decoder, share nothing. Groups that take long go first, so that
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

LONG = ("test_recipes", "test_distribution", "test_data")
# what compiles a model of its own is marked `long` for all Cases of a family (the first word of the
# name) but the first, and `once` for all that are not whole
OWN_MODEL = (
    "test_resume_is_exact",
    "test_same_seed_same_result",
    "test_other_seed_other_result",
    "test_fit_and_evaluate_agree",
    "test_mixed_bfloat16_trains",
    "test_data_sets_and_validation_split",
    "test_a_file_of_another_backend",
)
# of a family with networks that take long to compile, what the other Cases are checked for anyway
QUICK = ("test_config_round_trip", "test_bad_arguments")
SLOW_FAMILIES = ("segmentation", "gan", "stylegan", "diffusion")
# JAX compiles longest: it leaves out these, and of Cases that are not whole all but QUICK and the
# golden values
NOT_ON_JAX = (
    "test_fit_and_evaluate_agree",
    "test_a_file_of_another_backend",  # JAX has written it
    # files whose numerics the other two have, JAX in the contract
    "test_aae",
    "test_denoising",
    "test_features",
    "test_growing",
    "test_likelihood",
    "test_monitor",
    "test_pyramid",
    "test_segmentation",
    "test_stacked",
    "test_stylegan",
    "test_tiles",
)
# data, scores of arrays, the house: the same on every backend
NEUTRAL = (
    "test_data",
    "test_evaluation",
    "test_house",
    "test_modes",
    "test_moves",
    "test_samples",
    "test_segmentation_data",
    "test_segmentation_scores",
    "test_text",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    import keras  # after the line above, which PyTorch reads when it is imported

    from recipes import _experiment as experiment

    experiment.keep_freed_memory()
    items.sort(key=lambda item: item.path.stem not in LONG)  # stable: the rest stays in order
    backend, long = keras.backend.backend(), os.environ.get("KERAS_AE_LONG_TESTS")
    everything = long == "all"
    wanted = {
        "long": backend != "tensorflow" or long,
        "once": backend == "torch" or everything,
        "neutral": backend == "tensorflow" or everything,
        "not_on_jax": backend != "jax" or everything,
        "seldom": everything,
    }
    first = {}  # name of the first Case of each family
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        group = None
        if item.path.stem == "test_contract" and "case" in parameters:
            group = parameters["case"].name
            family = group.split("_")[0]
            is_first = first.setdefault(family, group) == group
            slow = family in SLOW_FAMILIES and item.originalname not in QUICK
            own, whole = item.originalname in OWN_MODEL, parameters["case"].whole
            if (slow or own) and not is_first:
                item.add_marker(pytest.mark.long)
            if own and not whole:
                item.add_marker(pytest.mark.once)
            if not whole and item.originalname not in (*QUICK, "test_golden_values"):
                item.add_marker(pytest.mark.not_on_jax)
        elif item.originalname.startswith("test_quick_runs"):
            group = f"quick_{parameters['name']}"
        elif item.originalname == "test_every_pair":
            group = f"pair_{parameters['name']}"
        item.add_marker(pytest.mark.xdist_group(group or item.path.stem))
        if item.path.stem in NEUTRAL:
            item.add_marker(pytest.mark.neutral)
        if item.path.stem in NOT_ON_JAX or item.originalname in NOT_ON_JAX:
            item.add_marker(pytest.mark.not_on_jax)
        reasons = {
            "long": "takes long: .ci/run has it, and KERAS_AE_LONG_TESTS=1 here",
            "once": "PyTorch has it, this backend with KERAS_AE_LONG_TESTS=all",
            "neutral": "TensorFlow has it, this backend with KERAS_AE_LONG_TESTS=all",
            "not_on_jax": "the other backends have it, JAX with KERAS_AE_LONG_TESTS=all",
            "seldom": "takes long: KERAS_AE_LONG_TESTS=all has it",
        }
        for mark, reason in reasons.items():
            if item.get_closest_marker(mark) and not wanted[mark]:
                item.add_marker(pytest.mark.skip(reason))
                break
