"""Processes that share nothing but Redis, and begin together."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds that a machine with much else to do may need.
_PATIENCE_S = 90

# Not forked from the process that runs the tests: its other threads may hold a lock at that moment, which nobody would
# let go in the child.
_clean = multiprocessing.get_context("forkserver")
_clean.set_forkserver_preload(["smsjobs.client", "smsjobs.verification"])

_barrier: Any = None


def meet() -> None:
    """Wait until all the others are here, too."""
    _barrier.wait(_PATIENCE_S)


def in_processes(count: int, do: Callable[..., T], *args: Any) -> list[T]:
    """What each of `count` processes gave for `do(number, *args)`. What one of them raised is raised here."""
    barrier = _clean.Barrier(count)
    with ProcessPoolExecutor(count, mp_context=_clean, initializer=_begin, initargs=(barrier,)) as pool:
        asked = [pool.submit(_run, do, number, *args) for number in range(count)]
        # One that failed has the others find a broken barrier: what it raised says more.
        failed = [error for each in asked if (error := each.exception(_PATIENCE_S))]
        for error in sorted(failed, key=lambda each: isinstance(each, threading.BrokenBarrierError)):
            raise error
        return [each.result() for each in asked]


def _begin(barrier: Any) -> None:
    global _barrier  # noqa: PLW0603  only what a process begins with can hold a barrier
    _barrier = barrier


def _run(do: Callable[..., T], *args: Any) -> T:
    try:
        meet()
        return do(*args)
    except BaseException:
        _barrier.abort()
        raise
