"""The log of the server: a line for each fact, with its fields behind."""

from __future__ import annotations

import logging
from typing import Final

__all__ = ["set_up_log"]

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """The line. Only our own records have fields: another library's may hold anything."""
        text = super().format(record)
        ours = record.name.startswith("smsjobs")
        facts = [f"{key}={value}" for key, value in vars(record).items() if ours and key not in _STANDARD]
        return " ".join([text, *facts])


def set_up_log() -> None:
    """Write what happens to standard error, from INFO on for our own facts, from WARNING on for others."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("smsjobs").setLevel(logging.INFO)
