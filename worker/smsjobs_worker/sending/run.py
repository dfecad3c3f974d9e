"""One run of one job: what its request or its look-up leads to. It decides; the sender writes it down."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from smsjobs.contract import (
    AliyunRejected,
    InvalidArguments,
    JobRecord,
    Lane,
    Message,
    Outcome,
    RequestFailed,
    SendResult,
)
from smsjobs.ledger import Granted, Try, Wait
from smsjobs.redis_store import CannotOpen, error_code, is_transient
from smsjobs.suppression import ListDamaged, suppressed_error
from smsjobs_worker.logs.facts import LimitsRefused, LimitsUnreachable, LookupMade, RequestMade, tell
from smsjobs_worker.provider import AnswerLost, Blames, LookupFailed, NotSent, Provider
from smsjobs_worker.retry import Tried, request_with_retries
from smsjobs_worker.sending.look_up import was_accepted
from smsjobs_worker.sending.schedule import failed_lookup_delay, gives_up_looking, next_lookup, retry_delay
from smsjobs_worker.sending.suppressions import Fenced, IsSuppressed, Suppressions

if TYPE_CHECKING:
    from smsjobs_worker.sending.rate_limit import Permits

__all__ = ["Halve", "Run", "StopCampaign", "stop_campaign"]

#: Seconds for which a run waits for a permit before it gives the job back.
_PERMIT_S: Final = 2.0

#: Aliyun's body, of which nothing repeats the request.
_KEPT: Final = ("Code", "Message", "BizId", "RequestId")

#: Seconds of life without which a job is not sent any more: a connection takes its time too.
_SHORTEST_CONNECT_S: Final = 0.01

#: Seconds until an element that breaks before its request is tried again.
_BROKEN_S: Final = 15.0

#: Seconds until another worker is asked who is suppressed.
_SEALED_S: Final = 10.0

#: Why no chunk can be sent: the element does not exist or cannot load.
_ELEMENT_REASONS: Final = ("element_not_found", "element_invalid")


@dataclass(frozen=True, kw_only=True)
class StopCampaign:
    """A chunk was refused, and every other chunk of its campaign would be refused too. Nothing of the chunk was sent."""

    refusal: AliyunRejected | InvalidArguments


@dataclass(frozen=True, kw_only=True)
class Halve:
    """A chunk was refused for what may be one recipient's. Nothing of it was sent, so its halves are sent in its place."""

    refusal: AliyunRejected


def stop_campaign(
    granted: Granted, refusal: AliyunRejected | InvalidArguments
) -> StopCampaign | AliyunRejected | InvalidArguments:
    """The refusal, which stops the campaign if the job is a chunk of which nothing can have been sent."""
    if granted.chunk is None or granted.state != "sending" or granted.lost_to_ms:
        return refusal
    return StopCampaign(refusal=refusal)


class _Abandoned(Exception):
    """The lease ran out: another worker may hold the job now."""


class _Expired(Exception):
    """The job may not be sent any more."""


class _Sealed(Exception):
    """Who is suppressed, this worker cannot tell; the argument is the reason."""


class _NotNow(Exception):
    """The request may not be made at the moment; the argument is the reason."""


