"""The sweep's side of the ledger: each job whose time has come, once, and none for ever out of sight."""

from collections.abc import Callable

import pytest
import redis

from smsjobs.contract import LANES
from smsjobs.ledger import InFlight, Ledger
from support.keys import job_key
from support.ledgers import (
    LEASE_S,
    Clock,
    a_job,
    accepted,
    assert_nothing_is_lost,
    failed,
    granted,
    to_look_up,
    to_send,
    verbs,
)


@pytest.mark.parametrize("lane", list(LANES))
def test_published_job_is_looked_at_at_doubling_distances(ledger: Ledger, clock: Clock, lane: str) -> None:
    """A job that nobody claims is looked at after 1, 3, 7, 15 … waits of its lane, until it expires."""
    job = a_job(lane_name=lane, expires=86400)
    ledger.record(job)
    begun, looks = clock.now, []
    for _ in range(40 * int(LANES[lane].requeue_s)):
        clock.pass_(1)
        for due in ledger.sweep():
            assert (due.verb, due.job_id, due.lane, due.lost) == ("requeue", job.id, lane, False)
            looks.append((due.looks, (clock.now - begun) / LANES[lane].requeue_s))
    assert looks == [(1, 1), (2, 3), (3, 7), (4, 15), (5, 31)]


def test_job_that_became_due_is_published_and_then_looked_at(ledger: Ledger, clock: Clock) -> None:
    """A waiting job is published once when it is due; if nobody claims it, the looks begin anew."""
    job = a_job(expires=3600)
    ledger.record(job)
    clock.pass_(5)
    assert verbs(ledger.sweep()) == [("requeue", job.id)]
    granted(ledger, job)
    ledger.wait(job.id, "token", to_send(delay_s=10))
    clock.pass_(10)
    seen = []
    for _ in range(16):
        seen += [(due.verb, due.looks, clock.now) for due in ledger.sweep()]
        clock.pass_(1)
    start = seen[0][2]
    assert [(verb, looks, now - start) for verb, looks, now in seen] == [
        ("publish", 0, 0),
        ("requeue", 1, 5),
        ("requeue", 2, 15),
    ]


def test_looks_do_not_double_for_ever(ledger: Ledger, clock: Clock) -> None:
    """A job that is looked up and whose messages all get lost is still looked at after many looks."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    ledger.wait(job.id, "token", to_look_up(clock))
    for _ in range(40):
        clock.pass_(5 * 2**12)
        assert [due.job_id for due in ledger.sweep()] == [job.id]


@pytest.mark.parametrize("countdown", [0, 60])
def test_expired_job_is_told_until_it_is_settled(ledger: Ledger, clock: Clock, countdown: float) -> None:
    """A job that nobody took in time is handed out for settling, again every 10 seconds, until it is settled."""
    job = a_job(countdown=countdown, expires=countdown + 100)
    ledger.record(job)
    clock.pass_(countdown + 99.9)
    ledger.sweep()
    clock.pass_(0.1)
    assert verbs(ledger.sweep()) == [("expired", job.id)]
    clock.pass_(9.9)
    assert ledger.sweep() == []
    clock.pass_(0.1)
    assert verbs(ledger.sweep()) == [("expired", job.id)]
    assert ledger.settle(job.id, "", failed(job)).ours
    clock.pass_(1000)
    assert ledger.sweep() == []


def test_retry_that_waits_expires_on_time(ledger: Ledger, clock: Clock) -> None:
    """A job whose next try would come after its expiry is handed out for settling when it expires."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    ledger.wait(job.id, "token", to_send(delay_s=1000))
    clock.pass_(300)
    (due,) = ledger.sweep()
    assert (due.verb, due.attempts, due.lost) == ("expired", 1, False)


