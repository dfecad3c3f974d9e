"""The scopes of suppression, and the replies by which people opt out."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

__all__ = ["OPT_OUT_WORDS", "SCOPES", "Scope", "is_opt_out", "read_words"]

Scope = Literal["promotional", "all"]

#: For which messages a number is suppressed. ``"all"`` includes ``"promotional"``.
SCOPES: Final[tuple[Scope, ...]] = ("promotional", "all")

#: Aliyun has promotional messages end in 拒收请回复R; older ones have TD, T or N.
OPT_OUT_WORDS: Final = frozenset({"r", "t", "td", "n", "退订", "拒收"})

#: What is cut off at both ends: a phone's keyboard puts much of it there.
_AROUND: Final = " \t\r\n\0.,!?:;'\"()[]。、"

#: Characters of a reply that is looked at. A longer one is a sentence.
_LONGEST: Final = 40


def is_opt_out(content: str, words: frozenset[str] = OPT_OUT_WORDS) -> bool:
    """Whether a reply is one of these words and nothing else, in any width and case.

    Args:
        words: As `read_words` gives them.
    """
    return len(content) <= _LONGEST and _plain(content) in words


def read_words(text: str) -> frozenset[str]:
    """The words of a setting, with blanks or commas between them."""
    return frozenset(
        filter(None, (_plain(each) for each in unicodedata.normalize("NFKC", text).replace(",", " ").split()))
    )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip(_AROUND).casefold()
