"""A ledger in memory, in which every job ends as soon as it is due."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from smsjobs.contract import (
    IdempotencyConflict,
    JobRecord,
    Message,
    Outcome,
    RequestFailed,
    SendResult,
    SmsError,
    encode_outcome,
)
from smsjobs.ledger import Recorded, Snapshot
from smsjobs.testing.clock import Clock

__all__ = ["MemoryJob", "MemoryLedger", "SentMessage"]


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """What a job would have sent."""

    #: The job's id.
    job_id: str
    #: The element's full name.
    element: str
    #: The numbers, in Aliyun's form.
    phones: tuple[str, ...] = field(repr=False)
    #: The template's parameters.
    params: Mapping[str, str] = field(repr=False)
    #: The template's code.
    template: str
    #: The lane.
    lane: str
    #: Seconds for which it might have been sent.
    expires_s: float


@dataclass(kw_only=True)
class MemoryJob:
    """A job that was recorded."""

    record: JobRecord = field(repr=False)
    created_s: float
    #: What becomes of it when it is due.
    outcome: Outcome
    #: When it is due, and has its outcome.
    settled_s: float
    retried_as: str | None = None


class MemoryLedger:
    """Keeps jobs as the real one does, as far as a producer can see."""

    def __init__(self, clock: Clock, *, keep_s: float) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._jobs: dict[str, MemoryJob] = {}
        self._keys: dict[tuple[str, str], tuple[str, Message]] = {}
        self._endings: list[SmsError] = []
        #: Everything that was enqueued, oldest first.
        self.messages: list[SentMessage] = []

    def end_next_with(self, error: SmsError) -> None:
        """The next job, and then one for each further call, ends with that error.

        Raises:
            TypeError: It is not an SmsError, and no job ends with anything else.
        """
        if not isinstance(error, SmsError):
            raise TypeError(
                'a job ends with an SmsError, such as AliyunRejected(aliyun_code="isv.AMOUNT_NOT_ENOUGH")'
            )
        self._endings.append(error)

    def record(self, job: JobRecord) -> Recorded:
        """Write a job down, with what becomes of it when it is due.

        Raises:
            IdempotencyConflict: Its key belongs to a job with another payload.
        """
        with self._lock:
            if job.idempotency_key is not None:
                name = (job.element, job.idempotency_key)
                if name in self._keys and self.job(self._keys[name][0]) is None:
                    del self._keys[name]
                holder = self._keys.setdefault(name, (job.id, job.message))
                if holder[1] != job.message:
                    raise IdempotencyConflict(out_id=holder[0])
                if holder[0] != job.id:
                    return Recorded(job_id=holder[0], new=False)
            self._add(job)
        return Recorded(job_id=job.id, new=True)

    def knows_key(self, job: JobRecord) -> bool:
        """Whether a job has been recorded with this one's idempotency key."""
        known = self._keys.get((job.element, job.idempotency_key or ""))
        return known is not None and self.read(known[0]) is not None

    def read(self, job_id: str) -> Snapshot | None:
        """The job, or None where there is none of that id, or its outcome was kept for long enough."""
        found = self.job(job_id)
        if found is None:
            return None
        ended = self.is_settled(found)
        return Snapshot(
            job_id=job_id,
            status=found.outcome.outcome if ended else "queued",
            element=found.record.element,
            lane=found.record.lane,
            attempts=found.outcome.attempts if ended else 0,
            created_ms=round(found.created_s * 1000),
            outcome=json.dumps(encode_outcome(found.outcome)) if ended else None,
        )

    def job(self, job_id: str) -> MemoryJob | None:
        """The same, with all that is known of it."""
        found = self._jobs.get(job_id)
        if found is None or found.settled_s + self._keep_s <= self._clock():
            return None
        return found

    def jobs(self) -> Iterator[MemoryJob]:
        """All that are kept."""
        return filter(None, map(self.job, list(self._jobs)))

    def is_settled(self, job: MemoryJob) -> bool:
        """Whether it has its outcome."""
        return job.settled_s <= self._clock()

    def cancel(self, job: MemoryJob) -> bool:
        """Cancel it, unless it has its outcome."""
        with self._lock:
            if self.is_settled(job):
                return job.outcome == _cancelled(job.record.id)
            job.outcome, job.settled_s = _cancelled(job.record.id), self._clock()
            return True

    def renew(self, job: MemoryJob, new: JobRecord) -> Recorded:
        """Record the job by which it is sent again, unless there is one. That takes over its key."""
        with self._lock:
            if job.retried_as is not None:
                return Recorded(job_id=job.retried_as, new=False)
            job.retried_as = new.id
            for name, (holder, message) in self._keys.items():
                if holder == job.record.id:
                    self._keys[name] = (new.id, message)
            self._add(new)
            return Recorded(job_id=new.id, new=True)

    def send_chunk(self, chunk: JobRecord) -> Outcome:
        """What becomes of a chunk of a campaign. Each of its recipients has a message of its own."""
        message = chunk.message
        params = message.params_of_each or (message.params,) * len(message.phones)
        for phone, own in zip(message.phones, params, strict=True):
            self._note(chunk, (phone,), own)
        return self._ending(chunk.id)

    def _add(self, job: JobRecord) -> None:
        now_s = self._clock()
        self._jobs[job.id] = MemoryJob(
            record=job, created_s=now_s, outcome=self._ending(job.id), settled_s=now_s + job.countdown_s
        )
        self._note(job, job.message.phones, job.message.params)

    def _ending(self, job_id: str) -> Outcome:
        if self._endings:
            return self._endings.pop(0).for_job(job_id)
        response = {"Code": "OK", "Message": "OK", "BizId": f"biz-{job_id}", "RequestId": f"req-{job_id}"}
        return SendResult(response=response, out_id=job_id, attempts=1)

    def _note(self, job: JobRecord, phones: tuple[str, ...], params: Mapping[str, str]) -> None:
        self.messages.append(
            SentMessage(
                job_id=job.id,
                element=job.element,
                phones=phones,
                params=params,
                template=job.message.template,
                lane=job.lane,
                expires_s=job.expires_s,
            )
        )


def _cancelled(job_id: str) -> RequestFailed:
    return RequestFailed(
        "it was cancelled before it was sent", reason="cancelled", outcome="not_sent", out_id=job_id
    )