def test_expiry_tells_that_an_answer_was_lost(ledger: Ledger, clock: Clock) -> None:
    """A job that expires before its resend is told as lost, for it may have been sent."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    ledger.wait(job.id, "one", to_look_up(clock, delay_s=0))
    claim = granted(ledger, job, "two")
    ledger.wait(
        job.id,
        "two",
        to_send(delay_s=400, attempts=0).__class__(
            state="queued",
            delay_s=400,
            attempts=0,
            lost_from_ms=claim.lost_from_ms,
            lost_to_ms=claim.lost_to_ms,
            resent=True,
        ),
    )
    clock.pass_(300)
    (due,) = ledger.sweep()
    assert (due.verb, due.attempts, due.lost) == ("expired", 1, True)


def test_look_up_outlives_the_expiry(ledger: Ledger, clock: Clock) -> None:
    """A request that left is looked up to the end, however long the job has expired."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    ledger.wait(job.id, "token", to_look_up(clock, delay_s=1000))
    clock.pass_(999)
    assert ledger.sweep() == []
    clock.pass_(1)
    assert verbs(ledger.sweep()) == [("publish", job.id)]
    assert granted(ledger, job, "two").state == "looking_up"


def test_held_job_does_not_expire(ledger: Ledger, clock: Clock) -> None:
    """A job that is being worked on when it expires is its holder's to settle."""
    job = a_job()
    ledger.record(job)
    clock.pass_(290)
    granted(ledger, job)
    clock.pass_(20)
    assert ledger.sweep() == []
    assert ledger.settle(job.id, "token", accepted(job)).ours


def test_settlement_outside_a_task_is_told_until_it_is_stored(ledger: Ledger, clock: Clock) -> None:
    """A settlement that Celery does not store by itself is handed out every 10 s until that is confirmed."""
    job = a_job()
    ledger.record(job)
    clock.pass_(300)
    ledger.settle(job.id, "", failed(job), outside_task=True)
    for _ in range(3):
        assert ledger.sweep() == []
        clock.pass_(10)
        assert verbs(ledger.sweep()) == [("store", job.id)]
    ledger.confirm_stored(job.id)
    clock.pass_(100)
    assert ledger.sweep() == []


def test_forgotten_job_leaves_the_agenda(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """An entry of the agenda whose job is gone is dropped."""
    job = a_job()
    ledger.record(job)
    client.delete(job_key(job.id))
    clock.pass_(1000)
    assert ledger.sweep() == []
    assert ledger.waiting() == 0


def test_sweep_takes_as_many_as_it_is_told(ledger: Ledger, clock: Clock) -> None:
    """A sweep of 4 takes the 4 that are due longest, and the next one the rest."""
    jobs = []
    for _ in range(10):
        jobs.append(a_job())
        ledger.record(jobs[-1])
        clock.pass_(0.01)
    clock.pass_(5)
    found = [ledger.sweep(limit=4) for _ in range(4)]
    assert [due.job_id for batch in found for due in batch] == [job.id for job in jobs]
    assert [len(batch) for batch in found] == [4, 4, 2, 0]


def test_sweep_of_nothing_is_nothing(ledger: Ledger) -> None:
    """An empty ledger has nothing due."""
    assert ledger.sweep() == []
    assert ledger.waiting() == 0


def test_claim_after_sweep_stops_the_looks(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """A job that is claimed after the sweep looked at it is looked at again only when its lease runs out."""
    job = a_job()
    ledger.record(job)
    clock.pass_(5)
    ledger.sweep()
    granted(ledger, job)
    clock.pass_(LEASE_S - 1)
    assert ledger.sweep() == []
    assert isinstance(ledger.claim(job.id, "two", lease_s=LEASE_S), InFlight)
    clock.pass_(1)
    assert verbs(ledger.sweep()) == [("publish", job.id)]
    assert_nothing_is_lost(client)


def test_second_ledger_sees_the_same(connect: Callable[[], redis.Redis], clock: Clock) -> None:
    """What one process records, another one sweeps, claims and settles."""
    here, there = Ledger(connect(), clock=clock), Ledger(connect(), clock=clock)
    job = a_job()
    here.record(job)
    clock.pass_(5)
    assert verbs(there.sweep()) == [("requeue", job.id)]
    assert here.sweep() == []
    granted(there, job)
    assert there.settle(job.id, "token", accepted(job)).ours
    found = here.read(job.id)
    assert found is not None
    assert found.status == "accepted"
