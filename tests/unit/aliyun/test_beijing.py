"""The days of Aliyun's record."""

from datetime import UTC, date, datetime

import pytest

from smsjobs_worker.aliyun.beijing import days_to_search


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00")


@pytest.mark.parametrize(
    ("first", "last", "days", "remark"),
    [
        ("2026-11-23T12:00:00", "2026-11-23T12:00:10", [23], "in the middle of a day"),
        ("2026-11-23T23:49:00", "2026-11-23T23:49:59", [23], "not yet near midnight"),
        ("2026-11-23T23:50:00", "2026-11-23T23:51:00", [23, 24], "before midnight"),
        ("2026-11-24T00:00:00", "2026-11-24T00:00:01", [23, 24], "just after midnight"),
        ("2026-11-24T00:09:59", "2026-11-24T00:09:59", [23, 24], "a little later"),
        ("2026-11-24T00:10:00", "2026-11-24T00:10:00", [24], "no longer near midnight"),
        ("2026-11-23T23:59:59", "2026-11-24T00:00:30", [23, 24], "over midnight"),
        ("2026-11-22T12:00:00", "2026-11-24T12:00:00", [22, 23, 24], "two losses, days apart"),
        ("2026-11-23T07:59:00", "2026-11-23T08:01:00", [23], "midnight in Greenwich is none in Beijing"),
    ],
)
def test_days_to_search(first: str, last: str, days: list[int], remark: str) -> None:
    """Around midnight in Beijing both days are searched, else the one."""
    assert days_to_search(beijing(first), beijing(last)) == [date(2026, 11, day) for day in days], remark


def test_days_to_search_over_a_year_end() -> None:
    """The days run on over the end of a year."""
    end = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    assert days_to_search(end, end) == [date(2026, 12, 31), date(2027, 1, 1)]
