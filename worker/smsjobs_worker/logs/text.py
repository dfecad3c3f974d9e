"""Shows the facts of our log lines in a worker's text log: ``a job is settled action=settled job_id=… outcome=…``.

Our lines are constant sentences with the facts in ``extra``, so that structured handlers get them as fields. Celery's
own text format would leave them out.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from celery.signals import after_setup_logger

__all__ = ["FactsFormatter", "install_log_facts"]

#: Celery's loggers of each task's coming and going.
_TALKATIVE: Final = ("celery.app.trace", "celery.worker.strategy")

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "data", "taskName"}


class FactsFormatter(logging.Formatter):
    """Another formatter's text, and the facts of our own lines behind it."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        text = self._inner.format(record)
        if not record.name.startswith("smsjobs"):
            return text
        facts = " ".join(f"{key}={value}" for key, value in vars(record).items() if key not in _STANDARD)
        return f"{text} {facts}" if facts else text


def install_log_facts() -> None:
    """Have Celery's log handlers show facts once they are set up; doing it again changes nothing."""
    after_setup_logger.connect(_wrap, dispatch_uid="smsjobs.log_facts")


def _wrap(*, logger: logging.Logger, loglevel: int, **_: Any) -> None:
    if loglevel > logging.DEBUG:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logger.handlers:
        if handler.formatter is not None and not isinstance(handler.formatter, FactsFormatter):
            handler.setFormatter(FactsFormatter(handler.formatter))
