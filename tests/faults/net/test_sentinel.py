"""Sentinels promote a replica under load: the master was killed, or was frozen and wakes, or a replica was behind."""

import signal
import time
from collections.abc import Callable

import pytest

from support.net_load import check, run
from support.polling import until
from support.replicated import Sentinels

Harm = Callable[[Sentinels, Callable[[], None]], None]


def killed(redis: Sentinels, kill_a_worker: Callable[[], None]) -> None:
    """The master is killed, and comes back as a replica."""
    redis.nodes[0].kill()
    time.sleep(4)
    kill_a_worker()
    time.sleep(4)
    redis.nodes[0].start()


def frozen(redis: Sentinels, kill_a_worker: Callable[[], None]) -> None:
    """The master is frozen, and wakes when another is the master."""
    redis.nodes[0].signal(signal.SIGSTOP)
    time.sleep(4)
    kill_a_worker()
    until(lambda: redis.master() is not redis.nodes[0], "a replica was promoted")
    time.sleep(4)
    redis.nodes[0].signal(signal.SIGCONT)


def behind(redis: Sentinels, kill_a_worker: Callable[[], None]) -> None:
    """A replica hears nothing for a while and is behind when the master is killed."""
    redis.nodes[1].signal(signal.SIGSTOP)
    time.sleep(3)
    kill_a_worker()
    redis.nodes[0].kill()
    redis.nodes[1].signal(signal.SIGCONT)
    time.sleep(6)
    redis.nodes[0].start()


@pytest.mark.timeout(420)
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("harm", [killed, frozen, behind])
def test_a_failover(harm: Harm, nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SMS_REPLICAS=1 and two replicas, a fail-over sends nothing twice, loses nothing, and every outcome is true."""
    monkeypatch.setenv("SMS_REPLICAS", "1")
    with Sentinels(replicas=2, sentinels=3) as redis:

        def after_a_while(kill_a_worker: Callable[[], None]) -> None:
            time.sleep(4)
            harm(redis, kill_a_worker)

        found = run(redis, after_a_while, replicas=1)
    print(f"{harm.__name__}, SMS_REPLICAS=1, run {nth}: {found}")
    check(found)
