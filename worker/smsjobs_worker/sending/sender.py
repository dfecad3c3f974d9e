"""The rules of sending: what is to be done with a job, and what became of it. Knows no Celery.

::

    claim ─► granted, to send ─► permit ─► request ─► answer        ─► settle accepted / rejected
      │                                       ├─► refused for one ─► settle rejected, and send the chunk's halves
      │                                       ├────► not sent      ─► wait, to send again ─► … ─► not_sent
      │                                       └────► answer lost   ─► wait, to look up
      ├────► granted, to look up ─► found ─► settle accepted
      │                     ├─────► absent or no proof ─► wait, to look up again
      │                     └─────► absent for good ─► by on_unknown: settle unknown, or send once more
      ├────► settled ─► its outcome
      └────► in flight, or not due ─► nothing to do
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypedDict

from smsjobs.contract import (
    AliyunRejected,
    InvalidArguments,
    JobRecord,
    Lane,
    Outcome,
    RequestFailed,
    SmsError,
    decode_job,
    encode_outcome,
    make_chunk,
)
from smsjobs.facts import is_traced
from smsjobs.ledger import EntryDamaged, Granted, Missing, Settled, Settlement, Wait, read_outcome
from smsjobs.redis_store import CannotOpen, unseal
from smsjobs.redis_store.patience import patiently
from smsjobs_worker.logs.facts import (
    CampaignPaused,
    ChunkHalved,
    JobClaimed,
    JobFenced,
    JobSealed,
    MessageRefused,
    UnexpectedError,
    job_settled,
    job_waits,
    tell,
)
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.sending.follow_up import FollowUp
from smsjobs_worker.sending.run import Halve, Run, StopCampaign, stop_campaign

if TYPE_CHECKING:
    from smsjobs.ledger import Claim, Ledger, Snapshot, Try
    from smsjobs.redis_store import Seal
    from smsjobs_worker.provider import Provider
    from smsjobs_worker.sending.leases import Leases
    from smsjobs_worker.sending.rate_limit import Permits
    from smsjobs_worker.sending.suppressions import Suppressions

__all__ = ["Done", "Elements", "NothingToDo", "Sender"]

#: Seconds after which a job that this worker cannot open is published again, for another worker.
_KEY_DELAY_S: Final = 10.0

#: Seconds after its answer was lost for which a job that no worker can open is kept.
_KEY_AWAITED_S: Final = 3600


class Elements(Protocol):
    """Where a job's element comes from."""

    def provider(self, full_name: str) -> Provider:
        """The provider of the element of that name.

        Raises:
            InvalidArguments: It does not exist or cannot load.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Done:
    """The job has its outcome."""

    outcome: Outcome
    #: Further Celery task ids under which it is to be stored.
    followers: tuple[str, ...] = ()
    #: Whether Celery's result of the job's own id is stored already.
    stored: bool = False


@dataclass(frozen=True, kw_only=True)
class NothingToDo:
    """This run ends without an outcome: the job waits, or another worker holds it."""


class _Names(TypedDict):
    job_id: str
    element: str | None
    lane: str | None


@dataclass(kw_only=True)
class _Taken:
    """A claimed job, as far as it is known."""

    granted: Granted
    #: The monotonic time before the claim was asked for.
    claimed_at: float
    #: None until it is read, and where it cannot be.
    job: JobRecord | None = None
    #: What each request and look-up of this run led to.
    tries: list[Try] = field(default_factory=list)

    def names(self) -> _Names:
        """What its facts name it by."""
        element, lane = (self.job.element, self.job.lane) if self.job else (None, None)
        return {"job_id": self.granted.job_id, "element": element, "lane": lane}

    def tries_to_keep(self) -> Sequence[Try]:
        """The tries, for the outcome's step. Where the first try of all settles it, the outcome tells of it."""
        return self.tries if self.granted.attempts or len(self.tries) > 1 else ()

    def age_s(self) -> float:
        """Seconds since it was recorded."""
        waited_ms = self.granted.now_ms - self.granted.created_ms
        return waited_ms / 1000 + time.monotonic() - self.claimed_at


