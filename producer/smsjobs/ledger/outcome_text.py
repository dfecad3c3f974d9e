"""An outcome as the ledger keeps it: JSON, or a short form if a script settled a chunk of a cancelled campaign."""

from __future__ import annotations

import json
from typing import Any, Final

from smsjobs.contract import Outcome, RequestFailed, decode_outcome, encode_outcome

__all__ = ["outcome_json", "read_outcome", "write_outcome"]

#: The short form that Lua's `cancel_chunk` writes. The number of requests made follows.
_CANCELLED: Final = "cancelled "


def write_outcome(outcome: dict[str, Any]) -> str:
    """Return what `encode_outcome` returned, as text. The same outcome always gives the same text."""
    return json.dumps(outcome, ensure_ascii=False, sort_keys=True)


def outcome_json(text: str, job_id: str) -> dict[str, Any]:
    """Return the outcome as JSON."""
    if not text.startswith(_CANCELLED):
        found: dict[str, Any] = json.loads(text)
        return found
    return encode_outcome(
        RequestFailed(
            message="the campaign was cancelled before this was sent",
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
