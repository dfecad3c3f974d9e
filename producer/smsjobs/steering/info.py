"""What is known of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from smsjobs.contract import (
    STATUSES,
    Outcome,
    SendResult,
    SmsError,
    count_recipients,
    encode_outcome,
    split_delivery,
)
from smsjobs.ledger import Try, read_outcome, read_tries

__all__ = ["FIELDS", "RETRYABLE", "JobInfo", "read_info"]

#: What can be sent again: nothing of it reached a phone.
RETRYABLE: Final = ("rejected", "not_sent")

#: The due time of a chunk that waits for its campaign is later than any.
_LATEST_MS: Final = 4_000_000_000_000


@dataclass(frozen=True, kw_only=True)
class JobInfo:
    """A job as it is now. All times have a time zone, which is UTC. It shows no number and no parameter."""

    #: The Celery task id, and the OutId that Aliyun sees.
    id: str
    #: ``"queued"``, ``"sending"``, ``"looking_up"``, or the outcome.
    status: str
    #: The element's full name.
    element: str
    #: The name of its lane.
    lane: str
    #: When it was recorded.
    created: datetime | None
    #: When it is to be tried, or was to be tried last. None of an accepted job.
    due: datetime | None
    #: From when on it is not sent any more. None of an accepted job.
    expires: datetime | None
    #: When it got its outcome. None of one that only a receipt settled.
    settled: datetime | None = None
    #: Requests that were made. One that is on its way is not counted.
    attempts: int = 0
    #: How many numbers it has.
    numbers: int = 0
    #: What went wrong last, a stable word: Aliyun's code, or our reason. None if nothing did.
    last_error: str | None = None
    #: When it is tried, or looked up, next. None while that is done, and when it has its outcome.
    next_try: datetime | None = None
    #: ``"accepted"``, ``"rejected"``, ``"not_sent"`` or ``"unknown"``; None until it is settled.
    outcome: str | None = None
    #: What `Job.get` raises or returns: one of both as soon as it is settled.
    error: SmsError | None = None
    result: SendResult | None = None
    #: The id of the job by which it was sent again.
    retried_as: str | None = None
    #: When Aliyun was asked, and what came of it: the newest requests and look-ups, the earliest of them first. Empty where the
    #: first request settled the job.
    tries: tuple[Try, ...] = ()

    @property
    def is_worth_sending_again(self) -> bool:
        """Whether nothing speaks against `Job.retry`: it surely was not sent, and nobody cancelled it."""
        return self.status in RETRYABLE and self.last_error != "cancelled"

    @property
    def aliyun_code(self) -> str | None:
        """Aliyun's own code, if Aliyun rejected it."""
        return getattr(self.error, "aliyun_code", None) or None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, for ``--json``. There, ``outcome`` is the whole outcome, as in a result backend."""
        return {
            "id": self.id,
            "status": self.status,
            "element": self.element,
            "lane": self.lane,
            "created": _text(self.created),
            "due": _text(self.due),
            "expires": _text(self.expires),
            "settled": _text(self.settled),
            "attempts": self.attempts,
            "numbers": self.numbers,
            "last_error": self.last_error,
            "next_try": _text(self.next_try),
            "outcome": encode_outcome(outcome) if (outcome := self.error or self.result) else None,
            "retried_as": self.retried_as,
            "tries": [each.to_json() for each in self.tries],
        }


class _Entry(NamedTuple):
    """The fields of a job's entry that are read."""

    state: str | None
    element: str | None
    lane: str | None
    created: str | None
    due: str | None
    expires: str | None
    attempts: str | None
    token: str | None
    outcome: str | None
    cause: str | None
    delivery: str | None
    recipients: str | None
    times: str | None
    chunk: str | None
    retried_as: str | None
    accepted_at: str | None


#: The fields of a job's entry that `read_info` needs, in their order.
FIELDS: Final = (*_Entry._fields, "tries")


def read_info(job_id: str, values: Sequence[bytes | None], settled_ms: float | None = None) -> JobInfo | None:
    """Return what these values of `FIELDS` tell; None if there is no such job.

    Args:
        values: Not decoded: damaged tries are no damage of the entry, and hold up nothing.
        settled_ms: When it got its outcome, if that is known.

    Raises:
        ValueError, OverflowError: The entry is damaged.
        InvalidArguments: Its outcome is.
    """
    *texts, tries = values
    entry = _Entry(*(None if each is None else each.decode() for each in texts))
    if entry.state is None:
        return None
    if entry.state not in STATUSES:
        raise ValueError
    outcome: Outcome | None = read_outcome(entry.outcome, job_id) if entry.outcome else None
    error = outcome if isinstance(outcome, SmsError) else None
    kept_due, _, kept_expires = (entry.times or "").partition(" ")
    due = _moment(entry.due or kept_due or None)
    waits = outcome is None and not entry.token
    return JobInfo(
        id=job_id,
        status=entry.state,
        element=entry.element or "",
        lane=entry.lane or "",
        created=_moment(entry.created),
        due=due,
        expires=_moment(entry.expires or kept_expires or None),
        settled=_moment(settled_ms or entry.accepted_at),
        attempts=int(entry.attempts or 0) if outcome is None else outcome.attempts,
        numbers=_numbers(entry),
        last_error=error.label if error else entry.cause,
        next_try=due if waits else None,
        outcome=outcome.outcome if outcome else None,
        error=error,
        result=outcome if isinstance(outcome, SendResult) else None,
        retried_as=entry.retried_as,
        tries=read_tries(tries),
    )


def _numbers(entry: _Entry) -> int:
    if entry.chunk:
        return int(entry.chunk.rpartition(":")[2])
    if entry.delivery:
        try:
            return count_recipients(split_delivery(entry.delivery)[0])
        except (IndexError, ZeroDivisionError):
            raise ValueError from None
    return int(entry.recipients or 0)


def _moment(ms: str | float | None) -> datetime | None:
    if ms is None or float(ms) > _LATEST_MS:
        return None
    return datetime.fromtimestamp(float(ms) / 1000, UTC)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
