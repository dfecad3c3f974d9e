"""When Aliyun takes promotional messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["PROMOTIONAL_HOURS", "Hours"]


@dataclass(frozen=True, kw_only=True)
class Hours:
    """A part of each day, in seconds after midnight."""

    #: Its beginning.
    from_s: float
    #: Its end; that moment is not in it any more.
    to_s: float
    #: Seconds by which its clock is ahead of UTC.
    utc_offset_s: float


#: 8:00 to 20:00 in Beijing, which has no summer time (help.aliyun.com, "Get started with SMS"). Half a minute before the
#: end no request is begun, for it may be under way that long.
PROMOTIONAL_HOURS: Final = Hours(from_s=8 * 3600, to_s=20 * 3600 - 30, utc_offset_s=8 * 3600)
