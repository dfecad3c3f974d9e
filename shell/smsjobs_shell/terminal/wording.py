"""What the library says, in the words of whoever typed a command."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["counted", "in_shell_words"]

#: The library's arguments as its errors name them, and what they are called in the shell; in this order.
_WORDS: Final = (
    (r"phoneList\[(\d+)\]", lambda found: f"the {_ordinal(int(found[1]) + 1)} PHONE"),
    (r"\bphoneList\b", lambda _: "PHONE"),
    (r"\bverifyTemplateCode\b", lambda _: "--template"),
    (r"\btemplate_text\b", lambda _: "--template-text"),
    (r"\ban idempotency_key\b", lambda _: "a --key"),
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


def _ordinal(number: int) -> str:
    tens, ones = divmod(number % 100, 10)
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"


def counted(number: int, one: str, many: str = "") -> str:
    """How many there are, as in ``1 request`` and ``2,000 requests``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
