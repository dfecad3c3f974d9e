"""What a worker's steps take and return: a claim, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

__all__ = [
    "Awaited",
    "Claim",
    "Due",
    "Granted",
    "InFlight",
    "Missing",
    "NotDue",
    "Settled",
    "Settlement",
    "Wait",
    "read_claim",
]


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


def read_claim(job_id: str, token: str, verb: str, rest: Sequence[str]) -> Claim:
    """Return what `claim.lua` answered about an entry that is not damaged.

    Args:
        verb: The first word of the answer.
        rest: What follows it.
    """
    match verb:
        case "granted":
            return _granted(job_id, token, _Granted(*rest))
        case "settled":
            outcome, followers = rest
            return Settled(job_id=job_id, outcome=outcome, followers=tuple(followers.split()))
        case "in_flight":
            return InFlight(job_id=job_id)
        case "not_due":
            return NotDue(job_id=job_id)
        case _:
            return Missing(job_id=job_id)


class _Granted(NamedTuple):
    """What `claim.lua` returns for a granted job."""

    state: str
    job: str
    attempts: str
    expires: str
    now: str
    created: str
    #: Only of a job that was claimed before, and of a chunk.
    lost_from: str = "0"
    lost_to: str = "0"
    interrupted: str = "0"
    resent: str = "0"
    member: str = ""
    #: For a chunk only: its recipients, and their parameters.
    rows: str | None = None
    params: str | None = None


def _granted(job_id: str, token: str, found: _Granted) -> Granted:
    return Granted(
        job_id=job_id,
        token=token,
        state="looking_up" if found.state == "looking_up" else "sending",
        job=found.job,
        attempts=int(found.attempts),
        lost_from_ms=int(found.lost_from),
        lost_to_ms=int(found.lost_to),
        expires_ms=int(found.expires),
        now_ms=int(found.now),
        interrupted=bool(int(found.interrupted)),
        resent=bool(int(found.resent)),
        created_ms=int(found.created),
        member=found.member or None,
        chunk=None if found.rows is None else (found.rows, found.params or ""),
    )


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
