"""What grows as the work grows: ``PYTHONPATH=tests python -m benchmarks.growth``.

Jobs a second and what one costs, with more jobs stored, more worker processes and more elements; and the memory of a job in
each state. Everything runs on 127.0.0.1, with a Redis and a simulator of its own. The members of a series take turns, because
a machine's speed drifts: trust the ratios, each of which compares neighbours in time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Final

from benchmarks.contenders import Ours
from benchmarks.drain import Drained, drain
from benchmarks.memory_by_state import memory_by_state
from benchmarks.stage import ELEMENT, Stage
from benchmarks.stored import Sample, fill, settle_samples
from benchmarks.table import lines, number

__all__ = ["FULL", "QUICK", "Scale", "measure"]

#: Milliseconds that Aliyun usually takes.
_LATENCY_MS: Final = 100.0

#: Threads that enqueue a backlog.
_PRODUCERS: Final = 8

#: Processes, elements and stored jobs where a series is not about them.
_PROCESSES, _ELEMENTS, _STORED = 2, 1, 10


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    #: How many times each series is measured.
    rounds: int
    #: Seconds until the counting begins, and of counting, while a backlog is drained.
    warm_s: float = 2.0
    window_s: float
    #: Jobs of a backlog for each of these seconds.
    backlog_per_s: int = 900
    #: Members of the three series.
    stored: Sequence[int]
    processes: Sequence[int]
    elements: Sequence[int]
    #: Jobs of each state whose memory is measured.
    jobs: int


FULL: Final = Scale(
    rounds=3,
    window_s=6,
    stored=(10, 1_000, 100_000, 1_000_000),
    processes=(1, 2, 4),
    elements=(1, 50),
    jobs=3000,
)
QUICK: Final = Scale(
    rounds=1,
    window_s=3,
    stored=(10, 1_000, 100_000),
    processes=(1, 2, 4),
    elements=(1, 50),
    jobs=500,
)


class _Member(Ours):
    """One member of a series.

    Args:
        label: Its cell in the table.
        stored: Settled jobs that are in Redis before the backlog is enqueued.
        samples: Of which they are made.
    """

    def __init__(
        self,
        label: str,
        samples: Sequence[Sample],
        *,
        processes: int = _PROCESSES,
        elements: int = _ELEMENTS,
        stored: int = _STORED,
    ) -> None:
        names = [ELEMENT, *(f"{ELEMENT}{number}" for number in range(2, elements + 1))]
        super().__init__(processes, elements=names)
        self.label = label
        self._samples, self._stored = samples, stored
        self._keys_before = 0

    def enqueue(self, stage: Stage, count: int) -> None:
        """Store what is stored, and enqueue the backlog."""
        stage.write_elements(self._elements)
        fill(stage, self._samples, self._stored)
        # Several threads, because on a busy machine one mostly waits for its turn.
        with ThreadPoolExecutor(_PRODUCERS) as pool:
            share, more = divmod(count, _PRODUCERS)
            parts = [share + (place < more) for place in range(_PRODUCERS)]
            list(pool.map(partial(super().enqueue, stage), parts))
        self._keys_before = super().stored(stage, count)

    def stored(self, stage: Stage, enqueued: int) -> int:
        """Return the results that came after the backlog was enqueued."""
        return max(0, super().stored(stage, enqueued) - self._keys_before)


def measure(stage: Stage, scale: Scale, tell: Callable[[str], None]) -> list[str]:
    """Return the tables."""
    samples = settle_samples(stage)
    series = (
        ("stored jobs", [_Member(f"{each:,}", samples, stored=each) for each in scale.stored]),
        ("worker processes", [_Member(f"{each}", samples, processes=each) for each in scale.processes]),
        ("elements", [_Member(f"{each}", samples, elements=each) for each in scale.elements]),
    )
    tables = [
        _table(name, members, _rounds(stage, scale, name, members, tell))
        for name, members in series
        if members
    ]
    return [*tables, memory_by_state(stage, jobs=scale.jobs)]


def _rounds(
    stage: Stage, scale: Scale, name: str, members: Sequence[_Member], tell: Callable[[str], None]
) -> list[list[Drained]]:
    return [
        [_drained(stage, scale, f"{each.label} {name}", each, tell) for each in members]
        for _ in range(scale.rounds)
    ]


def _drained(stage: Stage, scale: Scale, name: str, member: _Member, tell: Callable[[str], None]) -> Drained:
    found = drain(
        stage,
        member,
        latency_ms=_LATENCY_MS,
        backlog=round(scale.backlog_per_s * (scale.window_s + scale.warm_s)),
        warm_s=scale.warm_s,
        window_s=scale.window_s,
    )
    tell(f"{name}: {found.per_s:.0f}/s, {found.worker_cpu_ms:.2f} and {found.redis_cpu_ms:.3f} ms")
    return found


_FIGURES: Final[tuple[tuple[str, Callable[[Drained], float]], ...]] = (
    ("jobs/s", lambda each: each.per_s),
    ("ms CPU of workers a job", lambda each: each.worker_cpu_ms),
    ("ms CPU of Redis a job", lambda each: each.redis_cpu_ms),
)


def _table(name: str, members: Sequence[_Member], rounds: Sequence[Sequence[Drained]]) -> str:
    """Each figure's median over the rounds, and the median of its ratios to the first member in the same round."""
    table: list[tuple[str, ...]] = [(name, *(cell for figure, _ in _FIGURES for cell in (figure, "ratio")))]
    for place, member in enumerate(members):
        cells = []
        for _, figure in _FIGURES:
            cells.append(number(median(figure(each[place]) for each in rounds)))
            cells.append(f"{median(figure(each[place]) / figure(each[0]) for each in rounds):.2f}")
        table.append((member.label, *cells))
    return lines(table)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth",
        description=__doc__,
        epilog="It takes about 15 minutes and 5 GB of memory; with --quick 4 minutes and 1 GB.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one round, and no more than 100,000 stored jobs"
    )
    parser.add_argument("--rounds", type=int, default=0, help="how many times each series is measured (3)")
    parser.add_argument(
        "--backlog",
        type=int,
        default=0,
        help="jobs a second that are enqueued to be drained (900); less for a slow machine",
    )
    options = parser.parse_args()
    scale = QUICK if options.quick else FULL
    scale = replace(
        scale,
        rounds=options.rounds or scale.rounds,
        backlog_per_s=options.backlog or scale.backlog_per_s,
    )
    began = time.monotonic()
    _tell(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
    with Stage() as stage:
        tables = measure(stage, scale, _tell)
    print(*tables, sep="\n\n")  # noqa: T201  the tables are what the program is for
    _tell(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f} at the end")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
