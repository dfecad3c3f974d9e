"""What the reasons mean for which a row is left out, to somebody who has the file before him."""

from __future__ import annotations

from typing import Final

__all__ = ["MEANINGS", "meaning"]

#: The word before a colon is the key.
MEANINGS: Final = {
    "ambiguous_number": "the number may be somebody else's",
    "country_not_allowed": "--countries leaves this country out",
    "duplicate": "an earlier row has the number, and gets the message",
    "hidden_row": "the row is hidden or filtered out in the workbook",
    "not_a_phone_number": "there is no phone number, or not a valid one",
    "parameter_has_url": "the value has a URL, which Aliyun refuses",
    "parameter_ill_typed": "the value is not of its variable's type, and Aliyun refuses it",
    "parameter_missing": "the cell is empty",
    "parameter_not_allowed": "the value has a character that Aliyun refuses",
    "parameter_too_long": "the value has too many characters for Aliyun",
    "too_many_cells": "it has more cells than there are columns",
    "two_numbers": "it has two phone numbers",
    "unknown_column": "it has a name that the first row lacks",
    "unreadable": "a cell that is needed cannot be read",
}


def meaning(reason: str) -> str:
    """What the reason means, such as that of ``parameter_missing:name``; empty where nobody knows."""
    return MEANINGS.get(reason.partition(":")[0], "")
