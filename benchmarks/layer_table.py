"""A table of the CPU of one job by layer, for smsjobs and the plain worker: ``python -m benchmarks --layers``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Final

from benchmarks.contenders import Contender, Ours, Plain
from benchmarks.layers import PROCESS
from benchmarks.processes import Processes
from benchmarks.stage import Stage

__all__ = ["layer_table"]

_LATENCY_MS: Final = 100.0
_OPTIONS: Final = ("-P", "threads", "-c", "32")


def layer_table(stage: Stage, *, jobs: int) -> str:
    """Send jobs with one process of each kind and 32 threads, with clocks around the layers. Return the table."""
    plain = _measure(stage, Plain("threads", 32), "benchmarks.baseline.app", _OPTIONS, jobs)
    ours = _measure(
        stage, Ours(1), "smsjobs_worker", (*_OPTIONS, "-Q", "sms.notification", "-l", "INFO"), jobs
    )
    labels = [each for each in {**ours, **plain} if each != PROCESS]
    labels.sort(key=lambda each: (each.partition(":")[0], -ours.get(each, 0)))
    lines = ["| layer | smsjobs, ms a job | plain threads, ms a job |", "|---|---|---|"]
    lines += [f"| {each} | {_show(ours, each)} | {_show(plain, each)} |" for each in labels]
    lines.append(f"| the whole process | {_show(ours, PROCESS)} | {_show(plain, PROCESS)} |")
    return "\n".join(lines)


def _measure(
    stage: Stage, contender: Contender, app: str, options: tuple[str, ...], jobs: int
) -> Mapping[str, float]:
    stage.clear(latency_ms=_LATENCY_MS)
    contender.enqueue(stage, jobs)
    path = stage.directory / f"layers-{app}.json"
    with Processes(stage.directory) as workers:
        clocked = [sys.executable, "-m", "benchmarks.layers", str(path), "-A", app, "worker"]
        workers.start(f"layers-{app}", [*clocked, *options], stage.environment())
        deadline = time.monotonic() + 120
        while contender.stored(stage, jobs) < jobs:
            workers.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{jobs} jobs took longer than 120 s")
            time.sleep(0.1)
    return {label: each["cpu_s"] * 1000 / jobs for label, each in json.loads(path.read_text("utf-8")).items()}


def _show(values: Mapping[str, float], label: str) -> str:
    return f"{values[label]:.2f}" if label in values else ""
