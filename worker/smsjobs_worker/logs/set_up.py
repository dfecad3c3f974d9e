"""Has a worker's log written in our format, Celery's own lines included."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import Any, Final, TextIO

from celery.signals import after_setup_logger, after_setup_task_logger, celeryd_init
from celery.utils.log import get_multiprocessing_logger

from smsjobs.log_formats import FactsFormatter, JsonFormatter, LogFormat

__all__ = ["install_log_format"]

#: Celery's loggers of each task's coming and going.
_TALKATIVE: Final = ("celery.app.trace", "celery.worker.strategy")


def install_log_format(log: LogFormat) -> None:
    """Have Celery's log handlers write that format once they are set up; doing it again changes nothing."""
    connect = {"weak": False, "dispatch_uid": "smsjobs.log_format"}
    after_setup_logger.connect(_set_levels, dispatch_uid="smsjobs.log_levels")
    for signal in (after_setup_logger, after_setup_task_logger):
        signal.connect(_write_json if log == "json" else _show_facts, **connect)
    if log == "json":
        import celery.apps.worker  # noqa: PLC0415  large, and needed only here

        celeryd_init.connect(_begin_with_json, **connect)
        celery.apps.worker.safe_say = _say


def _set_levels(*, loglevel: int, **_: Any) -> None:
    if loglevel > logging.DEBUG:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)


def _show_facts(*, logger: logging.Logger, **_: Any) -> None:
    for handler in logger.handlers:
        if handler.formatter is not None and not isinstance(handler.formatter, FactsFormatter):
            handler.setFormatter(FactsFormatter(handler.formatter))


def _write_json(*, logger: logging.Logger, **_: Any) -> None:
    # The logger of a pool of processes is set up without a signal of its own.
    for handler in (*logger.handlers, *get_multiprocessing_logger().handlers):
        handler.setFormatter(JsonFormatter())


def _begin_with_json(*, instance: Any, options: dict[str, Any], **_: Any) -> None:
    """No banner, and the log begins before Celery's first warning."""
    instance.quiet = True
    instance.app.log.setup(options.get("loglevel"), options.get("logfile"), hostname=instance.hostname)


def _say(message: str, stream: TextIO | None = None) -> None:
    """What Celery says when it is told to stop. In a signal's handler, so past the log's locks, as Celery does."""
    record = logging.makeLogRecord(
        {"name": "celery.apps.worker", "levelno": logging.INFO, "levelname": "INFO", "msg": message}
    )
    if stream is not None:
        with suppress(OSError):
            os.write(stream.fileno(), f"{JsonFormatter().format(record)}\n".encode())
