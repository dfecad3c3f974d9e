"""The spans of a worker: its runs at traced jobs, the requests and look-ups of a run, and what follows.

::

    the caller's span
    └── smsjobs enqueue           recorded and published
        ├── smsjobs queue         from the time at which it is due to the first request
        ├── smsjobs run           one for each claim, up to the outcome, or until it waits
        │   ├── smsjobs attempt   a request to send
        │   └── smsjobs look-up   of a lost answer
        └── smsjobs receipt       what the carrier reported of one recipient
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smsjobs.facts import Fact, bounded, is_traced, subscribe
from smsjobs.traces import ReceiptSpans, Spans
from smsjobs_worker.logs.facts import (
    JobClaimed,
    JobExpired,
    JobFenced,
    JobSettled,
    JobWaits,
    LookupMade,
    RequestMade,
    RunBrokenOff,
    TaskBroken,
)

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from smsjobs.traces import Attributes

__all__ = ["JobSpans", "trace_jobs"]


def trace_jobs() -> Callable[[], None]:
    """Make spans from now on, if somebody records them. Returns a function that ends it."""
    return subscribe(JobSpans(Spans()).take) if is_traced() else lambda: None


@dataclass(frozen=True, kw_only=True)
class _Run:
    """A run at a traced job that has begun."""

    job_id: str
    span: Span
    #: The context of the job's own spans, and that of the run's.
    of_job: Context
    of_run: Context
    #: When the job was due to be sent for the first time, in ns since 1970.
    due_ns: int


class JobSpans:
    """Makes spans of what a worker tells. A run begins and ends in one thread, which has one run at a time."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._more = ReceiptSpans(spans)
        self._of_thread = threading.local()

    def take(self, fact: Fact) -> None:
        """Make a span of it, or end one by it."""
        match fact:
            case JobClaimed():
                self._begin(fact)
            case RequestMade() | LookupMade() | JobSettled() | JobWaits() | JobFenced():
                run: _Run | None = getattr(self._of_thread, "run", None)
                if run is not None and run.job_id == fact.job_id:
                    self._go_on(run, fact)
            case RunBrokenOff() | TaskBroken():
                self._end({}, fact.action)
            case JobExpired(traceparent=str() as traceparent):
                self._expired(fact, traceparent)
            case _:
                self._more.take(fact)

    def _begin(self, fact: JobClaimed) -> None:
        self._end({}, "interrupted")
        spans = self._spans
        of_job = spans.of(fact.traceparent)
        about: Attributes = {
            "smsjobs.job_id": fact.job_id,
            "smsjobs.element": bounded(fact.element),
            "smsjobs.lane": fact.lane,
        }
        span = spans.begin("smsjobs run", "CONSUMER", about, of_job)
        self._of_thread.run = _Run(
            job_id=fact.job_id,
            span=span,
            of_job=of_job,
            of_run=spans.within(span),
            due_ns=time.time_ns() - round(fact.waited_s * 1e9),
        )

    def _go_on(self, run: _Run, fact: RequestMade | LookupMade | JobSettled | JobWaits | JobFenced) -> None:
        match fact:
            case RequestMade():
                self._requested(run, fact)
            case LookupMade():
                self._looked_up(run, fact)
            case JobSettled():
                told: Attributes = {
                    "smsjobs.outcome": fact.outcome,
                    "smsjobs.reason": bounded(fact.reason),
                    "smsjobs.aliyun_code": _code(fact.aliyun_code),
                    "smsjobs.attempts": fact.attempts,
                }
                self._end(told, None if fact.outcome == "accepted" else fact.outcome)
            case JobWaits():
                told = {
                    "smsjobs.waits": fact.state,
                    "smsjobs.reason": bounded(fact.reason),
                    "smsjobs.delay_s": fact.delay_s,
                    "smsjobs.attempts": fact.attempts,
                }
                self._end(told, None)
            case JobFenced():
                self._end({}, fact.action)

    def _requested(self, run: _Run, fact: RequestMade) -> None:
        spans = self._spans
        told: Attributes = {
            "smsjobs.result": fact.result,
            "smsjobs.reason": bounded(fact.reason),
            "smsjobs.aliyun_code": _code(fact.aliyun_code),
            "smsjobs.attempt": fact.attempts,
        }
        failed = None if fact.result == "accepted" else fact.result
        begun_ns = _ago(fact.seconds)
        spans.record("smsjobs attempt", "CLIENT", told, run.of_run, begun_ns=begun_ns, failed=failed)
        if fact.waited_s is not None:
            queue: Attributes = {"smsjobs.lane": fact.lane}
            spans.record(
                "smsjobs queue", "INTERNAL", queue, run.of_job, begun_ns=run.due_ns, ended_ns=begun_ns
            )

    def _looked_up(self, run: _Run, fact: LookupMade) -> None:
        spans = self._spans
        told: Attributes = {
            "smsjobs.result": fact.result,
            "smsjobs.reason": None if fact.reason is None else bounded(fact.reason),
        }
        failed = fact.result if fact.result == "failed" else None
        begun_ns = _ago(fact.seconds)
        spans.record("smsjobs look-up", "CLIENT", told, run.of_run, begun_ns=begun_ns, failed=failed)

    def _expired(self, fact: JobExpired, traceparent: str) -> None:
        spans = self._spans
        told: Attributes = {
            "smsjobs.job_id": fact.job_id,
            "smsjobs.element": bounded(fact.element),
            "smsjobs.lane": bounded(fact.lane),
            "smsjobs.outcome": fact.outcome,
            "smsjobs.reason": fact.reason,
            "smsjobs.attempts": fact.attempts,
        }
        parent = spans.of(traceparent)
        spans.record("smsjobs expired", "INTERNAL", told, parent, failed=fact.outcome)

    def _end(self, told: Attributes, failed: str | None) -> None:
        """End the run of this thread, if there is one."""
        run: _Run | None = getattr(self._of_thread, "run", None)
        if run is not None:
            self._of_thread.run = None
            self._spans.end(run.span, told, failed=failed)


def _ago(seconds: float) -> int:
    return time.time_ns() - round(seconds * 1e9)


def _code(aliyun_code: str | None) -> str | None:
    return None if aliyun_code is None else bounded(aliyun_code)
