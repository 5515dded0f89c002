"""How pytest-xdist shares the tests between two processes: a Case stays together, and so does a
file, because their tests share one compiled model or one finished run; only the quick runs of
recipes share nothing. Groups that take long go first, so that neither process waits for the other
at the end. Each computes with one thread of
OpenMP: two that want both cores each spin on barriers, and PyTorch takes ten times as long."""

import os
import pathlib

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # also for the processes that tests start
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
# name) but the first, and `variant` for all that are not whole: PyTorch has those, which compiles
# nothing, and KERAS_AE_LONG_TESTS=all
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
SLOW_FAMILIES = ("segmentation", "gan", "stylegan")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    import keras  # after the line above, which PyTorch reads when it is imported

    items.sort(key=lambda item: item.path.stem not in LONG)  # stable: the rest stays in order
    backend, long = keras.backend.backend(), os.environ.get("KERAS_AE_LONG_TESTS")
    wanted = backend != "tensorflow" or long
    first = {}  # name of the first Case of each family
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        group = None
        if item.path.stem == "test_contract" and "case" in parameters:
            group = parameters["case"].name
            family = group.split("_")[0]
            is_first = first.setdefault(family, group) == group
            slow = family in SLOW_FAMILIES and item.originalname not in QUICK
            if (slow or item.originalname in OWN_MODEL) and not is_first:
                item.add_marker(pytest.mark.long)
            if item.originalname in OWN_MODEL and not parameters["case"].whole:
                item.add_marker(pytest.mark.variant)
        elif item.originalname.startswith("test_quick_runs"):
            group = f"quick_{parameters['name']}"
        item.add_marker(pytest.mark.xdist_group(group or item.path.stem))
        if item.get_closest_marker("long") and not wanted:
            reason = "takes long: .ci/run has it, and KERAS_AE_LONG_TESTS=1 here"
            item.add_marker(pytest.mark.skip(reason))
        if item.get_closest_marker("variant") and not (backend == "torch" or long == "all"):
            reason = "PyTorch has it for every Case, this backend with KERAS_AE_LONG_TESTS=all"
            item.add_marker(pytest.mark.skip(reason))
