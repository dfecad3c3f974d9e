"""Jobs per second while a backlog is drained, and what one job costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.contenders import Contender
from benchmarks.processes import Processes, cpu_s, memory_mb
from benchmarks.stage import Stage, Usage

__all__ = ["Drained", "drain"]

#: The longest start of a worker, in seconds.
_START_S = 30.0

#: Seconds between two looks for the first outcome, and during the counting. Each look is also a request to Redis.
_FIRST_LOOK_S = 0.02
_LOOK_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What was measured."""

    #: Jobs a second whose outcome was stored.
    per_s: float
    #: CPU milliseconds of the workers for one job.
    worker_cpu_ms: float
    #: CPU milliseconds of Redis for one job.
    redis_cpu_ms: float
    #: Requests that Redis read for one job.
    round_trips: float
    #: Memory of the workers in MB, shared pages counted once.
    memory_mb: float


@dataclass(frozen=True, kw_only=True)
class _Look:
    stored: int
    usage: Usage
    cpu_s: float
    at: float


def drain(
    stage: Stage,
    contender: Contender,
    *,
    latency_ms: float,
    backlog: int,
    warm_s: float = 2.0,
    window_s: float = 8.0,
) -> Drained:
    """Drain a backlog for some seconds, and count after the workers are warm.

    Args:
        backlog: Jobs to enqueue before a worker is started. It must be more than are sent in that time.
        warm_s: Seconds from the first outcome until the counting begins.
        window_s: Seconds of counting; less if the backlog ends sooner.
    """
    stage.clear(latency_ms=latency_ms)
    contender.enqueue(stage, backlog)
    with Processes(stage.directory) as workers:
        contender.start(workers, stage)
        deadline = time.monotonic() + _START_S
        # Some keys come before the first outcome.
        while stage.accepted() <= 5 or contender.stored(stage, backlog) <= 5:
            workers.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{contender.name} stored nothing within {_START_S:.0f} s")
            time.sleep(_FIRST_LOOK_S)
        time.sleep(warm_s)
        before = _look(stage, contender, workers, backlog)
        if before.stored > backlog * 0.7:
            raise RuntimeError(f"{contender.name}: {backlog} jobs are too few for a warm-up of {warm_s} s")
        while time.monotonic() < before.at + window_s and contender.stored(stage, backlog) < backlog * 0.95:
            workers.check()
            time.sleep(_LOOK_S)
        after = _look(stage, contender, workers, backlog)
        memory = memory_mb(workers.pids)
    done, used = after.stored - before.stored, after.usage - before.usage
    if done <= 0:
        raise RuntimeError(f"{contender.name} stored nothing while it was counted; see {stage.directory}")
    accepted = stage.accepted()
    # kombu has a few keys of its own.
    if accepted < after.stored - 10:
        raise RuntimeError(f"{contender.name}: {after.stored} outcomes, but {accepted} accepted requests")
    return Drained(
        per_s=done / (after.at - before.at),
        worker_cpu_ms=(after.cpu_s - before.cpu_s) * 1000 / done,
        redis_cpu_ms=used.redis_cpu_s * 1000 / done,
        round_trips=used.round_trips / done,
        memory_mb=memory,
    )


def _look(stage: Stage, contender: Contender, workers: Processes, backlog: int) -> _Look:
    return _Look(
        stored=contender.stored(stage, backlog),
        usage=stage.usage(),
        cpu_s=cpu_s(workers.pids),
        at=time.monotonic(),
    )
