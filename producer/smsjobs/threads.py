"""Threads of our own, in which the async twins of our calls wait for Redis.

asyncio's default executor has as few as five threads, and the application uses it too. While Redis does not answer, our
calls would fill it, and everything else there would wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

__all__ = ["in_thread", "run_within"]

P = ParamSpec("P")
T = TypeVar("T")

#: How many calls wait for Redis at the same time. Further ones queue up. A call takes a millisecond or two.
_THREADS: Final = 16


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in one of our threads, with the caller's context as `asyncio.to_thread` does, and give its value."""
    call = partial(contextvars.copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads.get(), call)


def run_within(seconds: float, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in one of our threads, and give its value if it has one in time.

    Warning:
        A function that is late continues, and its value is lost. So it must be one that may be repeated.

    Raises:
        TimeoutError: It has no value yet. If it has not begun, it does not begin any more.
    """
    future = _bounded.get().submit(contextvars.copy_context().run, partial(function, *args, **kwargs))
    try:
        return future.result(seconds)
    except TimeoutError:
        future.cancel()
        raise


class _Threads:
    """The threads of a process, which are started when they are first needed."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def get(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="smsjobs")
            return self._pool


_threads: Final = _Threads()
#: For `run_within`, which `in_thread` may be waiting for: they must not wait for each other.
_bounded: Final = _Threads()
# A forked child has none of its parent's threads, and may have a lock that is held for ever.
for _each in (_threads, _bounded):
    os.register_at_fork(after_in_child=_each.forget)
