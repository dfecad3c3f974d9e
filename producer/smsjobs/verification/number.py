"""The number that a code is for."""

from __future__ import annotations

import re
from typing import Any, Final

from smsjobs.contract import InvalidArguments, normalise_phone, unwrap

__all__ = ["check_number"]

#: What abroad is a North American number, and to Aliyun a mainland one: it takes + and 00 without 86, too.
_AMBIGUOUS: Final = re.compile(r"(?:\+|00)1[3-9][0-9]{9}", re.ASCII)


def check_number(phone: Any) -> str:
    """The number in Aliyun's form.

    Raises:
        InvalidArguments: It is no phone number, or it is two. The text does not show it.
    """
    given = unwrap(phone)
    if isinstance(given, str) and _AMBIGUOUS.fullmatch(given):
        # `sendMessage` keeps Aliyun's rule. But whoever types his number may not be logged in as somebody in China.
        raise InvalidArguments(
            "phone is ambiguous: write +86 before a mainland number. If it is a North American one, Aliyun cannot be "
            "asked for it: it takes + or 00, then 13 to 19 and nine digits, for a mainland number"
        )
    number = normalise_phone(given) if isinstance(given, str) else None
    if number is None:
        raise InvalidArguments("phone is no phone number")
    return number
