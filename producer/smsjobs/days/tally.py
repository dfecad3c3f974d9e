"""Counts facts in this process, and adds them up in Redis every few seconds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from smsjobs.contract import LANES
from smsjobs.delivery import explain
from smsjobs.facts import DeliveryReported, Fact, SettledByReceipt, subscribe

if TYPE_CHECKING:
    from smsjobs.days.days import Days

__all__ = ["DayTally"]

#: Seconds between two times that the counts are added up.
_EVERY_S: Final = 2.0

#: Different counts that wait for Redis. There are far fewer codes.
_MOST: Final = 2_000

_Parts = tuple[str, str, str]


class DayTally:
    """Counts what this process tells.

    Args:
        days: Where it is added up.
        more: Tells of further facts what they count: lane, what became of it, code, and recipients. None: nothing.
    """

    def __init__(
        self, days: Days, more: Callable[[Fact], tuple[str, str, str, int] | None] = lambda _: None
    ) -> None:
        self._days = days
        self._more = more
        self._counts: Counter[_Parts] = Counter()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Count from now on."""
        self._unsubscribe = subscribe(self.take)
        self._thread = threading.Thread(target=self._run, name="smsjobs-days", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and add up what is left."""
        self._unsubscribe()
        self._ending.set()
        if self._thread is not None:
            self._thread.join(_EVERY_S)

    def take(self, fact: Fact) -> None:
        """Count it, if it is one of those."""
        match fact:
            case DeliveryReported():
                known = explain(fact.err_code).code
                self._count(fact.lane, fact.state, "other" if known == "*" else known, 1)
            case SettledByReceipt(before="unknown"):
                # It was counted as unknown, and comes to be accepted.
                self._count(fact.lane, "unknown", "receipt", -fact.recipients)
                self._count(fact.lane, "accepted", "OK", fact.recipients)
            case SettledByReceipt():
                self._count(fact.lane, "accepted", "OK", fact.recipients)
            case _:
                if (told := self._more(fact)) is not None:
                    self._count(*told)

    def _count(self, lane: str, what: str, code: str, recipients: int) -> None:
        if lane not in LANES or not recipients:
            return
        with self._lock:
            if len(self._counts) < _MOST:
                self._counts[lane, what, code.replace(" ", "_")[:80]] += recipients

    def _run(self) -> None:
        while not self._ending.wait(_EVERY_S):
            self._add_up()
        self._add_up()

    def _add_up(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            self._days.add(counts)
        except (RedisError, OSError):
            with self._lock:
                self._counts.update(counts)
