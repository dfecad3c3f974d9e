"""Samples of a running installation: memory of its processes and of Redis, and how much of everything Redis has."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
import redis

from benchmarks.stage import Stage
from benchmarks.table import lines

__all__ = ["BOUNDS", "Sample", "Sampler", "growth", "render"]

#: How far the last third of the samples may be above the first one: a share of it, and so much more.
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "MB": (0.03, 3.0),
    "keys": (0.05, 200.0),
    "length": (0.10, 200.0),
    "threads": (0.0, 4.0),
}

ALL_KEYS: Final = "all keys"

#: What a job, campaign, or idempotency key has in the names of its keys.
_ITS_OWN: Final = re.compile(
    r"[a-z2-7]{6}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|soak-[0-9a-z-]+|[0-9a-f]{32,}|(?<=\{)[a-z2-7]{6}"
)

#: A name with more keys than this is one that each job or campaign has for itself: its keys are counted, not their members.
_COMMON: Final = 8

_LENGTHS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "list": lambda client, name: client.llen(name),
    "set": lambda client, name: client.scard(name),
    "zset": lambda client, name: client.zcard(name),
    "hash": lambda client, name: client.hlen(name),
    "stream": lambda client, name: client.xlen(name),
    "string": lambda client, name: client.strlen(name),
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Everything at one moment."""

    #: Seconds since the first sample.
    at_s: float
    #: Values by name and unit.
    values: Mapping[tuple[str, str], float]


class Sampler:
    """Takes samples.

    Args:
        pids: Processes by name.
    """

    def __init__(self, stage: Stage, pids: Mapping[str, int]) -> None:
        self._client = redis.Redis.from_url(stage.redis_url, decode_responses=True)
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._began = time.monotonic()
        self.samples: list[Sample] = []

    @property
    def last(self) -> str:
        """The newest sample in a few words."""
        values = self.samples[-1].values
        return ", ".join(f"{name} {value:,.1f}" for (name, unit), value in values.items() if unit == "MB")

    def take(self) -> None:
        """Take one."""
        at_s = time.monotonic() - self._began
        values = {(name, "MB"): each.memory_info().rss / 1e6 for name, each in self._processes.items()}
        values |= {
            (f"threads of {name}", "threads"): each.num_threads() for name, each in self._processes.items()
        }
        values["Redis", "MB"] = int(self._client.info("memory")["used_memory"]) / 1e6
        self.samples.append(Sample(at_s=at_s, values=values | dict(self._counts())))

    def _counts(self) -> Iterator[tuple[tuple[str, str], float]]:
        names: dict[str, list[str]] = {}
        total = 0
        for each in self._client.scan_iter(count=5000):
            names.setdefault(_ITS_OWN.sub("…", each), []).append(each)
            total += 1
        yield (ALL_KEYS, "keys"), total
        for family, keys in sorted(names.items()):
            if len(keys) > _COMMON:
                yield (family, "keys"), len(keys)
            else:
                yield (family, "length"), sum(self._length(each) for each in keys)

    def _length(self, name: str) -> int:
        length = _LENGTHS.get(self._client.type(name))
        return int(length(self._client, name)) if length else 0


def _thirds(samples: Sequence[Sample], warm_s: float) -> list[tuple[str, str, list[float]]]:
    """The medians of the first, the middle and the last third of the samples that count, of each value."""
    counted = [each for each in samples if each.at_s >= warm_s]
    third = max(1, len(counted) // 3)
    parts = counted[:third], counted[third:-third], counted[-third:]
    # A family of keys that grows beyond a few is counted anew, so what it is must be the same in all samples.
    units = Counter(name for each in counted for name in each.values)
    known = {name: unit for (name, unit), _ in sorted(units.items(), key=lambda each: each[1])}
    return [
        (
            name,
            unit,
            [median([each.values.get((name, unit), 0.0) for each in part] or [0.0]) for part in parts],
        )
        for name, unit in known.items()
    ]


def growth(samples: Sequence[Sample], *, warm_s: float) -> list[str]:
    """Return a line for each value that grew beyond its bound."""
    found = []
    for name, unit, (first, _, last) in _thirds(samples, warm_s):
        share, more = BOUNDS[unit]
        if last > first * (1 + share) + more:
            found.append(f"{name} grew from {first:,.1f} to {last:,.1f} {unit}")
    return found


def render(samples: Sequence[Sample], *, warm_s: float) -> str:
    """Return a table of the thirds."""
    head = ("what", "unit", "first third", "middle", "last third")
    rows = [
        (_shown(name, unit), unit, *(_figure(each, unit) for each in parts))
        for name, unit, parts in _thirds(samples, warm_s)
    ]
    return lines([head, *rows])


def _shown(name: str, unit: str) -> str:
    return f"`{name}`" if unit in ("keys", "length") and name != ALL_KEYS else name


def _figure(value: float, unit: str) -> str:
    return f"{value:,.1f}" if unit == "MB" else f"{value:,.0f}"
