"""Keeping requests out of other people's logs.

The SDK puts numbers and parameters into the URL. urllib3 logs it (in full at DEBUG, and in a warning when an
answer's headers are malformed), and the SDK's own logger prints URL and headers when ``DEBUG=sdk`` is set. A filter
drops exactly those records, at every level, however logging is configured; the rest of these loggers is left alone.
"""

from __future__ import annotations

import logging
from typing import Final

__all__ = ["LOGGERS", "RequestFilter", "install"]

#: The loggers that can print a request.
LOGGERS: Final = ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry", "darabonba-core")

_MARKS: Final = ("PhoneNumber", "TemplateParam", "Authorization", "x-acs-security-token")


class RequestFilter(logging.Filter):
    """Drops a record that holds a part of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be logged."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001  a record that cannot be read may hold a request
            return False
        return not any(mark in text for mark in _MARKS)


_FILTER: Final = RequestFilter()


def install() -> None:
    """Put the filter on each of `LOGGERS`, once however often it is called."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
