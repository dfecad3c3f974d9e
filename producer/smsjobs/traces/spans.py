"""Spans, by OpenTelemetry's API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

__all__ = ["Attributes", "Spans", "TracesMissing"]

Attributes = Mapping[str, str | int | float | bool | None]

Kind = Literal["INTERNAL", "CLIENT", "PRODUCER", "CONSUMER"]


class TracesMissing(ImportError):
    """OpenTelemetry's API is not installed. The text says how to install it."""


class Spans:
    """Makes spans. An attribute without a value is left out. Threads may share it.

    Raises:
        TracesMissing: OpenTelemetry's API is not installed.
    """

    def __init__(self) -> None:
        try:
            from opentelemetry import context, trace  # noqa: PLC0415  an extra
        except ImportError:
            raise TracesMissing("traces need: pip install 'smsjobs[otel]'") from None
        self._context, self._trace = context, trace
        # A proxy, until the application has set a provider.
        self._tracer = trace.get_tracer("smsjobs")

    def begin(self, name: str, kind: Kind, attributes: Attributes, parent: Context) -> Span:
        """Return a span that has begun now."""
        return self._tracer.start_span(name, parent, self._trace.SpanKind[kind], _kept(attributes))

    def begin_within_caller(self, name: str, attributes: Attributes) -> Span | None:
        """Return a span that has begun now and is the current one; None if it is not recorded."""
        span = self.begin(name, "PRODUCER", attributes, self._context.get_current())
        if not span.is_recording():
            return None
        self._context.attach(self._trace.set_span_in_context(span))
        return span

    def end(self, span: Span, attributes: Attributes, *, failed: str | None = None) -> None:
        """End it now.

        Args:
            failed: A word for why it is an error; None: it is not one.
        """
        span.set_attributes(_kept(attributes))
        if failed is not None:
            span.set_status(self._trace.StatusCode.ERROR, failed)
        span.end()

    def record(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes,
        parent: Context,
        *,
        begun_ns: int | None = None,
        ended_ns: int | None = None,
        failed: str | None = None,
    ) -> None:
        """Record a span that is over.

        Args:
            begun_ns: When it began, in ns since 1970; None: it took no time.
            ended_ns: When it ended; None: now.
            failed: As of `end`.
        """
        ended_ns = time.time_ns() if ended_ns is None else ended_ns
        # A clock that was set back gives none that ends before it begins.
        begun_ns = ended_ns if begun_ns is None else min(begun_ns, ended_ns)
        span = self._tracer.start_span(
            name, parent, self._trace.SpanKind[kind], _kept(attributes), start_time=begun_ns
        )
        if failed is not None:
            span.set_status(self._trace.StatusCode.ERROR, failed)
        span.end(ended_ns)

    def traceparent(self, span: Span) -> str:
        """Return the span's place in its trace, as `read_traceparent` does."""
        its = span.get_span_context()
        return f"00-{its.trace_id:032x}-{its.span_id:016x}-01"

    def of(self, traceparent: str) -> Context:
        """Return the context of the children of that span."""
        trace = self._trace
        parent = trace.SpanContext(
            trace_id=int(traceparent[3:35], 16),
            span_id=int(traceparent[36:52], 16),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
        return self.within(trace.NonRecordingSpan(parent))

    def within(self, span: Span) -> Context:
        """Return the context of the span's children. Nothing else is in it."""
        return self._trace.set_span_in_context(span, self._context.Context())


def _kept(attributes: Attributes) -> dict[str, str | int | float | bool]:
    return {name: value for name, value in attributes.items() if value is not None}
