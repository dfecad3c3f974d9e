"""What the sweep does about each job that it is handed."""

import logging
from collections.abc import Iterable, Sequence

import fakeredis
import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import ResponseError

from smsjobs.contract import JobRecord, Outcome
from smsjobs.ledger import Ledger
from smsjobs_worker.logs.facts import JobExpired, SweepBroken, SweepFailed, SweepRefused
from smsjobs_worker.sending.sweep import Sweep, Sweeper
from support.facts import told
from support.keys import job_key, open_campaigns
from support.ledgers import Clock, a_job, accepted, granted, to_send
from support.polling import until
from support.recorded import recording


class Broker:
    """Remembers what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []
        self.waiting = 0
        self.unreachable = False
        self.broken_lane = ""

    def publish(self, jobs: Iterable[tuple[str, str]]) -> None:
        """Publish."""
        given = list(jobs)
        if self.unreachable or self.broken_lane in (lane for _, lane in given):
            raise OSError
        self.published += given

    def backlog(self, lane: str) -> int:
        """The queue's length."""
        return self.waiting


class Results:
    """Remembers what is stored."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, str, tuple[str, ...]]] = []
        self.unreachable = False

    def store_at_once(self, job_id: str, outcome: Outcome, followers: Sequence[str]) -> bool:
        """Store."""
        if not self.unreachable:
            self.stored.append((job_id, outcome.outcome, tuple(followers)))
        return not self.unreachable


class Bench:
    """A sweep and all that it works with."""

    def __init__(self) -> None:
        self.clock, self.broker, self.results = Clock(), Broker(), Results()
        self.ledger = Ledger(fakeredis.FakeRedis(decode_responses=True), clock=self.clock)
        self.sweep = Sweep(self.ledger, self.broker, self.results)

    def record(self, **more: object) -> JobRecord:
        """Record a job."""
        job = a_job(**more)
        self.ledger.record(job)
        return job


@pytest.fixture
def bench() -> Bench:
    """A sweep at an empty ledger."""
    return Bench()


def test_a_broken_lane_stops_no_other(bench: Bench) -> None:
    """A lane whose queue takes nothing is tried again at the next sweep, and the other lanes' jobs are published once."""
    broken = bench.record(id="a", countdown=10, lane_name="bulk")
    sound = bench.record(id="b", countdown=10, lane_name="notification")
    bench.clock.pass_(10)
    bench.broker.broken_lane = "bulk"
    with pytest.raises(OSError):
        bench.sweep.run_once()
    assert bench.broker.published == [(sound.id, "notification")]
    bench.broker.broken_lane = ""
    bench.sweep.run_once()
    assert bench.broker.published[1:] == [(broken.id, "bulk")]


def test_due_job_is_published(bench: Bench) -> None:
    """A job whose time has come is published on its lane, once."""
    job = bench.record(countdown=10, lane_name="bulk")
    bench.sweep.run_once()
    assert bench.broker.published == []
    bench.clock.pass_(10)
    bench.broker.waiting = 5
    bench.sweep.run_once()
    bench.sweep.run_once()
    assert bench.broker.published == [(job.id, "bulk")]


def test_lost_message_is_published_again(bench: Bench) -> None:
    """A job that nobody claimed is published again when its queue is empty."""
    job = bench.record()
    bench.clock.pass_(5)
    bench.sweep.run_once()
    assert bench.broker.published == [(job.id, "verification")]


def test_job_that_waits_its_turn_is_not_published_again_at_once(bench: Bench) -> None:
    """While its queue is long a job is believed to wait its turn, for 75 seconds in the verification lane."""
    bench.record()
    bench.broker.waiting = 1000
    published_after = None
    for second in range(1, 100):
        bench.clock.pass_(1)
        bench.sweep.run_once()
        if bench.broker.published and published_after is None:
            published_after = second
    assert published_after == 75


def test_interrupted_job_is_published(bench: Bench) -> None:
    """A job whose worker died is published to be looked up, however long its queue is."""
    job = bench.record()
    granted(bench.ledger, job)
    bench.broker.waiting = 1000
    bench.clock.pass_(30)
    bench.sweep.run_once()
    assert bench.broker.published == [(job.id, "verification")]


def test_expired_job_is_settled_and_its_result_stored(bench: Bench) -> None:
    """A job that nobody took in time is settled as not sent, and Celery's result of it stored, followers' too."""
    job = bench.record()
    bench.ledger.follow(job.id, "task-2")
    bench.clock.pass_(300)
    bench.sweep.run_once()
    assert bench.results.stored == [(job.id, "not_sent", ("task-2",))]
    assert bench.broker.published == []
    assert bench.ledger.waiting() == 0


def test_result_that_could_not_be_stored_is_stored_later(bench: Bench) -> None:
    """Where the result backend is unreachable, the settlement stands and its result is stored by a later sweep."""
    job = bench.record()
    bench.clock.pass_(300)
    bench.results.unreachable = True
    bench.sweep.run_once()
    found = bench.ledger.read(job.id)
    assert found is not None
    assert found.status == "not_sent"
    bench.results.unreachable = False
    bench.clock.pass_(10)
    bench.sweep.run_once()
    assert bench.results.stored == [(job.id, "not_sent", ())]
    assert bench.ledger.waiting() == 0


@pytest.mark.parametrize("verb", ["publish", "requeue", "interrupted"])
def test_a_long_outage_of_the_broker_has_no_slow_tail(bench: Bench, verb: str) -> None:
    """However often the broker was unreachable, the first sweep after its return publishes what is due."""
    job = bench.record(countdown=10 if verb == "publish" else 0)
    if verb == "interrupted":
        granted(bench.ledger, job)
    bench.clock.pass_(31)
    bench.broker.unreachable = True
    for _ in range(20):
        with pytest.raises(OSError):
            bench.sweep.run_once()
        bench.clock.pass_(1)
    bench.broker.unreachable = False
    bench.sweep.run_once()
    bench.sweep.run_once()
    assert bench.broker.published == [(job.id, "verification")]


