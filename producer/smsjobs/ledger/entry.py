"""What the ledger's steps take and return.

A job's entry is the hash ``sms:{<tag>}:job:<id>``. These are its fields. Times are milliseconds of Redis's clock.

==============  =====================================================================================
state           one of `STATUSES`
job             the job as JSON, with numbers and parameters; removed when the job is settled
lane, element   as in the job
campaign, chunk only for a chunk, which has no `job`: its campaign's id; its name and size
payload         tells another payload under the same id; see `Ledger.record`
key             the Redis key of its idempotency key, or empty
created, due    when it was recorded; the time before which nobody may claim it
expires         the time from which it is not sent
requeue, looks  milliseconds until a published job is looked at again; how often that was done
token, lease    who holds it, and until when
claimed         when the holder claimed it
released        the token of the last holder that gave it back
member          only where the element is a group: the full name of the member that makes the request, or made the last
attempts        requests made, without those of the current claim; kept with an unknown outcome, as is label, the word
                under which a campaign counts it
lost_from, _to  the first and the last time at which an answer was lost
resent          1 if it was sent again after a lost answer
interrupted     1 if a worker died while it held the job
cause           why it waited last, the word of `Wait`
tries           what its requests and look-ups led to, the newest; only of a job that had more than one. See `tries`
trace           the traceparent of its caller's trace, if that is recorded; what is sent has it too, as long as it is kept
recipients      how many numbers it had, if it was rejected or not sent: it has no delivery then
times           when it was due, and would have expired, if it did not end well
retried_as      the id of the job by which it was sent again
outcome         the outcome, see `outcome_text`; settled_by is the token that wrote it
delivery        the digests of its numbers; if nobody is asked about the job, ``@`` and the time in seconds from which a
                recipient that waits is unreported; ``;`` and a record of each recipient follow as soon as one is
                reported. Not of a chunk, nor of a job of which nothing was accepted. See `smsjobs.delivery.records`
accepted_at     when Aliyun accepted it; not of a chunk that is not pulled, nor of a job that a receipt settled
numbers         its numbers, while deliveries of it are pulled: sealed, if jobs are; `pulls` is how often that was done
followers       further Celery task ids under which the outcome is stored
==============  =====================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Awaited",
    "Claim",
    "Due",
    "Granted",
    "InFlight",
    "Missing",
    "NotDue",
    "Recorded",
    "Settled",
    "Settlement",
    "Snapshot",
    "Wait",
]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A job is in the ledger."""

    #: The job's id. With an idempotency key it may be an earlier job's.
    job_id: str
    #: Whether this call recorded a new job, which must then be published.
    new: bool


@dataclass(frozen=True, kw_only=True)
class Granted:
    """The claimer holds the job until its lease runs out."""

    job_id: str
    #: The claimer's fencing token.
    token: str
    #: What to do: ``"sending"`` a request, or ``"looking_up"`` a request whose answer was lost.
    state: Literal["sending", "looking_up"]
    #: The job as JSON text.
    job: str = field(repr=False)
    #: Requests made before this claim.
    attempts: int
    #: First and last time at which an answer was lost, in ms of Redis's clock; 0 if none was lost.
    lost_from_ms: int
    lost_to_ms: int
    #: The time from which the job is not sent, in ms of Redis's clock.
    expires_ms: int
    #: The time of the claim, in ms of Redis's clock.
    now_ms: int
    #: Whether a worker died while it held the job.
    interrupted: bool
    #: Whether it is being sent again, or was, after a lost answer.
    resent: bool
    #: When it was recorded, in ms of Redis's clock.
    created_ms: int = 0
    #: The member of a group that made the request whose answer was lost; None if there was none.
    member: str | None = None
    #: Only for a chunk, whose `job` is its campaign's: its recipients and their parameters, packed. No parameters: ``""``.
    #: For a half, those of the planned chunk.
    chunk: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The job has its outcome."""

    job_id: str
    #: The outcome, for `read_outcome`.
    outcome: str
    #: Further Celery task ids under which to store it.
    followers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InFlight:
    """Another worker holds the job."""

    job_id: str


@dataclass(frozen=True, kw_only=True)
class NotDue:
    """The job is not due yet."""

    job_id: str


@dataclass(frozen=True, kw_only=True)
class Missing:
    """The ledger has no such job: it was never recorded, or it was settled and its retention is over."""

    job_id: str


Claim = Granted | Settled | InFlight | NotDue | Missing


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How a claimed job is given back."""

    #: What to do when it is due: send it (``"queued"``) or look it up.
    state: Literal["queued", "looking_up"]
    #: Seconds until it is due.
    delay_s: float
    #: Requests made under this claim.
    attempts: int
    #: First and last time at which an answer was lost, in ms of Redis's clock; 0 if none was lost.
    lost_from_ms: int = 0
    lost_to_ms: int = 0
    #: Whether it is sent again after a lost answer. Once set, it stays set.
    resent: bool = False
    #: Why it waits, a stable word.
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """The deliveries of an accepted job, which are to be pulled where nothing is pushed."""

    #: The numbers that are asked about: the job's, or a sample of a chunk's. They are kept for it, sealed where jobs are.
    #: Empty: nobody is asked, and what waits at the time of the last pull is unreported.
    phones: tuple[str, ...] = field(repr=False)
    #: Seconds from its acceptance to the first and to the last pull.
    first_s: float
    last_s: float


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """The result of a try to settle."""

    #: Whether the job now has this call's outcome.
    ours: bool
    #: The job's outcome, for `read_outcome`. None if it has no outcome yet, or if the ledger does not know the job.
    outcome: str | None
    #: Further Celery task ids under which to store it.
    followers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Due:
    """One job that needs something done by the sweep."""

    #: ``publish``: publish its id. ``requeue``: publish its id again, because nobody has claimed it.
    #: ``expired``: settle it. ``store``: store Celery's result of a settlement that was made outside a task.
    verb: Literal["publish", "requeue", "expired", "store"]
    job_id: str
    lane: str
    element: str
    #: Requests made so far.
    attempts: int
    #: How often the sweep has looked at it since it became due.
    looks: int
    #: Whether the answer to a request was lost.
    lost: bool


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A job as it is in the ledger now."""

    job_id: str
    #: One of `STATUSES`.
    status: str
    element: str
    lane: str
    attempts: int
    #: When it was recorded, in ms since 1970.
    created_ms: int
    #: The outcome, for `read_outcome`; None until the job is settled.
    outcome: str | None
    #: Further Celery task ids under which to store it.
    followers: tuple[str, ...] = ()
