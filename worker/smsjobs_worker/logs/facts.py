"""The facts that a worker tells, a class each. What they have in common, and how they are told: `smsjobs.facts`.

A field of one name means the same in every fact; ``docs/logs.md`` explains each. ``error`` is the class of an error, with
its place where it was unexpected; never its text.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smsjobs.contract import AliyunRejected, SendResult
from smsjobs.facts import Fact, PublishFailed, tell

if TYPE_CHECKING:
    from smsjobs.contract import Outcome

__all__ = [
    "CampaignPaused",
    "ChunkHalved",
    "CommandRefused",
    "ConnectionsUnmanaged",
    "DeliveriesPulled",
    "ElementKept",
    "ElementOdd",
    "ElementReloaded",
    "EventUnreadable",
    "EventsNotHandedOver",
    "Fact",
    "JobClaimed",
    "JobExpired",
    "JobFenced",
    "JobNotSent",
    "JobRefused",
    "JobSealed",
    "JobSettled",
    "JobWaits",
    "JobWaitsForFix",
    "JobsPublished",
    "KeysNotRenewed",
    "KeysRefused",
    "LeasesNotRenewed",
    "LimitsRefused",
    "LimitsUnreachable",
    "LookupMade",
    "MemberFailed",
    "MemberRefused",
    "MemberWorks",
    "MessageDropped",
    "MessagePutBack",
    "MessagePutBackForRefusal",
    "MessageRefused",
    "MessageUnfit",
    "NoteDropped",
    "OutcomeUnknown",
    "PublishFailed",
    "PullFailed",
    "PutBackRefused",
    "QueueFollowed",
    "QueueNotRead",
    "RequestMade",
    "RunBrokenOff",
    "RunRefused",
    "SweepBroken",
    "SweepFailed",
    "SweepRefused",
    "TaskBroken",
    "TemplateNotLearned",
    "UnexpectedError",
    "job_settled",
    "job_waits",
    "tell",
]

#: The reasons of an element that does not exist or does not load.
_BROKEN_ELEMENT: Final = ("element_not_found", "element_invalid")


class _OfSending(Fact):
    logger = "smsjobs.sending"


class _OfSweep(Fact):
    logger = "smsjobs.sweep"


class _OfFollowing(Fact):
    logger = "smsjobs.following"


class _OfProcess(Fact):
    logger = "smsjobs.process"


class _OfElements(Fact):
    logger = "smsjobs.elements"


# Sending


@dataclass(frozen=True, kw_only=True)
class JobClaimed(_OfSending):
    """A worker begins a run at a traced job. What this thread tells of the job next, up to its end, belongs to the run."""

    action = "claimed"
    level = logging.DEBUG
    sentence = "a traced job was claimed"

    job_id: str
    element: str
    lane: str
    traceparent: str
    #: By Redis's clock: for how long it had been recorded and its countdown over.
    waited_s: float


@dataclass(frozen=True, kw_only=True)
class RequestMade(_OfSending):
    """A request to send was made; what became of it is ``result``."""

    action = "request"
    level = logging.DEBUG
    sentence = "a request was made"

    job_id: str
    element: str
    lane: str
    #: ``accepted``, ``rejected``, ``not_sent`` or ``lost``.
    result: str
    reason: str
    aliyun_code: str | None
    attempts: int
    seconds: float
    #: Of a job's first request: how long the job had been due before it. Else None.
    waited_s: float | None
    #: The member of a group that it was made by; None where the element is no group.
    member: str | None = None


@dataclass(frozen=True, kw_only=True)
class LookupMade(_OfSending):
    """The provider's record was asked about a request whose answer was lost."""

    action = "lookup"
    level = logging.DEBUG
    sentence = "a lost answer was looked up"

    job_id: str
    element: str
    lane: str
    #: ``found``, ``absent``, or ``failed`` where the answer proves nothing.
    result: str
    reason: str | None = None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class JobSettled(_OfSending):
    """A job has its outcome: it was accepted, or refused for a cause of its own."""

    action = "settled"
    level = logging.INFO
    sentence = "a job is settled"

    job_id: str
    outcome: str
    reason: str
    aliyun_code: str | None = None
    element: str | None = None
    lane: str | None = None
    attempts: int
    seconds: float
    #: How many numbers it was for. 0 of a chunk whose halves are sent in its place, and where it could not be read.
    recipients: int = 0


