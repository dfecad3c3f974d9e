"""A job's entry, and what enqueueing and reading it return. What workers make of it is in `claims`.

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

from dataclasses import dataclass

__all__ = ["Recorded", "Snapshot"]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A job is in the ledger."""

    #: The job's id. With an idempotency key it may be an earlier job's.
    job_id: str
    #: Whether this call recorded a new job, which must then be published.
    new: bool


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