class Sender:
    """Carries jobs on, one step a run."""

    def __init__(
        self,
        ledger: Ledger,
        elements: Elements,
        leases: Leases,
        permits: Permits,
        *,
        lanes: Mapping[str, Lane],
        lease_s: float,
        patience_s: float,
        result_of: Callable[[str, Outcome], tuple[str, str] | None] = lambda _, __: None,
        suppressions: Suppressions | None = None,
        follow_up: FollowUp | None = None,
    ) -> None:
        self._ledger = ledger
        self._elements = elements
        self._leases = leases
        self._permits = permits
        self._lanes = lanes
        self._lease_s = lease_s
        self._patience_s = patience_s
        # Key and text of an outcome in Celery's result backend, where the ledger can store it.
        self._result_of = result_of
        self._suppressions = suppressions
        self._follow_up = follow_up or FollowUp()

    def run(self, job_id: str) -> Done | NothingToDo:
        """Do what is to be done with the job now.

        Raises:
            redis.exceptions.RedisError: Redis stayed unreachable, so that nothing could be decided or written down.
                The sweep continues the job later.
        """
        try:
            return self._run(job_id)
        except EntryDamaged:
            # It was set aside, and that was told. Whoever asks for the job hears it, and no message can change it.
            return NothingToDo()

    def _run(self, job_id: str) -> Done | NothingToDo:
        claim, claimed_at = self._claim(job_id)
        match claim:
            case Granted() as granted:
                return self._work(granted, claimed_at)
            case Settled() as settled:
                return self._ended(job_id, settled.outcome, settled.followers)
            case Missing():
                return self._settle_missing(job_id)
            case _:
                return NothingToDo()

    def refuse(self, job_id: str, error: SmsError) -> Done | NothingToDo:
        """Record why a message makes no job: it could not be read, or expired.

        A job that the ledger knows by that id goes its own way.

        Raises:
            EntryDamaged: What the ledger has under that id is damaged.
        """

        def ask() -> Snapshot | None:
            absent = self._ledger.settle_absent(job_id, encode_outcome(error))
            return None if absent else self._ledger.read(job_id)

        known = patiently(ask, for_s=self._patience_s)
        if known is None:
            # Without its id, which a stranger may have chosen.
            tell(MessageRefused(reason=error.reason))
            return Done(outcome=error)
        if known.outcome is None:
            return NothingToDo()
        return self._ended(job_id, known.outcome, known.followers)

    def _ended(self, job_id: str, outcome: str, followers: tuple[str, ...]) -> Done | NothingToDo:
        try:
            return Done(outcome=read_outcome(outcome, job_id), followers=followers)
        except InvalidArguments as error:
            self._ledger.set_aside(job_id, error.message)
            return NothingToDo()

    def _claim(self, job_id: str) -> tuple[Claim, float]:
        """The claim, and the monotonic time before the answer to it was asked for."""
        token = uuid.uuid4().hex

        def ask() -> tuple[Claim, float]:
            asked_at = time.monotonic()
            return self._ledger.claim(job_id, token, lease_s=self._lease_s), asked_at

        # A Redis that wakes up may still carry out a claim that was given up, and then no worker would hold the job.
        return patiently(ask, for_s=self._patience_s)

    def _work(self, granted: Granted, claimed_at: float) -> Done | NothingToDo:
        with self._leases.hold(granted, claimed_at=claimed_at) as lease:
            taken = _Taken(granted=granted, claimed_at=claimed_at)
            step = self._decide(taken, lease.holds)
            if isinstance(step, Wait):
                self._wait(taken, step)
                return NothingToDo()
            if isinstance(step, StopCampaign):
                if self._put_back(taken, step.refusal):
                    return NothingToDo()
                step = step.refusal
            if isinstance(step, Halve):
                return self._settle(taken, step.refusal, halve=True)
            return self._settle(taken, step)

    def _decide(self, taken: _Taken, holds: Callable[[], bool]) -> Wait | StopCampaign | Halve | Outcome:
        granted = taken.granted
        try:
            job = taken.job = _job(granted, self._ledger.seal)
        except ValueError:
            return _unreadable(granted, "the job is not valid JSON")
        except CannotOpen as error:
            return _sealed(granted, error)
        except InvalidArguments as error:
            return _unreadable(granted, error.message)
        if job.traceparent and is_traced():
            recorded_s = (granted.now_ms - granted.created_ms) / 1000
            tell(
                JobClaimed(
                    job_id=job.id,
                    element=job.element,
                    lane=job.lane,
                    traceparent=job.traceparent,
                    waited_s=recorded_s - job.countdown_s,
                )
            )
        run = Run(
            job=job,
            lane=self._lanes[job.lane],
            granted=granted,
            claimed_at=taken.claimed_at,
            holds=holds,
            permits=self._permits,
            may_be_sent=lambda: granted.chunk is None or self._ledger.may_be_sent(granted.job_id),
            write_member=lambda member: self._ledger.write_member(
                granted.job_id, granted.token, member, lease_s=self._lease_s
            ),
            suppressions=self._suppressions,
            tries=taken.tries,
        )
        try:
            try:
                provider = self._elements.provider(job.element).for_job(
                    job.message, member=granted.member, lost=granted.lost_to_ms > 0
                )
            except InvalidArguments as error:
                return run.without_provider(error)
            return run.send(provider) if granted.state == "sending" else run.look_up(provider)
        except EntryDamaged:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the job must get its outcome
            # Its text and its frames may hold numbers; its type and its place do not.
            tell(UnexpectedError(job_id=job.id, element=job.element, error=describe(error)))
            return run.broken()

    def _wait(self, taken: _Taken, wait: Wait) -> None:
        granted = taken.granted
        kept = patiently(
            lambda: self._ledger.wait(granted.job_id, granted.token, wait, tries=taken.tries),
            for_s=self._patience_s,
        )
        if not kept:
            tell(JobFenced(**taken.names()))
            return
        attempts = granted.attempts + wait.attempts
        tell(
            job_waits(
                **taken.names(),
                state=wait.state,
                reason=wait.reason,
                delay_s=wait.delay_s,
                attempts=attempts,
            )
        )

    def _put_back(self, taken: _Taken, refusal: SmsError) -> bool:
        """Pause the chunk's campaign and give the chunk back to it. False: its refusal is its outcome."""
        granted = taken.granted
        verb = patiently(
            lambda: self._ledger.put_back(
                granted.job_id,
                granted.token,
                attempts=max(0, refusal.attempts - granted.attempts),
                reason=f"{refusal.label}: {refusal.message}",
                tries=taken.tries,
            ),
            for_s=self._patience_s,
        )
        if verb == "ok":
            code = refusal.aliyun_code if isinstance(refusal, AliyunRejected) else None
            tell(CampaignPaused(**taken.names(), reason=refusal.reason, aliyun_code=code))
        elif verb == "fenced":
            tell(JobFenced(**taken.names()))
        return verb != "settle"

    def _settle(self, taken: _Taken, outcome: Outcome, *, halve: bool = False) -> Done | NothingToDo:
        granted = taken.granted
        encoded, result = encode_outcome(outcome), self._result_of(granted.job_id, outcome)
        is_chunk = granted.chunk is not None
        awaited = self._follow_up.awaited(taken.job, is_chunk=is_chunk) if taken.job else None
        settlement: Settlement = patiently(
            lambda: self._ledger.settle(
                granted.job_id,
                granted.token,
                encoded,
                result=result,
                halve=halve,
                awaited=awaited,
                tries=taken.tries_to_keep(),
            ),
            for_s=self._patience_s,
        )
        if settlement.ours:
            recipients = len(taken.job.message.phones) if taken.job and not halve else 0
            tell(job_settled(outcome, **taken.names(), seconds=taken.age_s(), recipients=recipients))
            if halve:
                tell(ChunkHalved(**taken.names()))
            if taken.job:
                self._follow_up.settled(taken.job, outcome)
        else:
            tell(JobFenced(**taken.names()))
        if settlement.outcome is None:
            return NothingToDo()
        if not settlement.ours:
            return self._ended(granted.job_id, settlement.outcome, settlement.followers)
        return Done(outcome=outcome, followers=settlement.followers, stored=result is not None)

    def _settle_missing(self, job_id: str) -> Done | NothingToDo:
        return self.refuse(
            job_id,
            InvalidArguments(
                "the ledger has no job of that id: it was never recorded there, or its outcome was kept long enough",
                reason="job_not_found",
                out_id=job_id,
            ),
        )


