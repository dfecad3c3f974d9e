"""What the ledger's steps take and give back.

A job's entry is the hash ``sms:{<tag>}:job:<id>``. Its fields, times in milliseconds of Redis's clock:

==============  =====================================================================================
state           one of `STATUSES`
job             the job as JSON, numbers and parameters included; gone once it is settled
lane, element   as in the job
campaign, chunk for a chunk: its campaign's id, and its number and size; it has no `job`
key             the Redis key of its idempotency key, or empty
created, due    when it was recorded; before `due` nobody may claim it
expires         from then on it is not sent
requeue, looks  milliseconds until a published job is looked at again; how often that was done
token, lease    who holds it, and until when
claimed         when the holder took it
released        the token that gave it back last
attempts        requests made, except under the claim that is held now
lost_from, _to  the first and the last time at which an answer was lost
resent          1 once it is sent again although an answer was lost
interrupted     1 once a worker died while it held the job
outcome         the outcome, see `outcome_text`; settled_by is the token that wrote it
followers       further Celery task ids under which the outcome is to be stored
==============  =====================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
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

    #: The job's id; with an idempotency key maybe an earlier job's.
    job_id: str
    #: Whether this call's own job was recorded, and so has to be published.
    new: bool


@dataclass(frozen=True, kw_only=True)
class Granted:
    """The claimer holds the job until its lease runs out."""

    job_id: str
    #: The claimer's fencing token.
    token: str
    #: What is to be done: ``"sending"`` a request, or ``"looking_up"`` one whose answer was lost.
    state: Literal["sending", "looking_up"]
    #: The job as JSON text.
    job: str = field(repr=False)
    #: Requests made before this claim.
    attempts: int
    #: First and last time at which an answer was lost, in ms of Redis's clock; 0 where none was.
    lost_from_ms: int
    lost_to_ms: int
    #: From then on the job is not sent, in ms of Redis's clock.
    expires_ms: int
    #: The time of the claim, in ms of Redis's clock.
    now_ms: int
    #: Whether a worker died while it held the job.
    interrupted: bool
    #: Whether it is being sent once more, or was, although an answer was lost.
    resent: bool
    #: When it was recorded, in ms of Redis's clock.
    created_ms: int = 0
    #: For a chunk: its recipients, and the parameters of each or ``""``, packed; `job` is its campaign's then.
    chunk: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The job has its outcome."""

    job_id: str
    #: The outcome, for `read_outcome`.
    outcome: str
    #: Further Celery task ids under which it is to be stored.
    followers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InFlight:
    """Another worker holds the job."""

    job_id: str


@dataclass(frozen=True, kw_only=True)
class NotDue:
    """The job waits for its time."""

    job_id: str


@dataclass(frozen=True, kw_only=True)
class Missing:
    """The ledger has no such job: never recorded, or settled so long ago that it is forgotten."""

    job_id: str


Claim = Granted | Settled | InFlight | NotDue | Missing


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How a claimed job is given back."""

    #: What is to be done when it is due: send it (``"queued"``) or look it up.
    state: Literal["queued", "looking_up"]
    #: Seconds until it is due.
    delay_s: float
    #: Requests made under this claim.
    attempts: int
    #: First and last time at which an answer was lost, in ms of Redis's clock; 0 where none was.
    lost_from_ms: int = 0
    lost_to_ms: int = 0
    #: Whether it is sent once more although an answer was lost; stays set.
    resent: bool = False
    #: Why it waits, a stable word; told to the log, and not kept.
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What became of an attempt to settle."""

    #: Whether the job has this call's outcome now.
    ours: bool
    #: The outcome that the job has, for `read_outcome`; None where it has none yet, or is unknown to the ledger.
    outcome: str | None
    #: Further Celery task ids under which it is to be stored.
    followers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Due:
    """One job that the sweep has to do something about."""

    #: ``publish`` its id; ``requeue`` it, for nobody claimed it since it was published; settle it, for it
    #: ``expired``; or ``store`` Celery's result of a settlement made outside a task.
    verb: Literal["publish", "requeue", "expired", "store"]
    job_id: str
    lane: str
    element: str
    #: Requests made so far.
    attempts: int
    #: How often it was looked at since it became due.
    looks: int
    #: Whether the answer of a request was lost.
    lost: bool


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A job as the ledger has it now."""

    job_id: str
    #: One of `STATUSES`.
    status: str
    element: str
    lane: str
    attempts: int
    #: When it was recorded, in ms since 1970.
    created_ms: int
    #: The outcome, for `read_outcome`, where it is settled.
    outcome: str | None
    #: Further Celery task ids under which it is to be stored.
    followers: tuple[str, ...] = ()
