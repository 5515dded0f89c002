"""How pytest-xdist shares the tests between two processes: a Case stays together, and so does a
file, because their tests share one compiled model or one finished run."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        case = getattr(getattr(item, "callspec", None), "params", {}).get("case")
        group = getattr(case, "name", None) if item.path.stem == "test_contract" else None
        item.add_marker(pytest.mark.xdist_group(group or item.path.stem))
