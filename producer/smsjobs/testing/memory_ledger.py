"""A ledger in memory, in which every job ends at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from smsjobs.contract import IdempotencyConflict, JobRecord, Message, SendResult, SmsError, encode_outcome
from smsjobs.ledger import Recorded, Snapshot
from smsjobs.testing.clock import Clock

__all__ = ["MemoryLedger", "SentMessage"]


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


class MemoryLedger:
    """Keeps jobs as the real one does, as far as a producer can see."""

    def __init__(self, clock: Clock, *, keep_s: float) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._jobs: dict[str, Snapshot] = {}
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
        """Write a job down, and settle it.

        Raises:
            IdempotencyConflict: Its key belongs to a job with another payload.
        """
        with self._lock:
            if job.idempotency_key is not None:
                name = (job.element, job.idempotency_key)
                if name in self._keys and self.read(self._keys[name][0]) is None:
                    del self._keys[name]
                holder = self._keys.setdefault(name, (job.id, job.message))
                if holder[1] != job.message:
                    raise IdempotencyConflict(out_id=holder[0])
                if holder[0] != job.id:
                    return Recorded(job_id=holder[0], new=False)
            self._settle(job)
        return Recorded(job_id=job.id, new=True)

    def knows_key(self, job: JobRecord) -> bool:
        """Whether a job has been recorded with this one's idempotency key."""
        known = self._keys.get((job.element, job.idempotency_key or ""))
        return known is not None and self.read(known[0]) is not None

    def read(self, job_id: str) -> Snapshot | None:
        """The job, or None where there is none of that id, or its outcome was kept for long enough."""
        found = self._jobs.get(job_id)
        # A job settles when it is recorded.
        if found is None or found.created_ms / 1000 + self._keep_s <= self._clock():
            return None
        return found

    def _settle(self, job: JobRecord) -> None:
        outcome: SendResult | SmsError
        if self._endings:
            outcome = self._endings.pop(0).for_job(job.id)
        else:
            response = {"Code": "OK", "Message": "OK", "BizId": f"biz-{job.id}", "RequestId": f"req-{job.id}"}
            outcome = SendResult(response=response, out_id=job.id, attempts=1)
        self._jobs[job.id] = Snapshot(
            job_id=job.id,
            status=outcome.outcome,
            element=job.element,
            lane=job.lane,
            attempts=outcome.attempts,
            created_ms=round(self._clock() * 1000),
            outcome=json.dumps(encode_outcome(outcome)),
        )
        self.messages.append(
            SentMessage(
                job_id=job.id,
                element=job.element,
                phones=job.message.phones,
                params=job.message.params,
                template=job.message.template,
                lane=job.lane,
                expires_s=job.expires_s,
            )
        )
