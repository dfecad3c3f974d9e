"""Which phone numbers Aliyun takes, and how it writes them down."""

import re

__all__ = ["bare", "is_domestic", "normal"]

_DOMESTIC = re.compile(r"(?:\+86|0086|86|\+)?(1[3-9]\d{9})", re.ASCII)
# Country code and number, without + or 00. 86 is left to the rule above. After country code 1 stand ten digits, the first
# from 2 on; those that begin 13 to 19 cannot be told from mainland numbers and are taken as such.
_INTERNATIONAL = re.compile(r"12\d{9}|(?!86)[2-9]\d{7,14}", re.ASCII)


def normal(number: str) -> str | None:
    """Return a number as Aliyun's record holds it, or None where Aliyun refuses its format.

    A mainland number may come as 11 bare digits or with ``+``, ``+86``, ``0086`` or ``86`` before it, and is kept as 11 digits.
    Any other is country code and number in digits.
    """
    if found := _DOMESTIC.fullmatch(number):
        return found[1]
    return number if _INTERNATIONAL.fullmatch(number) else None


def is_domestic(number: str) -> bool:
    """Tell whether a number in its normal form is a mainland one."""
    return len(number) == 11 and _DOMESTIC.fullmatch(number) is not None


def bare(number: str) -> bool:
    """Tell whether a number is already in its normal form, which is all that QuerySendDetails takes."""
    return normal(number) == number