@dataclass(frozen=True, kw_only=True)
class JobNotSent(JobSettled):
    """A job ended without being sent."""

    level = logging.WARNING
    sentence = "a job is settled: it was not sent"


@dataclass(frozen=True, kw_only=True)
class OutcomeUnknown(JobSettled):
    """A request's answer was lost, and no look-up settled what became of it."""

    level = logging.WARNING
    sentence = "a job is settled: nobody knows whether it was accepted"


@dataclass(frozen=True, kw_only=True)
class JobRefused(JobSettled):
    """A job was refused for a cause that would refuse others too: account, signature, template, rights or element."""

    level = logging.ERROR
    sentence = "a job is settled: an operator has to fix what it was refused for"


def job_settled(
    outcome: Outcome,
    *,
    job_id: str,
    element: str | None,
    lane: str | None,
    seconds: float,
    recipients: int = 0,
) -> JobSettled:
    """The fact that the job has that outcome.

    Args:
        element: None where the job could not be read.
        lane: Likewise.
        seconds: How long it took.
        recipients: How many numbers it was for.
    """
    kind, reason, code = JobSettled, "", None
    match outcome:
        case SendResult():
            reason, code = outcome.resolved_by, "OK"
        case AliyunRejected():
            reason, code = outcome.reason, outcome.aliyun_code
            kind = JobRefused if outcome.advice == "operator" else JobSettled
        case _:
            reason = outcome.reason
            ends = {"not_sent": JobNotSent, "unknown": OutcomeUnknown}
            kind = JobRefused if reason in _BROKEN_ELEMENT else ends.get(outcome.outcome, JobSettled)
    return kind(
        job_id=job_id,
        outcome=outcome.outcome,
        reason=reason,
        aliyun_code=code,
        element=element,
        lane=lane,
        attempts=outcome.attempts,
        seconds=round(seconds, 3),
        recipients=recipients,
    )


@dataclass(frozen=True, kw_only=True)
class JobWaits(_OfSending):
    """A job was given back until it is due again."""

    action = "waits"
    level = logging.INFO
    sentence = "a job waits"

    job_id: str
    state: str
    reason: str
    delay_s: float
    element: str | None = None
    lane: str | None = None
    attempts: int


@dataclass(frozen=True, kw_only=True)
class JobWaitsForFix(JobWaits):
    """A job whose answer was lost waits for its look-up until its element loads again."""

    level = logging.ERROR
    sentence = "a job waits: its element does not load"
    repeats_by = ("element", "reason")


def job_waits(
    *,
    job_id: str,
    state: str,
    reason: str,
    delay_s: float,
    element: str | None,
    lane: str | None,
    attempts: int,
) -> JobWaits:
    """The fact that the job waits."""
    kind = JobWaitsForFix if reason in _BROKEN_ELEMENT else JobWaits
    return kind(
        job_id=job_id,
        state=state,
        reason=reason,
        delay_s=round(delay_s, 3),
        element=element,
        lane=lane,
        attempts=attempts,
    )


@dataclass(frozen=True, kw_only=True)
class JobFenced(_OfSending):
    """The job is not this worker's any more: its lease ran out and another worker decides, or a receipt has settled it."""

    action = "fenced"
    level = logging.WARNING
    sentence = "a job is not this worker's any more: its lease ran out, or a receipt settled it"

    job_id: str
    element: str | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class JobSealed(_OfSending):
    """A job is sealed with a key that this worker does not have, and is left to one that has it."""

    action = "sealed"
    level = logging.ERROR
    sentence = "a job was left to a worker that can open it"
    repeats_by = ()

    job_id: str


