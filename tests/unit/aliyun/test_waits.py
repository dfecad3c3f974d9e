"""How long limits last."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from smsjobs_worker.aliyun.beijing import BEIJING
from smsjobs_worker.aliyun.waits import is_minute_limit, retry_after_s

FLOW = "isv.BUSINESS_LIMIT_CONTROL"


def at(*when, zone=BEIJING):
    return datetime(*when, tzinfo=zone)


@pytest.mark.parametrize(
    ("code", "message", "now", "seconds"),
    [
        (FLOW, "触发分钟级流控Permits:1", at(2026, 5, 4, 14, 3, 20), 40),
        (FLOW, "触发分钟级流控Permits:3", at(2026, 5, 4, 14, 3, 0), 60),  # a full window begins
        (FLOW, "触发分钟级流控Permits:1", at(2026, 5, 4, 14, 3, 59, 500_000), 0.5),
        (FLOW, "触发分钟级流控Permits:1", at(2026, 12, 31, 23, 59, 30), 30),  # over the year
        (FLOW, "触发小时级流控Permits:5", at(2026, 5, 4, 14, 3, 20), 3400),
        # A zone with half an hour: the windows are Beijing's.
        (FLOW, "触发小时级流控Permits:5", at(2026, 5, 4, 14, 30, zone=timezone(timedelta(hours=5.5))), 3600),
        (FLOW, "触发天级流控Permits:10", at(2026, 5, 4, 14, 3, 20), 86400),
        (FLOW, "something new", at(2026, 5, 4), None),
        (FLOW, "", at(2026, 5, 4), None),
        ("isv.DAY_LIMIT_CONTROL", "触发日发送限额", at(2026, 5, 4, 23, 0), 3600),
        ("isv.DAY_LIMIT_CONTROL", "", at(2026, 5, 4, 16, 30, zone=UTC), 23.5 * 3600),  # 00:30 in Beijing
        ("isv.MONTH_LIMIT_CONTROL", "触发月发送限额", at(2026, 12, 31, 12, 0), 12 * 3600),
        ("isv.MONTH_LIMIT_CONTROL", "", at(2026, 2, 1), 28 * 86400),
        ("isv.MONTH_LIMIT_CONTROL", "", at(2026, 1, 31, 20, 0, zone=UTC), 28 * 86400 - 4 * 3600),
        ("isv.OUT_OF_SERVICE", "触发天级流控", at(2026, 5, 4), None),
    ],
)
def test_retry_after(code, message, now, seconds):
    """A limit ends with the window that Aliyun's message names, whatever number stands in it."""
    assert retry_after_s(code, message, now) == seconds


@pytest.mark.parametrize(
    ("code", "message", "minute"),
    [
        (FLOW, "触发分钟级流控Permits:1", True),
        (FLOW, "触发小时级流控Permits:5", False),
        (FLOW, "", False),
        ("isv.OUT_OF_SERVICE", "触发分钟级流控Permits:1", False),
    ],
)
def test_minute_limit(code, message, minute):
    """The limit of a minute is told from longer ones, whatever number stands in Aliyun's message."""
    assert is_minute_limit(code, message) is minute
