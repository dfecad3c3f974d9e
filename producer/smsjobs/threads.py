"""Threads of our own, in which the async twins of our calls wait for Redis.

asyncio's default executor is the application's, too, and has as few as five threads: while Redis does not answer,
our calls would fill it, and everything else that the application does there would wait with them.
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

__all__ = ["in_thread"]

P = ParamSpec("P")
T = TypeVar("T")

#: Calls that wait for Redis at the same time; more wait for them. One takes a millisecond or two.
_THREADS: Final = 16


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function gives, run in one of our threads with the caller's context, as `asyncio.to_thread` does."""
    call = partial(contextvars.copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads.get(), call)


class _Threads:
    """Made when they are first needed, once in each process."""

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
# A forked child has none of its parent's threads, and maybe a lock that nobody will let go.
os.register_at_fork(after_in_child=_threads.forget)
