"""Campaigns on a real Redis."""

from collections.abc import Iterator

import pytest

from smsjobs.redis_store import connect_redis
from support.campaigns import Bench


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    """A bench on an empty Redis."""
    client = connect_redis(redis_url)
    yield Bench(client)
    client.close()
