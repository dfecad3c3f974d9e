"""A stage of its own for each test that harms something."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from smsjobs.contract import LANES
from support.stage import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A Redis, a simulator and an element SMS.Example of the test's own."""
    with Stage() as stage:
        stage.write()
        yield stage


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that nobody claims are looked at after half a second rather than after 5 to 30."""
    for name, lane in LANES.items():
        monkeypatch.setitem(LANES, name, replace(lane, requeue_s=0.5))
