"""Processes that a measurement starts: what they use, and how they are ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]

__all__ = ["Processes", "cpu_s", "memory_mb"]

#: Seconds after which a process that was asked to end is killed.
_GRACE_S = 15.0


def cpu_s(pids: Sequence[int]) -> float:
    """Return the CPU seconds, user and system, that these processes and all their children have used."""
    total = 0.0
    for each in _family(pids):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def memory_mb(pids: Sequence[int]) -> float:
    """Return the memory of these processes and all their children in MB. Shared pages count once (PSS)."""
    total = 0.0
    for each in _family(pids):
        try:
            total += each.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def _family(pids: Sequence[int]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            found += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    return found


class Processes:
    """Processes that are ended together, each by its own process id."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> list[int]:
        """The processes that were started, without their children."""
        return [each.pid for each in self._running]

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> int:
        """Start one in a session of its own, and return its id. Its output goes into a file, as in production."""
        with (self._logs / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(  # noqa: S603  our own programs, no shell
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._running.append(process)
        return process.pid

    def check(self) -> None:
        """Check that all of them are running."""
        for each in self._running:
            if each.poll() is not None:
                raise RuntimeError(f"a process ended with status {each.returncode}; see {self._logs}")

    def stop(self) -> None:
        """End them: first with SIGTERM, then with SIGKILL."""
        for each in self._running:
            each.terminate()
        deadline = time.monotonic() + _GRACE_S
        for each in self._running:
            try:
                each.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait()
        self._running.clear()
