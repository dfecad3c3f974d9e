"""The sender over a ledger: each run's step is written down, and every run ends."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import fakeredis
import pytest
from cryptography.fernet import Fernet

from smsjobs.contract import LANES, AliyunRejected, InvalidArguments, JobRecord, RequestFailed, SendResult
from smsjobs.ledger import Ledger
from smsjobs.redis_store import Seal
from smsjobs_worker.provider import AnswerLost, Provider
from smsjobs_worker.sending.leases import Leases
from smsjobs_worker.sending.sender import Done, NothingToDo, Sender
from support.keys import job_key
from support.ledgers import CODE, PHONE, Clock, a_job, accepted, everything, verbs

OK = {"Code": "OK", "Message": "OK", "BizId": "1^0", "RequestId": "r"}


class Scripted(Provider):
    """An element, its provider and its permits, as told."""

    looks_up = True

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.sent: list[str] = []
        self.broken: Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def provider(self, full_name: str) -> Provider:
        """Itself, unless it is broken."""
        if self.broken:
            raise self.broken
        return self

    def take(self, *args: Any, **more: Any) -> bool:
        """A permit."""
        return True

    def send(self, message: Any, *, out_id: str, **more: Any) -> Any:
        """One request."""
        self.sent.append(out_id)
        self.meanwhile()
        return self._next()

    def find(self, phone: str, **more: Any) -> Any:
        """One look-up."""
        return self._next()

    def _next(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock() -> Clock:
    """The ledger's clock."""
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    """A ledger in an empty fake Redis."""
    return Ledger(fakeredis.FakeRedis(decode_responses=True), clock=clock)


@pytest.fixture
def aliyun() -> Scripted:
    """What stands for the element and Aliyun."""
    return Scripted()


@pytest.fixture
def sender(ledger: Ledger, aliyun: Scripted) -> Sender:
    """A sender."""
    return Sender(ledger, aliyun, Leases(ledger, lease_s=30), aliyun, lanes=LANES, lease_s=30, patience_s=1)  # type: ignore[arg-type]


@pytest.fixture
def job(ledger: Ledger) -> JobRecord:
    """A recorded job."""
    recorded = a_job()
    ledger.record(recorded)
    return recorded


def status(ledger: Ledger, job: JobRecord) -> str:
    found = ledger.read(job.id)
    assert found is not None
    return found.status


def test_sent_once_however_often_its_message_comes(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord
) -> None:
    """The first message sends the job, and every further one gives its outcome back."""
    aliyun.answers = [OK]
    outcomes = [sender.run(job.id) for _ in range(3)]
    assert outcomes == [Done(outcome=SendResult(response=OK, out_id=job.id, attempts=1))] * 3
    assert aliyun.sent == [job.id]
    assert PHONE not in everything(ledger.redis)


def test_message_that_comes_while_it_is_sent(sender: Sender, aliyun: Scripted, job: JobRecord) -> None:
    """A second message of a job that is being sent has nothing to do."""
    seen: list[object] = []
    aliyun.answers = [OK]
    aliyun.meanwhile = lambda: seen.append(sender.run(job.id))
    assert isinstance(sender.run(job.id), Done)
    assert seen == [NothingToDo()]
    assert aliyun.sent == [job.id]


def test_message_that_comes_too_early(sender: Sender, aliyun: Scripted, ledger: Ledger) -> None:
    """A message of a job whose time has not come has nothing to do."""
    early = a_job(countdown=5)
    ledger.record(early)
    assert sender.run(early.id) == NothingToDo()
    assert aliyun.sent == []


def test_lost_answer_is_looked_up_and_found(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord, clock: Clock
) -> None:
    """A lost answer waits, is absent at first, and is then found: accepted, with one request in all."""
    aliyun.answers = [AnswerLost("no_answer", "x"), False, True]
    assert sender.run(job.id) == NothingToDo()
    assert status(ledger, job) == "looking_up"
    assert sender.run(job.id) == NothingToDo()
    clock.pass_(2)
    assert verbs(ledger.sweep()) == [("publish", job.id)]
    assert sender.run(job.id) == NothingToDo()
    clock.pass_(3.1)  # the loss was noticed some milliseconds after the claim
    done = sender.run(job.id)
    assert isinstance(done, Done)
    assert (done.outcome.outcome, done.outcome.attempts) == ("accepted", 1)
    assert aliyun.sent == [job.id]


