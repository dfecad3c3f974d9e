"""Jobs of an application that records traces, and of one that does not."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from smsjobs import Element, InvalidArguments, Job, RequestFailed, Sms
from smsjobs.facts import is_traced
from support.keys import job_key
from support.recorded import Recorded, provided, recording

PHONE = "13800138000"


def send(element: Element, **more: Any) -> Job:
    return element.sendMessage([PHONE], {"code": "123456"}, "SMS_1", **more)


def in_request(do: Callable[[], Any]) -> Any:
    """What it gives in a request that is traced."""
    with trace.get_tracer("shop").start_as_current_span("POST /order"):
        return do()


def entry(sms: Sms, job: Job) -> dict[str, str]:
    found: dict[str, str] = sms.connection.ledger.redis.hgetall(job_key(job.id))
    return found


def traceparent(recorded: Recorded, name: str = "smsjobs enqueue") -> str:
    its = recorded.one(name).context
    return f"00-{its.trace_id:032x}-{its.span_id:016x}-01"


def test_a_traced_job(sms: Sms, element: Element) -> None:
    """The job of a traced request keeps the place of its own span, for its worker and for receipts."""
    with recording() as recorded:
        job = in_request(lambda: send(element))
    span = recorded.one("smsjobs enqueue")
    assert span.parent.span_id == recorded.one("POST /order").context.span_id
    assert span.attributes == {
        "smsjobs.element": "SMS.Test",
        "smsjobs.lane": "notification",
        "smsjobs.numbers": 1,
        "smsjobs.job_id": job.id,
    }
    assert entry(sms, job)["trace"] == traceparent(recorded)
    assert traceparent(recorded) in entry(sms, job)["job"]
    assert sms.connection.ledger.traceparent(job.id) == traceparent(recorded)


def test_a_job_that_is_not_traced(sms: Sms, element: Element) -> None:
    """A job without a recorded span has nothing of traces in its entry, whether or not somebody records others."""
    plain = entry(sms, send(element))
    with recording() as recorded:
        untraced = entry(sms, send(element))
        assert not recorded.all()
    assert plain.keys() == untraced.keys()
    assert "trace" not in plain
    assert "traceparent" not in plain["job"]
    assert not is_traced()


def test_an_error_is_told_without_its_text(element: Element, sms: Sms) -> None:
    """The span of a job that could not be enqueued has the error's class; a refused argument has no span."""
    sms.suppression.add(PHONE, scope="all")
    with recording() as recorded:
        with pytest.raises(RequestFailed, match="suppressed"):
            in_request(lambda: send(element))
        with pytest.raises(InvalidArguments):
            in_request(lambda: send(element, lane="nowhere"))
    span = recorded.one("smsjobs enqueue")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "RequestFailed")
    assert not span.events


def test_a_job_sent_again(sms: Sms, element: Element) -> None:
    """The job by which another is sent again stays in its trace."""
    with recording() as recorded:
        old = in_request(lambda: send(element))
    old.cancel()
    new = old.retry()
    assert entry(sms, new)["trace"] == traceparent(recorded)
    assert sms.connection.ledger.traceparent(old.id) == traceparent(recorded)


class _BrokenTracer(trace.NoOpTracer):
    def start_span(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError


class _BrokenProvider(trace.TracerProvider):
    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        return _BrokenTracer()


class _BrokenSpan(trace.NonRecordingSpan):
    def is_recording(self) -> bool:
        return True

    def set_attributes(self, attributes: Any) -> None:
        raise RuntimeError


@pytest.mark.parametrize("broken", ["tracer", "span"])
def test_traces_stop_no_job(sms: Sms, element: Element, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracing system that raises errors stops no job."""
    context = trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(1))
    span = _BrokenSpan(context)
    if broken == "span":
        monkeypatch.setattr(_BrokenTracer, "start_span", lambda *_, **__: span)
    with provided(_BrokenProvider()), trace.use_span(span):
        assert send(element).status() == "queued"
        assert trace.get_current_span() is span


def test_another_thread(sms: Sms, element: Element) -> None:
    """The async twin, whose work is done in another thread, is in the same trace."""
    with recording() as recorded:
        in_request(lambda: asyncio.run(element.send_message_async([PHONE], {"code": "1"}, "SMS_1")))
    span = recorded.one("smsjobs enqueue")
    assert span.parent.span_id == recorded.one("POST /order").context.span_id
