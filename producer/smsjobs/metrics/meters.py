"""Counts under labels whose values are bounded, by ``prometheus_client``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from smsjobs.facts import OTHER, bounded

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from smsjobs.metrics.catalogue import Metric

__all__ = ["Meters", "MetricsMissing"]

#: How many values a label has, whoever chooses them. The rest is `OTHER`.
_MOST: Final = 100


class MetricsMissing(ImportError):
    """``prometheus_client`` is not installed. The text says how to install it."""


class Meters:
    """Counters and histograms, made when they are first needed. Threads may share it.

    Args:
        registry: Where they are registered; None is ``prometheus_client``'s own.

    Raises:
        MetricsMissing: ``prometheus_client`` is not installed.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        try:
            import prometheus_client  # noqa: PLC0415  an extra
        except ImportError:
            raise MetricsMissing("metrics need: pip install 'smsjobs[metrics]'") from None
        self._kinds: dict[str, Any] = {
            "counter": prometheus_client.Counter,
            "histogram": prometheus_client.Histogram,
        }
        self._registry = registry or prometheus_client.REGISTRY
        self._families: dict[Metric, Any] = {}
        self._seen: dict[tuple[Metric, str], set[str]] = {}
        #: The counter of each combination of values, so that counting takes no lock of ours.
        self._counters: dict[tuple[Metric, tuple[object, ...]], Any] = {}
        self._making = threading.Lock()

    def make(self, *metrics: Metric) -> None:
        """Have metrics there before anything is counted, so that a scrape shows those without labels as 0."""
        with self._making:
            for each in metrics:
                self._family(each)

    def count(self, metric: Metric, *values: object, times: int = 1) -> None:
        """Count one, or so many, under values of the metric's labels."""
        self._of(metric, values).inc(times)

    def observe(self, metric: Metric, seconds: float, *values: object) -> None:
        """Add a duration, under values of the metric's labels. A clock that was set back gives none below 0."""
        self._of(metric, values).observe(max(0.0, seconds))

    def _of(self, metric: Metric, values: tuple[object, ...]) -> Any:
        known = self._counters.get((metric, values))
        return self._make(metric, values) if known is None else known

    def _make(self, metric: Metric, values: tuple[object, ...]) -> Any:
        with self._making:
            family = self._family(metric)
            kept = [self._kept(metric, *pair) for pair in zip(metric.labels, values, strict=True)]
            counter = family.labels(*kept) if kept else family
            # What was replaced is not remembered: there may be any number of it.
            if all(
                text == ("" if value is None else str(value))
                for text, value in zip(kept, values, strict=True)
            ):
                self._counters[metric, values] = counter
            return counter

    def _kept(self, metric: Metric, label: str, value: object) -> str:
        text, seen = bounded(value), self._seen.setdefault((metric, label), set())
        if text not in seen:
            if len(seen) >= _MOST:
                return OTHER
            seen.add(text)
        return text

    def _family(self, metric: Metric) -> Any:
        if metric not in self._families:
            more = {"buckets": metric.buckets} if metric.buckets else {}
            self._families[metric] = self._kinds[metric.kind](
                metric.name, metric.about.replace("`", ""), metric.labels, registry=self._registry, **more
            )
        return self._families[metric]
