"""A master that is cut from its replicas while clients still reach it: the fail-over forgets what only it has."""

import time
from collections.abc import Callable

import pytest

from support.net import SplitRedis, why_not
from support.net_load import Run, check, run
from support.polling import until

if problem := why_not():
    pytest.skip(problem, allow_module_level=True)


def split(*, replicas: int) -> Run:
    """Cut the master after 4 seconds, kill a worker after 8, and heal after 14, under load."""
    with SplitRedis() as redis:

        def harm(kill_a_worker: Callable[[], None]) -> None:
            time.sleep(4)
            redis.cut()
            time.sleep(4)
            kill_a_worker()
            time.sleep(6)
            redis.heal()
            until(lambda: redis.master() is redis.nodes[1], "the replica was promoted")
            with redis.nodes[0].client() as old:
                until(lambda: old.role()[0] == "slave", "the old master follows the new one", timeout=60)

        return run(redis, harm, replicas=replicas)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS_REPLICAS", "0")


@pytest.mark.timeout(420)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_with_replicas(nth: int) -> None:
    """With SMS_REPLICAS=1, a split brain sends nothing twice, loses nothing, and every outcome is true."""
    found = split(replicas=1)
    print(f"split brain, SMS_REPLICAS=1, run {nth}: {found}")
    check(found)


@pytest.mark.timeout(420)
def test_without_replicas() -> None:
    """Without SMS_REPLICAS, the same is measured: the documentation's warning has its figures."""
    print(f"split brain, SMS_REPLICAS=0: {split(replicas=0)}")
