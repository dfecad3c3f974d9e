"""An outcome as the ledger keeps it: JSON, or in short where a script of ours settled a chunk of a cancelled campaign."""

from __future__ import annotations

import json
from typing import Any, Final

from smsjobs.contract import Outcome, RequestFailed, decode_outcome, encode_outcome

__all__ = ["outcome_json", "read_outcome", "write_outcome"]

#: What Lua's `cancel_chunk` writes; the requests that were made follow.
_CANCELLED: Final = "cancelled "


def write_outcome(outcome: dict[str, Any]) -> str:
    """What `encode_outcome` gives, as text that is the same again for the same outcome."""
    return json.dumps(outcome, ensure_ascii=False, sort_keys=True)


def outcome_json(text: str, job_id: str) -> dict[str, Any]:
    """The outcome as JSON."""
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
    """The outcome of that job.

    Raises:
        InvalidArguments: It is of a newer version, say.
    """
    return decode_outcome(outcome_json(text, job_id))
