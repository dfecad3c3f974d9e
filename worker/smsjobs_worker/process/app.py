"""The Celery app of a worker, made from its environment: ``celery -A smsjobs_worker worker -Q sms.verification``."""

from __future__ import annotations

import gc
import threading
from typing import Any

from celery import Celery, bootsteps
from celery.loaders.app import AppLoader

from smsjobs.addresses import BrokerAddress
from smsjobs.contract import InvalidArguments
from smsjobs_worker.following.events import Follower
from smsjobs_worker.following.pull import Puller
from smsjobs_worker.following.templates import Learner
from smsjobs_worker.logs.facts import ElementOdd, tell
from smsjobs_worker.logs.privacy import install_log_privacy
from smsjobs_worker.logs.set_up import install_log_format
from smsjobs_worker.process.celery_settings import celery_settings, rabbitmq_write_options
from smsjobs_worker.process.door.control import GuardedControl
from smsjobs_worker.process.refusal import refuse_to_start
from smsjobs_worker.process.results import RedisResults
from smsjobs_worker.process.runtime import Runtime
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.process.tasks import add_tasks
from smsjobs_worker.process.transport import choose, harden, tell_choice
from smsjobs_worker.sending.background import Background
from smsjobs_worker.sending.sweep import Sweeper

__all__ = ["SmsJobs", "create_app"]


class _Unconfigured(AppLoader):  # type: ignore[misc]
    """Reads no configuration: the module that CELERY_CONFIG_MODULE names belongs to another application."""

    def read_configuration(self, env: str = "") -> dict[str, Any]:
        """None."""
        del env
        return {}


class SmsJobs(Celery):  # type: ignore[misc]  # celery ships no types
    """A Celery app with the parts of a worker.

    Its addresses are ours: CELERY_BROKER_URL and the like belong to another application.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        broker = BrokerAddress.read(settings.connection.broker_url)
        self._broker_url, self._rabbitmq = broker.url, broker.kind == "rabbitmq"
        super().__init__(
            "smsjobs",
            loader=_Unconfigured,
            broker=self._broker_url,
            backend=settings.connection.result_backend,
            set_as_current=False,
            fixups=[],
        )
        # Stands before CELERY_RESULT_BACKEND, which Celery would believe more than its own argument.
        self.backend_cls = settings.connection.result_backend
        backend = f"{RedisResults.__module__}:{RedisResults.__name__}"
        self.loader.override_backends = dict.fromkeys(("redis", "rediss", "unix", "sentinel"), backend)
        self.settings = settings
        self._transport = choose(settings.transport)
        self._runtime: Runtime | None = None
        self._runtime_lock = threading.Lock()

    #: The way of `celery control` and `celery inspect`.
    control_cls = f"{GuardedControl.__module__}:{GuardedControl.__qualname__}"

    def finalize(self, auto: bool = False) -> None:
        """Have our tasks and no others. Celery's own would run whatever task and arguments a message names."""
        super().finalize(auto=auto)
        for name in [each for each in self._tasks if each.startswith("celery.")]:
            del self._tasks[name]

    def connection_for_read(self, url: str | None = None, **options: Any) -> Any:
        """The broker of our settings."""
        return harden(super().connection_for_read(url or self._broker_url, **options), self._transport)

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        """The broker of our settings."""
        if self._rabbitmq:
            options["transport_options"] = rabbitmq_write_options()
        return super().connection_for_write(url or self._broker_url, **options)

    @property
    def runtime(self) -> Runtime:
        """The parts of this process, put together at the first use."""
        with self._runtime_lock:
            if self._runtime is None:
                self._runtime = Runtime.build(self, self.settings)
            return self._runtime


class _SweepStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Refuses to start with broken elements, then sweeps and follows for as long as the worker runs."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        app: SmsJobs = parent.app
        refuse_broken_elements(_runtime_of(app))
        tell_choice(app.settings.transport)
        self._runtime, every_s = app.runtime, app.settings.sweep_s
        self._threads: list[Background] = [
            Sweeper(app.runtime.sweep, every_s=every_s),
            Learner(app.runtime.learning, app.runtime.sends),
        ]
        if app.runtime.pull:
            self._threads.append(Puller(app.runtime.pull, every_s=every_s))
        self._threads += [Follower(each, every_s=every_s) for each in app.runtime.following]

    def start(self, parent: Any) -> None:
        del parent
        # What is loaded by now stays for good: the collector need not go through it over and over, 5 % of a job.
        gc.freeze()
        # Before the first job, so that its events are not missed.
        self._runtime.subscribe()
        for each in self._threads:
            each.start()

    def stop(self, parent: Any) -> None:
        del parent
        for each in self._threads:
            each.stop()


def _runtime_of(app: SmsJobs) -> Runtime:
    """The parts of this process; ends it with the reason where there is no app to make them from."""
    directory = app.settings.app_dir
    if not directory.is_dir():
        refuse_to_start(f"this worker does not start: SMS_APP: there is no directory {directory}")
    try:
        return app.runtime
    except InvalidArguments as error:
        refuse_to_start(f"this worker does not start: {error.message}")


def refuse_broken_elements(runtime: Runtime) -> None:
    """End the process with a list of all that is wrong with its elements, if anything is."""
    problems = runtime.app.check()
    for each in problems:
        if each.level == "warning":
            tell(ElementOdd(element=each.element, problem=str(each)))
    broken = [f"  {each}" for each in problems if each.level == "error"]
    if broken:
        lines = "\n".join(broken)
        refuse_to_start(f"this worker does not start, for these elements cannot be used:\n{lines}")


def create_app(settings: WorkerSettings | None = None) -> SmsJobs:
    """The app of a worker.

    Args:
        settings: Else they are read from the environment.

    Raises:
        SettingsError: A setting is wrong; the text names the fix.
    """
    settings = settings or WorkerSettings.read()
    install_log_privacy()
    install_log_format(settings.log)
    app = SmsJobs(settings)
    app.conf.update(celery_settings(settings))
    app.steps["worker"].add(_SweepStep)
    add_tasks(app, lambda: app.runtime)
    return app
