"""Text from elsewhere as it can be shown: nothing in it controls a terminal, breaks a line or turns it around.

Such text is a name of a file, a column or a campaign, an idempotency key, or what Aliyun answers.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["escaped", "mask_phone", "visible"]

#: Control characters, line separators, marks that change the direction of what follows, and halves of characters.
_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str, *, keep: str = "") -> str:
    """Return the text with U+FFFD for each character that is not to be seen but does something.

    Args:
        keep: Such characters that are permitted here, as the end of a line is where a text may have several lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(lambda found: found[0] if found[0] in keep else "\ufffd", text)


def escaped(document: str) -> str:
    """Return the text of a JSON document with an escape for each such character, so that it is still the same document."""
    return _HIDDEN.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", document)


def mask_phone(phone: str) -> str:
    """Return the number without its middle, as in ``138****8000``."""
    if len(phone) < 11:
        return f"****{phone[-2:]}"
    return f"{phone[:-8]}****{phone[-4:]}"
