"""Named points of a send, at which a fault test lets a worker stop or die."""

import os
import signal

#: In the order in which a send passes them.
POINTS = ("before_claim", "after_claim", "after_member", "after_answer", "after_settle", "before_ack")

_SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP}


class Points:
    """Strikes at one point, at the first job that passes it.

    Args:
        told: ``"after_claim=kill"`` ends the process there as SIGKILL would; ``=pause`` stops it as SIGSTOP would.
    """

    def __init__(self, told: str) -> None:
        self._point, _, verb = told.partition("=")
        if self._point not in POINTS or verb not in _SIGNALS:
            raise ValueError(f"{told!r} is not a valid point: one of {POINTS}, =kill or =pause")
        self._signal = _SIGNALS[verb]

    def pass_(self, point: str) -> None:
        """Pass a point."""
        if point == self._point:
            self._point = ""
            os.kill(os.getpid(), self._signal)