def _job(granted: Granted, seal: Seal | None) -> JobRecord:
    """The job as the ledger has it.

    Raises:
        ValueError: It is not valid JSON.
        InvalidArguments: It cannot be read.
    """
    if granted.chunk is None:
        return decode_job(json.loads(unseal(granted.job, seal)))
    return make_chunk(granted.job_id, granted.job, *(unseal(each, seal) for each in granted.chunk))


def _sealed(granted: Granted, error: CannotOpen) -> Wait | StopCampaign | Outcome:
    """Leave a job to a worker that has its key: a worker without it must not end what others could send."""
    tell(JobSealed(job_id=granted.job_id))
    if granted.state == "looking_up":
        if granted.now_ms > max(granted.expires_ms, granted.lost_to_ms + _KEY_AWAITED_S * 1000):
            return _unreadable(granted, error.message)
        return _wait_as_it_was(granted, "looking_up")
    return _wait_as_it_was(granted, "queued")


def _wait_as_it_was(granted: Granted, state: Literal["queued", "looking_up"]) -> Wait:
    return Wait(
        state=state,
        delay_s=_KEY_DELAY_S,
        reason="sealed",
        attempts=0,
        lost_from_ms=granted.lost_from_ms,
        lost_to_ms=granted.lost_to_ms,
        resent=granted.resent,
    )


def _unreadable(granted: Granted, why: str) -> StopCampaign | Outcome:
    if granted.lost_to_ms:  # a worker that could read it has sent it, and its answer is lost
        return RequestFailed(
            f"the answer was lost; {why}",
            reason="job_unreadable",
            outcome="unknown",
            out_id=granted.job_id,
            attempts=granted.attempts,
        )
    refusal = InvalidArguments(
        why, reason="job_unreadable", outcome="rejected", out_id=granted.job_id, attempts=granted.attempts
    )
    return stop_campaign(granted, refusal)