def test_job_that_could_not_be_published_is_published_later(bench: Bench) -> None:
    """Where the broker is unreachable, what was due is published by a later sweep."""
    job = bench.record(countdown=10, expires=300)
    bench.clock.pass_(10)
    bench.broker.unreachable = True
    with pytest.raises(OSError):
        bench.sweep.run_once()
    bench.broker.unreachable = False
    bench.clock.pass_(5)
    bench.sweep.run_once()
    assert bench.broker.published == [(job.id, "verification")]


def test_jobs_expire_while_the_broker_is_unreachable(bench: Bench) -> None:
    """What expired is settled in the same pass in which something else could not be published."""
    due = bench.record(countdown=10, expires=600)
    late = bench.record(expires=20)
    bench.clock.pass_(20)
    bench.broker.unreachable = True
    with pytest.raises(OSError):
        bench.sweep.run_once()
    statuses = [found.status for job in (due, late) if (found := bench.ledger.read(job.id))]
    assert statuses == ["queued", "not_sent"]


def test_a_damaged_campaign_does_not_stop_the_sweep(bench: Bench) -> None:
    """Where the campaigns' own key is damaged, it is set aside, and everything else is done all the same."""
    late = bench.record(expires=20)
    bench.clock.pass_(20)
    bench.ledger.redis.set(open_campaigns(), "of another type")
    with told() as facts:
        bench.sweep.run_once()
    assert [each.action for each in facts] == ["set_aside", "expired"]
    assert bench.results.stored == [(late.id, "not_sent", ())]


def test_more_than_one_batch_is_done_in_one_pass(bench: Bench) -> None:
    """All that is due is done in one pass, also where it is more than the ledger hands out at a time."""
    jobs = [bench.record(countdown=1) for _ in range(1100)]
    bench.clock.pass_(1)
    assert bench.sweep.run_once() == 1100
    assert sorted(bench.broker.published) == sorted((job.id, "verification") for job in jobs)


def test_unreadable_jobs_do_not_stop_those_behind_them(bench: Bench) -> None:
    """A job of an unknown lane or with an outcome of a newer version is passed over, and the others are done."""
    strange, newer, good, late = (bench.record() for _ in range(4))
    bench.ledger.redis.hset(job_key(strange.id), "lane", "express")
    for job in (newer, late):
        bench.ledger.redis.hset(job_key(job.id), "expires", 1)
    bench.ledger.settle(
        newer.id, "", {"v": 9, "outcome": "not_sent"} | {"error": {"reason": "x"}}, outside_task=True
    )
    bench.clock.pass_(10)
    bench.sweep.run_once()
    assert bench.broker.published == [(good.id, "verification")]
    assert bench.results.stored == [(late.id, "not_sent", ())]


def test_traced_job_that_expired(bench: Bench) -> None:
    """That a job expired is told with its traceparent where traces are recorded, and nowhere else is it asked for."""
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"

    def expired() -> JobExpired:
        bench.ledger.record(a_job(expires=60, traceparent=traceparent))
        bench.clock.pass_(60)
        with told() as facts:
            bench.sweep.run_once()
        (fact,) = (each for each in facts if isinstance(each, JobExpired))
        return fact

    assert expired().traceparent is None
    with recording():
        assert expired().traceparent == traceparent


def test_job_that_was_claimed_meanwhile_is_not_expired(bench: Bench) -> None:
    """A job that is claimed between the sweep's look and its settlement is its holder's to settle."""
    job = bench.record()
    bench.clock.pass_(300)
    (due,) = bench.ledger.sweep()
    assert due.verb == "expired"
    granted(bench.ledger, job)
    bench.sweep._expire(due)
    assert bench.results.stored == []
    assert bench.ledger.settle(job.id, "token", accepted(job)).ours


def test_given_back_and_due_again(bench: Bench) -> None:
    """A job that was given back is published when it is due, and not before."""
    job = bench.record()
    granted(bench.ledger, job)
    bench.ledger.wait(job.id, "token", to_send(delay_s=20))
    for _ in range(19):
        bench.clock.pass_(1)
        bench.sweep.run_once()
    assert bench.broker.published == []
    bench.clock.pass_(1)
    bench.sweep.run_once()
    assert bench.broker.published == [(job.id, "verification")]


def test_broken_off_is_told(bench: Bench) -> None:
    """A sweep that breaks off is told by its cause's class: a warning where Redis or the broker is unreachable, else an error."""
    refusal = ResponseError("WRONGTYPE 13800138000")
    of_the_broker = OperationalError("13800138000")
    of_the_broker.__cause__ = refusal
    causes = [OSError("13800138000"), RuntimeError("13800138000"), refusal, of_the_broker]

    def run_once() -> int:
        if causes:
            raise causes.pop(0)
        return 0

    bench.sweep.run_once = run_once  # type: ignore[method-assign]
    sweeper = Sweeper(bench.sweep, every_s=0.01)
    with told() as facts:
        sweeper.start()
        until(lambda: len(facts) == 4, "all are told")
        sweeper.stop()
    assert facts[0] == SweepFailed(error="OSError")
    assert (type(facts[1]), facts[1].level) == (SweepBroken, logging.ERROR)
    # Redis answered, so it is not unreachable.
    assert facts[2:] == [SweepRefused(error="WRONGTYPE")] * 2
    assert "13800138000" not in repr(facts)
