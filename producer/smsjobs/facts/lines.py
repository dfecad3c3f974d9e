"""One log line for each fact: a constant sentence, and the fields in ``extra``.

What repeats is counted, not repeated: a broker that is unreachable for an hour is 60 lines, not one for each job.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from smsjobs.facts.fact import Fact

__all__ = ["LogLines"]

#: Seconds between two lines of the same trouble.
_EVERY_S: Final = 60.0

_lock = threading.Lock()


def _forget() -> None:
    """After a fork: another thread of the parent may have held it."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)

#: logging.getLogger takes a lock each time.
_logger = functools.cache(logging.getLogger)


@dataclass(kw_only=True)
class _Trouble:
    """A trouble that repeats."""

    #: When its last line was written.
    said_at: float
    #: The last fact that was counted since, and how many.
    fact: Fact
    unsaid: int = 0


class LogLines:
    """Writes facts to their loggers.

    Args:
        clock: Seconds, rising.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._troubles: dict[tuple[object, ...], _Trouble] = {}
        self._next_look = float("inf")

    def write(self, fact: Fact) -> None:
        """Write the fact's line, or count it."""
        if _logger(fact.logger).isEnabledFor(fact.level):
            if fact.repeats_by is None:
                _write(fact)
            else:
                self._count(fact, fact.repeats_by)
        if self._clock() >= self._next_look:
            self._write_counted()

    def _count(self, fact: Fact, names: tuple[str, ...]) -> None:
        key = (type(fact), *(getattr(fact, name) for name in names))
        with _lock:
            now = self._clock()
            trouble = self._troubles.get(key)
            if trouble is not None and now - trouble.said_at < _EVERY_S:
                trouble.fact = fact
                trouble.unsaid += 1
                return
            times = 1 if trouble is None else trouble.unsaid + 1
            self._troubles[key] = _Trouble(said_at=now, fact=fact)
            self._next_look = min(self._next_look, now + _EVERY_S)
        _write(fact, times=times)

    def _write_counted(self) -> None:
        """Write how often what was told within the last minute; whatever is told next gives the occasion."""
        with _lock:
            now = self._clock()
            over = {key: each for key, each in self._troubles.items() if now - each.said_at >= _EVERY_S}
            for key, each in over.items():
                if each.unsaid:
                    self._troubles[key] = _Trouble(said_at=now, fact=each.fact)
                else:
                    del self._troubles[key]
            said = [each.said_at for each in self._troubles.values()]
            self._next_look = min(said, default=float("inf")) + _EVERY_S
        for each in over.values():
            if each.unsaid:
                _write(each.fact, times=each.unsaid)


def _write(fact: Fact, **more: int) -> None:
    # No place in the code: it would be this one for every line, and takes a tenth of the line's time to find.
    record = _logger(fact.logger).makeRecord(fact.logger, fact.level, "", 0, fact.sentence, (), None)
    fields = vars(record)
    fields["action"] = fact.action
    for name, value in vars(fact).items():
        if value is not None:
            fields[name] = value
    fields |= more
    _logger(fact.logger).handle(record)
