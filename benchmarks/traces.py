"""What traces cost: ``PYTHONPATH=tests python -m benchmarks.traces``.

In one run, jobs that are traced and jobs that are not are enqueued and drained in turn, by the same worker: so both have
the same machine. Their spans are made and thrown away; what exporting them costs is the exporter's. It is processor time that
is counted, of the process that enqueues, of the worker and of Redis, for other load on the machine hardly changes that.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import mean
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from benchmarks.lanes import commands
from benchmarks.processes import Processes, cpu_s
from benchmarks.stage import ELEMENT, PARAMS, TEMPLATE, Stage, phones

_BLOCK: Final = 1_000
_BLOCKS: Final = 12
_WORDS: Final = ("enqueue", "worker", "Redis")


def _enqueue(stage: Stage, *, traced: bool) -> None:
    element, tracer = stage.sms.getElement(ELEMENT), trace.get_tracer("bench")
    for phone in phones(_BLOCK):
        request: AbstractContextManager[Any] = (
            tracer.start_as_current_span("request") if traced else nullcontext()
        )
        with request:
            element.sendMessage([phone], PARAMS, TEMPLATE)


def _block(stage: Stage, workers: Processes, *, traced: bool) -> list[float]:
    """Milliseconds of processor time a job: to enqueue, of the worker, of Redis."""
    accepted, redis_s = stage.accepted(), stage.usage().redis_cpu_s
    worker_s, own_s = cpu_s(workers.pids), time.process_time()
    _enqueue(stage, traced=traced)
    enqueued_s = time.process_time() - own_s
    while stage.accepted() < accepted + _BLOCK:
        workers.check()
        time.sleep(0.05)
    time.sleep(0.2)  # the last ones are written down
    used = enqueued_s, cpu_s(workers.pids) - worker_s, stage.usage().redis_cpu_s - redis_s
    return [each * 1000 / _BLOCK for each in used]


def main() -> None:
    """Measure, and print the means and their ratios."""
    trace.set_tracer_provider(TracerProvider())
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    with Stage() as stage, Processes(stage.directory) as workers:
        stage.clear(latency_ms=0)
        stage.settings = {
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "celery,requests",
        }
        instrument = str(Path(sys.executable).with_name("opentelemetry-instrument"))
        (words,) = commands("notification")
        place = words.index("celery")
        command = [*words[:place], instrument, sys.executable, "-m", *words[place:]]
        workers.start("worker", command, stage.environment())
        for number in range(-2, _BLOCKS):  # the first two warm up
            used = _block(stage, workers, traced=number % 2 == 1)
            if number >= 0:
                found[number % 2 == 1].append(used)
    for place, word in enumerate(_WORDS):
        traced, plain = (mean(each[place] for each in found[kind]) for kind in (True, False))
        sys.stdout.write(
            f"{word}: {traced:.3f} ms a traced job, {plain:.3f} ms any other, ratio {traced / plain:.3f}\n"
        )


if __name__ == "__main__":
    main()
