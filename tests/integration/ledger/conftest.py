"""One ledger on a real Redis."""

from collections.abc import Callable, Iterator

import pytest
import redis

from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis
from support.ledgers import Clock

RETENTION_S = 3600.0


@pytest.fixture
def connect(redis_url: str) -> Iterator[Callable[[], "redis.Redis"]]:
    """Makes one more client of the same empty Redis."""
    clients: list[redis.Redis] = []

    def make() -> "redis.Redis":
        clients.append(connect_redis(redis_url))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[[], "redis.Redis"]) -> "redis.Redis":
    """A client of an empty Redis."""
    return connect()


@pytest.fixture
def clock() -> Clock:
    """The ledger's clock."""
    return Clock()


@pytest.fixture
def ledger(client: "redis.Redis", clock: Clock) -> Ledger:
    """A ledger in an empty Redis."""
    return Ledger(client, retention_s=RETENTION_S, clock=clock)
