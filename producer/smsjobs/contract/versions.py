"""The first checks of every JSON document of ours: its version, and that no field is unknown.

This version and every older one is read. A newer one is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from smsjobs.contract.errors import InvalidArguments
from smsjobs.contract.wire import VERSION

__all__ = ["check_fields", "check_version"]


def check_version(version: Any, what: str) -> None:
    """Refuse a version that this package cannot read.

    Args:
        what: What the document is, for the error.

    Raises:
        InvalidArguments: With ``reason="job_unreadable"`` and what helps.
    """
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise InvalidArguments(
            f"the {what}'s version `v` must be a whole number from 1", reason="job_unreadable"
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
    if unknown := sorted(str(name) for name in data if name not in set(known)):
        # A name that is not a word is not shown: it may be a phone number in the wrong place.
        words = ", ".join(name for name in unknown[:5] if name.isidentifier()) or "of that name"
        raise InvalidArguments(f"the {what} has no field {words}", reason="job_unreadable")
