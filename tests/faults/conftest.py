"""A stage of its own for each test that harms something."""

from collections.abc import Iterator

import pytest

from support.stage import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A Redis, a simulator and an element SMS.Example of the test's own."""
    with Stage() as stage:
        stage.write()
        yield stage
