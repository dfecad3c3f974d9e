"""Which trace a job belongs to, in the words of W3C Trace Context."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["read_traceparent"]

#: Version, trace, span and flags. A later version may have more behind them.
_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]([0-9a-f])(?:-.*)?", re.ASCII
)

_LONGEST: Final = 200


def read_traceparent(given: Any) -> str | None:
    """Return the ``traceparent`` in version 00, or None if it is not one, or if its trace is not recorded.

    What a tracing system adds beside it (``tracestate``, ``baggage``) may hold anything, and is not kept.
    """
    if not isinstance(given, str) or len(given) > _LONGEST:
        return None
    found = _TRACEPARENT.fullmatch(given)
    if found is None or int(found[1], 16) % 2 == 0:
        return None
    return f"00{given[2:53]}01"
