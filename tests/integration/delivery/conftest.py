"""Deliveries on a real Redis."""

from collections.abc import Iterator

import pytest

from smsjobs.redis_store import connect_redis
from support.receipts import DeliveryBench


@pytest.fixture
def bench(redis_url: str) -> Iterator[DeliveryBench]:
    """A bench on an empty Redis."""
    with connect_redis(redis_url) as client:
        yield DeliveryBench(client)
