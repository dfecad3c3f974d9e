"""Phone numbers in the one form that both SendSms and QuerySendDetails take.

Aliyun takes mainland numbers as 11 digits, bare or after ``+``, ``86``, ``+86`` or ``0086``, and all others as
country code and number; QuerySendDetails takes the bare form only. Source: Aliyun's pages of both calls.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_mainland", "normalise_phone"]

#: A mainland mobile number without prefix. Numbers of country code 1 have 11 digits too: where their area code begins
#: with 3 to 9, Aliyun takes them for mainland numbers.
_MAINLAND_FORM: Final = "1[3-9][0-9]{9}"
_MAINLAND: Final = re.compile(_MAINLAND_FORM, re.ASCII)
_MAINLAND_AS_WRITTEN: Final = re.compile(rf"(?:\+|00)?(?:86)?({_MAINLAND_FORM})", re.ASCII)
_INTERNATIONAL: Final = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})", re.ASCII)


def is_mainland(number: str) -> bool:
    """Whether a number in Aliyun's form (`normalise_phone`) is a mainland one: 11 digits that begin with 13 to 19."""
    return _MAINLAND.fullmatch(number) is not None


def normalise_phone(text: str) -> str | None:
    """The number as Aliyun's look-up takes it, or None where it is no phone number.

    Args:
        text: A mainland mobile number (11 digits, with or without ``+86``, ``86``, ``0086``) or a country code
            and number of 7 to 15 digits together (with or without ``+`` or ``00``).
    """
    if mainland := _MAINLAND_AS_WRITTEN.fullmatch(text):
        return mainland[1]
    international = _INTERNATIONAL.fullmatch(text)
    if international is None or international[1].startswith("86"):
        return None
    number = international[1]
    # Country code 1 has eleven digits and area codes from 200 on. Anything else that begins with 1 is most likely a
    # mainland number with a digit too few or too many.
    if number.startswith("1") and (len(number) != 11 or number[1] in "01"):
        return None
    return number
