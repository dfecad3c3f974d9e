"""A clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["Clock"]


class Clock:
    """Stands still until it is moved. It begins at noon in Beijing, at the beginning of a minute, an hour and so on.

    Args:
        start: Where it begins; with a time zone.
    """

    def __init__(self, start: datetime = datetime(2025, 6, 2, 4, tzinfo=UTC)) -> None:
        self._now_ms = round(start.timestamp() * 1000)

    def __call__(self) -> float:
        """The time in seconds since 1970."""
        return self._now_ms / 1000

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_ms += round(seconds * 1000)
