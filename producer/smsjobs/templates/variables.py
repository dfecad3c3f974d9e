"""The types of a template's variables. Source: Aliyun's page on TemplateRule (help.aliyun.com 2806243).

The page is followed where it is plain. Where it leaves something open, as with the forms of a time, every value passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["TYPES", "VariableType"]

#: Characters of a value of any type.
_MOST: Final = 35


@dataclass(frozen=True, kw_only=True)
class VariableType:
    """What a value may be."""

    #: In words, as in "4 to 6 digits".
    words: str
    #: Fewest and most characters.
    least: int = 1
    most: int = _MOST
    #: What the whole value has to match, or None.
    pattern: re.Pattern[str] | None = None

    def fits(self, value: str) -> bool:
        """Whether Aliyun takes that value, as far as is known."""
        if not self.least <= len(value) <= self.most:
            return False
        return self.pattern is None or self.pattern.fullmatch(value) is not None


def _type(words: str, least: int = 1, most: int = _MOST, pattern: str | None = None) -> VariableType:
    compiled = None if pattern is None else re.compile(pattern, re.ASCII)
    return VariableType(words=words, least=least, most=most, pattern=compiled)


#: Each type by Aliyun's name.
TYPES: Final[dict[str, VariableType]] = {
    "numberCaptcha": _type("4 to 6 digits", 4, 6, r"[0-9]+"),
    "characterWithNumber2": _type("4 to 6 letters and digits", 4, 6, r"[A-Za-z0-9]+"),
    "phone_number2": _type("a phone number of at most 15 digits and hyphens", 3, 15, r"[0-9-]+"),
    "time": _type("a date or a time of at most 35 characters"),
    "money": _type("a number without a unit", 1, _MOST, r"[0-9]+(?:[.,][0-9]+)*"),
    "user_nick": _type("1 to 20 characters", 1, 20),
    # The number of Hanzi is plain; whether a middle dot counts is not, so other signs pass.
    "name": _type("a name of 2 to 5 Hanzi", 2, 15),
    "unit_name": _type("1 to 20 characters", 1, 20),
    "address": _type("1 to 30 characters", 1, 30),
    "license_plate_number": _type("1 to 10 characters", 1, 10),
    "tracking_number": _type("8 to 16 characters", 8, 16),
    "pick_up_code": _type("4 to 8 characters", 4, 8),
    "other_number2": _type("at most 35 letters and digits", 1, _MOST, r"[A-Za-z0-9-]+"),
    "link_param": _type("1 to 8 letters and digits", 1, 8, r"[A-Za-z0-9]+"),
    "email_address": _type("an e-mail address of 7 to 30 characters", 7, 30, r"\S+@\S+"),
    "others": _type("1 to 35 characters"),
}
