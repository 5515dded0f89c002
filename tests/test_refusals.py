"""What models refuse: one clear ValueError each (tests/cases/refusals.py)."""

import pytest

from tests.cases import CASES
from tests.cases.refusals import REFUSALS

pytestmark = pytest.mark.neutral


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_arguments(name):
    assert name in {case.name for case in CASES}
    for message, build in REFUSALS[name].items():
        with pytest.raises(ValueError) as error:
            build()
        assert message in str(error.value)
