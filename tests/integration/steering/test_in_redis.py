"""Cancel, retry and the list on a real Redis: at once, repeated, late, and among what is damaged."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
import redis

from smsjobs.contract import (
    InvalidArguments,
    JobRecord,
    RequestFailed,
    SendResult,
    decode_outcome,
    element_tag,
)
from smsjobs.delivery import DeliveryStore
from smsjobs.ledger import EntryDamaged, Granted, Ledger, NotDue, Settled, outcome_json
from smsjobs.ledger.outcome_text import write_outcome
from smsjobs.redis_store import Seal, connect_redis, key
from smsjobs.steering import Listing, Steering
from support.keys import job_key
from support.ledgers import (
    CODE,
    PHONE,
    Clock,
    a_job,
    accepted,
    assert_nothing_is_lost,
    everything,
    failed,
    granted,
    to_look_up,
    to_send,
    verbs,
)
from support.receipts import a_report

T = TypeVar("T")

RETENTION_S = 7200.0
RETRYABLE_S = 3600.0
TAG = element_tag("SMS.Test")
FAILED = key(TAG, "failed")


@pytest.fixture
def client(redis_url: str) -> "redis.Redis":
    return connect_redis(redis_url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(client: "redis.Redis", clock: Clock) -> Ledger:
    return Ledger(client, retention_s=RETENTION_S, retryable_s=RETRYABLE_S, clock=clock)


@pytest.fixture
def steering(ledger: Ledger, clock: Clock) -> Steering:
    return Steering(ledger, clock=clock)


def ended(ledger: Ledger, outcome: str = "not_sent", **more: object) -> JobRecord:
    """A job that was recorded and ended so."""
    job = a_job(**more)
    ledger.record(job)
    granted(ledger, job)
    ledger.settle(job.id, "token", failed(job, outcome))
    return job


def listed(steering: Steering, **filters: object) -> list[str]:
    """The ids of the list."""
    return [each.id for each in steering.jobs(Listing(**filters), lambda step: step())]  # type: ignore[arg-type]


def renew(steering: Steering, job_id: str) -> str:
    """Send a job again; returns the new id."""
    new = steering.renewed(job_id)
    return steering.record(job_id, new).job_id if isinstance(new, JobRecord) else new.job_id


def at_once(*steps: Callable[[], T]) -> list[T]:
    """What each gave of the steps that began in the same moment."""
    barrier = threading.Barrier(len(steps))

    def begin(step: Callable[[], T]) -> T:
        barrier.wait()
        return step()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(begin, steps))


@pytest.mark.parametrize("turn", range(20))
def test_cancel_and_claim_in_the_same_moment(redis_url: str, turn: int) -> None:
    """Of a cancel and a claim in the same moment exactly one wins: it is sent, or it is cancelled."""
    job = a_job(id=f"one-of-both-{turn}")
    ledgers = [Ledger(connect_redis(redis_url)) for _ in range(4)]
    ledgers[0].record(job)

    def cancel(ledger: Ledger) -> Callable[[], object]:
        return lambda: Steering(ledger).cancel(job.id)

    def claim(ledger: Ledger) -> Callable[[], object]:
        return lambda: ledger.claim(job.id, "worker", lease_s=30)

    steps = [cancel(ledgers[0]), claim(ledgers[1]), cancel(ledgers[2]), claim(ledgers[3])]
    for each in ledgers:
        each.read(job.id)  # connected, so that none is late for that
    first, one, second, other = at_once(*steps)
    sent = isinstance(one, Granted) or isinstance(other, Granted)
    assert first == second == (not sent)
    found = ledgers[0].read(job.id)
    assert found is not None
    assert found.status == ("sending" if sent else "not_sent")


def test_celerys_result_of_a_cancelled_job(ledger: Ledger, steering: Steering, client: redis.Redis) -> None:
    """The sweep finds a cancelled job at once and stores its result, though the canceller has no result backend."""
    job = a_job()
    ledger.record(job)
    assert steering.cancel(job.id)
    assert verbs(ledger.sweep()) == [("store", job.id)]
    claim = ledger.claim(job.id, "token", lease_s=30)
    assert isinstance(claim, Settled)
    outcome = decode_outcome(outcome_json(claim.outcome, job.id))
    assert isinstance(outcome, RequestFailed)
    assert (outcome.outcome, outcome.reason) == ("not_sent", "cancelled")
    assert client.pttl(job_key(job.id)) > 0


@pytest.mark.parametrize("state", ["sending", "looking_up", "resend"])
def test_what_may_have_been_sent_is_not_cancelled(
    ledger: Ledger, steering: Steering, clock: Clock, state: str
) -> None:
    """A job that a worker holds, that is looked up, or that waits to be sent again after a lost answer goes on."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    if state == "looking_up":
        ledger.wait(job.id, "token", to_look_up(clock))
    elif state == "resend":
        ledger.wait(job.id, "token", replace(to_send(), lost_from_ms=clock.ms, lost_to_ms=clock.ms))
    before = ledger.read(job.id)
    assert not steering.cancel(job.id)
    assert ledger.read(job.id) == before