def test_worker_that_was_overtaken_reports_the_outcome_that_counts(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord, clock: Clock
) -> None:
    """A worker whose job was settled by another one meanwhile gives that one's outcome back, not its own."""

    def other() -> None:
        clock.pass_(30)
        ledger.claim(job.id, "other", lease_s=30)
        ledger.settle(job.id, "other", accepted(job))

    aliyun.meanwhile = other
    aliyun.answers = [AliyunRejected("no", aliyun_code="isv.OUT_OF_SERVICE")]
    done = sender.run(job.id)
    assert isinstance(done, Done)
    assert done.outcome.outcome == "accepted"


def test_worker_that_was_overtaken_leaves_it_to_the_other(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord, clock: Clock
) -> None:
    """A worker whose job another one holds now writes no refusal, and stores no result."""

    def other() -> None:
        clock.pass_(30)
        ledger.claim(job.id, "other", lease_s=30)

    aliyun.meanwhile = other
    aliyun.answers = [AliyunRejected("no", aliyun_code="isv.OUT_OF_SERVICE")]
    assert sender.run(job.id) == NothingToDo()
    assert status(ledger, job) == "looking_up"


def test_followers_are_handed_on(sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord) -> None:
    """Further task ids come with the outcome, the first time and every further one."""
    ledger.follow(job.id, "task-2")
    aliyun.answers = [OK]
    for _ in range(2):
        done = sender.run(job.id)
        assert isinstance(done, Done)
        assert done.followers == ("task-2",)


def test_unknown_id_is_an_outcome(sender: Sender, ledger: Ledger) -> None:
    """An id that the ledger does not know ends as 46001, recorded for whoever asks."""
    done = sender.run("nobody")
    assert isinstance(done, Done)
    assert (done.outcome.outcome, done.outcome.reason) == ("rejected", "job_not_found")  # type: ignore[union-attr]
    assert sender.run("nobody") == done


def test_unreadable_message_of_a_job_that_lives(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord
) -> None:
    """An unreadable message of a job that the ledger knows changes nothing about the job."""
    assert sender.refuse(job.id, InvalidArguments("x", reason="job_unreadable")) == NothingToDo()
    aliyun.answers = [OK]
    assert isinstance(sender.run(job.id), Done)
    done = sender.refuse(job.id, InvalidArguments("x", reason="job_unreadable"))
    assert isinstance(done, Done)
    assert done.outcome.outcome == "accepted"


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"v": 2}', '{"v": 1, "colour": 1}'])
def test_unreadable_job(sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord, text: str) -> None:
    """A job that this version cannot read ends as 46001, and nothing is sent."""
    ledger.redis.hset(job_key(job.id), "job", text)
    done = sender.run(job.id)
    assert isinstance(done, Done)
    assert (type(done.outcome), done.outcome.outcome) == (InvalidArguments, "rejected")
    assert aliyun.sent == []


def test_unreadable_job_whose_answer_was_lost(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord, clock: Clock
) -> None:
    """A job that another version sent and this one cannot read is unknown, for it may have been accepted."""
    aliyun.answers = [AnswerLost("no_answer", "x")]
    sender.run(job.id)
    ledger.redis.hset(job_key(job.id), "job", '{"v": 2}')
    clock.pass_(2)
    done = sender.run(job.id)
    assert isinstance(done, Done)
    assert (type(done.outcome), done.outcome.outcome, done.outcome.attempts) == (RequestFailed, "unknown", 1)


