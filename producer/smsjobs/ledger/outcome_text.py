"""An outcome as the ledger keeps it: JSON, or a short form if a script made it.

Scripts settle what is cancelled, and what a receipt proves to be accepted.
"""

from __future__ import annotations

import json
from typing import Any, Final

from smsjobs.contract import (
    InvalidArguments,
    Outcome,
    RequestFailed,
    SendResult,
    decode_outcome,
    encode_outcome,
)

__all__ = ["outcome_json", "read_outcome", "write_outcome"]

#: The short form that the scripts write for what was cancelled. The number of requests made follows.
_CANCELLED: Final = "cancelled "

#: The short form that Lua's `settle_by_receipt` writes. The number of requests made follows, and the BizId or nothing.
_RECEIPT: Final = "receipt "


def write_outcome(outcome: dict[str, Any]) -> str:
    """Return what `encode_outcome` returned, as text. The same outcome always gives the same text."""
    return json.dumps(outcome, ensure_ascii=False, sort_keys=True)


def outcome_json(text: str, job_id: str) -> dict[str, Any]:
    """Return the outcome as JSON.

    Raises:
        InvalidArguments: It cannot be read (``reason="job_unreadable"``).
    """
    try:
        return _json(text, job_id)
    except (ValueError, RecursionError):
        raise InvalidArguments(
            "the outcome in the ledger is damaged", reason="job_unreadable", out_id=job_id
        ) from None


def _json(text: str, job_id: str) -> dict[str, Any]:
    if text.startswith(_RECEIPT):
        attempts, _, biz_id = text.removeprefix(_RECEIPT).partition(" ")
        response = {"Code": "OK"} | ({"BizId": biz_id} if biz_id else {})
        return encode_outcome(
            SendResult(response=response, out_id=job_id, attempts=int(attempts), resolved_by="receipt")
        )
    if not text.startswith(_CANCELLED):
        found: dict[str, Any] = json.loads(text)
        return found
    return encode_outcome(
        RequestFailed(
            message="it was cancelled before it was sent",
            reason="cancelled",
            outcome="not_sent",
            out_id=job_id,
            attempts=int(text.removeprefix(_CANCELLED)),
        )
    )


def read_outcome(text: str, job_id: str) -> Outcome:
    """Return the outcome of the job with this id.

    Raises:
        InvalidArguments: It cannot be read, because a newer version wrote it, for example.
    """
    return decode_outcome(outcome_json(text, job_id))
