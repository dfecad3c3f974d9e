"""Which phone numbers Aliyun accepts, and in which form it records them."""

import re

__all__ = ["bare", "is_domestic", "normal"]

_DOMESTIC = re.compile(r"(?:\+86|0086|86|\+)?(1[3-9]\d{9})", re.ASCII)
# Country code and number, without + or 00. 86 belongs to the rule above. Country code 1 is followed by ten digits, of
# which the first is 2 to 9. A number that begins with 13 to 19 looks like a mainland number, and is read as one.
_INTERNATIONAL = re.compile(r"12\d{9}|(?!86)[2-9]\d{7,14}", re.ASCII)


def normal(number: str) -> str | None:
    """Return a number as Aliyun records it, or None if Aliyun refuses its format.

    A mainland number may have ``+``, ``+86``, ``0086`` or ``86`` before its 11 digits. It is recorded as 11 digits.
    Any other number is country code and number in digits.
    """
    if found := _DOMESTIC.fullmatch(number):
        return found[1]
    return number if _INTERNATIONAL.fullmatch(number) else None


def is_domestic(number: str) -> bool:
    """Tell whether a number in its normal form is a mainland one."""
    return len(number) == 11 and _DOMESTIC.fullmatch(number) is not None


def bare(number: str) -> bool:
    """Tell whether a number is already in its normal form. QuerySendDetails accepts no other."""
    return normal(number) == number
