"""What people type, or what a browser fills in for them: a number and a code."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from smsjobs.contract import InvalidArguments, check_phone, unwrap

__all__ = ["check_code", "check_number"]

#: The most characters of a code that are read. A code has at most 6.
_LONGEST: Final = 32

#: Kinds of characters without a meaning in codes: dashes and invisible marks. A message puts such marks around digits, so
#: that they are shown from left to right.
_FOR_THE_EYE: Final = ("Cf", "Pd")


def check_number(phone: Any) -> str:
    """Return the number in the form that is sent.

    Raises:
        InvalidArguments: It is not a valid phone number, or may be somebody else's. The text does not show it.
    """
    return check_phone("phone", unwrap(phone, "phone"))


def check_code(code: Any) -> str:
    """Return the code in the form that is compared. An impossible code is a wrong code, not an error.

    Raises:
        InvalidArguments: It is not text.
    """
    given = unwrap(code, "code")
    if not isinstance(given, str):
        raise InvalidArguments.about("code", "must be text")
    wide = unicodedata.normalize("NFKC", given[:_LONGEST])
    return "".join(
        each for each in wide if not each.isspace() and unicodedata.category(each) not in _FOR_THE_EYE
    )
