"""Percentiles of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Latency"]


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long something took in many repetitions, in milliseconds."""

    #: Half of the repetitions took no longer.
    p50_ms: float
    #: 99 of 100 repetitions took no longer.
    p99_ms: float
    #: The number of repetitions.
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Return the percentiles of these values."""
        ordered = sorted(seconds)
        return cls(p50_ms=_at(ordered, 0.50) * 1000, p99_ms=_at(ordered, 0.99) * 1000, count=len(ordered))


def _at(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
