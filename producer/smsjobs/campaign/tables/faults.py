"""The error of recipients that cannot be used."""

from __future__ import annotations

from smsjobs.contract import InvalidArguments

__all__ = ["bad_recipients"]


def bad_recipients(what: str) -> InvalidArguments:
    """The error of recipients that cannot be used, as in ``recipients: two columns are called name``."""
    return InvalidArguments(f"recipients: {what}", argument="recipients")
