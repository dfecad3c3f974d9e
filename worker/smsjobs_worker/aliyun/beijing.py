"""Aliyun's clock: days of its records, windows of its limits."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Final

__all__ = ["BEIJING", "days_to_search"]

#: China has had no summer time since 1991; a fixed offset needs no zone files.
BEIJING: Final = timezone(timedelta(hours=8), "Beijing")

#: A request may be recorded on the day before or after ours: clocks differ, and requests are held up on their way.
_MIDNIGHT_MARGIN: Final = timedelta(minutes=10)


def days_to_search(since: datetime, until: datetime) -> list[date]:
    """The Beijing days under which Aliyun may have recorded a request of that time; around midnight two.

    Args:
        since: The earliest time, with its zone.
        until: The latest time, with its zone.
    """
    first = (since - _MIDNIGHT_MARGIN).astimezone(BEIJING).date()
    last = (until + _MIDNIGHT_MARGIN).astimezone(BEIJING).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
