"""Which format it is: ``SMS_LOG``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from smsjobs.settings import SettingsError

__all__ = ["FORMATS", "LogFormat", "read_log_format"]

LogFormat = Literal["text", "json"]

#: What SMS_LOG may be.
FORMATS: Final[tuple[LogFormat, ...]] = ("text", "json")


def read_log_format(environ: Mapping[str, str]) -> LogFormat:
    """What ``SMS_LOG`` says; without it, text.

    Raises:
        SettingsError: It is not a format.
    """
    given = environ.get("SMS_LOG") or "text"
    for each in FORMATS:
        if given == each:
            return each
    raise SettingsError(f"SMS_LOG must be {' or '.join(FORMATS)}")
