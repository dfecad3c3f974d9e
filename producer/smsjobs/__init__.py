"""Send SMS through Alibaba Cloud in the background: the part that a web application installs.

::

    from smsjobs import connect

    sms = connect()
    job = sms.getElement("SMS.YourSmsName").sendMessage(
        phoneList=["13800138000"], params={"code": "123456"}, verifyTemplateCode="SMS_123456789"
    )
    job.get(timeout=10)
"""

from typing import TYPE_CHECKING, Any

from smsjobs.client import Sms, connect
from smsjobs.contract import (
    AliyunRejected,
    IdempotencyConflict,
    InvalidArguments,
    QueueUnavailable,
    RequestFailed,
    SendResult,
    SmsError,
    VerificationRefused,
)
from smsjobs.element import Element
from smsjobs.job import Job
from smsjobs.on_demand import on_demand
from smsjobs.settings import SettingsError

__all__ = [
    "AliyunRejected",
    "Deliveries",
    "Delivery",
    "Element",
    "IdempotencyConflict",
    "InvalidArguments",
    "Job",
    "JobInfo",
    "QueueUnavailable",
    "RequestFailed",
    "SendResult",
    "SettingsError",
    "Sms",
    "SmsError",
    "Try",
    "VerificationRefused",
    "connect",
    "receipts",
]

if TYPE_CHECKING:
    from smsjobs import receipts
    from smsjobs.delivery import Deliveries, Delivery
    from smsjobs.steering import JobInfo, Try

    __version__: str
else:
    # What a job's handle returns, not what enqueues one.
    _load = on_demand(__name__, delivery=("Deliveries", "Delivery"), steering=("JobInfo", "Try"))

    def __getattr__(name: str) -> Any:
        if name == "receipts":
            import smsjobs.receipts  # noqa: PLC0415  only whoever takes receipts loads them

            return smsjobs.receipts
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415  few ask for it

            return version("smsjobs")
        return _load(name)
