"""The app of a worker, with whatever its settings have watch it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from celery import bootsteps

from smsjobs.facts import subscribe
from smsjobs.metrics import Meters
from smsjobs_worker.process.app import SmsJobs
from smsjobs_worker.process.app import create_app as create_unwatched
from smsjobs_worker.process.refusal import refuse_to_start
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.counts import WorkerCounts
from smsjobs_worker.watching.exposition import Exposition

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
    if settings.metrics is not None:
        app.steps["worker"].add(_MetricsStep)
    return app


class _MetricsStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Counts and serves figures for as long as the worker runs."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._counts, self._exposition = _made(parent.app.settings)
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self, parent: Any) -> None:
        del parent
        self._unsubscribe = subscribe(self._counts.take)
        self._exposition.start()

    def stop(self, parent: Any) -> None:
        del parent
        self._unsubscribe()
        self._exposition.stop()


def _made(settings: WorkerSettings) -> tuple[WorkerCounts, Exposition]:
    """The counts and their server; ends the process with the reason where there cannot be one."""
    assert settings.metrics is not None  # noqa: S101  else the step is not there
    guard, port = settings.metrics
    try:
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest  # noqa: PLC0415

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        render = partial(generate_latest, registry)
        return WorkerCounts(Meters(registry)), Exposition(render, guard, port)
    except ImportError:
        refuse_to_start("SMS_METRICS_PORT needs: pip install 'smsjobs[metrics]'")
    except OSError as error:
        refuse_to_start(
            f"SMS_METRICS_PORT: cannot listen on {guard.host} port {port}: {error.strerror or error}; each worker "
            "process of a machine needs a port of its own"
        )
