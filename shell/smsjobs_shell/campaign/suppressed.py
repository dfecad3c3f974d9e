"""Counts the recipients who want no such messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smsjobs.client import connect
from smsjobs.settings import SettingsError

__all__ = ["asked_if_possible"]


def asked_if_possible(*, promotional: bool | None) -> Callable[[Sequence[str]], int] | None:
    """`SuppressedNumbers.counter`, where a Redis is not needed."""
    try:
        return connect(timeout=1).connection.suppressed.counter(promotional=promotional)
    except SettingsError:
        return None
