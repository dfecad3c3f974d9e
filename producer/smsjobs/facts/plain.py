"""Values of facts as they may leave for figures and traces: plain words, and nothing that could be a user's."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["OTHER", "bounded"]

#: What stands in place of a value that may not leave.
OTHER: Final = "other"

#: A word or a dotted name. No run of digits in it can be a phone number.
_VALUE: Final = re.compile(r"(?!.*\d{7})[A-Za-z0-9_.:*+-]{0,64}", re.ASCII)


def bounded(value: object) -> str:
    """The value of a label or an attribute, or `OTHER` where it could be a user's."""
    text = "" if value is None else str(value)
    return text if _VALUE.fullmatch(text) else OTHER
