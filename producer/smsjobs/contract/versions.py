"""The first checks of every JSON document of ours: its version, and that no field is unknown.

This version and every older one is read. A newer one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from smsjobs.contract.errors import InvalidArguments
from smsjobs.contract.wire import VERSION

__all__ = ["check_fields", "check_version"]

#: No version will be higher. Python does not write out a number of any length.
_HIGHEST: Final = 1_000_000

#: A field's name as an error may show it. Any other may be a phone number or a secret in the wrong place.
_WORD: Final = re.compile(r"[A-Za-z_]{1,32}", re.ASCII)


def check_version(version: Any, what: str) -> None:
    """Refuse a version that this package cannot read.

    Args:
        what: What the document is, for the error.

    Raises:
        InvalidArguments: With ``reason="job_unreadable"`` and what helps.
    """
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= _HIGHEST:
        raise InvalidArguments(
            f"the {what}'s version `v` must be a whole number from 1 to {_HIGHEST}", reason="job_unreadable"
        )
    if version > VERSION:
        raise InvalidArguments(
            f"the {what} has version {version}, this smsjobs reads up to {VERSION}: upgrade smsjobs here first",
            reason="job_unreadable",
        )


def check_fields(data: Mapping[Any, Any], known: Iterable[str], what: str) -> None:
    """Refuse a document with a field that this version does not know.

    Args:
        known: The names of all fields.
        what: What the document is, for the error.

    Raises:
        InvalidArguments: With ``reason="job_unreadable"``; it names the fields.
    """
    permitted = set(known)
    if unknown := [name for name in data if name not in permitted]:
        words = sorted(name for name in unknown if isinstance(name, str) and _WORD.fullmatch(name))
        raise InvalidArguments(
            f"the {what} has no field {', '.join(words[:5]) or 'of that name'}", reason="job_unreadable"
        )
