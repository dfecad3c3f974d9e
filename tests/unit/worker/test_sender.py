"""The sender over a ledger: each run's step is written down, and every run ends."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import fakeredis
import pytest
from cryptography.fernet import Fernet
from redis.exceptions import ConnectionError as RedisConnectionError

from smsjobs.contract import LANES, AliyunRejected, InvalidArguments, JobRecord, RequestFailed, SendResult
from smsjobs.facts import Fact, subscribe
from smsjobs.ledger import Ledger
from smsjobs.redis_store import Seal
from smsjobs.steering import Steering
from smsjobs_worker.logs.facts import (
    JobFenced,
    JobSettled,
    JobWaits,
    LeasesNotRenewed,
    MessageRefused,
    RequestMade,
)
from smsjobs_worker.provider import AnswerLost, LookupFailed, NotSent, Provider
from smsjobs_worker.sending.leases import Leases
from smsjobs_worker.sending.sender import Done, NothingToDo, Sender
from support.facts import told
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
    tried = Steering(ledger).info(job.id).tries
    assert [(each.kind, each.result, each.reason) for each in tried] == [
        ("request", "lost", "no_answer"),
        ("look_up", "absent", None),
        ("look_up", "found", None),
    ]
    assert [round(each.at.timestamp() - tried[0].at.timestamp()) for each in tried] == [0, 2, 5]


@pytest.mark.parametrize("answer", [{"Code": "OK"}, AliyunRejected("no", reason="refused")])
def test_an_only_try_is_told_by_the_outcome(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord, answer: Any
) -> None:
    """A job whose first request settles it leaves no tries behind, so it pays nothing for them."""
    aliyun.answers = [answer]
    assert isinstance(sender.run(job.id), Done)
    assert Steering(ledger).info(job.id).tries == ()


def test_each_try_is_kept(sender: Sender, aliyun: Scripted, ledger: Ledger, clock: Clock) -> None:
    """Requests that are repeated at once, those of later runs, failed look-ups and a resend are all kept, with Aliyun's codes."""
    job = a_job(lane_name="notification")
    ledger.record(job)
    aliyun.answers = [
        NotSent("connect_failed", "x"),
        NotSent("throttled", "x", 60.0, aliyun_code="Throttling.User"),
        AnswerLost("no_answer", "x", aliyun_code="isp.SYSTEM_ERROR"),
        LookupFailed("throttled", "x", 1.0, aliyun_code="Throttling.User"),
        *(False, False),
        {"Code": "OK"},
    ]
    while not isinstance(sender.run(job.id), Done):
        clock.pass_(60)
        ledger.sweep()
    tried = [(each.result, each.reason, each.aliyun_code) for each in Steering(ledger).info(job.id).tries]
    assert tried == [
        ("not_sent", "connect_failed", None),
        ("not_sent", "throttled", "Throttling.User"),
        ("lost", "no_answer", "isp.SYSTEM_ERROR"),
        ("failed", "throttled", "Throttling.User"),
        *[("absent", None, None)] * 2,
        ("accepted", None, None),
    ]


@pytest.mark.parametrize("damage", [b"\xff" * 5000, b"1 2 3", b""])
def test_damaged_tries_stop_no_job(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord, clock: Clock, damage: bytes
) -> None:
    """What is damaged of a job's tries changes nothing of what is sent, and what follows is kept as ever."""
    aliyun.answers = [AnswerLost("no_answer", "x"), True]
    sender.run(job.id)
    ledger.redis.hset(job_key(job.id), "tries", damage)
    assert Steering(ledger).info(job.id).tries == ()
    clock.pass_(2.1)
    done = sender.run(job.id)
    assert isinstance(done, Done)
    assert done.outcome.outcome == "accepted"
    assert [each.result for each in Steering(ledger).info(job.id).tries][-1:] == ["found"]


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


def only(kind: type[Fact], facts: list[Fact]) -> Any:
    """The one fact of that kind."""
    (fact,) = [each for each in facts if isinstance(each, kind)]
    return fact


#: What Aliyun or the element does at once, and the settled job's fact: its level, outcome, reason and code.
ENDS: list[tuple[Any, int, str, str, str | None]] = [
    (OK, logging.INFO, "accepted", "response", "OK"),
    (
        AliyunRejected("no", reason="number", aliyun_code="isv.MOBILE_NUMBER_ILLEGAL", advice="never"),
        logging.INFO,
        "rejected",
        "number",
        "isv.MOBILE_NUMBER_ILLEGAL",
    ),
    (
        AliyunRejected("no", reason="account", aliyun_code="isv.AMOUNT_NOT_ENOUGH", advice="operator"),
        logging.ERROR,
        "rejected",
        "account",
        "isv.AMOUNT_NOT_ENOUGH",
    ),
    (InvalidArguments("x", reason="element_invalid"), logging.ERROR, "rejected", "element_invalid", None),
    (InvalidArguments("x", reason="invalid_argument"), logging.INFO, "rejected", "invalid_argument", None),
]


