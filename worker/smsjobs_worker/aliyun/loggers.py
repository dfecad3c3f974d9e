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
LOGGERS: Final = (
    *("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"),
    *("darabonba-core", "alibabacloud-tea"),
)

_MARKS: Final = (
    *("PhoneNumber", "TemplateParam", "Authorization", "x-acs-security-token"),
    # Of taking on a role.
    *("AccessKeyId", "OIDCToken"),
)

#: The logger of the library of credentials. It prints whole answers, and adds handlers of its own that print them anywhere.
_CREDENTIALS: Final = "credentials"


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


def _nothing(_record: logging.LogRecord) -> bool:
    return False


def install() -> None:
    """Put the filter on each of `LOGGERS`, once however often it is called, and silence the library of credentials."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
    # What it has to tell, `Renewed` tells.
    logging.getLogger(_CREDENTIALS).addFilter(_nothing)
