"""The ledger in a Redis Cluster under load: a node is killed, is frozen and wakes, or a slot is moved. The broker goes on."""

import signal
import time
from collections.abc import Callable

import pytest

from support.cluster import Cluster, slot_of
from support.net_load import check, run
from support.polling import until
from support.redis_server import RedisServer

Harm = Callable[[Cluster, Callable[[], None]], None]


def killed(cluster: Cluster, kill_a_worker: Callable[[], None]) -> None:
    """The master of an element is killed, and comes back as a replica."""
    name = f"SMS.{cluster.elements()[0]}"
    cluster.nodes[0].kill()
    time.sleep(3)
    kill_a_worker()
    until(lambda: cluster.master_of(name) is not cluster.nodes[0], "a replica was promoted", timeout=60)
    cluster.nodes[0].start()


def frozen(cluster: Cluster, kill_a_worker: Callable[[], None]) -> None:
    """The master of an element is frozen, and wakes when another is the master."""
    name = f"SMS.{cluster.elements()[0]}"
    cluster.nodes[0].signal(signal.SIGSTOP)
    time.sleep(3)
    kill_a_worker()
    until(lambda: cluster.master_of(name) is not cluster.nodes[0], "a replica was promoted", timeout=60)
    time.sleep(2)
    cluster.nodes[0].signal(signal.SIGCONT)


def moved(cluster: Cluster, kill_a_worker: Callable[[], None]) -> None:
    """The slot of an element is moved key by key to another master and back; a worker is killed in between."""
    slot = slot_of(f"SMS.{cluster.elements()[0]}")
    one, other = cluster.nodes[:2]
    cluster.move(slot, one, other, pause_s=0.05)
    time.sleep(2)
    kill_a_worker()
    time.sleep(2)
    cluster.move(slot, other, one, pause_s=0.05)


@pytest.mark.timeout(420)
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("harm", [killed, frozen, moved])
def test_cluster(harm: Harm, nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SMS_REPLICAS=1, whatever happens to a node or a slot, nothing is sent twice or lost, and every outcome is true."""
    monkeypatch.setenv("SMS_REPLICAS", "1")
    with RedisServer() as broker, Cluster(replicas=1) as cluster:

        def after_a_while(kill_a_worker: Callable[[], None]) -> None:
            time.sleep(5)
            harm(cluster, kill_a_worker)

        begun = time.monotonic()
        found = run(broker, after_a_while, replicas=1, cluster=cluster)
    print(f"Cluster, {harm.__name__}, SMS_REPLICAS=1, run {nth}, {time.monotonic() - begun:.0f} s: {found}")
    check(found)
