"""What all tests share: a Redis server of their own, on a free port."""

import signal
from collections.abc import Iterator

import pytest

from support.redis_server import RedisServer

# Started in the background of a script, a process ignores SIGINT, and so would everything that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for the whole run; a test that harms it restarts it or starts its own."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty Redis."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url
