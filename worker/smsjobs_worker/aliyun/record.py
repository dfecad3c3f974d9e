"""A row of Aliyun's record, QuerySendDetails, read as a report of a delivery."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from smsjobs.delivery import Report
from smsjobs_worker.aliyun.beijing import BEIJING

__all__ = ["read_delivery"]

#: SendStatus: 1 waits for the carrier.
_FAILED: Final = "2"
_DELIVERED: Final = "3"


def read_delivery(row: Mapping[str, Any], *, phone: str, out_id: str) -> Report | None:
    """The report of a row, or None while the carrier has not reported."""
    status = str(row.get("SendStatus"))
    if status not in (_FAILED, _DELIVERED):
        return None
    return Report(
        job_id=out_id,
        phone=phone,
        success=status == _DELIVERED,
        err_code=str(row.get("ErrCode") or ""),
        sent_at=_moment(row.get("SendDate")),
        reported_at=_moment(row.get("ReceiveDate")),
        source="pull",
    )


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None
