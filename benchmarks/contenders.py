"""What is measured: smsjobs as it is delivered, and plain workers."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Any, Final, Protocol

from celery import Celery

from benchmarks.lanes import start_lane
from benchmarks.processes import Processes
from benchmarks.stage import ELEMENT, PARAMS, SIGN, TEMPLATE, Stage, phones
from support.keys import agenda

__all__ = ["CONTENDERS", "Contender", "Ours", "Plain", "plain_client"]

_PLAIN_APP: Final = "benchmarks.baseline.app"
_PLAIN_TASK: Final = f"{_PLAIN_APP}.send_message"


class Contender(Protocol):
    """One way to send single messages from a queue."""

    name: str

    def start(self, workers: Processes, stage: Stage) -> None:
        """Start its workers. They may not be ready yet when this returns."""

    def enqueue(self, stage: Stage, count: int) -> None:
        """Enqueue this many jobs with one recipient each."""

    def stored(self, stage: Stage, enqueued: int) -> int:
        """Return how many outcomes are in the result backend."""


class Ours:
    """smsjobs with one or more processes of the Procfile's worker for notifications.

    Args:
        elements: Over which the jobs are spread.
    """

    def __init__(self, processes: int, *, elements: Sequence[str] = (ELEMENT,)) -> None:
        self.name = f"smsjobs, {processes} processes"
        self._processes = processes
        self._elements = elements

    def start(self, workers: Processes, stage: Stage) -> None:
        """Start them."""
        start_lane(workers, stage, "notification", times=self._processes)

    def enqueue(self, stage: Stage, count: int) -> None:
        """Enqueue as a web application does."""
        elements = itertools.cycle([stage.sms.getElement(each) for each in self._elements])
        for phone, element in zip(phones(count), elements, strict=False):
            element.sendMessage([phone], PARAMS, TEMPLATE)

    def stored(self, stage: Stage, enqueued: int) -> int:
        """Return the jobs that no agenda has any more: the step that stores an outcome and its result takes them off."""
        return enqueued - sum(int(stage.redis.zcard(agenda(each))) for each in self._elements)


class Plain:
    """A plain worker."""

    def __init__(self, pool: str, concurrency: int) -> None:
        self.name = f"plain {pool} -c {concurrency}"
        self._options = ("-P", pool, "-c", str(concurrency))

    def start(self, workers: Processes, stage: Stage) -> None:
        """Start it."""
        command = [sys.executable, "-m", "celery", "-A", _PLAIN_APP, "worker", *self._options]
        workers.start(self.name.replace(" ", "-"), command, stage.environment())

    def enqueue(self, stage: Stage, count: int) -> None:
        """Enqueue faster than a web application would, because only the draining is measured."""
        with plain_client(stage) as app, app.producer_pool.acquire() as producer, producer.batch():
            for phone in phones(count):
                app.send_task(_PLAIN_TASK, (phone, SIGN, TEMPLATE, PARAMS), producer=producer)

    def stored(self, stage: Stage, enqueued: int) -> int:
        """Return the number of keys: a task has one key with its result, and the queue and kombu have three or four."""
        del enqueued
        return int(stage.redis.dbsize())

    def enqueue_one(self, app: Any, phone: str) -> Any:
        """Send as a web application does. This is the counterpart of `sendMessage`."""
        return app.send_task(_PLAIN_TASK, (phone, SIGN, TEMPLATE, PARAMS))


def plain_client(stage: Stage) -> Any:
    """A plain web application's Celery app."""
    return Celery("bench", broker=stage.redis_url, backend=stage.redis_url, set_as_current=False)


#: All contenders: smsjobs with a process for each of two cores, the plain workers, and smsjobs with a single process.
CONTENDERS: Final[tuple[Contender, ...]] = (Ours(2), Plain("prefork", 16), Plain("threads", 32), Ours(1))
