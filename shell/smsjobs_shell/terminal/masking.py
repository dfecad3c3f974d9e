"""Masks what a user typed before it is shown."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["mask_typed"]

#: What may be a phone number or a verification code.
_DIGITS: Final = re.compile(r"\d{4,}")


def mask_typed(text: str) -> str:
    """The text with every longer run of digits hidden. For click's own messages: they repeat what was typed."""
    return _DIGITS.sub("****", text)
