"""Suppression on a real Redis."""

from collections.abc import Iterator

import pytest
import redis

from smsjobs import Sms, connect
from smsjobs.redis_store import connect_redis
from smsjobs.suppression import SuppressedNumbers


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    """A client of an empty Redis."""
    client = connect_redis(redis_url)
    yield client
    client.close()


@pytest.fixture
def listed(client: "redis.Redis") -> SuppressedNumbers:
    """An empty list."""
    return SuppressedNumbers(client, seal=None)


@pytest.fixture
def sms(redis_url: str) -> Iterator[Sms]:
    """A producer on an empty Redis."""
    sms = connect(broker_url=redis_url)
    yield sms
    sms.close()
