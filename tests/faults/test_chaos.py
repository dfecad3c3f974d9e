"""The short chaos run; `make chaos` makes longer ones."""

import random

import pytest

from faults.chaos import run


@pytest.mark.timeout(180)
def test_chaos() -> None:
    """Random faults, kills and restarts over all lanes: accepted twice 0, lost 0, and nobody is told a lie."""
    result = run(random.randrange(1_000_000), 12)
    print(result)
    assert result.good, result
