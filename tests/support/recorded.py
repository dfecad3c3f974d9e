"""Spans that are recorded in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from smsjobs.traces import enqueueing


class Recorded:
    """What is recorded."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def all(self) -> list[ReadableSpan]:
        """The spans that are over."""
        return list(self._exporter.get_finished_spans())

    def one(self, name: str) -> ReadableSpan:
        """The only one of that name."""
        (found,) = (each for each in self.all() if each.name == name)
        return found


@contextmanager
def recording() -> Iterator[Recorded]:
    """Record what is traced while the block runs. Nobody else's provider is harmed, for there is none in tests."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provided(provider):
        yield Recorded(exporter)


@contextmanager
def provided(provider: trace.TracerProvider) -> Iterator[None]:
    """Have OpenTelemetry know that provider while the block runs: by itself it takes one, once a process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "_TRACER_PROVIDER", provider)
        enqueueing._spans.cache_clear()
        try:
            yield
        finally:
            enqueueing._spans.cache_clear()
