"""The outcome of a job, which is a `SendResult` or an `SmsError`, and its JSON in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from smsjobs.contract.versions import check_fields, check_version
from smsjobs.contract.wire import VERSION

__all__ = ["OUTCOMES", "STATUSES", "Outcome", "decode_outcome", "encode_outcome"]

Outcome = SendResult | SmsError

#: The four outcomes. A job has exactly one, once.
OUTCOMES: Final = ("accepted", "rejected", "not_sent", "unknown")

#: What `job.status()` may return.
STATUSES: Final = ("queued", "sending", "looking_up", *OUTCOMES)

#: The errors by their names in JSON.
_ERRORS: Final[dict[str, type[SmsError]]] = {
    "SmsError": SmsError,
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
        InvalidArguments: It is not an outcome, or of a newer version (``reason="job_unreadable"``).
    """
    if not isinstance(data, Mapping):
        raise InvalidArguments("an outcome must be a JSON object", reason="job_unreadable")
    check_version(data.get("v"), "outcome")
    if "error" not in data:
        return decode_result(data)
    check_fields(data, ("v", "outcome", "error"), "outcome")
    if not isinstance(data["error"], Mapping):
        raise InvalidArguments("an outcome's error must be a JSON object", reason="job_unreadable")
    fields = dict(data["error"])
    name = fields.pop("class", None)
    error_class = _ERRORS.get(name) if isinstance(name, str) else None
    if error_class is None:
        raise InvalidArguments("the class of an outcome's error is unknown here", reason="job_unreadable")
    fields.pop("code", None)  # the class has it
    # A field that is missing gets its default: `argument` is younger than the first records.
    check_fields(fields, error_class().to_json(), "outcome's error")
    if not all(_IS_RIGHT.get(field, _is_text)(value) for field, value in fields.items()):
        raise InvalidArguments("an outcome's error has a field of a wrong type", reason="job_unreadable")
    return error_class(**fields)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_seconds_or_none(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


#: What the value of an error's field must be. A field that is not listed must be text.
_IS_RIGHT: Final[dict[str, Callable[[Any], bool]]] = {
    "argument": _is_text_or_none,
    "attempts": _is_count,
    "out_id": _is_text_or_none,
    "outcome": lambda value: value in ("rejected", "not_sent", "unknown"),
    "request_id": _is_text_or_none,
    "retry_after": _is_seconds_or_none,
}
