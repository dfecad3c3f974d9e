"""One report of one recipient, from whichever source."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from smsjobs.delivery.values import DELIVERED, Source

__all__ = ["Report"]

#: What Aliyun has of a message before the carrier has reported: it is not final.
_NOT_FINAL: Final = frozenset({"REQUEST_SUCCESS"})

#: A carrier's code. Whatever else stands there is not kept, for it could be anything, a number included.
_CODE: Final = re.compile(r"[A-Za-z0-9_.:+-]{1,40}", re.ASCII)

_BIZ_ID: Final = re.compile(r"[A-Za-z0-9^_.:-]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a source says about one recipient of one job."""

    #: The OutId: the job's id, if the job is ours.
    job_id: str
    #: The recipient, in whichever form the source writes it.
    phone: str = field(repr=False)
    #: Whether it arrived.
    success: bool
    #: The carrier's code as text; anything may stand there.
    err_code: str = ""
    #: How many parts it had. None where it was not reported.
    parts: int | None = None
    #: When Aliyun sent it, and when the carrier reported it.
    sent_at: datetime | None = None
    reported_at: datetime | None = None
    #: Aliyun's id of the accepted request. Whatever cannot be one is left out.
    biz_id: str | None = None
    #: How it came.
    source: Source

    def __post_init__(self) -> None:
        if self.biz_id is not None and not _BIZ_ID.fullmatch(self.biz_id):
            object.__setattr__(self, "biz_id", None)

    @property
    def state(self) -> Literal["waiting", "delivered", "failed"]:
        """What it says. A report that is not final leaves the recipient waiting."""
        if self.success:
            return "delivered"
        return "waiting" if self.err_code in _NOT_FINAL else "failed"

    @property
    def code(self) -> str:
        """The code to keep: ``UNREADABLE`` where a code cannot be one, ``NONE`` where there is none."""
        if self.success:
            return DELIVERED
        text = self.err_code.strip()
        if not text:
            return "NONE"
        return text if _CODE.fullmatch(text) else "UNREADABLE"

    def numbers(self) -> tuple[str, ...]:
        """The forms that its number may have had when it was sent, the likeliest first.

        Aliyun does not say whether a mainland number comes with its country code.
        """
        digits = "".join(each for each in self.phone if each.isascii() and each.isdigit())[:20]
        bare = digits.removeprefix("00")
        return tuple(dict.fromkeys((digits, bare, bare.removeprefix("86"))))
