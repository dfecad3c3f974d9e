"""What the list of suppressed numbers holds, and the error for a job that it stops."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from smsjobs.contract import SCOPES, InvalidArguments, RequestFailed, Scope, is_whole

__all__ = ["Suppressed", "check_note", "check_scope", "check_source", "suppressed_error"]

_SOURCE: Final = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)

_LONGEST_NOTE: Final = 200


@dataclass(frozen=True, kw_only=True)
class Suppressed:
    """One number on the list, for one scope."""

    #: The number, in the form that is sent.
    phone: str = field(repr=False)
    #: ``"promotional"`` or ``"all"``.
    scope: Scope
    #: How it came onto the list, such as ``"reply"``.
    source: str
    #: Whatever was noted with it.
    note: str = field(default="", repr=False)
    #: When it was put there.
    at: datetime


def check_scope(scope: Any) -> Scope:
    """The scope.

    Raises:
        InvalidArguments: It is neither of the two.
    """
    if scope not in SCOPES:
        raise InvalidArguments.about("scope", 'must be "promotional" or "all"')
    return cast("Scope", scope)


def check_source(source: Any) -> str:
    """The source.

    Raises:
        InvalidArguments: It is not a short word.
    """
    if not isinstance(source, str) or not _SOURCE.fullmatch(source):
        raise InvalidArguments.about(
            "source", 'must be a word of 1 to 32 small letters, digits, - and _, such as "reply"'
        )
    return source


def check_note(note: Any) -> str:
    """The note.

    Raises:
        InvalidArguments: It is not text, or too long.
    """
    if not isinstance(note, str) or len(note) > _LONGEST_NOTE or not is_whole(note):
        raise InvalidArguments.about("note", f"must be text of at most {_LONGEST_NOTE} characters")
    return note


def suppressed_error(out_id: str, *, hit: int, numbers: int, attempts: int = 0) -> RequestFailed:
    """The outcome of a job that is not sent because `hit` of its numbers are on the list."""
    text = (
        "the number is suppressed: see sms.suppression"
        if numbers == 1
        else f"{hit} of its {numbers} numbers are suppressed, so none was sent to: leave them out, sms.suppression.has "
        "tells which they are"
    )
    return RequestFailed(text, reason="suppressed", outcome="not_sent", out_id=out_id, attempts=attempts)
