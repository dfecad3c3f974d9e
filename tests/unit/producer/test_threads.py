"""The threads in which the async twins wait."""

import asyncio
import contextvars
import os
import threading
import warnings

from smsjobs.threads import in_thread

_WHO = contextvars.ContextVar("who", default="nobody")


def test_context() -> None:
    """What runs there sees the context of its caller, in a thread of ours."""

    async def use() -> tuple[str, str]:
        _WHO.set("somebody")
        return await in_thread(lambda: (_WHO.get(), threading.current_thread().name))

    who, name = asyncio.run(use())
    assert who == "somebody"
    assert name.startswith("smsjobs")


def test_arguments_and_errors() -> None:
    """Arguments arrive, and an error comes back, as by a plain call."""

    async def use() -> int:
        assert await in_thread(int, "11", base=2) == 3
        try:
            return await in_thread(int, "x")
        except ValueError:
            return 0

    assert asyncio.run(use()) == 0


def test_fork() -> None:
    """A child that is forked after its parent has used the threads has some of its own."""
    asyncio.run(in_thread(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(asyncio.wait_for(in_thread(int), 10))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
