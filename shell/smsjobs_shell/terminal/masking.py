"""Phone numbers and whatever else a user typed, made fit to be shown."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["mask_phone", "mask_typed"]

#: A phone number, a verification code, or the like.
_DIGITS: Final = re.compile(r"\d{4,}")


def mask_phone(phone: str) -> str:
    """The number with its middle hidden, as in ``138****8000``."""
    if len(phone) < 11:
        return f"****{phone[-2:]}"
    return f"{phone[:-8]}****{phone[-4:]}"


def mask_typed(text: str) -> str:
    """Text of somebody else's making with every longer run of digits hidden: click repeats what was typed."""
    return _DIGITS.sub("****", text)
