"""A process of the worker's side that counts what it tells, serves that, and makes traces of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from smsjobs.days import DayTally
from smsjobs.facts import subscribe
from smsjobs.metrics import Meters
from smsjobs_worker.process.refusal import refuse_to_start
from smsjobs_worker.watching.counts import WorkerCounts
from smsjobs_worker.watching.day_counts import day_tally
from smsjobs_worker.watching.exposition import Exposition
from smsjobs_worker.watching.spans import trace_jobs

if TYPE_CHECKING:
    from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["Watch", "watched"]


class Watch:
    """Figures of this process, counted and served. Ends the process with the reason where that cannot be.

    Args:
        settings: They say on which port.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        assert settings.metrics is not None  # noqa: S101  else nobody asks for it
        guard, port = settings.metrics
        try:
            from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest  # noqa: PLC0415

            registry = CollectorRegistry()
            ProcessCollector(registry=registry)
            self._counts = WorkerCounts(Meters(registry))
            self._exposition = Exposition(partial(generate_latest, registry), guard, port)
        except ImportError:
            refuse_to_start("SMS_METRICS_PORT needs: pip install 'smsjobs[metrics]'")
        except OSError as error:
            refuse_to_start(
                f"SMS_METRICS_PORT: cannot listen on {guard.host} port {port}: {error.strerror or error}; each worker "
                "process of a machine needs a port of its own"
            )

    def start(self) -> None:
        """Begin."""
        self._unsubscribe = subscribe(self._counts.take)
        self._exposition.start()

    def stop(self) -> None:
        """End."""
        self._unsubscribe()
        self._exposition.stop()


@contextmanager
def watched(settings: WorkerSettings) -> Iterator[None]:
    """Count the day and make traces while the block runs, if somebody records them; count and serve figures if the settings say so."""
    parts: list[DayTally | Watch] = [day_tally(settings)]
    if settings.metrics is not None:
        parts.append(Watch(settings))
    with ExitStack() as ends:
        ends.callback(trace_jobs())
        for each in parts:
            each.start()
            ends.callback(each.stop)
        yield
