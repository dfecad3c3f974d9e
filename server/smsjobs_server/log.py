"""The log of the server: a line for each fact, as text or as JSON."""

from __future__ import annotations

import logging

from smsjobs.log_formats import FactsFormatter, JsonFormatter, LogFormat

__all__ = ["set_up_log"]


def set_up_log(log: LogFormat) -> None:
    """Write what happens to standard error, from INFO on for our own facts, from WARNING on for others."""
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log == "json" else FactsFormatter(text))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("smsjobs").setLevel(logging.INFO)
