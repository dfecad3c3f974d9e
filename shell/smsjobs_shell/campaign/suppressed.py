"""Counts the recipients who want no such messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redis.exceptions import RedisError

from smsjobs.client import Sms, connect
from smsjobs.redis_store import CannotOpen
from smsjobs.settings import SettingsError

__all__ = ["asked", "asked_if_possible"]


def asked(sms: Sms, *, promotional: bool | None) -> Callable[[Sequence[str]], int] | None:
    """Tells how many of some numbers are suppressed; None where Redis does not tell.

    Args:
        promotional: What the campaign says of itself, as for `Element.campaign`.
    """

    def count(phones: Sequence[str]) -> int:
        found = sms.connection.suppressed.among(phones, promotional=promotional is not False)
        return len(found or ())

    try:
        count(())
    except (RedisError, CannotOpen):
        return None
    return count


def asked_if_possible(*, promotional: bool | None) -> Callable[[Sequence[str]], int] | None:
    """The same where a Redis is not needed."""
    try:
        return asked(connect(timeout=1), promotional=promotional)
    except SettingsError:
        return None
