"""The version of a JSON document: this one and every older one is read, a newer one is refused."""

from __future__ import annotations

from typing import Any

from smsjobs.contract.errors import InvalidArguments
from smsjobs.contract.wire import VERSION

__all__ = ["check_version"]


def check_version(version: Any, what: str) -> None:
    """Refuse what this version of the package cannot read.

    Raises:
        InvalidArguments: With ``reason="job_unreadable"`` and the cure.
    """
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise InvalidArguments(f"the {what}'s version `v` must be a whole number from 1", "job_unreadable")
    if version > VERSION:
        raise InvalidArguments(
            f"the {what} has version {version}, this smsjobs reads up to {VERSION}: upgrade smsjobs here first",
            "job_unreadable",
        )
