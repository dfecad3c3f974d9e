"""What one run at a job leads to, with a provider that does as it is told."""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

import smsjobs_worker.sending.run
from smsjobs.contract import (
    LANES,
    AliyunRejected,
    InvalidArguments,
    Message,
    RequestFailed,
    SendResult,
    encode_outcome,
)
from smsjobs.ledger import Granted, Wait
from smsjobs_worker.provider import AnswerLost, LookupFailed, NotSent, Provider
from smsjobs_worker.retry import request_with_retries
from smsjobs_worker.sending.run import Run
from support.ledgers import CODE, PHONE, a_job

NOW_MS = 1_800_000_000_000

REFUSAL = AliyunRejected(
    "no",
    reason="refused",
    aliyun_code="isv.OUT_OF_SERVICE",
    aliyun_message="x",
    request_id="r",
    advice="operator",
)
LIMIT = AliyunRejected("too many", reason="flow_control", retry_after=30.0, advice="later")
OK = {"Code": "OK", "Message": "OK", "BizId": "1^0", "RequestId": "r"}
NOT_SENT = NotSent("connect_failed", "refused")
LOST = AnswerLost("no_answer", "a read time-out")


class Plain(Provider):
    """A provider without look-up: answers what it was given, in order."""

    def __init__(self, *answers: Any, max_qps: float | None = None) -> None:
        self.answers = list(answers)
        self.sent: list[str] = []
        self.connect_within_s: list[float] = []
        self.max_qps = max_qps

    def send(self, message: Message, *, out_id: str, connect_within_s: float) -> Mapping[str, Any]:
        """One request."""
        self.sent.append(out_id)
        self.connect_within_s.append(connect_within_s)
        return self._next()

    def _next(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class WithLookUp(Plain):
    """A provider with look-up."""

    looks_up = True

    def __init__(self, *answers: Any, hints: bool = False, **more: Any) -> None:
        super().__init__(*answers, **more)
        self.hints = hints
        self.asked: list[tuple[str, datetime, datetime, str]] = []

    def find(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> bool:
        """One look-up."""
        self.asked.append((phone, since, until, out_id))
        return bool(self._next())

    def hints_accepted(self, refusal: AliyunRejected) -> bool:
        """Whatever was refused."""
        return self.hints


class Permits:
    """Permits as told: True, False, or an error."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.taken: list[tuple[str, str, float | None]] = []

    def take(self, element: str, lane: Any, max_qps: float | None, *, within_s: float) -> bool:
        """Take one."""
        self.taken.append((element, lane.name, max_qps))
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries within a run do not wait."""
    monkeypatch.setattr(
        smsjobs_worker.sending.run,
        "request_with_retries",
        functools.partial(request_with_retries, sleep=lambda _: None),
    )


def a_run(
    *,
    lane: str = "verification",
    permits: Permits | None = None,
    holds: Callable[[], bool] = lambda: True,
    left_s: float = 300,
    lost_s_ago: float | None = None,
    job: dict[str, Any] | None = None,
    **more: Any,
) -> Run:
    lost_ms = 0 if lost_s_ago is None else NOW_MS - round(lost_s_ago * 1000)
    granted = Granted(
        job_id="job",
        token="token",
        state="sending",
        job="",
        attempts=0,
        lost_from_ms=lost_ms,
        lost_to_ms=lost_ms,
        expires_ms=NOW_MS + round(left_s * 1000),
        now_ms=NOW_MS,
        interrupted=False,
        resent=False,
    )
    return Run(
        job=a_job(id="job", lane_name=lane, **job or {}),
        lane=LANES[lane],
        granted=replace(granted, **more),
        claimed_at=time.monotonic(),
        holds=holds,
        permits=permits or Permits(),
    )


def waits(step: Any, state: str, delay_s: Any, **more: Any) -> None:
    assert isinstance(step, Wait), step
    assert (step.state, step.delay_s) == (state, delay_s)
    assert {name: getattr(step, name) for name in more} == more


def near(seconds: float) -> Any:
    return pytest.approx(seconds, abs=0.5)


def failed(step: Any, outcome: str, reason: str, attempts: int) -> None:
    assert isinstance(step, RequestFailed), step
    assert (step.outcome, step.reason, step.attempts, step.out_id) == (outcome, reason, attempts, "job")


class TestSend:
    """A job that is to be sent."""

    def test_accepted(self) -> None:
        """What Aliyun accepted is the result, with the job's id as OutId and one attempt."""
        provider = WithLookUp(OK)
        assert a_run().send(provider) == SendResult(response=OK, out_id="job", attempts=1)
        assert provider.sent == ["job"]

    def test_answer_is_kept_without_what_it_repeats(self) -> None:
        """Of the answer of a Type of one's own only Aliyun's fields are kept, as text, so that it can be stored."""
        step = a_run().send(Plain({**OK, "BizId": 5, "phone": PHONE, "thing": object(), "RequestId": None}))
        assert isinstance(step, SendResult)
        assert step.response == {"Code": "OK", "Message": "OK", "BizId": "5"}

    def test_rejected(self) -> None:
        """What Aliyun rejected is the outcome, with the job's id and every word of Aliyun's."""
        step = a_run(attempts=2).send(WithLookUp(REFUSAL))
        assert isinstance(step, AliyunRejected)
        assert encode_outcome(step) == {
            "v": 1,
            "outcome": "rejected",
            "error": {"class": "AliyunRejected", **REFUSAL.to_json(), "out_id": "job", "attempts": 3},
        }

    def test_limit_of_a_first_request(self) -> None:
        """A first request that a limit refuses is rejected, with the time to wait, whatever it hints."""
        step = a_run().send(WithLookUp(LIMIT, hints=True))
        assert isinstance(step, AliyunRejected)
        assert step.retry_after == 30

    def test_refusal_that_hints_at_the_lost_request(self) -> None:
        """A resend whose refusal hints that the first was accepted is looked up again first."""
        step = a_run(lost_s_ago=40, resent=True, attempts=1).send(WithLookUp(LIMIT, hints=True))
        lost_ms = NOW_MS - 40_000
        waits(step, "looking_up", 2, attempts=1, lost_from_ms=lost_ms, resent=True)
        assert abs(step.lost_to_ms - NOW_MS) < 1000

    def test_other_refusal_after_a_lost_answer(self) -> None:
        """Any other refusal of a resend settles the job."""
        assert isinstance(a_run(lost_s_ago=40, resent=True).send(WithLookUp(REFUSAL)), AliyunRejected)

    def test_blip_is_waited_out(self) -> None:
        """What was surely not sent is tried again in the same run, a permit each, and counts as attempts."""
        permits = Permits()
        step = a_run(permits=permits, attempts=3).send(WithLookUp(NOT_SENT, NOT_SENT, OK, max_qps=5))
        assert step == SendResult(response=OK, out_id="job", attempts=6)
        assert permits.taken == [("SMS.Test", "verification", 5)] * 3

    def test_longer_outage_goes_to_the_ledger(self) -> None:
        """After a run of tries the job waits in the ledger, with what it knows."""
        step = a_run(lost_s_ago=50, resent=True).send(WithLookUp(NOT_SENT, NOT_SENT, NOT_SENT))
        assert isinstance(step, Wait)
        assert 1 <= step.delay_s <= 2
        waits(step, "queued", step.delay_s, attempts=3, lost_to_ms=NOW_MS - 50_000, resent=True)

    def test_throttled_for_longer(self) -> None:
        """Where Aliyun asks for more than a run may wait, the job waits in the ledger for at least that."""
        provider = WithLookUp(NotSent("throttled", "Throttling.User", retry_after=20))
        step = a_run().send(provider)
        assert isinstance(step, Wait)
        assert (step.state, step.attempts, len(provider.sent)) == ("queued", 1, 1)
        assert 20 <= step.delay_s <= 22

    @pytest.mark.parametrize("retry_after", [None, 20])
    def test_no_time_for_another_try(self, retry_after: float | None) -> None:
        """A job that would expire before its next try ends as not sent, by the reason of its failure."""
        failure = NotSent("throttled", "x", retry_after=retry_after)
        step = a_run(left_s=1.5).send(WithLookUp(failure, failure, failure))
        failed(step, "not_sent", "throttled", 1 if retry_after else 3)

    def test_no_time_for_another_try_after_a_lost_answer(self) -> None:
        """A resend that cannot be made any more ends as unknown, for the first request may have been accepted."""
        step = a_run(left_s=1.5, lost_s_ago=50, attempts=1).send(WithLookUp(NOT_SENT, NOT_SENT, NOT_SENT))
        failed(step, "unknown", "no_answer", 4)

    def test_answer_lost(self) -> None:
        """A request whose answer was lost is looked up, and not made again."""
        provider = WithLookUp(LOST)
        step = a_run().send(provider)
        waits(step, "looking_up", 2, attempts=1, resent=False)
        assert NOW_MS <= step.lost_from_ms <= step.lost_to_ms < NOW_MS + 1000
        assert len(provider.sent) == 1

    def test_answer_lost_after_a_blip(self) -> None:
        """A lost answer ends the tries, and all of them count."""
        waits(a_run().send(WithLookUp(NOT_SENT, LOST)), "looking_up", 2, attempts=2)

    def test_answer_of_the_resend_lost_too(self) -> None:
        """After a second loss the time of the first is kept, and that it was sent again."""
        step = a_run(lane="notification", lost_s_ago=600, resent=True, attempts=1).send(WithLookUp(LOST))
        waits(step, "looking_up", 30, attempts=1, lost_from_ms=NOW_MS - 600_000, resent=True)
        assert step.lost_to_ms >= NOW_MS

    def test_answer_lost_without_look_up(self) -> None:
        """Where the element's type has no look-up, a lost answer is unknown at once."""
        failed(a_run().send(Plain(LOST)), "unknown", "no_answer", 1)

    @pytest.mark.parametrize("left_s", [0, -0.001, -1000])
    def test_expired_before(self, left_s: float) -> None:
        """An expired job is not sent."""
        provider = WithLookUp()
        failed(a_run(left_s=left_s, attempts=4).send(provider), "not_sent", "expired", 4)
        assert provider.sent == []

    def test_expired_while_it_is_tried(self) -> None:
        """A job that expires between two tries of one run is not sent again."""
        run = a_run(left_s=0.2)

        class Slow(WithLookUp):
            def send(self, message: Message, **more: Any) -> Mapping[str, Any]:
                time.sleep(0.25)
                return super().send(message, **more)

        provider = Slow(NOT_SENT, OK)
        failed(run.send(provider), "not_sent", "expired", 1)
        assert len(provider.sent) == 1

    def test_expired_while_it_waits_for_a_permit(self) -> None:
        """A job that expires while it waits for a permit is not sent."""

        class SlowPermits(Permits):
            def take(self, *args: Any, **more: Any) -> bool:
                time.sleep(0.1)
                return super().take(*args, **more)

        provider = WithLookUp()
        failed(a_run(left_s=0.05, permits=SlowPermits()).send(provider), "not_sent", "expired", 0)
        assert provider.sent == []

    def test_expired_after_a_lost_answer(self) -> None:
        """A resend that comes too late is unknown, for the first request may have been accepted."""
        failed(a_run(left_s=-1, lost_s_ago=50, attempts=1).send(WithLookUp()), "unknown", "no_answer", 1)

    @pytest.mark.parametrize("answer", [False, RedisConnectionError()])
    def test_no_permit(self, answer: bool | Exception) -> None:
        """Without a permit nothing is sent, the job waits a moment, and no attempt is used up."""
        provider = WithLookUp()
        step = a_run(permits=Permits(answer)).send(provider)
        assert isinstance(step, Wait)
        assert 0.2 <= step.delay_s <= 1
        waits(step, "queued", step.delay_s, attempts=0)
        assert provider.sent == []

    def test_no_permit_for_the_second_try(self) -> None:
        """A permit that is missing for the second try leaves the first one counted."""
        step = a_run(permits=Permits(True, False)).send(WithLookUp(NOT_SENT))
        assert isinstance(step, Wait)
        assert (step.state, step.attempts) == ("queued", 1)

    def test_lease_lost_before_the_request(self) -> None:
        """Whose lease ran out sends nothing, and gives the job back if it still can."""
        provider = WithLookUp()
        waits(a_run(holds=lambda: False).send(provider), "queued", 0, attempts=0)
        assert provider.sent == []

    def test_lease_lost_between_tries(self) -> None:
        """Whose lease ran out between two tries sends nothing more."""
        provider = WithLookUp(NOT_SENT)
        leases = iter([True, False])
        waits(a_run(holds=lambda: next(leases)).send(provider), "queued", 0, attempts=1)
        assert len(provider.sent) == 1

    def test_bad_arguments(self) -> None:
        """What the provider refuses to send is 46001 with the job's id."""
        step = a_run(attempts=1).send(WithLookUp(InvalidArguments("bad", reason="invalid_argument")))
        assert (type(step), step.out_id, step.attempts, step.outcome) == (
            InvalidArguments,
            "job",
            2,
            "rejected",
        )

    def test_bad_arguments_after_a_lost_answer(self) -> None:
        """What the provider refuses to send again is unknown, for the first request may have been accepted."""
        step = a_run(lost_s_ago=50, resent=True, attempts=1).send(WithLookUp(InvalidArguments("bad")))
        failed(step, "unknown", "no_answer", 2)


class UnreachableList:
    """A suppression list whose Redis does not answer."""

    def sent(self, *_: Any) -> Any:
        """Never an answer."""
        raise RedisConnectionError


class TestBroken:
    """An error that nobody foresaw."""

    def test_before_any_request(self) -> None:
        """Where no request was made, the job is tried again later."""
        step = a_run().broken()
        assert isinstance(step, Wait)
        assert (step.state, step.attempts) == ("queued", 0)

    @pytest.mark.parametrize("error", [KeyError(PHONE), RuntimeError(CODE), MemoryError()])
    def test_after_a_request(self, error: Exception) -> None:
        """Where a request may have left, the job is looked up."""
        run = a_run()
        with pytest.raises(type(error)):
            run.send(WithLookUp(error))
        step = run.broken()
        waits(step, "looking_up", 2, attempts=1)
        assert NOW_MS <= step.lost_from_ms <= step.lost_to_ms

    def test_tries_that_were_made(self) -> None:
        """Only a request or a look-up that was made is a try: one that broke is lost or failed, and one that is noted stays one."""
        run = a_run()
        with pytest.raises(KeyError):
            run.send(WithLookUp(KeyError(PHONE)))
        run.broken()
        assert [(each.result, each.reason) for each in run.tries] == [("lost", "internal_error")]
        run = a_run(permits=Permits(True, ZeroDivisionError()))
        with pytest.raises(ZeroDivisionError):
            run.send(WithLookUp(NOT_SENT))
        run.broken()
        assert [each.result for each in run.tries] == ["not_sent"]
        run = a_run(**LOOK_UP)
        run.broken()
        assert run.tries == []
        run.suppressions = UnreachableList()
        run.look_up(WithLookUp(True))
        assert run.tries == []
        run.suppressions = None
        with pytest.raises(KeyError):
            run.look_up(WithLookUp(KeyError(PHONE)))
        run.broken()
        assert [(each.result, each.reason) for each in run.tries] == [("failed", "internal_error")]

    def test_while_looking_up(self) -> None:
        """A look-up that breaks is made again."""
        step = a_run(state="looking_up", lost_s_ago=10).broken()
        assert isinstance(step, Wait)
        waits(step, "looking_up", step.delay_s, attempts=0, lost_to_ms=NOW_MS - 10_000)
        assert 5 <= step.delay_s <= 6.5

    def test_for_ever(self) -> None:
        """An error at each run does not keep a job for ever: before a request it ends not sent, later unknown."""
        failed(a_run(left_s=0.5).broken(), "not_sent", "internal_error", 0)
        failed(a_run(state="looking_up", lost_s_ago=100, left_s=-1).broken(), "unknown", "no_answer", 0)


class TestWithoutProvider:
    """An element that does not exist or cannot load."""

    ERROR = InvalidArguments("SMS.Test: e.json is missing", reason="element_not_found")

    def test_to_send(self) -> None:
        """Nothing was sent: 46001 with the hint."""
        step = a_run().without_provider(self.ERROR)
        assert (type(step), step.reason, step.out_id) == (InvalidArguments, "element_not_found", "job")

    def test_to_send_again(self) -> None:
        """A resend that cannot be made is unknown, for the first request may have been accepted."""
        step = a_run(lost_s_ago=50, resent=True, attempts=1).without_provider(self.ERROR)
        failed(step, "unknown", "no_answer", 1)

    def test_to_look_up(self) -> None:
        """A request is on its way: it is looked up again until somebody fixes the element, or the job expires."""
        run = a_run(state="looking_up", lost_s_ago=10, attempts=1)
        assert isinstance(run.without_provider(self.ERROR), Wait)
        late = a_run(state="looking_up", lost_s_ago=100, attempts=1, left_s=-1)
        failed(late.without_provider(self.ERROR), "unknown", "no_answer", 1)


class TestLookUp:
    """A job whose answer was lost."""

    def test_found(self) -> None:
        """What Aliyun's record shows was accepted."""
        provider = WithLookUp(True)
        step = a_run(state="looking_up", lost_s_ago=2, attempts=1).look_up(provider)
        assert step == SendResult(response={"Code": "OK"}, out_id="job", attempts=1, resolved_by="lookup")
        assert [(phone, out_id) for phone, *_, out_id in provider.asked] == [(PHONE, "job")]

    def test_found_although_it_expired(self) -> None:
        """What was accepted was accepted, however late that is found out."""
        step = a_run(state="looking_up", lost_s_ago=2, left_s=-1000).look_up(WithLookUp(True))
        assert isinstance(step, SendResult)

    def test_found_by_another_number(self) -> None:
        """One of several numbers is proof, also where the look-up of another one fails."""
        job = {"phoneList": [PHONE, "13800138001", "13800138002"]}
        for answers in (
            (LookupFailed("refused", "x"), False, True),
            (False, LookupFailed("throttled", "x"), True),
            (LookupFailed("a", "x"), True),
        ):
            run = a_run(state="looking_up", lost_s_ago=2, job=job)
            assert isinstance(run.look_up(WithLookUp(*answers)), SendResult)

    @pytest.mark.parametrize("failing", [0, 1, 2])
    def test_one_failure_among_absent_ones_proves_nothing(self, failing: int) -> None:
        """Absence needs the record of every number that is asked about."""
        answers: list[Any] = [False, False, False]
        answers[failing] = LookupFailed("throttled", "Throttling.User", retry_after=25)
        job = {"phoneList": [PHONE, "13800138001", "13800138002"]}
        step = a_run(state="looking_up", lost_s_ago=40, job=job).look_up(WithLookUp(*answers))
        waits(step, "looking_up", 25, attempts=0)

    def test_span_of_time(self) -> None:
        """The provider is told the time between the first and the last loss, with its zone."""
        provider = WithLookUp(True)
        lost = {"lost_from_ms": 1_800_000_000_500, "lost_to_ms": 1_800_000_060_000}
        a_run(state="looking_up", **lost).look_up(provider)
        since = datetime(2027, 1, 15, 8, 0, 0, 500_000, tzinfo=UTC)
        until = datetime(2027, 1, 15, 8, 1, tzinfo=UTC)
        assert provider.asked == [(PHONE, since, until, "job")]

    @pytest.mark.parametrize(
        ("lost_s_ago", "delay_s"), [(0, 2), (2, 3), (5, 5), (10.1, 9.9), (20, 20), (39, 1)]
    )
    def test_absent_for_now(self, lost_s_ago: float, delay_s: float) -> None:
        """Before the settling time absence is not believed: the next look comes by the schedule."""
        step = a_run(state="looking_up", lost_s_ago=lost_s_ago).look_up(WithLookUp(False))
        waits(step, "looking_up", near(delay_s), attempts=0, lost_to_ms=NOW_MS - round(lost_s_ago * 1000))

    @pytest.mark.parametrize("lane", ["verification", "bulk"])
    def test_absent_for_good_and_held(self, lane: str) -> None:
        """What is held ends as unknown, and nothing is sent."""
        step = a_run(lane=lane, state="looking_up", lost_s_ago=601, attempts=1).look_up(WithLookUp(False))
        failed(step, "unknown", "no_answer", 1)

    def test_absent_for_good_and_resent(self) -> None:
        """What may be sent again goes back to be sent at once, marked as resent."""
        run = a_run(lane="notification", state="looking_up", lost_s_ago=601, attempts=1)
        waits(run.look_up(WithLookUp(False)), "queued", 0, resent=True, lost_to_ms=NOW_MS - 601_000)

    def test_resend_only_once(self) -> None:
        """A resend whose answer was lost too, and of which there is no trace, ends as unknown."""
        run = a_run(lane="notification", state="looking_up", lost_s_ago=601, attempts=2, resent=True)
        failed(run.look_up(WithLookUp(False)), "unknown", "no_answer", 2)

    def test_no_resend_of_what_expired(self) -> None:
        """What expired meanwhile is not sent again."""
        run = a_run(lane="notification", state="looking_up", lost_s_ago=601, left_s=-1, attempts=1)
        failed(run.look_up(WithLookUp(False)), "unknown", "no_answer", 1)

    def test_interrupted(self) -> None:
        """A job whose worker died says so."""
        run = a_run(state="looking_up", lost_s_ago=41, attempts=1, interrupted=True)
        failed(run.look_up(WithLookUp(False)), "unknown", "interrupted", 1)

    def test_failing_look_up_is_made_again(self) -> None:
        """A look-up that proves nothing is made again, with growing distance, also after the settling time."""
        for lost_s_ago in (0, 10, 100):
            run = a_run(state="looking_up", lost_s_ago=lost_s_ago, lane="notification", left_s=1000)
            step = run.look_up(WithLookUp(LookupFailed("throttled", "x")))
            assert isinstance(step, Wait)
            assert step.state == "looking_up"
            assert max(1, lost_s_ago / 2) <= step.delay_s <= max(1, lost_s_ago / 2) * 1.25 + 0.1

    def test_failing_for_ever(self) -> None:
        """Look-ups that fail beyond the job's expiry and twice the settling time end as unknown."""
        run = a_run(state="looking_up", lost_s_ago=81, left_s=-1, attempts=1)
        failed(run.look_up(WithLookUp(LookupFailed("throttled", "x"))), "unknown", "no_answer", 1)

    def test_type_without_look_up(self) -> None:
        """A job that was interrupted at a type without look-up is unknown at once."""
        run = a_run(state="looking_up", lost_s_ago=0, interrupted=True, attempts=1)
        failed(run.look_up(Plain()), "unknown", "interrupted", 1)


def test_no_outcome_shows_a_number() -> None:
    """Whatever a run ends in, its text, repr and JSON have no number and no parameter."""
    for answer in (OK, REFUSAL, LOST, NotSent("x", "y", retry_after=10**6), InvalidArguments("z")):
        step = a_run().send(Plain(answer))
        text = repr(step) + str(step) + str(encode_outcome(step) if not isinstance(step, Wait) else "")
        assert PHONE not in text
        assert CODE not in text


def test_connecting_may_take_no_longer_than_the_job_lives() -> None:
    """The provider is told for how long the job may still be sent."""
    provider = Plain(OK)
    assert isinstance(a_run(left_s=1.5).send(provider), SendResult)
    (within_s,) = provider.connect_within_s
    assert 1 < within_s <= 1.5


def test_no_request_begins_in_the_last_moment() -> None:
    """A job with less life than a connection takes has expired."""
    outcome = a_run(left_s=0.005).send(Plain())
    assert isinstance(outcome, RequestFailed)
    assert outcome.reason == "expired"


LOOK_UP = {"state": "looking_up", "lost_s_ago": 2, "attempts": 1}

#: What leads to a wait, and the reason that is told.
REASONS: list[tuple[str, Callable[[], Any]]] = [
    ("connect_failed", lambda: a_run().send(WithLookUp(NOT_SENT, NOT_SENT, NOT_SENT))),
    ("throttled", lambda: a_run().send(WithLookUp(NotSent("throttled", "x", retry_after=20)))),
    ("no_answer", lambda: a_run().send(WithLookUp(LOST))),
    ("no_permit", lambda: a_run(permits=Permits(False)).send(WithLookUp())),
    ("redis_unreachable", lambda: a_run(permits=Permits(RedisConnectionError())).send(WithLookUp())),
    ("paused", lambda: paused().send(WithLookUp())),
    ("lease_ran_out", lambda: a_run(holds=lambda: False).send(WithLookUp())),
    ("flow_control", lambda: a_run(lost_s_ago=40, resent=True).send(WithLookUp(LIMIT, hints=True))),
    ("internal_error", lambda: a_run().broken()),
    ("internal_error", lambda: a_run(**LOOK_UP).broken()),
    ("element_not_found", lambda: a_run(**LOOK_UP).without_provider(TestWithoutProvider.ERROR)),
    ("absent", lambda: a_run(**LOOK_UP).look_up(WithLookUp(False))),
    ("throttled", lambda: a_run(**LOOK_UP).look_up(WithLookUp(LookupFailed("throttled", "x")))),
]


def paused() -> Run:
    """A chunk whose campaign is paused."""
    run = a_run()
    run.may_be_sent = lambda: False
    return run


@pytest.mark.parametrize(("reason", "step"), REASONS, ids=[reason for reason, _ in REASONS])
def test_why_it_waits(reason: str, step: Callable[[], Any]) -> None:
    """A job that waits says why, in one word."""
    wait = step()
    assert isinstance(wait, Wait)
    assert wait.reason == reason


class OfGroup(WithLookUp):
    """A provider that sends by a member of a group."""

    member = "SMS.Main"


def test_member_is_written_before_its_request() -> None:
    """The ledger knows the member before the first request to it, and is told once for all of its requests."""
    provider, told = OfGroup(NOT_SENT, OK), []
    permits = Permits()
    run = a_run(permits=permits)
    run.write_member = lambda member: told.append((member, len(provider.sent))) or True
    assert isinstance(run.send(provider), SendResult)
    assert (told, len(provider.sent)) == ([("SMS.Main", 0)], 2)
    assert {element for element, _, _ in permits.taken} == {"SMS.Main"}


def test_without_the_claim_no_member_is_asked() -> None:
    """Where the member cannot be written down, because another worker has the job, no request is made."""
    provider = OfGroup(OK)
    run = a_run()
    run.write_member = lambda _: False
    step = run.send(provider)
    assert isinstance(step, Wait)
    assert (step.state, step.reason, provider.sent) == ("queued", "lease_ran_out", [])
