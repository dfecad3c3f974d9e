"""The workers and the server as they are delivered: the command lines of the Procfile."""

from __future__ import annotations

import contextlib
import itertools
import shlex
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.processes import Processes
from benchmarks.stage import Stage
from support.ports import free_port

__all__ = ["commands", "start_lane", "start_receipts"]

_PROCFILE: Final = Path(__file__).parents[1] / "Procfile"

#: How this Python runs a module.
_RUN: Final = (sys.executable, "-m")

#: The longest start of the server of receipts, in seconds.
_SERVER_S: Final = 60.0

_RECEIPT_SECRET: Final = "an-example-of-a-secret"  # noqa: S105


def commands(lane: str, text: str | None = None) -> list[list[str]]:
    """Return the command lines of all processes of a lane, as the Procfile has them.

    Args:
        text: The Procfile; by default the project's own.
    """
    return [each for each in _commands(text) if f"sms.{lane}" in each]


def _commands(text: str | None = None) -> list[list[str]]:
    lines = (_PROCFILE.read_text("utf-8") if text is None else text).splitlines()
    return [shlex.split(line.partition(": ")[2]) for line in lines if line and not line.startswith("#")]


def start_lane(
    workers: Processes, stage: Stage, lane: str, *, times: int = 1, run: Sequence[str] = _RUN
) -> list[int]:
    """Start a lane's workers with this Python. They may not be ready yet when this returns.

    Args:
        times: How many of each, with names of their own, as the Procfile advises for more cores.
        run: What the module Celery is run by, if not only by Python.

    Returns:
        Their process ids.
    """
    pids = []
    for number in range(times):
        for words in commands(lane):
            place = words.index("celery")
            command = [*words[:place], *run, "celery", *words[place + 1 :]]
            command = [each.replace("@%h", f"{number}@%h") for each in command]
            pids.append(workers.start(f"{lane}-{number}", command, stage.environment()))
    return pids


def start_receipts(workers: Processes, stage: Stage, *, run: Sequence[str] = _RUN) -> int:
    """Start the server that takes receipts, and have the simulator push them to it when it is ready. Returns its process id."""
    (words,) = (each for each in _commands() if each[:2] == ["smsjobs", "serve"])
    port = str(free_port())
    places = {"--host": "127.0.0.1", "--port": port}
    values = [places.get(before, word) for before, word in itertools.pairwise(words)]
    environment = stage.environment() | {"SMS_RECEIPT_SECRET": _RECEIPT_SECRET}
    pid = workers.start("receipts", [*run, "smsjobs_shell", *values], environment)
    _wait_for_server(f"http://127.0.0.1:{port}/healthz", workers)
    stage.simulator.set(
        callback_url=f"http://127.0.0.1:{port}/receipts/{_RECEIPT_SECRET}", callback_again_s=5
    )
    return pid


def _wait_for_server(url: str, workers: Processes) -> None:
    deadline = time.monotonic() + _SERVER_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        workers.check()
        with contextlib.suppress(OSError), opener.open(url, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server of receipts did not answer within {_SERVER_S:.0f} s")
