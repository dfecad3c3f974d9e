"""The app of a worker, with whatever its settings have watch it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import bootsteps

from smsjobs_worker.process.app import SmsJobs
from smsjobs_worker.process.app import create_app as create_unwatched
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.day_counts import day_tally
from smsjobs_worker.watching.spans import trace_jobs
from smsjobs_worker.watching.watched import Watch

__all__ = ["create_app"]


def create_app(settings: WorkerSettings | None = None) -> SmsJobs:
    """The app of a worker.

    Args:
        settings: Else they are read from the environment.

    Raises:
        SettingsError: A setting is wrong; the text names the fix.
    """
    settings = settings or WorkerSettings.read()
    app = create_unwatched(settings)
    app.steps["worker"].add(_DaysStep)
    app.steps["worker"].add(_TraceStep)
    if settings.metrics is not None:
        app.steps["worker"].add(_WatchStep)
    return app


class _TraceStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Makes traces for as long as the worker runs, if somebody records them."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._end: Callable[[], None] = lambda: None

    def start(self, parent: Any) -> None:
        del parent
        self._end = trace_jobs()

    def stop(self, parent: Any) -> None:
        del parent
        self._end()


class _WatchStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Counts and serves figures for as long as the worker runs."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._watch = Watch(parent.app.settings)

    def start(self, parent: Any) -> None:
        del parent
        self._watch.start()

    def stop(self, parent: Any) -> None:
        del parent
        self._watch.stop()


class _DaysStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Counts each day's outcomes for as long as the worker runs."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._tally = day_tally(parent.app.settings)

    def start(self, parent: Any) -> None:
        del parent
        self._tally.start()

    def stop(self, parent: Any) -> None:
        del parent
        self._tally.stop()