@dataclass(frozen=True, kw_only=True)
class MemberFailed(_OfSending):
    """A member of a group cannot be reached, or throttles: others send in its place, until it works again."""

    action = "member_failed"
    level = logging.WARNING
    sentence = "a member of a group cannot send, and others send in its place"

    element: str
    member: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MemberRefused(MemberFailed):
    """A member of a group was refused for its account's sake: others send in its place, until it works again."""

    level = logging.ERROR
    sentence = "a member of a group is refused by Aliyun, and others send in its place: an operator has to fix its account"

    aliyun_code: str


@dataclass(frozen=True, kw_only=True)
class MemberWorks(_OfSending):
    """A member of a group that could not send works again."""

    action = "member_works"
    level = logging.INFO
    sentence = "a member of a group works again"

    element: str
    member: str


@dataclass(frozen=True, kw_only=True)
class CampaignPaused(_OfSending):
    """A chunk was refused for what would refuse all others, and its campaign was paused."""

    action = "campaign_paused"
    level = logging.ERROR
    sentence = "a campaign is paused: an operator has to fix what a chunk was refused for"

    job_id: str
    reason: str
    aliyun_code: str | None = None
    element: str | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChunkHalved(_OfSending):
    """A chunk was refused for what may be one recipient's: its halves are sent in its place."""

    action = "halved"
    level = logging.INFO
    sentence = "a refused chunk's halves are sent in its place"

    job_id: str
    element: str | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class MessageRefused(_OfSending):
    """A message makes no job: it cannot be read, has expired, or names a job that the ledger does not have."""

    action = "message_refused"
    level = logging.WARNING
    sentence = "a message was refused: it makes no job"
    repeats_by = ("reason",)

    reason: str


@dataclass(frozen=True, kw_only=True)
class UnexpectedError(_OfSending):
    """Our code, or a Type's, raised an unexpected error; the job is sent or looked up again."""

    action = "unexpected"
    level = logging.ERROR
    sentence = "an unexpected error at a job"
    repeats_by = ("element", "error")

    job_id: str
    element: str
    error: str


@dataclass(frozen=True, kw_only=True)
class LimitsUnreachable(_OfSending):
    """Redis could not be asked whether a request may be made; the job waits."""

    action = "limits_unreachable"
    level = logging.WARNING
    sentence = "Redis could not be asked for a permit"
    repeats_by = ("error",)

    error: str


@dataclass(frozen=True, kw_only=True)
class LimitsRefused(LimitsUnreachable):
    """Redis answered and refused to count a permit, as when it is full; ``error`` is its code. The job waits."""

    level = logging.ERROR
    sentence = "Redis refused to count a permit"


@dataclass(frozen=True, kw_only=True)
class LeasesNotRenewed(_OfSending):
    """The leases of this worker's jobs could not be renewed; they run out unless a later renewal succeeds."""

    action = "renew_failed"
    level = logging.WARNING
    sentence = "leases could not be renewed"
    repeats_by = ("error",)

    jobs: int
    error: str


# The sweep


@dataclass(frozen=True, kw_only=True)
class JobsPublished(_OfSweep):
    """The sweep published what was due, interrupted or lost."""

    action = "swept"
    level = logging.INFO
    sentence = "jobs published by the sweep"

    jobs: int


@dataclass(frozen=True, kw_only=True)
class JobExpired(_OfSweep):
    """The sweep settled a job whose time ran out."""

    action = "expired"
    level = logging.WARNING
    sentence = "a job expired before it was sent"

    job_id: str
    outcome: str
    reason: str
    element: str
    lane: str
    attempts: int
    #: Of a traced job, where traces are recorded.
    traceparent: str | None = None


@dataclass(frozen=True, kw_only=True)
class SweepFailed(_OfSweep):
    """Redis or the broker was unreachable; a later sweep does the rest."""

    action = "sweep_failed"
    level = logging.WARNING
    sentence = "a sweep broke off: Redis or the broker is unreachable"
    repeats_by = ("error",)

    error: str


@dataclass(frozen=True, kw_only=True)
class SweepRefused(SweepFailed):
    """Redis answered and refused a sweep, as when it is full; ``error`` is its code."""

    level = logging.ERROR
    sentence = "a sweep broke off: Redis refused a command"


