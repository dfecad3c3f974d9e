"""What people type, or have filled in for them: a number, and a code."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from smsjobs.contract import InvalidArguments, is_mainland, normalise_phone, unwrap

__all__ = ["check_code", "check_number"]

#: What stands before a country code.
_ABROAD: Final = re.compile(r"(?:\+|00)(.*)", re.ASCII)

#: Characters of a number and of a code that are looked at. A number has at most 17, a code 6.
_NUMBER, _CODE = 64, 32

#: Kinds of characters that stand in numbers and codes for the eye only: dashes, and marks that nobody sees, such as
#: those that a phone's address book or a message puts around numbers so that they are read from left to right.
_FOR_THE_EYE: Final = ("Cf", "Pd")


def check_number(phone: Any) -> str:
    """The number in Aliyun's form.

    Raises:
        InvalidArguments: It is no phone number, or it is two. The text does not show it.
    """
    given = unwrap(phone, "phone")
    bare = ""
    if isinstance(given, str) and len(given) <= _NUMBER:
        bare = re.sub(r"[().·]", "", _without_marks(given))
    # What abroad is a North American number, and to Aliyun a mainland one: it takes + and 00 without 86, too.
    if (abroad := _ABROAD.fullmatch(bare)) and is_mainland(abroad[1]):
        # `sendMessage` keeps Aliyun's rule. But whoever types his number may not be logged in as somebody in China.
        raise InvalidArguments.about(
            "phone",
            "is ambiguous: write +86 before a mainland number. If it is a North American one, Aliyun cannot be "
            "asked for it: it takes + or 00, then 13 to 19 and nine digits, for a mainland number",
        )
    number = normalise_phone(bare)
    if number is None:
        raise InvalidArguments.about("phone", "is not a valid phone number")
    return number


def check_code(code: Any) -> str:
    """The code as it is compared. What cannot be one is a wrong one, and so no error.

    Raises:
        InvalidArguments: It is no text.
    """
    given = unwrap(code, "code")
    if not isinstance(given, str):
        raise InvalidArguments.about("code", "must be text")
    return _without_marks(given[:_CODE])


def _without_marks(text: str) -> str:
    wide = unicodedata.normalize("NFKC", text)
    return "".join(
        each for each in wide if not each.isspace() and unicodedata.category(each) not in _FOR_THE_EYE
    )
