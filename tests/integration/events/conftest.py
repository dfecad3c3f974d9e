"""Events on a real Redis."""

from collections.abc import Iterator

import pytest

from smsjobs.redis_store import connect_redis
from support.events import EventBench


@pytest.fixture
def bench(redis_url: str) -> Iterator[EventBench]:
    """A bench on an empty Redis, with one subscriber."""
    with connect_redis(redis_url) as client:
        yield EventBench(client)