@dataclass(frozen=True, kw_only=True)
class SweepBroken(SweepFailed):
    """A sweep ended with an unexpected error; the next one tries again."""

    level = logging.ERROR
    sentence = "a sweep broke off: an unexpected error"


# The process: tasks and transport


@dataclass(frozen=True, kw_only=True)
class RunBrokenOff(_OfProcess):
    """Redis stayed unreachable in the middle of a job; the sweep continues it."""

    action = "run_broken_off"
    level = logging.WARNING
    sentence = "a run broke off: Redis is unreachable"
    repeats_by = ("error",)

    error: str


@dataclass(frozen=True, kw_only=True)
class RunRefused(RunBrokenOff):
    """Redis answered and refused a step of a job, as when it is full; ``error`` is its code. The sweep goes on with the job."""

    level = logging.ERROR
    sentence = "a run broke off: Redis refused a command"


@dataclass(frozen=True, kw_only=True)
class MessagePutBack(_OfProcess):
    """What a message led to could not be stored, so the message comes again."""

    action = "put_back"
    level = logging.WARNING
    sentence = "a message was put back: Redis or the result backend is unreachable"
    repeats_by = ("error",)

    error: str


@dataclass(frozen=True, kw_only=True)
class MessagePutBackForRefusal(MessagePutBack):
    """Redis answered and refused to store what a message led to; ``error`` is its code. The message comes again."""

    level = logging.ERROR
    sentence = "a message was put back: Redis refused a command"


@dataclass(frozen=True, kw_only=True)
class PutBackRefused(_OfProcess):
    """Redis refused to take a message back, as when it is full; it comes again after the visibility time-out."""

    action = "put_back_refused"
    level = logging.WARNING
    sentence = "Redis refused to put a message back"
    repeats_by = ("error",)

    error: str


@dataclass(frozen=True, kw_only=True)
class MessageDropped(_OfProcess):
    """Something on a queue was not a task's message, or one without an id that could be answered."""

    action = "no_message"
    level = logging.ERROR
    sentence = "what is not a message was taken from a queue and dropped"
    repeats_by = ("reason", "error")

    reason: str
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class NoteDropped(MessageDropped):
    """Something among the notes of unacknowledged messages was not a task's message."""

    sentence = "a note of what is not a message was dropped"


@dataclass(frozen=True, kw_only=True)
class MessageUnfit(_OfProcess):
    """A message was not read, for what it is: of another task, compressed, not JSON, too large. It is refused under its id."""

    action = "message_unfit"
    level = logging.WARNING
    sentence = "a message is not one that workers read"
    repeats_by = ("reason",)

    reason: str


@dataclass(frozen=True, kw_only=True)
class CommandRefused(_OfProcess):
    """A command of `celery control` or `celery inspect` was not carried out: it is none of those that are allowed."""

    action = "command_refused"
    level = logging.WARNING
    sentence = "a command by broadcast was refused"
    repeats_by = ("command", "error")

    command: str
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskBroken(_OfProcess):
    """A task ended with an unexpected error. A job that the ledger has is carried on by the sweep."""

    action = "task_broken"
    level = logging.ERROR
    sentence = "a task broke off: an unexpected error"
    repeats_by = ("error",)

    error: str


# Elements and the account


@dataclass(frozen=True, kw_only=True)
class ElementReloaded(_OfElements):
    """An element's files have changed, and it was loaded again."""

    action = "element_reloaded"
    level = logging.INFO
    sentence = "a changed element was loaded again"

    element: str


@dataclass(frozen=True, kw_only=True)
class ElementKept(_OfElements):
    """An element's files have changed and do not load."""

    action = "element_kept"
    level = logging.ERROR
    sentence = "a changed element does not load: its last good state stays in use"

    element: str
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ElementOdd(_OfElements):
    """An element loads and is probably not what was meant; told when a worker starts."""

    action = "element_odd"
    level = logging.WARNING
    sentence = "an element has something odd"

    element: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class TransportPlain(_OfProcess):
    """Messages come by kombu's own transport: SMS_TRANSPORT says so, or kombu is of a version that ours was not tested on."""

    action = "transport_plain"
    level = logging.WARNING
    sentence = "messages come by kombu's own transport, with more round trips; a text on a queue that is no message ends the worker"

    reason: str
    kombu: str


