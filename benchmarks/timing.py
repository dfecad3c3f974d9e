"""Percentiles of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Latency"]


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long something took, many times over, in milliseconds."""

    #: Half of them took no longer.
    p50_ms: float
    #: 99 of 100 took no longer.
    p99_ms: float
    #: How many there were.
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """The percentiles of these."""
        ordered = sorted(seconds)
        return cls(p50_ms=_at(ordered, 0.50) * 1000, p99_ms=_at(ordered, 0.99) * 1000, count=len(ordered))


def _at(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
