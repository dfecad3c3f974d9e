"""Which jobs are listed, and the pages in which they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from smsjobs.contract import InvalidArguments, check_full_name, lane, unwrap

if TYPE_CHECKING:
    from smsjobs.steering.info import JobInfo

__all__ = ["FAILED", "Listing"]

#: The word for all jobs that did not end well.
FAILED: Final = "failed"

#: What may be listed. Jobs that are accepted, or have no outcome yet, are found by their ids only.
_LISTED: Final = (FAILED, "rejected", "not_sent", "unknown")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Which jobs are asked for."""

    #: One of `_LISTED`.
    status: str = FAILED
    #: When the earliest outcome was, or how long that is ago; None for all.
    since: datetime | timedelta | None = None
    #: The element's full name; None for all.
    element: str | None = None
    lane: str | None = None
    aliyun_code: str | None = None
    #: The most jobs; None for all.
    limit: int | None = None

    @classmethod
    def read(
        cls, status: Any, *, since: Any, element: Any, lane_name: Any, aliyun_code: Any, limit: Any
    ) -> Listing:
        """Check the arguments, which `Sms.jobs` documents.

        Raises:
            InvalidArguments: One is not valid.
        """
        if status not in _LISTED:
            raise InvalidArguments.about(
                "status",
                f"must be one of {', '.join(_LISTED)}: what is accepted, or has no outcome yet, is found by its id",
            )
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise InvalidArguments.about("limit", "must be a whole number, or None for all")
        if aliyun_code is not None and not isinstance(aliyun_code, str):
            raise InvalidArguments.about("aliyun_code", "must be text, such as isv.AMOUNT_NOT_ENOUGH")
        return cls(
            status=status,
            since=_check_since(since),
            element=None if element is None else check_full_name(unwrap(element, "element")),
            lane=None if lane_name is None else lane(lane_name).name,
            aliyun_code=aliyun_code,
            limit=limit,
        )

    def since_ms(self, now_s: float) -> int:
        """The time in ms since 1970 of the earliest outcome."""
        match self.since:
            case None:
                return 0
            case timedelta() as ago:
                return round((now_s - ago.total_seconds()) * 1000)
            case moment:
                return round(moment.timestamp() * 1000)

    def has(self, info: JobInfo) -> bool:
        """Whether the job is asked for."""
        return (
            self.status in (FAILED, info.status)
            and self.element in (None, info.element)
            and self.lane in (None, info.lane)
            and self.aliyun_code in (None, info.aliyun_code)
        )


def _check_since(since: Any) -> datetime | timedelta | None:
    if since is None or isinstance(since, timedelta):
        return since
    if not isinstance(since, datetime) or since.utcoffset() is None:
        raise InvalidArguments.about(
            "since", "must be a datetime with a time zone, or a timedelta, such as timedelta(hours=2)"
        )
    return since


def pages(items: Iterator[Any], first: int, longest: int) -> Iterator[list[Any]]:
    """Return the items in lists: a short one first, then longer ones."""
    size, page = first, []
    for each in items:
        page.append(each)
        if len(page) == size:
            yield page
            size, page = min(size * 2, longest), []
    if page:
        yield page