@dataclass(frozen=True, kw_only=True)
class ConnectionsUnmanaged(Fact):
    """The SDK is newer than this version knows, and drops no idle connections."""

    action = "connections_unmanaged"
    level = logging.WARNING
    sentence = "the Aliyun SDK keeps its connections elsewhere: idle ones are not dropped"
    logger = "smsjobs.aliyun"
    repeats_by = ()


@dataclass(frozen=True, kw_only=True)
class KeysRefused(Fact):
    """Aliyun refused keys that can be renewed, so they are renewed and the request is made again."""

    action = "keys_refused"
    level = logging.INFO
    sentence = "Aliyun refused the keys; they are renewed"
    logger = "smsjobs.aliyun"

    #: Where they came from.
    source: str


@dataclass(frozen=True, kw_only=True)
class KeysNotRenewed(Fact):
    """Keys to sign with could not be fetched. Until they are, or while the present ones are good, nothing is lost."""

    action = "keys_not_renewed"
    level = logging.WARNING
    sentence = "the keys to sign with could not be renewed; it is tried again"
    logger = "smsjobs.aliyun"
    repeats_by = ("detail",)

    #: Why not.
    detail: str
    #: For how long the present ones can still be used, in seconds; None where there are none, or nobody tells their end.
    left_s: float | None


# Following


@dataclass(frozen=True, kw_only=True)
class DeliveriesPulled(_OfFollowing):
    """Aliyun's record was asked about recipients whose receipts had not come."""

    action = "deliveries_pulled"
    level = logging.INFO
    sentence = "deliveries were pulled"

    job_id: str
    element: str
    lane: str
    found: int
    waiting: int
    unreported: int


@dataclass(frozen=True, kw_only=True)
class PullFailed(_OfFollowing):
    """Aliyun's record could not be asked about a delivery; it is asked again some minutes later."""

    action = "pull_failed"
    level = logging.WARNING
    sentence = "a delivery could not be pulled"
    repeats_by = ("element", "reason")

    job_id: str | None = None
    element: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class TemplateNotLearned(_OfFollowing):
    """Aliyun told nothing of a template that is used, so its messages are not looked at before they are sent."""

    action = "template_not_learned"
    level = logging.INFO
    sentence = "nothing was learned of a template; it is asked about again in ten minutes"
    repeats_by = ("element", "template", "reason")

    element: str | None = None
    template: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class EventsNotHandedOver(_OfFollowing):
    """Redis or the broker is unreachable, or the application's queue is full (`queue_full`). It is tried again."""

    action = "events_not_handed_over"
    level = logging.WARNING
    sentence = "events could not be handed over"
    repeats_by = ("subscriber", "error")

    subscriber: str
    error: str


@dataclass(frozen=True, kw_only=True)
class EventUnreadable(_OfFollowing):
    """An event is damaged, or of a newer version, and was dropped; or it is sealed, and was left to a worker with the key."""

    action = "event_unreadable"
    level = logging.ERROR
    sentence = "an event could not be read"
    repeats_by = ("subscriber", "reason")

    subscriber: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class QueueFollowed(_OfFollowing):
    """A queue of receipts is read: for the first time, or again after failures."""

    action = "queue_followed"
    level = logging.INFO
    sentence = "a queue of receipts is read"

    queue: str


@dataclass(frozen=True, kw_only=True)
class QueueNotRead(_OfFollowing):
    """A queue of receipts could not be read, or what it said could not be written down. What is in it stays there."""

    action = "queue_not_read"
    level = logging.WARNING
    sentence = "a queue of receipts could not be read; it is tried again"
    repeats_by = ("queue", "reason")

    #: Its name, which has Aliyun's number of the account.
    queue: str
    #: A word of the provider's, or the class of an error and its place.
    reason: str
    #: What the provider answered.
    detail: str | None = None
