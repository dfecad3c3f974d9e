"""Send SMS through Alibaba Cloud in the background: the part that a web application installs."""

from smsjobs.contract import (
    AliyunRejected,
    IdempotencyConflict,
    InvalidArguments,
    QueueUnavailable,
    RequestFailed,
    SendResult,
    SmsError,
)

__all__ = [
    "AliyunRejected",
    "IdempotencyConflict",
    "InvalidArguments",
    "QueueUnavailable",
    "RequestFailed",
    "SendResult",
    "SmsError",
]
