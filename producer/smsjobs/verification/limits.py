"""How many codes may be sent. Beyond that, no money is spent on them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from smsjobs.contract import InvalidArguments

__all__ = ["CEILING", "PER_CLIENT", "PER_NUMBER", "Limit"]

#: The highest limit. Beyond it there is none, which is None.
_HIGHEST: Final = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The most sends in each of three windows. None means any number.

    A minute and an hour are those of the clock (14:03:00 to 14:03:59), as Aliyun counts them. For a number, a day is
    the 24 hours from each send, again as Aliyun counts. For an address and a purpose, it is the day in Beijing.
    """

    #: In a minute.
    minute: int | None = None
    #: In an hour.
    hour: int | None = None
    #: In a day.
    day: int | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            most = getattr(self, each.name)
            if most is not None and (
                isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= _HIGHEST
            ):
                raise InvalidArguments.about(
                    each.name, f"of a Limit must be a whole number from 1 to {_HIGHEST}, or None"
                )

    @property
    def windows(self) -> tuple[int | None, int | None, int | None]:
        """The three numbers, beginning with the shortest window."""
        return self.minute, self.hour, self.day


#: Aliyun's own limits for verification codes of one signature to one number.
PER_NUMBER: Final = Limit(minute=1, hour=5, day=10)

#: For one client address. High enough for an office or a mobile carrier behind one address.
PER_CLIENT: Final = Limit(minute=10, hour=100, day=500)

#: For all sends of one purpose together.
CEILING: Final = Limit(hour=1_000, day=10_000)
