"""Processes of our own programs without the second in which each would import its libraries.

A nursery is a process that has imported what a worker and the shell import, and nothing more: it has no thread, no
connection and no setting. What it starts is a fork of it with a session, an environment, a command line and an output
of its own, in which the program begins as it always does.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

#: What a worker imports on its way to `ready`, and what the shell's commands import.
_LIBRARIES = (
    *(
        "celery.__main__",
        "celery.bin.celery",
        "celery.bin.worker",
        "celery.apps.worker",
        "celery.backends.redis",
    ),
    *(
        "celery.concurrency.thread",
        "celery.worker.autoscale",
        "celery.worker.consumer",
        "celery.worker.request",
    ),
    *("celery.worker.strategy", "celery.app.builtins", "celery.fixups.django", "kombu.transport.redis"),
    *("smsjobs_worker.process.app", "smsjobs_worker.process.tasks", "smsjobs_worker.aliyun"),
    *("smsjobs_worker.watching.inspection", "smsjobs_worker.watching.queues"),
    *("smsjobs_shell", "smsjobs.campaign", "smsjobs.embedded", "smsjobs_server", "hypercorn.asyncio"),
    *("rich.console", "rich.live", "rich.progress", "rich.table"),
)
_LONGEST = 1 << 20


class Forked:
    """A process, with what tests need of `subprocess.Popen`."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self._nursery = nursery
        self._status: int | None = None
        #: The process id, and that of its group.
        self.pid = pid

    def poll(self) -> int | None:
        """Its exit status, or minus the signal that killed it; None while it runs."""
        if self._status is None:
            self._status = self._nursery.ask("status", self.pid)
        return self._status

    def wait(self, timeout: float) -> int:
        """Wait for its end; its exit status.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        limit = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > limit:
                raise subprocess.TimeoutExpired("a forked process", timeout)
            time.sleep(0.01)
        return status

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Any other, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """Starts processes, for several threads at a time. It ends with whoever made it; what it started does not.

    Args:
        packages: Where another version of our packages is.
    """

    def __init__(self, packages: Path | None = None) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # In a process with threads it would have the default of kombu, which sets one while it closes a connection.
        self._ours.settimeout(None)
        self._turn = threading.Lock()
        env = {**os.environ, **({"PYTHONPATH": str(packages)} if packages else {})}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())], env=env, pass_fds=[theirs.fileno()]
            )
        atexit.register(self._end)

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        stdout: int,
        stderr: int,
        stdin: int | None = None,
    ) -> Forked:
        """A new process that runs a module's `main()`.

        Args:
            module: The module.
            arguments: Its command line, without the program's name.
            env: The whole environment.
            cwd: Where it runs; else where we do.
            stdout: A file descriptor.
            stderr: Another, or the same.
            stdin: Where it reads; else where we do.
        """
        about = {"module": module, "arguments": arguments, "env": env, "cwd": str(cwd or Path.cwd())}
        stdins = () if stdin is None else (stdin,)
        return Forked(self, self.ask("start", about, stdout, stderr, *stdins))

    def ask(self, what: str, about: Any, *descriptors: int) -> Any:
        """One question, and its answer."""
        with self._turn:
            socket.send_fds(self._ours, [json.dumps([what, about]).encode()], descriptors)
            answer = self._ours.recv(_LONGEST)
        assert answer, "the nursery has ended"
        return json.loads(answer)

    def _end(self) -> None:
        self._ours.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            # A process that a test forked from this one still has our end of the socket.
            self._process.kill()


@cache
def nursery(packages: Path | None = None) -> Nursery:
    """The nursery of this process, or that of another version of our packages, made when it is first needed."""
    return Nursery(packages)


def smsjobs(
    *words: str, env: Mapping[str, str], cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """What a command of the shell wrote and how it ended."""
    return run("smsjobs_shell", *words, env=env, cwd=cwd)


def run(
    module: str, *words: str, env: Mapping[str, str], cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """What a module's `main()` wrote and how it ended."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        process = nursery().start(
            module, words, env=env, cwd=cwd, stdout=stdout.fileno(), stderr=stderr.fileno()
        )
        try:
            status = process.wait(60)
        finally:
            process.terminate()
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(words, status, stdout.read(), stderr.read())


def _serve(asked: socket.socket) -> None:
    """Answer until nobody is left who asks."""
    for each in _LIBRARIES:
        # Another version may lack one. Its processes import what they have.
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(each)
    assert threading.active_count() == 1, "a fork would lack the other threads"
    # Else each fork would touch all of it when it collects garbage, and when it ends: half a second of work.
    gc.collect()
    gc.freeze()
    while True:
        question, descriptors, _, _ = socket.recv_fds(asked, _LONGEST, 3)
        if not question:
            return
        match json.loads(question):
            case ["start", about]:
                answer = os.fork()
                if answer == 0:
                    asked.close()
                    _become(about, *descriptors)
                for each in descriptors:
                    os.close(each)
            case ["status", pid]:
                ended, status = os.waitpid(pid, os.WNOHANG)
                answer = os.waitstatus_to_exitcode(status) if ended else None
        asked.send(json.dumps(answer).encode())


def _become(about: dict[str, Any], stdout: int, stderr: int, stdin: int = 0) -> NoReturn:
    os.setsid()
    os.chdir(about["cwd"])
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.closerange(3, max(stdin, stdout, stderr) + 1)
    # A terminal or a pipe cannot be sought in, and what the nursery had perhaps could.
    if stdin:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if not _is_file(1):
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False, buffering=1)
    if not _is_file(2):
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    os.environ.clear()
    os.environ.update(about["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=unbuffered)
    sys.path[:0] = ["", *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("smsjobs.worker_side").subprocess = _Starting
    module = importlib.import_module(about["module"])
    sys.argv = [str(module.__file__), *about["arguments"]]
    sys.exit(module.main())


class _Starting:
    """What the worker's side is started with: a fork again, where no thread can be lost by it."""

    DEVNULL = subprocess.DEVNULL

    @staticmethod
    def run(command: Sequence[str], *, check: bool, **more: Any) -> "subprocess.CompletedProcess[bytes]":
        """As `subprocess.run` does."""
        if threading.active_count() > 1:
            return subprocess.run(command, check=check, **more)
        _, _, module, *words = command
        about = {"module": module, "arguments": words, "env": dict(more["env"]), "cwd": str(Path.cwd())}
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            _flush()
            pid = os.fork()
            if pid == 0:
                try:
                    _become(about, stdout.fileno(), stderr.fileno())
                except SystemExit:
                    pass
                except BaseException:
                    traceback.print_exc()
                finally:
                    _flush()
                    os._exit(0)  # what called this is the other process's to continue
            os.waitpid(pid, 0)
            stdout.seek(0)
            stderr.seek(0)
            return subprocess.CompletedProcess(command, 0, stdout.read(), stderr.read())


def _is_file(number: int) -> bool:
    return stat.S_ISREG(os.fstat(number).st_mode)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    del sys.path[0]  # the directory of this file
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the terminal's Ctrl-C ends it without a traceback
    _serve(socket.socket(fileno=int(sys.argv[1])))
