"""What the library says, in the words of whoever typed a command."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["counted", "in_shell_words"]

#: The library's arguments as its errors name them, and what they are called in the shell; in this order.
_WORDS: Final = (
    (r"phoneList\[(\d+)\]", lambda found: f"PHONE number {int(found[1]) + 1}"),
    (r"\bphoneList\b", lambda _: "PHONE"),
    (r"\bverifyTemplateCode\b", lambda _: "--template"),
    (r"\btemplate_text\b", lambda _: "--template-text"),
    (r"\bidempotency_key\b", lambda _: "--key"),
    (r"\bparams\b", lambda _: "--param"),
    (r"^the campaign's name\b", lambda _: "--name"),
    (r"^the element's name\b", lambda _: "--element"),
    (r"^expires\b", lambda _: "--expires"),
    (r"^recipients\b", lambda _: "FILE"),
    (r"\bthe time \(at, --at\)", lambda _: "--at"),
    (r" and than countdown or eta\b", lambda _: ""),
)


def in_shell_words(text: str) -> str:
    """The text of an error, with the names of options and arguments for those of the library's arguments."""
    for pattern, word in _WORDS:
        text = re.sub(pattern, word, text)
    return text


def counted(number: int, one: str, many: str = "") -> str:
    """How many there are, as in ``1 request`` and ``2,000 requests``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
