"""Takes the request's content out of Aliyun's texts, which can repeat it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from smsjobs.contract import Message

__all__ = ["LEFT_OUT", "contents", "scrub"]

#: What stands for a text that is left out as a whole. The gateway's texts can be the signed string itself.
LEFT_OUT: Final = "(left out: a gateway's text can repeat the request)"

#: Longest text that is kept, in characters.
MAX_LENGTH: Final = 300

_DIGITS: Final = re.compile(r"[0-9](?:[ -]?[0-9]){6,}")
_MASK: Final = "***"


def contents(message: Message) -> tuple[str, ...]:
    """What of a message must not be repeated."""
    values = {value for params in (message.params, *message.params_of_each) for value in params.values()}
    return (*message.phones, *values)


def scrub(text: str, content: Iterable[str]) -> str:
    """The text without that content, in whatever way it is written, and without long numbers."""
    for each in sorted({form for value in content if value for form in _forms(value)}, key=len, reverse=True):
        text = text.replace(each, _MASK)
    return _DIGITS.sub(_MASK, text)[:MAX_LENGTH]


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="")
    yield quote_plus(value, safe="")
