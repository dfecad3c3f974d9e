"""Runs a program that the kernel kills as soon as the process that started it has ended, even by a kill. Linux only.

It is run as a script and imports the standard library only, to start fast.
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
    """The command that runs that command, bound to the process that asks; elsewhere than on Linux, as it was.

    The main thread must start it: the kernel goes by the end of the thread.
    """
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def _run(parent: int, command: list[str]) -> None:
    # It outlives the program's start, which keeps the process id.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("who started this has ended")
    os.execvp(command[0], command)  # noqa: S606  our own programs, no shell


if __name__ == "__main__":
    _run(int(sys.argv[1]), sys.argv[2:])
