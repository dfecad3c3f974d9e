"""The report of a campaign: every row of its input, once, with what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import groupby, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from smsjobs.campaign.store import unless_damaged
from smsjobs.contract import ErrorCode, half_of, number_of, unpack_recipients, visible
from smsjobs.ledger import outcome_json

if TYPE_CHECKING:
    from smsjobs.campaign.progress import CampaignProgress
    from smsjobs.campaign.store import CampaignStore, StoredChunk, StoredPage
    from smsjobs.delivery import Delivery

__all__ = ["COLUMNS", "ReportRow", "for_excel", "report"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """What became of one row of the input."""

    #: Where it stands: a line of the file, a row of the sheet, or a count from 1.
    line: int
    #: The number, as it was sent; for a row that was left out, as it stands in the input.
    phone: str = field(repr=False)
    #: ``accepted``, ``rejected``, ``not_sent``, ``unknown``; ``pending``; ``invalid`` or ``duplicate``.
    outcome: str
    #: 46001, 46002 or 46003; None for an accepted, a pending and a repeated one.
    code: int | None = None
    #: A stable word for the cause, such as ``expired``, ``cancelled`` or ``not_a_phone_number``.
    reason: str | None = None
    #: Aliyun's code, where it answered.
    aliyun_code: str | None = None
    #: The OutId that Aliyun has it under; None where no request was to be made.
    out_id: str | None = None
    #: Aliyun's id of the accepted request; after a look-up it is not known.
    biz_id: str | None = None
    #: Of an accepted one: ``waiting``, ``delivered``, ``failed`` or ``unreported``.
    delivery: str | None = None
    #: The carrier's code, and when it was reported, as ISO 8601 in UTC.
    err_code: str | None = None
    reported_at: str | None = None

    def cells(self) -> tuple[Any, ...]:
        """Its values in the order of `COLUMNS`, for a CSV that Excel opens: none of them is a formula to it, nor an escape
        code to a terminal.
        """  # noqa: D205  one sentence
        values: tuple[Any, ...] = _VALUES(self)
        return tuple(map(_cell, values))


#: The columns of the report as CSV.
COLUMNS: Final = tuple(each.name for each in fields(ReportRow))

_VALUES: Final = attrgetter(*COLUMNS)

#: What became of a recipient whom the chunk's request left out.
_LEFT_OUT: Final[dict[str, Any]] = {
    "outcome": "not_sent",
    "code": int(ErrorCode.REQUEST_FAILED),
    "reason": "suppressed",
}

#: What makes Excel run a cell, also in full width; and with blanks before it.
_FORMULA: Final = re.compile(r"[\s\0]*[=+\-@＝＋－＠]|[\t\r\n]")


def report(store: CampaignStore, campaign_id: str) -> Iterator[ReportRow]:
    """The rows in the order of the input, a page at a time in memory.

    Raises:
        InvalidArguments: There is no such campaign, or what Redis has of it is damaged.
    """
    progress = store.progress(campaign_id)
    for page in store.pages(campaign_id):
        with unless_damaged(campaign_id):
            rows = sorted(_rows(page, progress), key=lambda row: row.line)
        yield from rows


def _rows(page: StoredPage, progress: CampaignProgress) -> Iterator[ReportRow]:
    for line, phone, fault, reason in page.skipped:
        code = int(ErrorCode.BAD_ARGUMENTS) if fault == "invalid" else None
        yield ReportRow(line=line, phone=phone, outcome=fault, code=code, reason=reason)
    for number, chunks in groupby(page.chunks, lambda chunk: number_of(chunk.name)):
        planned = list(zip(*unpack_recipients(page.recipients[number]), strict=True))
        for chunk in chunks:
            facts = _facts_of(chunk, cancelled=progress.state == "cancelled")
            rows = half_of(chunk.name, planned)
            told = zip(rows, _deliveries(chunk, facts, len(rows), progress), strict=True)
            for place, ((line, phone), delivery) in enumerate(told):
                if place in chunk.left_out and chunk.outcome is not None:
                    yield ReportRow(line=line, phone=phone, out_id=chunk.out_id, **_LEFT_OUT)
                else:
                    yield ReportRow(line=line, phone=phone, out_id=chunk.out_id, **facts, **delivery)


def for_excel(value: Any) -> Any:
    """A value with a mark before it, where Excel would run it. A campaign's CSV is read without the mark."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _cell(value: Any) -> Any:
    return for_excel(visible(value, keep="\t\r\n")) if isinstance(value, str) else value


def _facts_of(chunk: StoredChunk, *, cancelled: bool) -> dict[str, Any]:
    if chunk.outcome is not None:
        return _facts(outcome_json(chunk.outcome, chunk.out_id))
    if cancelled and not chunk.is_active:
        return {"outcome": "not_sent", "code": int(ErrorCode.REQUEST_FAILED), "reason": "cancelled"}
    return {"outcome": "pending"}


def _deliveries(
    chunk: StoredChunk, facts: dict[str, Any], count: int, progress: CampaignProgress
) -> Iterable[dict[str, Any]]:
    """What the carriers reported of each recipient."""
    if facts["outcome"] != "accepted":
        return repeat({}, count)
    waits = "waiting" if progress.awaits else "unreported"
    if not chunk.deliveries:
        return repeat({"delivery": waits}, count)
    return (_delivery(each, waits) for each in chunk.deliveries)


def _delivery(delivery: Delivery, waits: str) -> dict[str, Any]:
    return {
        "delivery": waits if delivery.state == "waiting" else delivery.state,
        "err_code": delivery.err_code,
        "reported_at": delivery.reported_at.isoformat() if delivery.reported_at else None,
    }


def _facts(outcome: dict[str, Any]) -> dict[str, Any]:
    error = outcome.get("error")
    if error is None:
        code = outcome["response"].get("Code")
        return {"outcome": outcome["outcome"], "aliyun_code": code, "biz_id": outcome["biz_id"]}
    return {
        "outcome": outcome["outcome"],
        "code": error["code"],
        "reason": error["reason"],
        "aliyun_code": error.get("aliyun_code") or None,
    }