@dataclass(kw_only=True)
class Run:
    """A claimed job, and the means to carry it one step on."""

    job: JobRecord
    lane: Lane
    granted: Granted
    #: The monotonic time before the claim was asked for.
    claimed_at: float
    #: Whether the claim still holds.
    holds: Callable[[], bool]
    permits: Permits
    #: Whether it may still be sent, asked before each request: the campaign of a chunk may have been paused.
    may_be_sent: Callable[[], bool] = lambda: True
    #: Writes down the member of a group that makes the next request; False: the claim ran out.
    write_member: Callable[[str], bool] = lambda _: True
    #: What of it may be sent, asked before each request; None: all of it.
    suppressions: Suppressions | None = None
    #: What each request and look-up of this run led to. The run appends to it.
    tries: list[Try] = field(default_factory=list)
    #: Requests made in this run.
    attempts: int = field(default=0, init=False)
    #: The monotonic time at which the request or look-up began that is not among the tries yet.
    _begun_at: float | None = field(default=None, init=False)
    #: What is sent.
    message: Message = field(init=False, repr=False)
    #: The member of a group that the ledger has.
    _member: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.message = self.job.message
        self._member = self.granted.member

    def send(self, provider: Provider) -> Wait | StopCampaign | Halve | Outcome:
        """Make the request, and where it surely was not sent, make it again for a moment."""
        if self.job.message.params_of_each and not provider.sends_batches:
            return self._bad_arguments(
                InvalidArguments(
                    "the element's type cannot send different parameters in one request",
                    reason="element_invalid",
                )
            )
        begun_ms = self._now_ms()
        try:
            tried = self._try(provider)
        except InvalidArguments as error:
            return self._bad_arguments(error)
        except _Expired:
            return self._expired()
        except _Sealed as cause:
            return self._wait("queued", _SEALED_S, str(cause))
        except IsSuppressed as cause:
            return self._suppressed(cause.args[0])
        except _NotNow as cause:
            # Waiting for a permit uses up no attempt; what was made in this run is counted.
            return self._wait("queued", random.uniform(0.2, 1.0), str(cause))
        except _Abandoned:
            # No request was made under this claim. Where the ledger has not noticed that it ran out, the job is sent
            # later rather than looked up; else the ledger refuses the wait.
            return self._wait("queued", 0, "lease_ran_out")
        match tried.error:
            case AliyunRejected() as refusal:
                return self._rejected(provider, refusal)
            case NotSent() as failure:
                return self._not_sent(failure)
            case AnswerLost() as failure:
                return self._lost(provider, failure, begun_ms)
            case None:
                return SendResult(
                    response=_body(tried.response or {}), out_id=self.job.id, attempts=self._attempts()
                )

    def look_up(self, provider: Provider) -> Wait | Outcome:
        """Ask the provider's record about the request whose answer was lost."""
        if not provider.looks_up:
            return self._unknown("its type has no look-up")
        elapsed_s, began_at = self._elapsed_s(), time.monotonic()
        try:
            if self.suppressions is not None:
                self.message = self.suppressions.sent(self.job, self.granted)
            self._begun_at = began_at
            found = was_accepted(provider, self.job.id, self.message.phones, self.granted)
        except LookupFailed as failure:
            self._tell_look_up(began_at, "failed", failure.reason, failure.aliyun_code)
            return self._look_again(failure.reason, failure.detail, elapsed_s, failure.retry_after)
        except RedisError as error:
            self._tell_look_up(began_at, "failed", "redis_unreachable")
            return self._look_again(
                "redis_unreachable", f"Redis did not answer ({type(error).__name__})", elapsed_s, None
            )
        self._tell_look_up(began_at, "found" if found else "absent")
        if found:
            return SendResult(
                response={"Code": "OK"}, out_id=self.job.id, attempts=self._attempts(), resolved_by="lookup"
            )
        delay = next_lookup(self.lane.lookups_s, elapsed_s)
        if delay is not None:
            return self._wait("looking_up", delay, "absent")
        return self._absent()

    def _tell_look_up(
        self, began_at: float, result: str, reason: str | None = None, code: str | None = None
    ) -> None:
        self._note(result, reason, code)
        tell(
            LookupMade(
                job_id=self.job.id,
                element=self.job.element,
                lane=self.job.lane,
                result=result,
                reason=reason,
                seconds=time.monotonic() - began_at,
            )
        )

    def broken(self) -> Wait | Outcome:
        """What becomes of the job after an unexpected error: what cannot be known counts as lost."""
        looks_up = self.granted.state == "looking_up"
        self._note("failed" if looks_up else "lost", "internal_error")
        if looks_up:
            return self._look_again(
                "internal_error", "an unexpected error, see the worker's log", self._elapsed_s(), None
            )
        if self.attempts == 0:
            # The wait grows with the requests, and there was none: what is broken now is rarely fixed in a second.
            failure = NotSent("internal_error", "an unexpected error, see the worker's log", _BROKEN_S)
            return self._not_sent(failure)
        return self._wait(
            "looking_up",
            self.lane.lookups_s[0],
            "internal_error",
            lost_from_ms=self.granted.lost_from_ms or self.granted.now_ms,
            lost_to_ms=self._now_ms(),
        )

    def without_provider(self, error: InvalidArguments) -> Wait | StopCampaign | Outcome:
        """What becomes of the job while its element does not exist or cannot load."""
        if self.granted.state == "sending":
            return self._bad_arguments(error)
        # A request has left: once somebody fixes the element, what became of it can still be found out.
        return self._look_again(error.reason, error.message, self._elapsed_s(), None)

    # What leads to what

    def _try(self, provider: Provider) -> Tried[dict[str, object]]:
        while True:
            tried = request_with_retries(
                lambda: self._request(provider), before=lambda _: self._may_send(provider)
            )
            if tried.error is None:
                return tried
            if (failure := provider.weigh(tried.error)) is not None:
                return replace(tried, error=failure)

    def _request(self, provider: Provider) -> dict[str, object]:
        self.attempts += 1
        self._begun_at = began_at = time.monotonic()
        try:
            # What is connected only after the job expired must not be sent then.
            answer = dict(provider.send(self.message, out_id=self.job.id, connect_within_s=self._left_s()))
        except (AliyunRejected, NotSent, AnswerLost) as error:
            self._tell_request(provider.member, began_at, error)
            raise
        self._tell_request(provider.member, began_at, None)
        return answer

    def _tell_request(
        self, member: str | None, began_at: float, error: AliyunRejected | NotSent | AnswerLost | None
    ) -> None:
        code: str | None = None
        match error:
            case None:
                result, reason, code = "accepted", "response", "OK"
            case AliyunRejected():
                result, reason, code = "rejected", error.reason, error.aliyun_code
            case _:
                result, reason = "not_sent" if isinstance(error, NotSent) else "lost", error.reason
        if error is None:
            self._note(result)
        else:
            self._note(result, reason, error.aliyun_code)
        waited_s: float | None = None
        if self._attempts() == 1:
            recorded_s = (self.granted.now_ms - self.granted.created_ms) / 1000
            waited_s = recorded_s + began_at - self.claimed_at - self.job.countdown_s
        tell(
            RequestMade(
                job_id=self.job.id,
                element=self.job.element,
                lane=self.job.lane,
                result=result,
                reason=reason,
                aliyun_code=code,
                attempts=self._attempts(),
                seconds=time.monotonic() - began_at,
                waited_s=waited_s,
                member=member,
            )
        )

    def _note(self, result: str, reason: str | None = None, aliyun_code: str | None = None) -> None:
        if self._begun_at is None:  # what went wrong stood before it, and Aliyun was not asked
            return
        at = datetime.fromtimestamp(self._ms_of(self._begun_at) / 1000, UTC)
        self._begun_at = None
        self.tries.append(Try(at=at, result=result, reason=reason, aliyun_code=aliyun_code))

    def _may_send(self, provider: Provider) -> None:
        """The last look before each request: permit first, for it may take a while."""
        try:
            element = provider.member or self.job.element
            if not self.permits.take(element, self.lane, provider.max_qps, within_s=_PERMIT_S):
                raise _NotNow("no_permit")
            if not self.may_be_sent():
                raise _NotNow("paused")
            if self.suppressions is not None:
                self.message = self.suppressions.to_send(self.job, self.granted)
            self._write_member(provider.member)
        except Fenced:
            raise _Abandoned from None
        except CannotOpen as error:
            raise _Sealed("list_damaged" if isinstance(error, ListDamaged) else "sealed") from None
        except RedisError as error:
            if is_transient(error):
                tell(LimitsUnreachable(error=type(error).__name__))
                raise _NotNow("redis_unreachable") from None
            tell(LimitsRefused(error=error_code(error)))
            raise _NotNow("redis_refused") from None
        if self._left_s() < _SHORTEST_CONNECT_S:
            raise _Expired
        if not self.holds():
            raise _Abandoned

    def _write_member(self, member: str | None) -> None:
        if member is None or member == self._member:
            return
        if not self.write_member(member):
            raise Fenced
        self._member = member

    def _rejected(self, provider: Provider, error: AliyunRejected) -> Wait | StopCampaign | Halve | Outcome:
        if self.granted.lost_to_ms and provider.hints_accepted(error):
            # Look again before settling: from now, as if this answer had been lost.
            return self._wait("looking_up", self.lane.lookups_s[0], error.reason, lost_to_ms=self._now_ms())
        refusal = error.for_job(self.job.id, attempts=self._attempts(), outcome="rejected")
        stops = provider.stops_campaign(error)
        # Only recipients with parameters of their own have any packed beside their numbers.
        own_texts = self.granted.chunk is not None and bool(self.granted.chunk[1])
        if stops == "always" or (stops == "same_text" and not own_texts):
            return stop_campaign(self.granted, refusal)
        return Halve(refusal=refusal) if self._may_be_of_one(provider.blames(error)) else refusal

    def _may_be_of_one(self, blamed: Blames | None) -> bool:
        """Whether the job is a chunk of many, refused for what they do not all share, and surely nothing of it was sent."""
        message = self.message
        if self.granted.chunk is None or self.granted.lost_to_ms or len(message.phones) == 1:
            return False
        return blamed == "number" or (blamed == "values" and bool(message.params_of_each))

    def _bad_arguments(self, error: InvalidArguments) -> StopCampaign | Outcome:
        if self.granted.lost_to_ms:  # "nothing was sent" holds for the resend only
            return self._unknown(error.message)
        refusal = error.for_job(self.job.id, attempts=self._attempts(), outcome="rejected")
        return stop_campaign(self.granted, refusal) if error.reason in _ELEMENT_REASONS else refusal

    def _not_sent(self, failure: NotSent) -> Wait | Outcome:
        delay = retry_delay(
            self.lane,
            attempts=self._attempts(),
            left_s=self._left_s(),
            retry_after_s=failure.retry_after,
            jitter=random.random(),
        )
        if delay is not None:
            return self._wait("queued", delay, failure.reason)
        if self.granted.lost_to_ms:
            return self._unknown(failure.detail)
        return RequestFailed(
            f"{failure.detail}; the job expires before it could be tried again",
            reason=failure.reason,
            outcome="not_sent",
            out_id=self.job.id,
            attempts=self._attempts(),
        )

    def _lost(self, provider: Provider, failure: AnswerLost, begun_ms: int) -> Wait | Outcome:
        if not provider.looks_up:
            return self._unknown(f"{failure.detail}, and its type has no look-up")
        return self._wait(
            "looking_up",
            self.lane.lookups_s[0],
            failure.reason,
            lost_from_ms=self.granted.lost_from_ms or begun_ms,
            lost_to_ms=self._now_ms(),
        )

    def _look_again(
        self, reason: str, why: str, elapsed_s: float, retry_after_s: float | None
    ) -> Wait | Outcome:
        if gives_up_looking(self.lane.lookups_s, elapsed_s=elapsed_s, left_s=self._left_s()):
            return self._unknown(f"the look-ups failed too: {why}")
        delay = failed_lookup_delay(elapsed_s=elapsed_s, retry_after_s=retry_after_s, jitter=random.random())
        return self._wait("looking_up", delay, reason)

    def _absent(self) -> Wait | Outcome:
        if self.job.on_unknown == "resend" and not self.granted.resent and self._left_s() > 0:
            return self._wait("queued", 0, "absent", resent=True)
        return self._unknown("the provider's record does not show it")

    def _expired(self) -> Outcome:
        if self.granted.lost_to_ms:
            return self._unknown("it expired before it was sent again")
        return RequestFailed(
            "the job expired before it could be sent",
            reason="expired",
            outcome="not_sent",
            out_id=self.job.id,
            attempts=self._attempts(),
        )

    def _suppressed(self, hit: int) -> Outcome:
        if self.granted.lost_to_ms:
            return self._unknown("its number was suppressed before it was sent again")
        return suppressed_error(
            self.job.id, hit=hit, numbers=len(self.job.message.phones), attempts=self._attempts()
        )

    def _unknown(self, why: str) -> RequestFailed:
        cause = "a worker died while it held the job" if self.granted.interrupted else "the answer was lost"
        reason = "interrupted" if self.granted.interrupted else "no_answer"
        return RequestFailed(
            f"{cause}; {why}",
            reason=reason,
            outcome="unknown",
            out_id=self.job.id,
            attempts=self._attempts(),
        )

    def _wait(
        self,
        state: str,
        delay_s: float,
        reason: str,
        *,
        lost_from_ms: int | None = None,
        lost_to_ms: int | None = None,
        resent: bool = False,
    ) -> Wait:
        return Wait(
            state="looking_up" if state == "looking_up" else "queued",
            delay_s=delay_s,
            reason=reason,
            attempts=self.attempts,
            lost_from_ms=self.granted.lost_from_ms if lost_from_ms is None else lost_from_ms,
            lost_to_ms=self.granted.lost_to_ms if lost_to_ms is None else lost_to_ms,
            resent=resent or self.granted.resent,
        )

    # The clock: Redis's, carried on by this machine's

    def _now_ms(self) -> int:
        return self._ms_of(time.monotonic())

    def _ms_of(self, monotonic: float) -> int:
        return self.granted.now_ms + round((monotonic - self.claimed_at) * 1000)

    def _left_s(self) -> float:
        return (self.granted.expires_ms - self._now_ms()) / 1000

    def _elapsed_s(self) -> float:
        return (self._now_ms() - self.granted.lost_to_ms) / 1000

    def _attempts(self) -> int:
        return self.granted.attempts + self.attempts


def _body(response: Mapping[str, object]) -> dict[str, str]:
    """What is kept of an answer. A Type of one's own may answer anything, the number or what is not JSON included."""
    return {name: str(response[name]) for name in _KEPT if response.get(name) is not None}
