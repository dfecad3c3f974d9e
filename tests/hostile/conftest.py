"""Two workers beside each other, and somebody who writes to their broker what he likes."""

from collections.abc import Iterator

import pytest
import redis

from aliyun_sms_simulator import Simulator
from smsjobs.redis_store import connect_redis
from support.attack import Attack
from support.redis_server import RedisServer
from support.stage import Stage


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One for the module."""
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def stage(simulator: Simulator) -> Iterator[Stage]:
    """A Redis of its own, which the attacks fill with anything."""
    with Stage(simulator=simulator) as stage:
        stage.write()
        yield stage


@pytest.fixture(scope="module")
def attack(stage: Stage) -> Iterator[Attack]:
    """Both workers read the bulk lane, where odd messages go. Each has a lane of its own for the probe after them."""
    few = ("--concurrency", "4")
    with (
        stage.worker(lanes=("bulk", "verification"), options=few) as taker,
        stage.worker(lanes=("bulk", "notification"), options=few) as neighbour,
    ):
        yield Attack(stage, (taker, neighbour))


@pytest.fixture(scope="module")
def client(redis_server: RedisServer) -> Iterator["redis.Redis"]:
    """One client for the whole module."""
    client = connect_redis(redis_server.url)
    yield client
    client.close()


@pytest.fixture
def own(simulator: Simulator) -> Iterator[Stage]:
    """A stage for one test."""
    with Stage(simulator=simulator, fresh=False) as stage:
        stage.write()
        yield stage
