"""A record: one recipient's delivery in 17 characters.

=========  ======================================================================
1          state: ``d`` delivered, ``f`` failed, ``u`` unreported, ``.`` waiting
2          source: ``p`` push, ``q`` queue, ``l`` pull
3          parts, in base 36; ``0`` where it was not reported
4 and 5    the number of the carrier's code, in the hash ``sms:{<tag>}:err_codes``
6 to 11    when it was sent, in seconds since 2020 in base 36; zeros for unknown
12 to 17   when it was reported, in the same way
=========  ======================================================================

So the delivery of a job with one number takes less than 100 bytes of Redis, its digest included, and that of a million
recipients of a campaign about 17 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from smsjobs.delivery.report import Report
from smsjobs.delivery.values import Delivery, DeliveryState, Source

__all__ = ["RECORD", "read_records", "record_parts"]

#: Characters of a record. The scripts have the same number.
RECORD: Final = 17

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"

_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)

#: Seconds that six digits hold: until 2088.
_LATEST_S: Final = 36**6 - 1

_STATES: Final = {"d": "delivered", "f": "failed", "u": "unreported", "w": "waiting", ".": "waiting"}
_SOURCES: Final = {"p": "push", "q": "queue", "l": "pull"}


def record_parts(report: Report) -> tuple[str, str, str]:
    """The state, the code and the rest of a report's record. The script puts the code's number between them."""
    state = next(letter for letter, state in _STATES.items() if state == report.state)
    source = next(letter for letter, source in _SOURCES.items() if source == report.source)
    parts = _DIGITS[min(max(report.parts or 0, 0), 35)]
    return state, report.code, f"{source}{parts}{_moment(report.sent_at)}{_moment(report.reported_at)}"


def read_records(records: str, codes: Mapping[str, str]) -> Iterator[Delivery]:
    """The deliveries of these records.

    Args:
        codes: The carriers' codes by their numbers.
    """
    for at in range(0, len(records), RECORD):
        yield _read(records[at : at + RECORD], codes)


def _read(record: str, codes: Mapping[str, str]) -> Delivery:
    state = cast("DeliveryState", _STATES.get(record[0], "waiting"))
    if state == "waiting":
        return Delivery()
    if state == "unreported":
        return Delivery(state=state)
    return Delivery(
        state=state,
        err_code=codes.get(record[3:5], "OTHER"),
        parts=_DIGITS.index(record[2]) or None,
        sent_at=_when(record[5:11]),
        reported_at=_when(record[11:17]),
        source=cast("Source | None", _SOURCES.get(record[1])),
    )


def _moment(moment: datetime | None) -> str:
    seconds = 0 if moment is None else int((moment - _EPOCH).total_seconds())
    seconds = seconds if 0 < seconds <= _LATEST_S else 0
    text = ""
    for _ in range(6):
        seconds, digit = divmod(seconds, 36)
        text = _DIGITS[digit] + text
    return text


def _when(text: str) -> datetime | None:
    seconds = int(text, 36)
    return _EPOCH + timedelta(seconds=seconds) if seconds else None