@pytest.mark.parametrize(("answer", "level", "outcome", "reason", "code"), ENDS, ids=[end[3] for end in ENDS])
def test_settled_is_told(
    sender: Sender,
    aliyun: Scripted,
    job: JobRecord,
    answer: Any,
    level: int,
    outcome: str,
    reason: str,
    code: str | None,
) -> None:
    """A settled job is told with all that its log line needs; what an operator has to fix is an error."""
    aliyun.answers = [answer]
    with told() as facts:
        sender.run(job.id)
    fact = only(JobSettled, facts)
    assert (fact.action, fact.level) == ("settled", level)
    assert (fact.job_id, fact.outcome, fact.reason, fact.aliyun_code) == (job.id, outcome, reason, code)
    assert (fact.element, fact.lane, fact.attempts) == ("SMS.Test", "verification", 1)
    assert 0 <= fact.seconds < 10


def test_unknown_outcome_is_told(sender: Sender, aliyun: Scripted, job: JobRecord, clock: Clock) -> None:
    """A lost answer is told as a wait with its reason, and an outcome that stays unknown as a warning."""
    aliyun.answers = [AnswerLost("no_answer", "x"), False]
    with told() as facts:
        sender.run(job.id)
        clock.pass_(60)
        sender.run(job.id)
    wait, end = only(JobWaits, facts), only(JobSettled, facts)
    assert (wait.level, wait.state, wait.reason, wait.attempts) == (
        logging.INFO,
        "looking_up",
        "no_answer",
        1,
    )
    assert wait.delay_s == 2
    assert (end.level, end.outcome, end.reason, end.attempts) == (logging.WARNING, "unknown", "no_answer", 1)


def test_broken_element_of_a_lost_answer_is_an_error(
    sender: Sender, aliyun: Scripted, job: JobRecord, clock: Clock
) -> None:
    """A look-up that waits for its element to be fixed is told as an error."""
    aliyun.answers = [AnswerLost("no_answer", "x")]
    sender.run(job.id)
    clock.pass_(2)
    aliyun.broken = InvalidArguments("x", reason="element_invalid")
    with told() as facts:
        sender.run(job.id)
    assert (only(JobWaits, facts).level, only(JobWaits, facts).reason) == (logging.ERROR, "element_invalid")


def test_seconds_begin_with_the_recording(
    sender: Sender, aliyun: Scripted, job: JobRecord, clock: Clock
) -> None:
    """The seconds of a settled job count from its recording, however long it waited since."""
    aliyun.answers = [OK]
    clock.pass_(90)
    with told() as facts:
        sender.run(job.id)
    assert 90 <= only(JobSettled, facts).seconds < 95


def test_fenced_is_told(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord, clock: Clock
) -> None:
    """A worker that was overtaken says so, and not that the job has its outcome."""

    def other() -> None:
        clock.pass_(30)
        ledger.claim(job.id, "other", lease_s=30)

    aliyun.meanwhile = other
    aliyun.answers = [AliyunRejected("no", aliyun_code="isv.OUT_OF_SERVICE")]
    with told() as facts:
        sender.run(job.id)
    assert [(type(each), each.level) for each in facts[1:]] == [(JobFenced, logging.WARNING)]
    assert isinstance(facts[0], RequestMade)


def test_refused_message_is_told(sender: Sender) -> None:
    """A message that makes no job is told with its reason, without the id, which may be anything."""
    with told() as facts:
        sender.run(PHONE)
    assert facts == [MessageRefused(reason="job_not_found")]


def test_broken_subscriber_changes_no_send(
    sender: Sender, aliyun: Scripted, ledger: Ledger, job: JobRecord
) -> None:
    """A subscriber that raises at every fact changes nothing about the job."""

    def broken(fact: Fact) -> None:
        raise RuntimeError(PHONE)

    aliyun.answers = [OK]
    unsubscribe = subscribe(broken)
    try:
        assert isinstance(sender.run(job.id), Done)
    finally:
        unsubscribe()
    assert (status(ledger, job), aliyun.sent) == ("accepted", [job.id])


def test_failed_renewal_is_told(ledger: Ledger, job: JobRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that cannot be renewed are told with how many they are, and why by class only."""

    def renew(*args: Any, **more: Any) -> Any:
        raise RedisConnectionError(PHONE)

    monkeypatch.setattr(ledger, "renew", renew)
    leases = Leases(ledger, lease_s=0.03)
    claim = ledger.claim(job.id, "mine", lease_s=30)
    limit = time.monotonic() + 5
    with told() as facts, leases.hold(claim, claimed_at=time.monotonic()):  # type: ignore[arg-type]
        while not facts:
            assert time.monotonic() < limit, "nobody told it"
            time.sleep(0.01)
    assert facts[0] == LeasesNotRenewed(jobs=1, error="ConnectionError")
