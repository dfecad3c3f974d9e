"""Waiting for something to become true, with a deadline; and seeing that something does not take long."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

T = TypeVar("T")

#: How often what is timed waits for its turn on the machine: the test, Redis, worker and simulator, and back.
_TURNS = 10


def until(condition: Callable[[], T], what: str, *, timeout: float = 30, every: float = 0.02) -> T:
    """Wait until the condition gives something true, and give that; fail with `what` after `timeout` seconds."""
    limit = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < limit, f"after {timeout} s still not: {what}"
        time.sleep(every)
    return value


class Turns:
    """How long this machine, with whatever else it does, lets a thread wait for its turn."""

    def __init__(self) -> None:
        #: The longest such time, in seconds.
        self.longest_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._wait_for_turns, daemon=True)

    @property
    def late_s(self) -> float:
        """How much later something may come for that, which takes several turns."""
        return _TURNS * self.longest_s

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _wait_for_turns(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            self._ended.wait(0.005)
            self.longest_s = max(self.longest_s, time.monotonic() - began - 0.005)


@contextmanager
def in_time(limit_s: float, what: str = "it") -> Iterator[None]:
    """Fail if the block takes longer, apart from the time in which other work of this machine held it up."""
    with Turns() as turns:
        began = time.monotonic()
        yield
        took_s = time.monotonic() - began
    allowed_s = limit_s + turns.late_s
    assert took_s < allowed_s, f"{what} took {took_s:.2f} s, more than {allowed_s:.2f} s"
