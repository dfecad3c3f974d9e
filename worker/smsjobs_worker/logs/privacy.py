"""Keeps phone numbers, parameters and secrets out of other people's log lines.

At DEBUG, Celery logs the arguments of every task; at any level it logs the whole body of a message that it cannot
read or does not know. The jobs of plain Celery clients (`smsjobs.submit`) carry numbers and parameters there. What
the SDK and urllib3 would log is kept out in `aliyun/loggers.py`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from celery.worker.consumer.consumer import (
    INVALID_TASK_ERROR,
    MESSAGE_DECODE_ERROR,
    UNKNOWN_FORMAT,
    UNKNOWN_TASK_ERROR,
)

__all__ = ["describe", "install_log_privacy"]

#: Loggers whose DEBUG lines carry arguments or messages.
_NOT_BELOW_INFO: Final = (
    "amqp",
    "celery.pool",
    "kombu",
    # A logger's filters do not reach its children. These two quote messages where KOMBU_LOG_CHANNEL or
    # KOMBU_LOG_CONNECTION is set.
    "kombu.channel",
    "kombu.connection",
)

#: Loggers that quote message bodies, or hand a task's arguments to structured handlers.
_QUOTING: Final = (
    "celery.app.trace",
    "celery.worker.consumer.consumer",
    "celery.worker.request",
    "celery.worker.strategy",
    "kombu.transport.redis",
)

#: Messages that quote a body, and what stands in their place.
_QUOTES: Final = {
    UNKNOWN_FORMAT: "a message that is not a task was received and deleted",
    UNKNOWN_TASK_ERROR: "a task that this worker does not know was received and discarded",
    INVALID_TASK_ERROR: "a task message that cannot be read was received and discarded",
    MESSAGE_DECODE_ERROR: "a message body that cannot be decoded was received and discarded",
    # kombu's, at a message that it cannot put back
    "Could not restore message: %r": "a message could not be put back",
}


class _WithoutDebug(logging.Filter):
    """Drops DEBUG lines, whatever level somebody sets on the logger later."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


class _WithoutBodies(logging.Filter):
    """Replaces lines that quote a message body, and the arguments that Celery hands to structured loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, str) and record.msg in _QUOTES:
            record.msg = f"{_QUOTES[record.msg]}; its contents are not shown"
            record.args = ()
            record.exc_info = None
            record.exc_text = None
        data = getattr(record, "data", None)
        if isinstance(data, dict):
            record.data = {key: value for key, value in data.items() if key not in ("args", "kwargs")}
        return True


def install_log_privacy() -> None:
    """Install the filters; doing it again changes nothing."""
    for name in _NOT_BELOW_INFO:
        _add(logging.getLogger(name), _WithoutDebug)
    for name in _QUOTING:
        _add(logging.getLogger(name), _WithoutBodies)


def _add(logger: logging.Logger, kind: type[logging.Filter]) -> None:
    if not any(isinstance(each, kind) for each in logger.filters):
        logger.addFilter(kind())


def describe(error: BaseException) -> str:
    """An error's type and place, without its text: that may quote a number, a parameter or a URL."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = "" if last is None else f" at {Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}"
    return f"{type(error).__name__}{place}"
