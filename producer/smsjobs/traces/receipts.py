"""Spans of what a receipt tells of a traced job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from smsjobs.delivery import explain
from smsjobs.facts import OTHER, DeliveryReported, Fact, SettledByReceipt, bounded, subscribe
from smsjobs.traces.spans import Spans

if TYPE_CHECKING:
    from smsjobs.traces.spans import Attributes

__all__ = ["ReceiptSpans", "trace_facts"]


def trace_facts() -> Callable[[], None]:
    """Make spans of what this process tells of receipts, from now on, in the traces of their jobs.

    Call it before the first receipt is taken. Where they go is decided by the application, which has OpenTelemetry's SDK.

    Returns:
        A function that ends it.

    Raises:
        TracesMissing: OpenTelemetry's API is not installed.
    """
    return subscribe(ReceiptSpans(Spans()).take)


class ReceiptSpans:
    """Makes spans of facts that are told in a web application, in a worker and in ``smsjobs serve``."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def take(self, fact: Fact) -> None:
        """Make a span of it, if it is one of them, of a traced job."""
        match fact:
            case DeliveryReported(traceparent=str() as traceparent):
                known = explain(fact.err_code).code
                told: Attributes = {
                    "smsjobs.delivery": fact.state,
                    "smsjobs.err_code": OTHER if known == "*" else known,
                    "smsjobs.carrier": fact.carrier,
                    "smsjobs.delivery_s": fact.seconds,
                }
                self._record("smsjobs receipt", fact, traceparent, told)
            case SettledByReceipt(traceparent=str() as traceparent):
                told = {"smsjobs.outcome": "accepted", "smsjobs.before": bounded(fact.before)}
                self._record("smsjobs settled by receipt", fact, traceparent, told)

    def _record(
        self, name: str, fact: DeliveryReported | SettledByReceipt, traceparent: str, told: Attributes
    ) -> None:
        about: Attributes = {
            "smsjobs.job_id": fact.job_id,
            "smsjobs.element": bounded(fact.element),
            "smsjobs.lane": bounded(fact.lane),
        }
        self._spans.record(name, "CONSUMER", {**about, **told}, self._spans.of(traceparent))
