"""Figures for Prometheus: which there are, and how facts become figures.

A worker serves its own where SMS_METRICS_PORT says so, and ``smsjobs serve`` those of the ledger. A web application that
has a ``/metrics`` of its own adds what it knows of codes and receipts::

    from smsjobs.metrics import count_facts

    count_facts()

The extra ``[metrics]``. ``docs/metrics.md`` shows all of them.
"""

from smsjobs.metrics.catalogue import METRICS, Metric
from smsjobs.metrics.facts import FactCounts, count_facts
from smsjobs.metrics.guard import Guard, read_metrics_token
from smsjobs.metrics.meters import Meters, MetricsMissing

__all__ = [
    "METRICS",
    "FactCounts",
    "Guard",
    "Meters",
    "Metric",
    "MetricsMissing",
    "count_facts",
    "read_metrics_token",
]
