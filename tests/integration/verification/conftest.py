"""Each test over each store of codes, or over the real one alone."""

from collections.abc import Iterator

import pytest

from support.code_bench import Bench, MemoryBench, RedisBench


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Each store in turn."""
    if request.param == "memory":
        yield MemoryBench()
        return
    yield from _redis_bench(request)


@pytest.fixture
def redis_bench(request: pytest.FixtureRequest) -> Iterator[RedisBench]:
    """The real one alone."""
    yield from _redis_bench(request)


def _redis_bench(request: pytest.FixtureRequest) -> Iterator[RedisBench]:
    request.getfixturevalue("redis_url")  # empties it
    bench = RedisBench(request.getfixturevalue("redis_server"))
    yield bench
    bench.sms.close()
