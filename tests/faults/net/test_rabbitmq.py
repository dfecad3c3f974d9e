"""RabbitMQ as the broker is restarted, is frozen and wakes, or is killed, under load. The ledger's Redis goes on."""

import signal
import time
from collections.abc import Callable

import pytest

from support.net_load import check, run
from support.rabbitmq import RabbitMq, why_not
from support.redis_server import RedisServer

if problem := why_not():
    pytest.skip(problem, allow_module_level=True)

Harm = Callable[[RabbitMq, Callable[[], None]], None]


def restarted(broker: RabbitMq, kill_a_worker: Callable[[], None]) -> None:
    """It ends in order and starts again, twice."""
    broker.restart()
    kill_a_worker()
    broker.restart()


def frozen(broker: RabbitMq, kill_a_worker: Callable[[], None]) -> None:
    """It is frozen, and wakes."""
    broker.signal(signal.SIGSTOP)
    time.sleep(4)
    kill_a_worker()
    time.sleep(6)
    broker.signal(signal.SIGCONT)


def killed(broker: RabbitMq, kill_a_worker: Callable[[], None]) -> None:
    """It is killed, and starts again with what is on its disk."""
    broker.kill()
    time.sleep(2)
    kill_a_worker()
    broker.start()


@pytest.mark.timeout(420)
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("harm", [restarted, frozen, killed])
def test_rabbitmq(harm: Harm, nth: int) -> None:
    """Whatever happens to RabbitMQ, nothing is sent twice, nothing is lost, and every outcome is true."""
    with RedisServer() as redis, RabbitMq() as broker:

        def after_a_while(kill_a_worker: Callable[[], None]) -> None:
            time.sleep(4)
            harm(broker, kill_a_worker)

        begun = time.monotonic()
        found = run(redis, after_a_while, replicas=0, broker_url=broker.url)
    print(f"RabbitMQ {harm.__name__}, run {nth}, {time.monotonic() - begun:.0f} s: {found}")
    check(found)
