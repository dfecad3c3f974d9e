"""The fields of a log line: what stands in a record beside what logging itself puts there."""

from __future__ import annotations

import logging
from typing import Any, Final

__all__ = ["fields"]

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "data", "taskName"}


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of our own line. Another library's line has none here: they may hold anything."""
    if not record.name.startswith("smsjobs"):
        return {}
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}
