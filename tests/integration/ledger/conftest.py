"""One ledger, over the fake Redis and a real one."""

from collections.abc import Callable, Iterator

import fakeredis
import pytest
import redis

from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis
from support.ledgers import Clock

RETENTION_S = 3600.0


@pytest.fixture(params=["fake", "real"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[[], "redis.Redis"]]:
    """Makes one more client of the same empty Redis."""
    clients: list[redis.Redis] = []
    if request.param == "fake":
        server = fakeredis.FakeServer()

        def make() -> "redis.Redis":
            clients.append(fakeredis.FakeRedis(server=server, decode_responses=True))
            return clients[-1]
    else:
        url = request.getfixturevalue("redis_url")

        def make() -> "redis.Redis":
            clients.append(connect_redis(url))
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
