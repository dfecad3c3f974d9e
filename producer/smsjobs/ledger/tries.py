"""The tries of a job: when Aliyun was asked, and what came of it. The newest are kept in its entry, as a text.

Each has a line, which begins with its line break: ``<ms> <result> <reason> <Aliyun's code>``. What is not known is left out, and is
``-`` before what is known. Scripts append the lines, and cut the text off at its beginning.

A job whose first try settled it has no such text, and pays nothing for this: its outcome tells of the try.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

__all__ = ["Try", "read_tries", "write_tries"]

#: Characters that Lua's `note_tries` keeps: some twenty tries.
_KEPT: Final = 800

#: The results of a request; the others are those of a look-up.
_OF_REQUESTS: Final = ("accepted", "rejected", "not_sent", "lost", "interrupted")

_RESULTS: Final = (*_OF_REQUESTS, "found", "absent", "failed")

_LINE: Final = re.compile(rf"([0-9]{{1,13}}) ({'|'.join(_RESULTS)})(?: (\S+))?(?: (\S+))?")

#: Not in a word of a line. A Type of one's own may give any reason.
_NOT_IN_A_WORD: Final = re.compile(r"[^\w.:-]", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Try:
    """One time that Aliyun was asked about a job: by a request, or by a look-up."""

    #: When it began, with its time zone.
    at: datetime
    #: Of a request ``"accepted"``, ``"rejected"``, ``"not_sent"``, ``"lost"`` (its answer) or ``"interrupted"`` (the worker
    #: died, and may have made it); of a look-up ``"found"``, ``"absent"`` or ``"failed"``.
    result: str
    #: Why, a stable word; None where the result says it all.
    reason: str | None = None
    #: Aliyun's own code, if it answered with one.
    aliyun_code: str | None = None

    @property
    def kind(self) -> Literal["request", "look_up"]:
        """What was asked: to send it, or whether it was accepted."""
        return "request" if self.result in _OF_REQUESTS else "look_up"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "kind": self.kind,
            "result": self.result,
            "reason": self.reason,
            "aliyun_code": self.aliyun_code,
        }


def write_tries(tries: Iterable[Try]) -> str:
    """Return them as text."""
    return "".join(map(_line, tries))


def _line(one: Try) -> str:
    words = [f"{one.at.timestamp() * 1000:.0f}", one.result, _word(one.reason), _word(one.aliyun_code)]
    return "\n" + " ".join(words).removesuffix(" -").removesuffix(" -")


def _word(text: str | None) -> str:
    return _NOT_IN_A_WORD.sub("_", text)[:40] if text else "-"


def read_tries(text: bytes | None) -> tuple[Try, ...]:
    """Return the tries that a text has. What of it is damaged is left out: it concerns nothing else of the job."""
    # What was cut off may have taken a part of the first line; so may damage.
    return tuple(_found((text or b"")[-_KEPT:].decode("ascii", "replace").split("\n")[1:]))


def _found(lines: Iterable[str]) -> Iterator[Try]:
    for line in lines:
        if found := _LINE.fullmatch(line):
            reason, code = (None if word in (None, "-") else word for word in found.groups()[2:])
            at = datetime.fromtimestamp(int(found[1]) / 1000, UTC)
            yield Try(at=at, result=found[2], reason=reason, aliyun_code=code)
