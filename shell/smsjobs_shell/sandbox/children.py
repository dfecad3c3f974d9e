"""Processes that a command starts, watches and stops.

Each is in a session of its own. So Ctrl-C in the terminal reaches the command only, which then stops them in order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from smsjobs_shell.sandbox.bound import bound_to_this_process
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.signals import held_back, raise_if_told

__all__ = ["Child", "Children"]

_POLL_S = 0.05
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process that was started."""

    #: What messages call it.
    name: str
    #: Where its output goes.
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its output, with a heading."""
        text = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        return "\n".join([tr("--- the end of {name}'s log", name=self.name), *text])

    def check(self) -> None:
        """Check that it runs.

        Raises:
            CommandFailed: It has ended. The failure has the end of its log.
        """
        if (status := self.process.poll()) is not None:
            told = (
                tr("{name} ended with status {status}", name=self.name, status=status)
                if status >= 0
                else tr("{name} ended by signal {signal}", name=self.name, signal=-status)
            )
            raise CommandFailed(told, "child_ended", log=self.tail())


class Children:
    """Processes that are stopped together when the ``with`` block ends.

    Args:
        directory: The directory of their logs.
        grace_s: Seconds that they may take to end before they are killed.
        cwd: The directory where they run. None is `directory`, where no module of the user's own shadows another.
    """

    def __init__(self, directory: Path, *, grace_s: float, cwd: Path | None = None) -> None:
        self._directory = directory
        self._cwd = cwd or directory
        self._grace_s = grace_s
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __iter__(self) -> Iterator[Child]:
        return iter(self._children)

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], *, sockets: Sequence[int] = ()
    ) -> Child:
        """Start a process. On Linux it ends with this process, even where this one is killed.

        Args:
            name: Its name in messages, and of its log file.
            command: The program and its arguments.
            env: Its whole environment.
            sockets: File descriptors that it gets too.
        """
        log = self._directory / f"{name.replace(' ', '-')}.log"
        with held_back(), log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  our own programs, no shell
                bound_to_this_process(command),
                env=env,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=sockets,
            )
            child = Child(name=name, log=log, process=process)
            self._children.append(child)
        return child

    def check(self) -> None:
        """Check that all of them run, and that no signal told this command to end.

        Raises:
            CommandFailed: One has ended.
        """
        raise_if_told()
        for each in self._children:
            each.check()

    def wait_until(self, what: str, ready: Callable[[], T | None], *, within_s: float) -> T:
        """Wait until `ready` gives something other than None, and give that.

        Args:
            what: What is waited for, for the error.
            ready: Called again and again.
            within_s: The longest wait, in seconds.

        Raises:
            CommandFailed: One of the processes has ended, or the time is over.
        """
        deadline = time.monotonic() + within_s
        while (found := ready()) is None:
            self.check()
            if time.monotonic() > deadline:
                log = "\n\n".join(each.tail() for each in self._children)
                raise CommandFailed(
                    tr("{what} took longer than {seconds} s", what=what, seconds=f"{within_s:g}"),
                    "too_slow",
                    log=log,
                )
            time.sleep(_POLL_S)
        return found

    def stop(self) -> None:
        """Stop them all. Those that do not end in time are killed."""
        with held_back():
            for each in self._children:
                each.process.terminate()
            deadline = time.monotonic() + self._grace_s
            for each in self._children:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    each.process.wait(max(0.0, deadline - time.monotonic()))
                # Processes that it started itself are in its group, which has its id.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(each.process.pid, signal.SIGKILL)
                each.process.wait()
            self._children.clear()
