"""The JSON log: one object a line, for whoever collects it."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from smsjobs.log_formats.fields import fields

__all__ = ["JsonFormatter"]


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: ``time``, ``level``, ``logger``, ``message``, and the fields of our own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        # Plain ASCII, whatever the terminal or the file can take.
        return json.dumps(line, default=str)