def test_cancel_between_two_tries(ledger: Ledger, steering: Steering, clock: Clock) -> None:
    """A job that surely was not sent yet, and waits for its next try, is cancelled, and keeps its count of attempts."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    ledger.wait(job.id, "token", replace(to_send(delay_s=20, attempts=3), reason="connect_failed"))
    info = steering.info(job.id)
    assert (info.last_error, info.attempts, info.status) == ("connect_failed", 3, "queued")
    assert info.next_try is not None
    assert info.next_try.timestamp() == clock.now + 20
    assert steering.cancel(job.id)
    clock.pass_(20)
    assert isinstance(ledger.claim(job.id, "late", lease_s=30), Settled)
    assert steering.info(job.id).attempts == 3


def test_info_of_a_job_whose_worker_died(ledger: Ledger, steering: Steering, clock: Clock) -> None:
    """A job that a dead worker held tells that it was interrupted, and that it is looked up now."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    info = steering.info(job.id)
    assert (info.status, info.next_try, info.last_error) == ("sending", None, None)
    clock.pass_(31)
    ledger.sweep()
    info = steering.info(job.id)
    assert (info.status, info.last_error, info.attempts) == ("looking_up", "interrupted", 1)
    assert info.next_try is not None


def test_chunk_is_not_steered(ledger: Ledger, steering: Steering, client: redis.Redis) -> None:
    """A campaign's chunk is neither cancelled nor sent again by itself, nor listed: its campaign is asked."""
    job = a_job()
    ledger.record(job)
    client.hset(job_key(job.id), mapping={"campaign": "people-aaaaaaaaaaaa", "chunk": "7:93"})
    assert steering.info(job.id).numbers == 93
    for step in (steering.cancel, steering.renewed):
        with pytest.raises(InvalidArguments) as caught:
            step(job.id)
        assert caught.value.reason == "part_of_campaign"


def test_payload_is_kept_for_a_while_only(ledger: Ledger, steering: Steering, client: redis.Redis) -> None:
    """What a failed job sent stays under a key that expires by itself, and nowhere else; then it cannot be sent again."""
    job = ended(ledger)
    kept = key(TAG, "retry", job.id)
    assert PHONE in str(client.get(kept))
    assert RETRYABLE_S - 5 < client.ttl(kept) <= RETRYABLE_S
    client.delete(kept)
    assert CODE not in everything(client)
    assert PHONE not in everything(client)
    with pytest.raises(InvalidArguments) as caught:
        steering.renewed(job.id)
    assert caught.value.reason == "payload_gone"


