"""Named points of a send, at which a fault test lets a worker stop or die.

Off unless SMS_PROBE is set: ``SMS_PROBE=after_claim=kill`` ends the process there as SIGKILL would, and
``=pause`` stops it as SIGSTOP would, each at the first job that passes.
"""

from __future__ import annotations

import os
import signal
from typing import Final

__all__ = ["POINTS", "probe"]

#: In the order in which a send passes them.
POINTS: Final = ("before_claim", "after_claim", "after_answer", "after_settle", "before_ack")

_SIGNALS: Final = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP}

_point, _, _verb = os.environ.get("SMS_PROBE", "").partition("=")


def probe(point: str) -> None:
    """Pass a point."""
    global _point  # noqa: PLW0603  it strikes once
    if point == _point and _verb in _SIGNALS:
        _point = ""
        os.kill(os.getpid(), _SIGNALS[_verb])