@pytest.mark.parametrize("error", [KeyError(PHONE), RuntimeError(CODE), OSError("disk")])
def test_unexpected_error_before_a_request(
    sender: Sender,
    aliyun: Scripted,
    ledger: Ledger,
    job: JobRecord,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An element that breaks in a way that nobody foresaw is tried again, and the log has its type, not its text."""
    aliyun.broken = error
    with caplog.at_level(logging.DEBUG):
        assert sender.run(job.id) == NothingToDo()
    assert status(ledger, job) == "queued"
    shown = caplog.text + str([vars(record) for record in caplog.records])
    assert type(error).__name__ in shown
    assert PHONE not in shown
    assert CODE not in shown


def test_unexpected_error_in_a_request(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord
) -> None:
    """A request that breaks in a way that nobody foresaw is looked up."""
    aliyun.answers = [ZeroDivisionError(PHONE)]
    assert sender.run(job.id) == NothingToDo()
    assert status(ledger, job) == "looking_up"


def test_missing_element(sender: Sender, aliyun: Scripted, job: JobRecord) -> None:
    """An element that does not exist ends the job as 46001 with its hint."""
    aliyun.broken = InvalidArguments("SMS.Test: e.json is missing", reason="element_not_found")
    done = sender.run(job.id)
    assert isinstance(done, Done)
    assert str(done.outcome).startswith("46001 element_not_found: SMS.Test")


def test_type_that_answers_what_is_no_json(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord
) -> None:
    """An answer of a Type of one's own that cannot be stored as it is, is accepted all the same."""
    aliyun.answers = [{**OK, "when": object(), "to": PHONE}]
    assert isinstance(sender.run(job.id), Done)
    found = ledger.read(job.id)
    assert found is not None
    assert json.loads(found.outcome or "")["response"] == OK
    assert PHONE not in everything(ledger.redis)


def test_lease_is_renewed_while_a_request_runs(ledger: Ledger, job: JobRecord, clock: Clock) -> None:
    """While a job is held its lease is renewed at a third of its length, and no longer afterwards."""
    leases = Leases(ledger, lease_s=0.3)
    claim = ledger.claim(job.id, "mine", lease_s=0.3)
    with leases.hold(claim, claimed_at=time.monotonic()) as lease:  # type: ignore[arg-type]
        limit = time.monotonic() + 5
        first = lease.until
        while lease.until <= first + 0.3:
            assert time.monotonic() < limit, "nobody renewed it"
            time.sleep(0.01)
        assert lease.holds()
        ledger.settle(job.id, "mine", accepted(job))
        while lease.holds():
            assert time.monotonic() < limit, "nobody noticed that it is over"
            time.sleep(0.01)


def test_lease_runs_out_by_this_machines_clock(ledger: Ledger, job: JobRecord) -> None:
    """A worker that was paused knows that its lease is over, even before anybody told it."""
    leases = Leases(ledger, lease_s=30)
    claim = ledger.claim(job.id, "mine", lease_s=30)
    with leases.hold(claim, claimed_at=time.monotonic() - 31) as lease:  # type: ignore[arg-type]
        assert not lease.holds()


def test_a_request_that_never_ends_is_given_up(
    ledger: Ledger, job: JobRecord, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease is not renewed for ever, so that a request that trickles on becomes an answer lost."""
    monkeypatch.setattr("smsjobs_worker.sending.leases._LONGEST_S", 0.5)
    leases = Leases(ledger, lease_s=0.3)
    claim = ledger.claim(job.id, "mine", lease_s=0.3)
    with leases.hold(claim, claimed_at=time.monotonic()) as lease:  # type: ignore[arg-type]
        limit = time.monotonic() + 5
        while lease.holds():
            assert time.monotonic() < limit
            time.sleep(0.01)
        clock.now += 60
        assert [due.verb for due in ledger.sweep()] == ["publish"]
        assert status(ledger, job) == "looking_up"


def test_a_sealed_job_is_left_to_who_can_open_it(
    aliyun: Scripted, clock: Clock, job: JobRecord, ledger: Ledger
) -> None:
    """A worker without the key neither sends nor ends a sealed job."""
    sealed = a_job()
    keys = Seal(Fernet.generate_key().decode())
    with_key = Ledger(ledger.redis, clock=clock, seal=keys)
    with_key.record(sealed)
    aliyun.answers = [OK]
    without = Sender(
        ledger, aliyun, Leases(ledger, lease_s=30), aliyun, lanes=LANES, lease_s=30, patience_s=1
    )  # type: ignore[arg-type]
    assert without.run(sealed.id) == NothingToDo()
    assert (status(ledger, sealed), aliyun.sent) == ("queued", [])
    clock.now += 11
    knowing = Sender(
        with_key, aliyun, Leases(with_key, lease_s=30), aliyun, lanes=LANES, lease_s=30, patience_s=1
    )  # type: ignore[arg-type]
    assert isinstance(knowing.run(sealed.id), Done)
    assert aliyun.sent == [sealed.id]
