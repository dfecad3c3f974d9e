"""The simulator's clock, which a test may set, and Aliyun's calendar, which uses Beijing time."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["BEIJING", "Clock", "beijing_date", "beijing_text", "parse_instant"]

BEIJING = timezone(timedelta(hours=8), "UTC+8")


@dataclass(slots=True)
class Clock:
    """The time for flow control, dates and delivery, in seconds since the epoch.

    The gateway's check of a request's time stamp does not use this clock. So setting it never makes a signed request
    expire. For that, see the setting ``gateway_skew_s``.
    """

    #: seconds added to the machine's clock
    offset_s: float = 0.0
    #: where the clock stands still, in seconds since the epoch; None while it runs
    frozen_at_s: float | None = None

    def now(self) -> float:
        """Return the simulated time in seconds since the epoch."""
        return self.frozen_at_s if self.frozen_at_s is not None else time.time() + self.offset_s

    def set(self, now_s: float) -> None:
        """Set the time; a frozen clock stays frozen."""
        if self.frozen_at_s is not None:
            self.frozen_at_s = now_s
        else:
            self.offset_s = now_s - time.time()

    def advance(self, seconds: float) -> None:
        """Move the time forward by some seconds, or back if they are negative."""
        self.set(self.now() + seconds)

    def freeze(self, *, frozen: bool) -> None:
        """Stop the clock at its time, or let it run from there."""
        now_s = self.now()
        self.frozen_at_s = now_s if frozen else None
        if not frozen:
            self.set(now_s)

    def reset(self) -> None:
        """Go back to the machine's clock."""
        self.offset_s, self.frozen_at_s = 0.0, None


def beijing_date(now_s: float) -> str:
    """Return the Beijing date of an instant, as QuerySendDetails writes it: ``20250601``."""
    return datetime.fromtimestamp(now_s, BEIJING).strftime("%Y%m%d")


def beijing_text(now_s: float) -> str:
    """Return the Beijing time of an instant, as QuerySendDetails writes it: ``2025-06-01 12:00:00``."""
    return datetime.fromtimestamp(now_s, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def parse_instant(value: str | float) -> float:
    """Read an instant: seconds since the epoch, or ISO 8601 text. Text without a zone is Beijing time.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        raise ValueError("a time is a number of seconds or ISO 8601 text")  # noqa: TRY004  one class for bad input
    instant = datetime.fromisoformat(value)
    return (instant if instant.tzinfo else instant.replace(tzinfo=BEIJING)).astimezone(UTC).timestamp()
