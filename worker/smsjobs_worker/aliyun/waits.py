"""How long Aliyun's limits last. Source: its pages on flow control (help.aliyun.com 108293).

Minute and hour are windows of the clock, not rolling ones. A day of flow control is 24 hours from the send; the wait is
the whole of it. The account's own limits end with the Beijing day or month.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from smsjobs_worker.aliyun.beijing import BEIJING

__all__ = ["is_minute_limit", "retry_after_s"]

#: What SendSmsVerifyCode answers within its ``Interval`` after another code to the number.
_INTERVALS: Final = ("biz.FREQUENCY", "FREQUENCY_FAIL")


def is_minute_limit(code: str, message: str) -> bool:
    """Whether a number's limit of a minute or less refused the request: Aliyun has accepted another one within that time."""
    return code in _INTERVALS or (code == "isv.BUSINESS_LIMIT_CONTROL" and "分钟级" in message)


def retry_after_s(code: str, message: str, now: datetime) -> float | None:
    """Seconds until a limit ends, or None if the code is not a limit's or Aliyun's message names no known one.

    Args:
        code: Aliyun's code.
        message: Aliyun's message, such as ``触发小时级流控Permits:5``; the number varies with the account's settings.
        now: The time, with its zone.
    """
    beijing = now.astimezone(BEIJING)
    midnight = beijing.replace(hour=0, minute=0, second=0, microsecond=0)
    match code:
        case "isv.BUSINESS_LIMIT_CONTROL" if is_minute_limit(code, message):
            end = beijing.replace(second=0, microsecond=0) + timedelta(minutes=1)
        case "isv.BUSINESS_LIMIT_CONTROL" if "小时级" in message:
            end = beijing.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        case "isv.BUSINESS_LIMIT_CONTROL" if "天级" in message:
            end = beijing + timedelta(days=1)
        case "isv.DAY_LIMIT_CONTROL":
            end = midnight + timedelta(days=1)
        case "isv.MONTH_LIMIT_CONTROL":
            end = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        case _:
            return None
    return (end - beijing).total_seconds()
