"""What people type, or have filled in for them: a number, and a code."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from smsjobs.contract import InvalidArguments, check_phone, unwrap

__all__ = ["check_code", "check_number"]

#: Characters of a code that are looked at. A code has at most 6.
_LONGEST: Final = 32

#: Kinds of characters that stand in codes for the eye only: dashes, and marks that nobody sees, such as those that a
#: message puts around digits so that they are read from left to right.
_FOR_THE_EYE: Final = ("Cf", "Pd")


def check_number(phone: Any) -> str:
    """The number in the form that is sent.

    Raises:
        InvalidArguments: It is not a phone number, or may be somebody else's. The text does not show it.
    """
    return check_phone("phone", unwrap(phone, "phone"))


def check_code(code: Any) -> str:
    """The code as it is compared. What cannot be one is a wrong one, and so no error.

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
