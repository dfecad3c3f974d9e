"""Records of recipients, and what a report says."""

from datetime import UTC, datetime, timedelta

import pytest

from smsjobs.delivery import Delivery, read_records
from smsjobs.delivery.records import RECORD, record_parts
from support.receipts import a_report

AT = datetime(2026, 11, 28, 12, 30, 1, tzinfo=UTC)
CODES = {"00": "DELIVERED", "01": "MOBILE_IN_BLACK"}


def _read(state: str, code: str, rest: str) -> Delivery:
    (found,) = read_records(state + rest[:2] + code + rest[2:], CODES)
    return found


def test_a_record_gives_back_what_was_reported() -> None:
    """State, code, parts, both moments and the source come back from 17 characters."""
    report = a_report(
        "job", err_code="MOBILE_IN_BLACK", parts=3, sent_at=AT, reported_at=AT + timedelta(seconds=9), source="pull"
    )  # fmt: skip
    state, code, rest = record_parts(report)
    assert len(state) + 2 + len(rest) == RECORD
    assert code == "MOBILE_IN_BLACK"
    assert _read(state, "01", rest) == Delivery(
        state="failed",
        err_code="MOBILE_IN_BLACK",
        parts=3,
        sent_at=AT,
        reported_at=AT + timedelta(seconds=9),
        source="pull",
    )


@pytest.mark.parametrize(
    "moment", [None, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)], ids=["none", "early", "late"]
)  # fmt: skip
def test_a_moment_that_cannot_be_is_unknown(moment: datetime | None) -> None:
    """Times that are missing, or no time of a message, read as unknown, and parts without bounds are bounded."""
    _, _, rest = record_parts(a_report("job", sent_at=moment, reported_at=moment, parts=10**9))
    found = _read("d", "00", rest)
    assert (found.sent_at, found.reported_at, found.parts) == (None, None, 35)


def test_what_is_not_reported_is_waiting() -> None:
    """Dots are a recipient that waits, and a code of a newer version is OTHER."""
    waiting, unreported = read_records("." * RECORD + "u" + "0" * (RECORD - 1), {})
    assert (waiting, unreported) == (Delivery(), Delivery(state="unreported"))
    assert _read("f", "zz", record_parts(a_report("job"))[2]).err_code == "OTHER"


@pytest.mark.parametrize(
    ("given", "state", "code"),
    [
        ({"success": True, "err_code": "anything"}, "delivered", "DELIVERED"),
        ({"success": False, "err_code": "MK:0001"}, "failed", "MK:0001"),
        ({"success": False, "err_code": ""}, "failed", "NONE"),
        ({"success": False, "err_code": "call 13800138000 now"}, "failed", "UNREADABLE"),
        ({"success": False, "err_code": "X" * 41}, "failed", "UNREADABLE"),
        ({"success": False, "err_code": "REQUEST_SUCCESS"}, "waiting", "REQUEST_SUCCESS"),
    ],
    ids=["arrived", "a code", "no code", "not a code", "too long", "not final"],
)
def test_what_a_report_says(given: dict[str, object], state: str, code: str) -> None:
    """Success decides, a code is kept only if it can be one, and what is not final leaves the recipient waiting."""
    report = a_report("job", **given)
    assert (report.state, report.code) == (state, code)


@pytest.mark.parametrize("written", ["13800138000", "8613800138000", "+86 138-0013-8000", "008613800138000"])
def test_forms_of_a_number(written: str) -> None:
    """However Aliyun writes a mainland number, the form in which it was sent is among those that are tried."""
    assert "13800138000" in a_report("job", phone=written).numbers()


def test_a_report_shows_no_number() -> None:
    """The number is in no repr, which may end up in a log."""
    assert "13800138000" not in repr(a_report("job"))
