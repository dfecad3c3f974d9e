"""Runs a program that the kernel kills as soon as the process that started it ends, however it ends. Linux only.

It is run as a script. It imports the standard library only, so that it starts fast.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

__all__ = ["bound_to_this_process"]

_PR_SET_PDEATHSIG = 1


def bound_to_this_process(command: Sequence[str]) -> list[str]:
    """The command that runs the given command, bound to the calling process. Outside Linux, the given command itself.

    Warning:
        Start it in the main thread: the kernel kills it when the thread that started it ends.
    """
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def _run(parent: int, command: list[str]) -> None:
    # The setting survives the start of the program, which keeps the process id.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this has ended")
    os.execvp(command[0], command)  # noqa: S606  our own programs, no shell


if __name__ == "__main__":
    _run(int(sys.argv[1]), sys.argv[2:])