def test_what_may_have_been_sent_keeps_no_payload(ledger: Ledger, client: redis.Redis) -> None:
    """Of an unknown job nothing is kept that could be sent again, and so no number either."""
    ended(ledger, "unknown")
    assert PHONE not in everything(client)


def test_payload_leaves_with_the_retry(ledger: Ledger, steering: Steering, client: redis.Redis) -> None:
    """A job that is sent again leaves nothing of its payload behind; the new one has it."""
    job = ended(ledger)
    new = renew(steering, job.id)
    assert client.exists(key(TAG, "retry", job.id)) == 0
    assert PHONE in str(client.hget(job_key(new), "job"))
    assert_nothing_is_lost(client)


def test_payload_is_sealed_as_ever(client: redis.Redis, clock: Clock) -> None:
    """A kept payload is readable only with the key; who has none is told, and changes nothing."""
    sealed = Ledger(client, seal=Seal("0" * 43 + "="), clock=clock)
    job = ended(sealed)
    assert CODE not in everything(client)
    without = Steering(Ledger(client, clock=clock), clock=clock)
    with pytest.raises(InvalidArguments) as caught:
        without.renewed(job.id)
    assert caught.value.reason == "job_unreadable"
    new = renew(Steering(sealed, clock=clock), job.id)
    assert CODE not in everything(client)
    assert isinstance(sealed.claim(new, "token", lease_s=30), Granted)


def test_accepted_job_touches_nothing(ledger: Ledger, client: redis.Redis) -> None:
    """A job that is accepted is in no list and keeps no payload."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    ledger.settle(job.id, "token", accepted(job))
    assert client.exists(FAILED) == 0
    assert list(client.scan_iter("*:retry:*")) == []


def test_racing_retries_make_one_job(redis_url: str, ledger: Ledger) -> None:
    """Of eight that send a job again in the same moment one makes the new job, and all get it."""
    job = ended(ledger, idempotency_key="k")
    others = [Steering(Ledger(connect_redis(redis_url))) for _ in range(8)]
    found = at_once(*(lambda each=each: renew(each, job.id) for each in others))
    assert len(set(found)) == 1
    assert ledger.waiting() == 1


def test_repeated_retry_answers_as_the_first(ledger: Ledger, steering: Steering, client: redis.Redis) -> None:
    """A retry whose answer was lost is made again with the same new job, and changes nothing."""
    job = ended(ledger, idempotency_key="k")
    new = steering.renewed(job.id)
    assert isinstance(new, JobRecord)
    first = steering.record(job.id, new)
    before = everything(client)
    assert steering.record(job.id, new) == first
    assert everything(client) == before
    assert first.new


def test_a_retry_is_published_by_the_sweep(ledger: Ledger, steering: Steering, clock: Clock) -> None:
    """A new job whose producer died before it published is found by the sweep."""
    new = renew(steering, ended(ledger).id)
    clock.pass_(6)
    assert verbs(ledger.sweep()) == [("requeue", new)]


def test_retry_is_in_time_by_the_callers_clock(ledger: Ledger, steering: Steering, clock: Clock) -> None:
    """A new job expires by its lane's default, counted from now, whatever was left of the old one."""
    job = ended(ledger)
    clock.pass_(1000)
    new = renew(steering, job.id)
    info = steering.info(new)
    assert info.expires is not None
    assert info.expires.timestamp() == clock.now + 300
    clock.pass_(300)
    assert verbs(ledger.sweep()) == [("expired", new)]


