"""A suppression list in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import product

from smsjobs.contract import Scope
from smsjobs.suppression import Suppressed

__all__ = ["MemoryNumbers"]


class MemoryNumbers:
    """Keeps numbers as the real one does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[tuple[str, Scope], Suppressed] = {}

    def among(self, phones: Sequence[str], *, promotional: bool) -> list[int] | None:
        """The positions of the numbers that must not be sent to; None if nobody was ever put on the list."""
        scopes: tuple[Scope, ...] = ("promotional", "all") if promotional else ("all",)
        hit = (
            at for at, phone in enumerate(phones) if any((phone, scope) in self._numbers for scope in scopes)
        )
        return list(hit) if self._numbers else None

    def put(self, numbers: Iterable[Suppressed], *, wait: bool = True) -> int:
        """Put numbers on the list. Returns how many are new."""
        del wait
        with self._lock:
            before = len(self._numbers)
            for each in numbers:
                self._numbers.setdefault((each.phone, each.scope), each)
            return len(self._numbers) - before

    def drop(self, phone: str, scopes: Sequence[Scope]) -> bool:
        """Take a number off the list. Returns whether it was there."""
        with self._lock:
            gone = [self._numbers.pop(pair, None) for pair in product((phone,), scopes)]
        return any(gone)

    def count(self) -> int:
        """How many entries there are."""
        return len(self._numbers)

    def page(self, cursor: int) -> tuple[int, list[Suppressed]]:
        """The whole list."""
        del cursor
        return 0, list(self._numbers.values())
