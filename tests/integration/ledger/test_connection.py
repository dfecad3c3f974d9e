"""The ledger and a real Redis: round trips, restarts, and answers that get lost."""

import threading
import time
from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from smsjobs.ledger import Granted, Ledger
from smsjobs.redis_store import connect_redis
from support.ledgers import LEASE_S, a_job, accepted, granted, to_send, verbs
from support.polling import in_time
from support.redis_server import RedisServer


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that this test may harm."""
    with RedisServer() as server:
        yield server


def commands(url: str, do: object) -> list[str]:
    """The commands that Redis receives while `do` runs, without those that it runs itself in scripts."""
    watcher = redis.Redis.from_url(url, decode_responses=True)
    seen: list[str] = []
    with watcher.monitor() as monitor:
        listening = threading.Thread(target=lambda: _listen(monitor, seen))
        listening.start()
        do()
        redis.Redis.from_url(url).echo("the end")
        listening.join(10)
    watcher.close()
    return [each.split()[0] for each in seen if not each.startswith(("CLIENT", "HELLO", "ECHO", "SELECT"))]


def _listen(monitor: object, seen: list[str]) -> None:
    for command in monitor.listen():
        if command["client_type"] != "lua":
            seen.append(command["command"])
        if "the end" in command["command"]:
            return


def test_each_step_is_one_round_trip(redis_url: str) -> None:
    """Record, claim, wait, settle, renew, read, and the sweep of an element are one command each, once the scripts are loaded."""
    ledger = Ledger(connect_redis(redis_url))

    def whole_life(*, record_only: bool = False) -> None:
        job = a_job(idempotency_key=f"k{time.monotonic_ns()}")
        ledger.record(job)
        if record_only:
            return
        granted(ledger, job, "one")
        ledger.renew([(job.id, "one")], lease_s=LEASE_S)
        ledger.wait(job.id, "one", to_send())
        granted(ledger, job, "two")
        ledger.settle(job.id, "two", accepted(job))
        ledger.sweep()
        ledger.read(job.id)

    whole_life()
    assert commands(redis_url, lambda: whole_life(record_only=True)) == ["EVALSHA"]
    assert commands(redis_url, whole_life) == ["EVALSHA"] * 6 + ["HKEYS", "EVALSHA", "HMGET"]


def test_restarted_redis_gets_its_scripts_again(own_server: RedisServer) -> None:
    """After a restart, which empties the script cache, every step works, and what was recorded is still there."""
    ledger = Ledger(connect_redis(own_server.url))
    job = a_job()
    ledger.record(job)
    own_server.kill()
    with pytest.raises((RedisConnectionError, RedisTimeoutError)):
        ledger.claim(job.id, "one", lease_s=LEASE_S)
    own_server.restart()
    granted(ledger, job, "one")
    own_server.restart()
    assert ledger.wait(job.id, "one", to_send())
    own_server.restart()
    assert verbs(ledger.sweep()) == [("publish", job.id)]
    granted(ledger, job, "two")
    own_server.restart()
    assert ledger.settle(job.id, "two", accepted(job)).ours


def test_forgotten_scripts_are_sent_again(redis_url: str) -> None:
    """A Redis that lost its script cache answers NOSCRIPT, and the step is made all the same, once."""
    client = connect_redis(redis_url)
    ledger = Ledger(client)
    job = a_job()
    for step in (
        lambda: ledger.record(job),
        lambda: granted(ledger, job, "one"),
        lambda: ledger.wait(job.id, "one", to_send(attempts=1)),
        lambda: granted(ledger, job, "two"),
        lambda: ledger.settle(job.id, "two", accepted(job)),
    ):
        client.script_flush()
        step()
    found = ledger.read(job.id)
    assert found is not None
    assert found.status == "accepted"


def test_paused_redis_is_given_up_in_time_and_the_step_can_be_made_again(own_server: RedisServer) -> None:
    """A claim at a Redis that hangs raises within its time-out; made again, it finds what the first one wrote."""
    ledger = Ledger(connect_redis(own_server.url, timeout_s=0.5))
    job = a_job()
    ledger.record(job)
    own_server.pause()
    with in_time(3), pytest.raises((RedisConnectionError, RedisTimeoutError)):
        ledger.claim(job.id, "one", lease_s=LEASE_S)
    own_server.resume()
    # The paused server carries out the first claim as soon as it continues.
    claim = ledger.claim(job.id, "one", lease_s=LEASE_S)
    assert isinstance(claim, Granted)
    assert (claim.state, claim.attempts, claim.interrupted) == ("sending", 0, False)


def test_client_does_not_repeat_a_write_by_itself(own_server: RedisServer) -> None:
    """A write at a Redis that hangs is tried once: when it wakes up, it has received it once and not more."""
    client = connect_redis(own_server.url, timeout_s=0.5)
    client.set("count", 0)
    own_server.pause()
    with pytest.raises((RedisConnectionError, RedisTimeoutError)):
        client.incr("count")
    own_server.resume()
    # The paused command stands first in line, before this one on a new connection.
    limit = time.monotonic() + 5
    while client.get("count") == "0":
        assert time.monotonic() < limit
    assert client.get("count") == "1"
