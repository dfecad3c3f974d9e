"""The memory that Redis needs for a job in each of its states."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from benchmarks.lanes import start_lane, start_receipts
from benchmarks.processes import Processes
from benchmarks.stage import ELEMENT, PARAMS, TEMPLATE, Stage, phones
from benchmarks.table import lines
from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis

__all__ = ["memory_by_state"]

#: The longest wait for a state, in seconds.
_REACHED_S: Final = 120.0

#: Jobs that surely are sent in a second. A lost answer is looked up when all others have lost theirs, too.
_SLOWLY: Final = 50

#: A lease that outlives the measurement, in seconds.
_LEASE_S: Final = 3600.0


def memory_by_state(stage: Stage, *, jobs: int) -> str:
    """Return a table of bytes a job, each from `used_memory`, without buffers, before and after so many jobs."""
    stage.clear(latency_ms=0)
    stage.write_elements([ELEMENT])
    sent_s = 2 + jobs // _SLOWLY
    stage.settings |= {"SMS_LOOKUPS_NOTIFICATION": f"{sent_s},{sent_s + 1}"}
    found: list[tuple[str, float]] = []
    measured = _Measured(stage, jobs)
    with Processes(stage.directory) as workers:
        # What is the same for any number of jobs is there before.
        _send(stage, 1)
        found += _without_workers(measured)
        start_lane(workers, stage, "notification")
        stage.wait_for_workers(1)
        _await(stage, _send(stage, 200), "accepted")
        found += _with_workers(measured, workers)
    del stage.settings["SMS_LOOKUPS_NOTIFICATION"]
    return lines([("state", "bytes a job"), *((name, f"{each:,.0f}") for name, each in found)])


class _Measured:
    def __init__(self, stage: Stage, jobs: int) -> None:
        self.stage, self.jobs = stage, jobs

    def by(self, step: Callable[[], Any]) -> float:
        before = self._used()
        step()
        return (self._used() - before) / self.jobs

    def _used(self) -> int:
        time.sleep(0.3)  # until the buffers of what was done last are empty
        info = self.stage.redis.info("memory")
        # Without the buffers of connections and of the append-only file, which come and go.
        return int(info["used_memory"]) - int(info["mem_clients_normal"]) - int(info["mem_aof_buffer"])


def _without_workers(measured: _Measured) -> Iterator[tuple[str, float]]:
    stage, jobs = measured.stage, measured.jobs
    entry = measured.by(lambda: _send(stage, jobs, countdown=3600))
    yield "queued, due later", entry
    ids: list[str] = []
    published = measured.by(lambda: ids.extend(_send(stage, jobs)))
    yield "queued, with its message", published
    ledger = Ledger(connect_redis(stage.redis_url, timeout_s=30))
    claimed = measured.by(lambda: [ledger.claim(each, uuid.uuid4().hex, lease_s=_LEASE_S) for each in ids])
    yield "sending, with its message", published + claimed
    ledger.redis.close()


def _with_workers(measured: _Measured, workers: Processes) -> Iterator[tuple[str, float]]:
    stage, jobs = measured.stage, measured.jobs

    def ended(state: str, **more: Any) -> None:
        _await(stage, _send(stage, jobs, **more), state)

    def cancelled() -> None:
        for each in _send(stage, jobs, countdown=3600):
            stage.sms.job(each).cancel()

    yield "not_sent (cancelled)", measured.by(cancelled)
    stage.simulator.fault("code", code="isv.MOBILE_NUMBER_ILLEGAL", times=None)
    yield "rejected", measured.by(lambda: ended("rejected"))
    stage.simulator.clear_faults()
    stage.simulator.fault("close_before", times=None)
    ids: list[str] = []

    def lost() -> None:
        ids.extend(_send(stage, jobs))
        _await(stage, ids, "looking_up")

    lost_bytes = measured.by(lost)
    yield "looking_up", lost_bytes
    yield "unknown", lost_bytes + measured.by(lambda: _await(stage, ids, "unknown"))
    stage.simulator.clear_faults()
    yield "accepted", measured.by(lambda: ended("accepted"))
    start_receipts(workers, stage)

    def delivered() -> None:
        ended("accepted")
        _until(lambda: stage.simulator.pushes().get("acknowledged", 0) >= jobs, "all receipts are taken")

    yield "accepted, and delivered", measured.by(delivered)


def _send(stage: Stage, count: int, **more: Any) -> list[str]:
    element = stage.sms.getElement(ELEMENT)
    return [element.sendMessage([phone], PARAMS, TEMPLATE, **more).id for phone in phones(count)]


def _await(stage: Stage, ids: Sequence[str], state: str) -> None:
    _until(lambda: set(stage.states(ids)) == {state}, f"all jobs are {state}")


def _until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _REACHED_S
    while not reached():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {_REACHED_S:.0f} s: {what}")
        time.sleep(0.1)
