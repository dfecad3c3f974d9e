"""What the ledger still tells of how a job went, and jobs that are found by their idempotency keys."""

from collections.abc import Iterator

import pytest
import redis

from smsjobs.contract import InvalidArguments, element_tag
from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis, key
from smsjobs.steering import Steering
from support.keys import job_key
from support.ledgers import Clock, a_job, failed, granted, to_look_up


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


def test_timeline(ledger: Ledger, clock: Clock) -> None:
    """A job's moments are those that it has come to, in their order, and of one without an outcome those to come."""
    job = a_job()
    ledger.record(job)
    assert words(ledger, clock, job.id) == ["recorded", "next_try", "expires"]
    clock.pass_(1)
    granted(ledger, job)
    assert words(ledger, clock, job.id) == ["recorded", "claimed", "expires"]
    clock.pass_(1)
    ledger.wait(job.id, "token", to_look_up(clock))
    assert words(ledger, clock, job.id) == ["recorded", "answer_lost", "next_try", "expires"]
    clock.pass_(5)
    granted(ledger, job, "later")
    ledger.settle(job.id, "later", failed(job, "unknown", "no_answer"))
    assert words(ledger, clock, job.id) == ["recorded", "settled"]


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
