"""The simulator's logger, which never shows the content of a request."""

import logging
import traceback

__all__ = ["LOGGER"]

LOGGER = logging.getLogger("aliyun_sms_simulator")


def _without_content(record: logging.LogRecord) -> bool:
    """Reduce a record to the exception's class and place.

    aiohttp logs malformed requests with their first line, which may contain numbers and codes.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ConnectionError):
        return False  # the caller closed the connection during a request, as tests do
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        record.msg, record.args = "a request could not be handled: %s%s", (type(error).__name__, place)
        record.exc_info = record.exc_text = None
    return True


LOGGER.addFilter(_without_content)
