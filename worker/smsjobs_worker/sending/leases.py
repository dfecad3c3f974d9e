"""Leases: a worker holds the job that it works on, and renews its hold every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from smsjobs_worker.logs.facts import LeasesNotRenewed, tell

if TYPE_CHECKING:
    from smsjobs.ledger import Granted, Ledger

__all__ = ["Lease", "Leases"]

#: Seconds after which a lease is not renewed any more: the answer of a request that takes longer counts as lost.
_LONGEST_S: Final = 600.0


class Lease:
    """A hold on one job.

    Whether it still holds is judged by this machine's own clock, from before the claim or renewal was asked for:
    a worker that was paused knows that its time is over before anybody tells it.
    """

    def __init__(self, granted: Granted, *, until: float) -> None:
        self.job_id = granted.job_id
        self.token = granted.token
        self.until = until
        self.begun = time.monotonic()

    def holds(self) -> bool:
        """Whether nobody else can have taken the job."""
        return time.monotonic() < self.until


class Leases:
    """The leases of this process, renewed by one thread at a third of their length.

    Args:
        lease_s: Length of a lease, in seconds.
    """

    def __init__(self, ledger: Ledger, *, lease_s: float) -> None:
        self._ledger = ledger
        self._lease_s = lease_s
        self._held: set[Lease] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def hold(self, granted: Granted, *, claimed_at: float) -> Iterator[Lease]:
        """Keep the job for as long as the block runs.

        Args:
            claimed_at: The monotonic time before the claim was asked for.
        """
        lease = Lease(granted, until=claimed_at + self._lease_s)
        with self._lock:
            self._held.add(lease)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._renew_for_ever, name="smsjobs-leases", daemon=True
                )
                self._thread.start()
        try:
            yield lease
        finally:
            with self._lock:
                self._held.discard(lease)

    def _renew_for_ever(self) -> None:
        while True:
            time.sleep(self._lease_s / 3)
            with self._lock:
                held = [each for each in self._held if time.monotonic() - each.begun < _LONGEST_S]
            if held:
                self._renew(held)

    def _renew(self, held: list[Lease]) -> None:
        asked_at = time.monotonic()
        try:
            still = self._ledger.renew([(each.job_id, each.token) for each in held], lease_s=self._lease_s)
        except (RedisError, OSError) as error:
            # The leases run out by themselves unless a later renewal gets through.
            tell(LeasesNotRenewed(jobs=len(held), error=type(error).__name__))
            return
        for lease, ours in zip(held, still, strict=True):
            lease.until = asked_at + self._lease_s if ours else 0.0
