"""One body for both kinds of Redis."""

from collections.abc import Iterator

import fakeredis
import pytest
import redis

from smsjobs.redis_store import connect_redis
from support.campaigns import Bench


@pytest.fixture(params=["fake", "real"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench on an empty Redis of either kind."""
    if request.param == "fake":
        client: redis.Redis = fakeredis.FakeRedis(decode_responses=True)
    else:
        client = connect_redis(request.getfixturevalue("redis_url"))
    yield Bench(client)
    client.close()
