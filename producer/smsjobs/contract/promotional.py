"""When Aliyun takes promotional messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["PROMOTIONAL_HOURS", "Hours"]


@dataclass(frozen=True, kw_only=True)
class Hours:
    """A part of each day, in seconds after midnight."""

    #: When it begins.
    from_s: float
    #: When it ends. That moment is not part of it.
    to_s: float
    #: Seconds by which the clock is ahead of UTC.
    utc_offset_s: float


#: 8:00 to 20:00 in Beijing, which has no summer time (help.aliyun.com, "Get started with SMS"). A request may take half a
#: minute, so none begins in the last half minute.
PROMOTIONAL_HOURS: Final = Hours(from_s=8 * 3600, to_s=20 * 3600 - 30, utc_offset_s=8 * 3600)
