"""Writes ``docs/delivery-codes.md`` from the table: ``python -m smsjobs.delivery.codes_page > docs/delivery-codes.md``."""

from __future__ import annotations

import sys
from typing import Final

from smsjobs.delivery.err_codes import ERR_CODES, FAMILIES, UNKNOWN_CODE, ErrCode

__all__ = ["page", "tables"]

_HEAD: Final = """\
# Why a message did not arrive

Aliyun took it, and the carrier reports a code: `Delivery.err_code`. This is what the codes mean. [Receipts](receipts.md) shows how
they come; [error codes](error-codes.md) has those with which Aliyun refuses a message at once.

| word | meaning |
|---|---|
| fault | where the cause lies: with the `recipient`, the `carrier` or the `content`, or in our own `account` |
| again: `later` | the same message may be sent to the same number again, and may arrive then |
| again: `fixed` | the same, once somebody has fixed the cause |
| again: `never` | it cannot arrive, or the recipient does not want it |

A failed message of mainland China is not billed. A row whose code ends in `*` stands for all codes with that beginning that have no row of
their own; the last one for every other code. Such a code is kept as it came.
"""

_COLUMNS: Final = """\
| code | meaning | fault | again | what to do |
|---|---|---|---|---|
"""

_TAIL: Final = """
Sources: Aliyun's page of receipt codes (101347) and what Aliyun answered in public. The last three columns are ours. `NONE`, `UNREADABLE`
and `OTHER` are ours too.

This page is written from the table in the code; a test compares them.
"""


def page() -> str:
    """The page."""
    return f"{_HEAD}\n{tables()}{_TAIL}"


def tables() -> str:
    """A row for each code."""
    rows = (*sorted(ERR_CODES.values(), key=lambda each: each.code), *FAMILIES, UNKNOWN_CODE)
    return f"{_COLUMNS}{chr(10).join(map(_row, rows))}\n"


def _row(each: ErrCode) -> str:
    return f"| `{each.code}` | {each.meaning} | `{each.fault}` | `{each.again}` | {each.advice} |"


if __name__ == "__main__":
    sys.stdout.write(page())
