"""A breaker: whether a member of a group fails, and when one job may try whether it is back. Of this process; no I/O."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Breaker"]

#: Seconds until the first probe. Each later one comes after twice the time.
_FIRST_S: Final = 5.0

#: The longest time between two probes, in seconds.
_LONGEST_S: Final = 300.0


class Breaker:
    """Open while a member fails. Threads share it.

    Args:
        clock: Seconds, rising.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: How often in a row it failed, the probes included; what fails between two probes is the same failure.
        self._failures = 0
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the member failed, and has not worked since."""
        return self._failures > 0

    def takes_probe(self) -> bool:
        """Whether this job is the one that may try now. Until the next one nobody else may."""
        with self._lock:
            if not self._failures or self._clock() < self._probe_at:
                return False
            self._pause(0.0)
            return True

    def failed(self, retry_after_s: float | None = None) -> bool:
        """The member failed. Whether it worked until now.

        Args:
            retry_after_s: How long it asked to be left alone, in seconds.
        """
        with self._lock:
            worked = not self._failures
            if worked:
                self._pause(retry_after_s or 0.0)
            return worked

    def worked(self) -> bool:
        """The member worked. Whether it failed until now."""
        with self._lock:
            failed, self._failures = self._failures > 0, 0
            return failed

    def _pause(self, at_least_s: float) -> None:
        self._failures += 1
        pause_s = min(_LONGEST_S, _FIRST_S * 2.0 ** (self._failures - 1))
        self._probe_at = self._clock() + max(pause_s, at_least_s)
