"""The carriers' codes."""

from pathlib import Path

import pytest

from smsjobs.delivery import explain
from smsjobs.delivery.codes_page import page
from smsjobs.delivery.err_codes import ERR_CODES, FAMILIES, UNKNOWN_CODE

PAGE = Path(__file__).parents[3] / "docs" / "delivery-codes.md"

#: The receipt codes that Aliyun documents.
DOCUMENTED = [
    "DELIVERED",
    "REQUEST_SUCCESS",
    "MOBILE_NOT_ON_SERVICE",
    "INVALID_NUMBER",
    "MOBILE_SEND_LIMIT",
    "MOBILE_ACCOUNT_ABNORMAL",
    "MOBILE_IN_BLACK",
    "USER_REJECT",
    "MOBLLE_TERMINAL_ERROR",
    "MOBILE_TERMINAL_ERROR",
    "CONTENT_KEYWORD",
    "CONTENT_ERROR",
    "IS_CLOSE",
    "NO_ROUTE",
    "SP_NOT_BY_INTER_SMS",
    "SP_UNKNOWN_ERROR",
    "EXPIRED",
]


def test_every_documented_code_has_a_row() -> None:
    """No code that Aliyun documents is unknown, and no row lacks a meaning or an advice."""
    assert set(DOCUMENTED) <= ERR_CODES.keys()
    assert all(each.meaning and each.advice for each in (*ERR_CODES.values(), *FAMILIES, UNKNOWN_CODE))


@pytest.mark.parametrize(
    ("code", "fault", "again"),
    [
        ("MOBILE_NOT_ON_SERVICE", "recipient", True),
        ("MOBILE_TERMINAL_ERROR", "recipient", True),
        ("IS_CLOSE", "carrier", True),
        ("INVALID_NUMBER", "recipient", False),
        ("MOBILE_IN_BLACK", "recipient", False),
        ("USER_REJECT", "recipient", False),
        ("CONTENT_KEYWORD", "content", False),
        ("DELIVERED", "nobody", False),
        ("isv.BLACK_KEY_CONTROL_LIMIT", "account", False),
        ("MK:0001", "unknown", False),
        ("", "unknown", False),
    ],
)
def test_what_may_be_tried_again(code: str, fault: str, again: bool) -> None:
    """Switched off and full may be tried again; what does not exist, is unwanted or unknown may not."""
    found = explain(code)
    assert (found.fault, found.may_be_sent_again) == (fault, again)


def test_the_page_is_this_table() -> None:
    """The documented table is this one; `python -m smsjobs.delivery.codes_page` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()
