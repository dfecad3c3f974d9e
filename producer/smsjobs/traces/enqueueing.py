"""The span of enqueueing a job, whose place in its trace the job takes along."""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from smsjobs.facts import bounded
from smsjobs.traces.spans import Spans

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from smsjobs.contract import JobRecord

__all__ = ["enqueue_traced"]

_spans = cache(Spans)


def enqueue_traced(job: JobRecord, enqueue: Callable[[JobRecord], str]) -> str:
    """Enqueue the job, in a span of its own if the caller's span is recorded.

    Args:
        enqueue: Is called once, with the job, and gives its id.

    Returns:
        What `enqueue` does.
    """
    # In a context of its own, in which its span is the current one.
    return contextvars.copy_context().run(_enqueue, job, enqueue) if _is_recorded() else enqueue(job)


def _is_recorded() -> bool:
    """Whether the caller's span is. OpenTelemetry is not loaded for the question."""
    api = sys.modules.get("opentelemetry.trace")
    try:
        return api is not None and api.get_current_span().is_recording()
    except Exception:  # noqa: BLE001  another thread is loading it, or it is broken: it stops no job
        return False


def _enqueue(job: JobRecord, enqueue: Callable[[JobRecord], str]) -> str:
    span, traceparent = _begin(job)
    if span is None:
        return enqueue(job)
    try:
        job_id = enqueue(replace(job, traceparent=traceparent))
    except BaseException as error:
        _end(span, job.id, failed=type(error).__name__)
        raise
    _end(span, job_id)
    return job_id


def _begin(job: JobRecord) -> tuple[Span | None, str | None]:
    """The span and its place in its trace, if somebody records it. What a tracing system raises stops no job."""
    with suppress(Exception):
        span = _spans().begin_within_caller(
            "smsjobs enqueue",
            {
                "smsjobs.element": bounded(job.element),
                "smsjobs.lane": job.lane,
                "smsjobs.numbers": len(job.message.phones),
            },
        )
        return (span, _spans().traceparent(span)) if span else (None, None)
    return None, None


def _end(span: Span, job_id: str, *, failed: str | None = None) -> None:
    with suppress(Exception):
        _spans().end(span, {"smsjobs.job_id": job_id}, failed=failed)
