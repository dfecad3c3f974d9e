"""An outcome: what a job ended in, either a `SendResult` or an `SmsError`, and its JSON in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from smsjobs.contract.errors import (
    AliyunRejected,
    IdempotencyConflict,
    InvalidArguments,
    QueueUnavailable,
    RequestFailed,
    SmsError,
)
from smsjobs.contract.results import SendResult, decode_result, encode_result
from smsjobs.contract.versions import check_version
from smsjobs.contract.wire import VERSION

__all__ = ["OUTCOMES", "STATUSES", "Outcome", "decode_outcome", "encode_outcome"]

Outcome = SendResult | SmsError

#: The four outcomes. A job has exactly one, once.
OUTCOMES: Final = ("accepted", "rejected", "not_sent", "unknown")

#: What `job.status()` may say.
STATUSES: Final = ("queued", "sending", "looking_up", *OUTCOMES)

#: An error by the name it has in JSON.
_ERRORS: Final[dict[str, type[SmsError]]] = {
    "InvalidArguments": InvalidArguments,
    "IdempotencyConflict": IdempotencyConflict,
    "AliyunRejected": AliyunRejected,
    "RequestFailed": RequestFailed,
    "QueueUnavailable": QueueUnavailable,
}


def encode_outcome(outcome: Outcome) -> dict[str, Any]:
    """The outcome as JSON: a result's, or ``{"v": 1, "outcome": …, "error": {…}}``."""
    if isinstance(outcome, SendResult):
        return encode_result(outcome)
    error = {"class": type(outcome).__name__, **outcome.to_json()}
    return {"v": VERSION, "outcome": outcome.outcome, "error": error}


def decode_outcome(data: Any) -> Outcome:
    """The outcome of that JSON.

    Raises:
        InvalidArguments: It is none, or of a newer version.
    """
    if not isinstance(data, Mapping):
        raise InvalidArguments("an outcome must be a JSON object", "job_unreadable")
    check_version(data.get("v"), "outcome")
    if "error" not in data:
        return decode_result(data)
    fields = dict(data["error"])
    error_class = _ERRORS.get(fields.pop("class", ""))
    fields.pop("code", None)  # the class has it
    if error_class is None:
        raise InvalidArguments("an outcome's error is of no class known here", "job_unreadable")
    try:
        return error_class(**fields)
    except TypeError:
        raise InvalidArguments(
            "an outcome's error lacks a field or has a wrong one", "job_unreadable"
        ) from None
