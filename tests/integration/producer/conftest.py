"""A producer with a Redis of its own."""

from collections.abc import Iterator

import pytest

from smsjobs import Element, Sms, connect
from support.redis_server import RedisServer


@pytest.fixture
def sms(redis_url: str) -> Iterator[Sms]:
    """A producer at an empty Redis."""
    producer = connect(broker_url=redis_url, redis_url=redis_url)
    yield producer
    producer.close()


@pytest.fixture
def element(sms: Sms) -> Element:
    """An element of it."""
    return sms.getElement("SMS.Test")


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that this test may harm."""
    with RedisServer() as server:
        yield server
