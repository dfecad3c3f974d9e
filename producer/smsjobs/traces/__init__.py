"""Traces by OpenTelemetry's API, where the application records any. ``docs/traces.md`` shows the spans.

A job that is enqueued while a span is recorded is traced: its entry in the ledger keeps the ``traceparent``. Any other job
costs one look into `sys.modules`. Nothing here loads OpenTelemetry before that.

Workers and ``smsjobs serve`` make spans by themselves. A web application that takes receipts adds those of receipts::

    from smsjobs.traces import trace_facts

    trace_facts()
"""

from typing import TYPE_CHECKING

from smsjobs.on_demand import on_demand
from smsjobs.traces.enqueueing import enqueue_traced
from smsjobs.traces.spans import Attributes, Spans, TracesMissing

if TYPE_CHECKING:
    from smsjobs.traces.receipts import ReceiptSpans, trace_facts
else:
    # It stands on the room of deliveries, which whoever enqueues does not need.
    __getattr__ = on_demand(__name__, receipts=("ReceiptSpans", "trace_facts"))

__all__ = ["Attributes", "ReceiptSpans", "Spans", "TracesMissing", "enqueue_traced", "trace_facts"]
