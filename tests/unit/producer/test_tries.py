"""The tries of a job, as text and back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsjobs.ledger import Try, read_tries
from smsjobs.ledger.tries import write_tries

AT = datetime(2026, 11, 28, 9, 30, 0, 125_000, UTC)

TRIES = (
    Try(at=AT, result="accepted"),
    Try(at=AT, result="rejected", reason="flow_control", aliyun_code="isv.BUSINESS_LIMIT_CONTROL"),
    Try(at=AT, result="not_sent", reason="connect_failed"),
    Try(at=AT, result="lost", aliyun_code="isp.SYSTEM_ERROR"),
    Try(at=AT, result="interrupted"),
    Try(at=AT, result="found"),
    Try(at=AT, result="failed", reason="throttled-", aliyun_code="Throttling.User"),
)


def test_there_and_back() -> None:
    """What is written is read."""
    assert read_tries(write_tries(TRIES).encode()) == TRIES


def test_kinds() -> None:
    """A try is a request or a look-up."""
    assert [each.kind for each in TRIES] == ["request"] * 5 + ["look_up"] * 2


def test_any_reason() -> None:
    """A reason of a Type of one's own, which may be any text, breaks no line and does not grow."""
    odd = Try(at=AT, result="not_sent", reason="two\nlines \u7801" + "x" * 1000, aliyun_code="a b")
    (found,) = read_tries(write_tries([odd]).encode())
    assert found.reason == "two_lines__" + "x" * 29
    assert found.aliyun_code == "a_b"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x",
        b"1 lost\xff",
        b"99999999999999 lost",
        b"1 sent",
        b"-1 lost",
        b"1 lost a b c",
        b"1  lost",
        b"NaN lost",
    ],
)
def test_a_damaged_line(line: bytes) -> None:
    """What is damaged is left out, and what stands beside it is read."""
    whole = write_tries(TRIES[:1]).encode()
    assert read_tries(whole + b"\n" + line + whole) == TRIES[:1] * 2


@given(st.binary(max_size=2000))
def test_any_text(text: bytes) -> None:
    """No text whatever stops a reader."""
    read_tries(text)


def test_none() -> None:
    """Most jobs have none."""
    assert read_tries(None) == ()
