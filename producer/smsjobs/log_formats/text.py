"""The text log: a line as Celery writes it, and the facts behind: ``… a job is settled action=settled job_id=…``."""

from __future__ import annotations

import copy
import logging

from smsjobs.contract import visible
from smsjobs.log_formats.fields import fields

__all__ = ["FactsFormatter"]


class FactsFormatter(logging.Formatter):
    """Another formatter's text, and the fields of our own lines behind it. No text from elsewhere is an escape code or a line."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        message = record.getMessage()
        shown = visible(message, keep="\n\t")
        if shown != message:
            record = copy.copy(record)
            record.msg, record.args = shown, ()
        text = self._inner.format(record)
        facts = " ".join([f"{key}={visible(str(value))}" for key, value in fields(record).items()])
        return f"{text} {facts}" if facts else text
