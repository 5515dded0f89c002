"""How pytest-xdist shares the tests between two processes: a Case stays together, and so does a
file, because their tests share one compiled model or one finished run; only the quick runs of
recipes share nothing. Groups that take long go first, so that neither process waits for the other
at the end. Each computes with one thread of
OpenMP: two that want both cores each spin on barriers, and PyTorch takes ten times as long."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # also for the processes that tests start

LONG = ("test_recipes", "test_distribution", "test_data")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem not in LONG)  # stable: the rest stays in order
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        group = None
        if item.path.stem == "test_contract" and "case" in parameters:
            group = parameters["case"].name
        elif item.originalname == "test_quick_runs_learn_something":
            group = f"quick_{parameters['name']}"
        item.add_marker(pytest.mark.xdist_group(group or item.path.stem))
