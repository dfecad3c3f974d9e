"""Odd messages and damaged entries, many of them: the workers and the installation are as before, and memory is flat.

A short run is part of the suite. ``HOSTILE_MESSAGES=10000 HOSTILE_ENTRIES=1000 pytest -s tests/hostile/test_long_run.py``
makes the long one, and shows what it measures.
"""

import os
import statistics
from collections.abc import Callable

import psutil
import pytest
import redis
from hypothesis import HealthCheck, given, settings

from smsjobs.contract import element_tag
from smsjobs.ledger import Aside
from smsjobs.redis_store import key
from support.attack import Attack, odd_messages
from support.damage import ENTRY_DAMAGES
from support.polling import until

MESSAGES = int(os.environ.get("HOSTILE_MESSAGES", "180"))
ENTRIES = int(os.environ.get("HOSTILE_ENTRIES", "64"))

#: Messages after which both workers are asked for a probe.
BATCH = 50

#: Messages before memory is measured: what a worker loads and keeps for good.
WARM = min(1000, MESSAGES // 3)

TAG = element_tag("SMS.Example")


def made_up(count: int) -> list[str | bytes]:
    """That many odd messages."""
    texts: list[str | bytes] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(odd_messages())
    def add(text: str | bytes) -> None:
        texts.append(text)

    while len(texts) < count:
        add()
    return texts[:count]


def rss_mb(attack: Attack) -> list[float]:
    """The memory of both workers now."""
    return [psutil.Process(each.pid).memory_info().rss / 2**20 for each in attack.workers]


def used_mb(client: redis.Redis) -> float:
    """The memory of Redis now."""
    return float(client.info("memory")["used_memory"]) / 2**20


def damage(attack: Attack, client: redis.Redis) -> None:
    """Entries of a job that waits, each damaged in another way."""
    waiting = attack.stage.send("SMS.Example", countdown=3600)
    entry = client.hgetall(key(TAG, "job", waiting.id)) | {"due": "0", "looks": "0"}
    damages = list(ENTRY_DAMAGES.values())
    pipe = client.pipeline(transaction=False)
    for number in range(ENTRIES):
        name = key(TAG, "job", f"damaged-{number}")
        pipe.hset(name, mapping=entry)
        damages[number % len(damages)](pipe, name)
        pipe.zadd(key(TAG, "agenda"), {f"damaged-{number}": 0})
    pipe.execute()


def clear(client: redis.Redis) -> int:
    """Drop what was set aside, and let the time of everything be over that has one. Returns how many keys are left."""
    aside = Aside(client, keep_s=3600)
    for each in list(aside.items()):
        aside.drop(each.id)
    left = 0
    for name in client.scan_iter(count=1000):
        if client.pttl(name) >= 0:
            client.delete(name)
        else:
            left += 1
    return left


@pytest.mark.timeout(120 + MESSAGES // 2)
def test_long_run(attack: Attack) -> None:
    """However many odd messages and damaged entries came, nothing is unacknowledged, probes are quick, and memory is flat."""
    texts = made_up(WARM + MESSAGES)
    tell: Callable[[str], None] = lambda text: print(text, flush=True)  # noqa: E731  for -s
    with attack.stage.client() as client:
        _attack(attack, texts[:WARM])
        keys, workers, store = clear(client), rss_mb(attack), used_mb(client)
        tell(f"\nwarm: workers {workers} MB, Redis {store:.1f} MB, {keys} keys without an end")
        damage(attack, client)
        for first in range(WARM, len(texts), 1000):
            _attack(attack, texts[first : first + 1000])
            tell(
                f"{first - WARM + len(texts[first : first + 1000])}: {rss_mb(attack)} MB, Redis {used_mb(client):.1f} MB"
            )
        until(lambda: client.hlen(key(TAG, "aside")) == ENTRIES, "all damaged entries are set aside")
        attack.check()
        assert client.hlen("unacked") == 0
        full, left = used_mb(client), clear(client)
        grown = [after - before for after, before in zip(rss_mb(attack), workers, strict=True)]
        probes = statistics.quantiles(attack.probes, n=100)
        tell(
            f"workers grew by {grown} MB; Redis {store:.1f}, {full:.1f} and, after its time, {used_mb(client):.1f} MB"
        )
        tell(f"{len(attack.probes)} probes: median {probes[49]:.3f} s, 99 of 100 within {probes[98]:.3f} s")
        assert max(grown) < 30
        assert used_mb(client) - store < 3
        # Waiting jobs, and what there is once an element or a queue.
        assert left <= keys + 4
        attack.check()
    logs = [len(each.log()) for each in attack.workers]
    tell(f"logs: {logs} bytes")
    assert max(logs) < 100 * (MESSAGES + WARM) + 100_000


def _attack(attack: Attack, texts: list[str | bytes]) -> None:
    for first in range(0, len(texts), BATCH):
        attack.put(texts[first : first + BATCH])
        attack.check()