def test_list_is_read_page_by_page(
    ledger: Ledger, steering: Steering, client: redis.Redis, clock: Clock
) -> None:
    """Of thousands that ended in the same millisecond each is listed once, and a caller who stops early reads few."""
    ledger.announce(["SMS.Test"])
    jobs = [a_job() for _ in range(1300)]
    with client.pipeline() as pipe:
        for each in jobs:
            pipe.hset(job_key(each.id), mapping={"state": "not_sent", "outcome": write_outcome(failed(each))})
            pipe.zadd(FAILED, {each.id: clock.ms})
        pipe.execute()
    assert sorted(listed(steering)) == sorted(each.id for each in jobs)
    clock.pass_(60)
    newest = ended(ledger)
    before = client.info("commandstats")["cmdstat_hmget"]["calls"]
    assert listed(steering, limit=1) == [newest.id]
    assert client.info("commandstats")["cmdstat_hmget"]["calls"] - before <= 50
    assert listed(steering, since=timedelta(seconds=30)) == [newest.id]


def test_elements_are_merged_by_time(ledger: Ledger, steering: Steering, clock: Clock) -> None:
    """Jobs of several elements are one list, the newest outcome first."""
    order = []
    for element in ("SMS.Test", "SMS.Other", "SMS.Test", "SMS.Third"):
        clock.pass_(1)
        order.append(ended(ledger, element=element).id)
    assert listed(steering) == order[::-1]


def test_list_forgets_with_the_retention(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """The sweep takes jobs off the list when their outcomes are not kept any more."""
    ended(ledger)
    clock.pass_(RETENTION_S - 1)
    later = ended(ledger)
    ledger.sweep()
    assert client.zcard(FAILED) == 2
    clock.pass_(2)
    ledger.sweep()
    assert client.zrange(FAILED, 0, -1) == [later.id]


def test_receipt_takes_an_unknown_job_off_the_list(ledger: Ledger, steering: Steering, clock: Clock) -> None:
    """A job that a receipt proves to be accepted is not listed any more."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    ledger.settle(job.id, "token", failed(job, "unknown"))
    assert listed(steering) == [job.id]
    DeliveryStore(ledger, clock=clock).take([a_report(job.id)])
    assert listed(steering) == []
    assert steering.info(job.id).outcome == "accepted"


def test_damaged_list_stops_no_job(ledger: Ledger, steering: Steering, client: redis.Redis) -> None:
    """While the list is damaged, jobs get their outcomes and are found by their ids; the sweep sets it aside."""
    client.set(FAILED, "not a list")
    job = ended(ledger)
    assert steering.info(job.id).outcome == "not_sent"
    assert listed(steering) == []
    assert renew(steering, job.id)
    ledger.sweep()
    other = ended(ledger)
    assert listed(steering) == [other.id]


def test_damaged_entries_hide_no_other(ledger: Ledger, steering: Steering, client: redis.Redis) -> None:
    """Entries that cannot be read are left out of the list, and told where they are asked for by their ids."""
    whole = ended(ledger)
    bad: list[tuple[str, object]] = [
        ("outcome", "{"),
        ("state", "odd"),
        ("recipients", "many"),
        ("element", b"\xff"),
    ]
    for field, value in bad:
        client.hset(job_key(ended(ledger).id), field, value)  # type: ignore[arg-type]
    wrong = ended(ledger)
    client.delete(job_key(wrong.id))
    client.rpush(job_key(wrong.id), "x")
    assert listed(steering) == [whole.id]
    for step in (steering.info, steering.cancel, steering.renewed):
        with pytest.raises(EntryDamaged):
            step(wrong.id)


def test_expired_job_can_be_sent_again(ledger: Ledger, steering: Steering, clock: Clock) -> None:
    """A job that no worker took in time is sent again with a life of its own."""
    job = a_job()
    ledger.record(job)
    clock.pass_(301)
    assert ("expired", job.id) in verbs(ledger.sweep())
    ledger.settle(job.id, "", failed(job), outside_task=True)
    new = renew(steering, job.id)
    assert not isinstance(ledger.claim(new, "t", lease_s=30), NotDue)
    assert isinstance(ledger.settle(new, "t", accepted(replace(job, id=new))).ours, bool)
    assert isinstance(decode_outcome(outcome_json(str(ledger.read(new).outcome), new)), SendResult)  # type: ignore[union-attr]
