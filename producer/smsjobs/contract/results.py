"""The result of a job that Aliyun accepted, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from smsjobs.contract.errors import InvalidArguments
from smsjobs.contract.versions import check_fields, check_version
from smsjobs.contract.wire import VERSION

__all__ = ["ResolvedBy", "SendResult", "decode_result", "encode_result"]

_FIELDS: Final = frozenset(
    {"v", "outcome", "response", "biz_id", "request_id", "out_id", "attempts", "resolved_by"}
)

#: What showed that the message was accepted: Aliyun's own answer; after a lost answer a look-up, or a receipt.
ResolvedBy = Literal["response", "lookup", "receipt"]


@dataclass(frozen=True, kw_only=True)
class SendResult:
    """Aliyun accepted the message. It is not yet delivered."""

    #: Always ``"accepted"``.
    outcome: Literal["accepted"] = "accepted"
    #: Aliyun's body: ``Code``, ``Message``, ``BizId``, ``RequestId``. After a look-up, only ``Code``; after a receipt,
    #: ``Code`` and ``BizId``.
    response: Mapping[str, Any] = field(default_factory=dict)
    #: The job's id, which Aliyun keeps with the message.
    out_id: str
    #: How many requests were made to send it, the first included.
    attempts: int
    #: ``"response"``, ``"lookup"`` or ``"receipt"``.
    resolved_by: ResolvedBy = "response"
    #: Aliyun's id of the accepted request. None after a look-up, which does not tell it.
    biz_id: str | None = None
    #: Aliyun's id of the HTTP request. None after a look-up or a receipt.
    request_id: str | None = None

    def __post_init__(self) -> None:
        for name, key in (("biz_id", "BizId"), ("request_id", "RequestId")):
            if getattr(self, name) is None:
                object.__setattr__(self, name, self.response.get(key))


def encode_result(result: SendResult) -> dict[str, Any]:
    """The result as JSON, which `AsyncResult` shows too."""
    return {
        "v": VERSION,
        "outcome": result.outcome,
        "response": dict(result.response),
        "biz_id": result.biz_id,
        "request_id": result.request_id,
        "out_id": result.out_id,
        "attempts": result.attempts,
        "resolved_by": result.resolved_by,
    }


def decode_result(data: Any) -> SendResult:
    """The result of that JSON.

    Raises:
        InvalidArguments: It is not a result, or of a newer version (``reason="job_unreadable"``).
    """
    if not isinstance(data, Mapping):
        raise InvalidArguments("a result must be a JSON object", reason="job_unreadable")
    check_version(data.get("v"), "result")
    check_fields(data, _FIELDS, "result")
    match data:
        case {
            "outcome": "accepted",
            "response": Mapping() as response,
            "out_id": str(out_id),
            "attempts": int(attempts),
            "resolved_by": "response" | "lookup" | "receipt" as resolved_by,
        } if attempts >= 0 and not isinstance(attempts, bool):
            return SendResult(
                response=dict(response), out_id=out_id, attempts=attempts, resolved_by=resolved_by
            )
        case _:
            raise InvalidArguments("the result lacks a field or has a wrong one", reason="job_unreadable")
