"""What a dead subscriber of events costs: ``PYTHONPATH=tests python -m benchmarks.events``.

In one run, jobs are enqueued and drained while a subscriber that never reads comes and goes each second: so both halves of
the comparison have the same machine. Aliyun answers at once, so that nothing hides the cost.
"""

from __future__ import annotations

import sys
import time
from statistics import mean
from typing import Final

from benchmarks.contenders import Ours
from benchmarks.processes import Processes
from benchmarks.stage import ELEMENT, PARAMS, TEMPLATE, Stage, phones
from smsjobs.contract import element_tag
from smsjobs.redis_store import key

#: Messages between two changes while they are enqueued, and seconds while they are drained.
_BLOCK: Final = 50
_PHASE_S: Final = 1.0
_BACKLOG: Final = 12_000
_WARM_S: Final = 3.0
_STREAM: Final = key(element_tag(ELEMENT), "events")


def _follow(stage: Stage, *, dead: bool) -> None:
    """Have a subscriber that never reads, or none."""
    if dead:
        stage.redis.xgroup_create(_STREAM, "dead", id="$", mkstream=True)
    else:
        stage.redis.delete(_STREAM)


def _enqueue(stage: Stage) -> dict[bool, list[float]]:
    """Messages a second, block by block."""
    element = stage.sms.getElement(ELEMENT)
    found: dict[bool, list[float]] = {True: [], False: []}
    for number in range(_BACKLOG // _BLOCK):
        dead = number % 2 == 1
        _follow(stage, dead=dead)
        begun = time.perf_counter()
        for phone in phones(_BLOCK):
            element.sendMessage([phone], PARAMS, TEMPLATE)
        found[dead].append(_BLOCK / (time.perf_counter() - begun))
    _follow(stage, dead=False)
    return found


def _drain(stage: Stage) -> dict[bool, list[float]]:
    """Accepted jobs a second, phase by phase."""
    found: dict[bool, list[float]] = {True: [], False: []}
    with Processes(stage.directory) as workers:
        Ours(1).start(workers, stage)
        while not stage.accepted():
            workers.check()
            time.sleep(0.05)
        time.sleep(_WARM_S)
        dead = False
        while (before := stage.accepted()) < _BACKLOG * 0.85:
            dead = not dead
            _follow(stage, dead=dead)
            begun, first = time.perf_counter(), stage.accepted()
            time.sleep(_PHASE_S)
            found[dead].append((stage.accepted() - first) / (time.perf_counter() - begun))
            if stage.accepted() == before:
                raise RuntimeError("the worker stands still")
            stage.redis.delete(_STREAM)
    return found


def main() -> None:
    """Measure, and print the means and their ratios."""
    with Stage() as stage:
        stage.clear(latency_ms=0)
        for name, found in (("enqueued", _enqueue(stage)), ("drained", _drain(stage))):
            dead, none = mean(found[True]), mean(found[False])
            sys.stdout.write(
                f"{name} a second: {dead:.0f} with a dead subscriber, {none:.0f} without, ratio {dead / none:.3f} "
                f"({len(found[True])} and {len(found[False])} times in turn)\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
