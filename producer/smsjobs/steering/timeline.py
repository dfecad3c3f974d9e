"""How a job went, as far as its entry tells. What is settled has forgotten most of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from smsjobs.ledger import Try
    from smsjobs.steering.info import JobInfo

__all__ = ["TRACES", "Moment", "moments"]

What = Literal[
    "recorded",
    "claimed",
    "request",
    "look_up",
    "answer_lost",
    "answer_lost_again",
    "accepted",
    "settled",
    "next_try",
    "expires",
]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something that happened to a job, or is to happen."""

    at: datetime
    what: What
    #: Of a request and of a look-up: what came of it.
    tried: Try | None = None


class _Traces(NamedTuple):
    claimed: str | None
    token: str | None
    lost_from: str | None
    lost_to: str | None


#: The fields of an entry that `moments` needs beside the job's info, in their order.
TRACES: Final = _Traces._fields


def moments(info: JobInfo, values: Sequence[str | None]) -> Sequence[Moment]:
    """Return what happened and is to happen, in the order of time.

    Args:
        values: Those of `TRACES`.

    Raises:
        ValueError, OverflowError: The entry is damaged.
    """
    found = [Moment(at=each.at, what=each.kind, tried=each) for each in info.tries]
    found += [Moment(at=at, what=what) for at, what in _found(info, _Traces(*values)) if at is not None]
    # Of one moment, in the order in which a job comes to them.
    return sorted(found, key=lambda each: (each.at, each.what != "recorded"))


def _found(info: JobInfo, traces: _Traces) -> Iterator[tuple[datetime | None, What]]:
    yield info.created, "recorded"
    if traces.token:
        yield _moment(traces.claimed), "claimed"
    # An entry of an older version has no tries.
    if not any(each.result in ("lost", "interrupted") for each in info.tries):
        lost_from, lost_to = _moment(traces.lost_from), _moment(traces.lost_to)
        yield lost_from, "answer_lost"
        if lost_to != lost_from:
            yield lost_to, "answer_lost_again"
    yield info.settled, "accepted" if info.outcome == "accepted" else "settled"
    yield info.next_try, "next_try"
    if info.outcome is None:
        yield info.expires, "expires"


def _moment(ms: str | None) -> datetime | None:
    # 0 is written where nothing was lost.
    return datetime.fromtimestamp(int(ms) / 1000, UTC) if ms and int(ms) else None
