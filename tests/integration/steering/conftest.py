"""A producer of a real Redis, and one of `smsjobs.testing`: the same tests run over both."""

from collections.abc import Iterator

import pytest

import smsjobs
import smsjobs.testing
from support.benches import Bench, FakeBench


@pytest.fixture
def real(redis_url: str) -> Iterator[Bench]:
    """A producer of a real, empty Redis."""
    sms = smsjobs.connect(broker_url=redis_url)
    yield Bench(sms)
    sms.close()


@pytest.fixture(params=["real", "fake"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """A producer of a real, empty Redis, and one of `smsjobs.testing`."""
    if request.param == "fake":
        return FakeBench(smsjobs.testing.connect())
    found: Bench = request.getfixturevalue("real")
    return found
