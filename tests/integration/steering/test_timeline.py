"""What the ledger still tells of how a job went, and jobs that are found by their idempotency keys."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from smsjobs.contract import InvalidArguments, element_tag
from smsjobs.ledger import Ledger, Try
from smsjobs.redis_store import connect_redis, key
from smsjobs.steering import Steering
from support.keys import job_key
from support.ledgers import Clock, a_job, accepted, failed, granted, to_look_up, to_send


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    client = connect_redis(redis_url)
    yield client
    client.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(client: "redis.Redis", clock: Clock) -> Ledger:
    return Ledger(client, clock=clock)


def words(ledger: Ledger, clock: Clock, job_id: str) -> list[str]:
    return [each.what for each in Steering(ledger, clock=clock).timeline(job_id)]


def a_try(clock: Clock, result: str, **more: Any) -> Try:
    return Try(at=datetime.fromtimestamp(clock.now, UTC), result=result, **more)


def test_timeline(ledger: Ledger, clock: Clock) -> None:
    """A job's moments are those that it has come to, in their order, and of one without an outcome those to come."""
    job = a_job()
    ledger.record(job)
    assert words(ledger, clock, job.id) == ["recorded", "next_try", "expires"]
    clock.pass_(1)
    granted(ledger, job)
    assert words(ledger, clock, job.id) == ["recorded", "claimed", "expires"]
    clock.pass_(1)
    ledger.wait(job.id, "token", to_look_up(clock), tries=[a_try(clock, "lost", reason="no_answer")])
    assert words(ledger, clock, job.id) == ["recorded", "request", "next_try", "expires"]
    clock.pass_(5)
    granted(ledger, job, "later")
    ledger.settle(job.id, "later", failed(job, "unknown", "no_answer"), tries=[a_try(clock, "absent")])
    assert words(ledger, clock, job.id) == ["recorded", "request", "look_up", "settled"]


def test_the_usual_job(ledger: Ledger, clock: Clock) -> None:
    """A job whose first request settled it tells when, whether or not anybody is asked about its delivery."""
    job = a_job()
    ledger.record(job)
    clock.pass_(2)
    granted(ledger, job)
    clock.pass_(1)
    ledger.settle(job.id, "token", accepted(job))
    assert words(ledger, clock, job.id) == ["recorded", "accepted"]
    info = Steering(ledger).info(job.id)
    assert info.settled is not None
    assert info.settled.timestamp() == clock.now


def test_timeline_of_an_older_version(ledger: Ledger, clock: Clock) -> None:
    """Of a job without tries, as an older version writes it, the lost answer is told by its time."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    clock.pass_(1)
    ledger.wait(job.id, "token", to_look_up(clock))
    assert words(ledger, clock, job.id) == ["recorded", "answer_lost", "next_try", "expires"]


@pytest.mark.parametrize("by", ["sweep", "claim"])
def test_a_worker_that_died(ledger: Ledger, clock: Clock, by: str) -> None:
    """The request that a worker may have made before it died is among the tries, at the time of its claim, whoever notices."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "died")
    claimed_at = clock.now
    clock.pass_(60)
    if by == "sweep":
        ledger.sweep()
    granted(ledger, job, "another")
    (found,) = Steering(ledger, clock=clock).info(job.id).tries
    assert (found.at.timestamp(), found.kind, found.result) == (claimed_at, "request", "interrupted")


def test_first_try_costs_nothing(client: "redis.Redis", ledger: Ledger) -> None:
    """An entry has no tries unless some are handed over."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    ledger.settle(job.id, "token", accepted(job))
    assert not client.hexists(job_key(job.id), "tries")


def test_repeated_steps_note_once(ledger: Ledger, clock: Clock) -> None:
    """A wait and a settlement whose answers were lost are made again, and their tries stand there once."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    lost, found = (
        a_try(clock, "lost", reason="no_answer", aliyun_code="isp.SYSTEM_ERROR"),
        a_try(clock, "found"),
    )
    for _ in range(2):
        ledger.wait(job.id, "token", to_look_up(clock, delay_s=0), tries=[lost])
    granted(ledger, job, "later")
    for _ in range(2):
        ledger.settle(job.id, "later", accepted(job), tries=[found])
    assert Steering(ledger, clock=clock).info(job.id).tries == (lost, found)


def test_newest_are_kept(client: "redis.Redis", ledger: Ledger, clock: Clock) -> None:
    """Of a job that is tried for days, the newest twenty or so are kept, whole, and its entry does not grow."""
    job = a_job(expires=86_400)
    ledger.record(job)
    for number in range(100):
        granted(ledger, job, f"token{number}")
        one = a_try(clock, "not_sent", reason="connect_failed")
        ledger.wait(job.id, f"token{number}", to_send(), tries=[one])
        clock.pass_(60)
    info = Steering(ledger, clock=clock).info(job.id)
    times = [each.at.timestamp() for each in info.tries]
    assert info.attempts == 100
    assert 15 <= len(times) <= 25
    assert times == [clock.now - 60 * ago for ago in range(len(times), 0, -1)]
    assert client.hstrlen(job_key(job.id), "tries") == 800


def test_timeline_of_none(ledger: Ledger, clock: Clock) -> None:
    """A job that is not there has no timeline, which is told as everywhere."""
    with pytest.raises(InvalidArguments) as missing:
        words(ledger, clock, "nothing")
    assert missing.value.reason == "job_not_found"


def test_key(client: "redis.Redis", ledger: Ledger) -> None:
    """Jobs are found by their idempotency key on every element, whatever stands beside them in Redis."""
    jobs = [a_job(element=f"SMS.{name}", idempotency_key="order:17") for name in ("One", "Two")]
    other = a_job(idempotency_key="order:18")
    for each in (*jobs, other):
        ledger.record(each)
    client.hset("sms:elements", b"\xff", b"\xff")
    client.set(key(element_tag("SMS.Test"), "key", "x"), "damaged")
    assert sorted(ledger.with_key("order:17")) == sorted(each.id for each in jobs)
    assert ledger.with_key("order:18") == [other.id]
    assert ledger.with_key("order:19") == []
    assert ledger.with_key("\ud800") == []
    assert client.exists(job_key(other.id))
