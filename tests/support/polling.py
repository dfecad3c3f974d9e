"""Waiting for something to become true, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, *, timeout: float = 30, every: float = 0.02) -> T:
    """Wait until the condition gives something true, and give that; fail with `what` after `timeout` seconds."""
    limit = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < limit, f"after {timeout} s still not: {what}"
        time.sleep(every)
    return value
