"""Jobs in memory, to see, cancel, list and renew them, by the same rules as those in Redis. The same tests run over both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from smsjobs.contract import JobRecord, SendResult, SmsError, decode_job, encode_job, new_job_id
from smsjobs.ledger import Recorded
from smsjobs.steering import JobInfo, gone, no_such_job, not_retryable

if TYPE_CHECKING:
    from smsjobs.steering import Listing
    from smsjobs.testing.clock import Clock
    from smsjobs.testing.memory_ledger import MemoryJob, MemoryLedger

__all__ = ["MemorySteering"]

_RETRYABLE: Final = ("rejected", "not_sent")


class MemorySteering:
    """The steering of `smsjobs.testing`."""

    def __init__(self, ledger: MemoryLedger, clock: Clock, *, retryable_s: float) -> None:
        self._ledger = ledger
        self._now = clock
        self._retryable_s = retryable_s

    def info(self, job_id: str) -> JobInfo:
        """The job as it is now."""
        return self._info(self._job(job_id))

    def cancel(self, job_id: str) -> bool:
        """Cancel a job that is not due yet."""
        return self._ledger.cancel(self._job(job_id))

    def renewed(self, job_id: str, *, expires: float | None = None) -> JobRecord | Recorded:
        """A new job with the payload of one that was rejected or not sent."""
        job = self._job(job_id)
        if job.retried_as is not None:
            return Recorded(job_id=job.retried_as, new=False)
        status = job.outcome.outcome if self._ledger.is_settled(job) else "queued"
        if status not in _RETRYABLE:
            raise not_retryable(job_id, status)
        if job.settled_s + self._retryable_s <= self._now():
            raise gone(job_id)
        new = {"id": new_job_id(job.record.element), "expires": expires, "countdown": None}
        return replace(decode_job(encode_job(job.record) | new), idempotency_key=None)

    def record(self, of: str, new: JobRecord, *, asked_at_s: float | None = None) -> Recorded:
        """Record it."""
        del asked_at_s
        return self._ledger.renew(self._job(of), new)

    def jobs(self, listing: Listing, patiently: Callable[[Callable[[], Any]], Any]) -> Iterator[JobInfo]:
        """The jobs that did not end well and that are asked for, the newest outcome first."""
        del patiently
        found = [
            each
            for each in self._ledger.jobs()
            if self._ledger.is_settled(each) and isinstance(each.outcome, SmsError) and not each.retried_as
        ]
        infos = map(self._info, sorted(found, key=lambda each: each.settled_s, reverse=True))
        since = listing.since_ms(self._now()) / 1000
        return islice(
            (
                info
                for info in infos
                if info.settled is not None and info.settled.timestamp() >= since and listing.has(info)
            ),
            listing.limit,
        )

    def phones(self, infos: Sequence[JobInfo]) -> list[tuple[str, ...]]:
        """The numbers of these jobs, as long as they can be sent again."""
        return [
            job.record.message.phones if job and info.status in _RETRYABLE else ()
            for info in infos
            for job in [self._ledger.job(info.id)]
        ]

    def _job(self, job_id: str) -> MemoryJob:
        found = self._ledger.job(job_id)
        if found is None:
            raise no_such_job(job_id)
        return found

    def _info(self, job: MemoryJob) -> JobInfo:
        outcome = job.outcome if self._ledger.is_settled(job) else None
        error = outcome if isinstance(outcome, SmsError) else None
        accepted = isinstance(outcome, SendResult)
        due_s = job.created_s + job.record.countdown_s
        return JobInfo(
            id=job.record.id,
            status=outcome.outcome if outcome else "queued",
            element=job.record.element,
            lane=job.record.lane,
            created=_moment(job.created_s),
            due=None if accepted else _moment(due_s),
            expires=None if accepted else _moment(job.created_s + job.record.expires_s),
            settled=_moment(job.settled_s) if outcome else None,
            attempts=outcome.attempts if outcome else 0,
            numbers=len(job.record.message.phones),
            last_error=error.label if error else None,
            next_try=None if outcome else _moment(due_s),
            outcome=outcome.outcome if outcome else None,
            error=error,
            result=outcome if isinstance(outcome, SendResult) else None,
            retried_as=job.retried_as,
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
