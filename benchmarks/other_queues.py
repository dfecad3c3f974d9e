"""Other queues for Python as contenders: how their environments are made, and how they are started and counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import Processes
from benchmarks.stage import PARAMS, SIGN, TEMPLATE, Stage

__all__ = ["OTHER_QUEUES", "OtherQueue"]

_APPS: Final = Path(__file__).with_name("peers")
#: Beside the project's own environment, and like it not under version control.
_ENVIRONMENTS: Final = Path(__file__).parents[1] / ".venv-bench"


@dataclass(frozen=True, kw_only=True)
class OtherQueue:
    """A queue whose worker does what a plain Celery worker does, with a client of the SDK that is kept."""

    name: str
    #: The program in its environment, and its arguments: the settings that its own documentation shows.
    command: Sequence[str]
    #: How many times the command is started for two processes.
    times: int
    #: How many outcomes are stored, from Redis and the number of jobs.
    count: Callable[[Any, int], int]

    def install(self) -> None:
        """Make its virtual environment, unless its list of packages was installed before."""
        listed = (_APPS / f"{self.name}.txt").read_text("utf-8")
        made = self._environment / "made.txt"
        if made.exists() and made.read_text("utf-8") == listed:
            return
        venv.create(self._environment, with_pip=True, clear=True)
        pip = [str(self._bin / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *listed.split()], check=True)  # noqa: S603  our own list
        made.write_text(listed, "utf-8")

    def start(self, workers: Processes, stage: Stage) -> None:
        """Start its workers. They may not be ready yet when this returns."""
        program, *arguments = self.command
        for number in range(self.times):
            command = [str(self._bin / program), *arguments]
            workers.start(f"{self.name}-{number}", command, self._variables(stage))

    def enqueue(self, stage: Stage, count: int) -> None:
        """Enqueue with its own client, in a process of its environment."""
        message = {"sign": SIGN, "template": TEMPLATE, "params": PARAMS}
        about = {"BENCH_MESSAGE": json.dumps(message), "BENCH_COUNT": str(count)}
        command = [str(self._bin / "python"), "-c", f"import {self.name}_app; {self.name}_app.enqueue()"]
        subprocess.run(command, check=True, env=self._variables(stage) | about)  # noqa: S603  our own program

    def stored(self, stage: Stage, enqueued: int) -> int:
        """Return how many outcomes are in its result backend."""
        return self.count(stage.redis, enqueued)

    @property
    def _environment(self) -> Path:
        return _ENVIRONMENTS / f"{self.name}-{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def _bin(self) -> Path:
        return self._environment / "bin"

    def _variables(self, stage: Stage) -> dict[str, str]:
        path = f"{self._bin}{os.pathsep}{os.environ.get('PATH', '')}"
        return stage.environment() | {"PYTHONPATH": str(_APPS), "PATH": path}


def _keys(redis: Any, enqueued: int) -> int:
    """One key for each result, beside a few of the queue's own."""
    del enqueued
    return int(redis.dbsize())


#: Each with two processes, as many as smsjobs has, and with at least as many messages at a time as it gains by.
OTHER_QUEUES: Final = (
    OtherQueue(
        name="dramatiq",
        command=("dramatiq", "--processes", "2", "--threads", "32", "dramatiq_app"),
        times=1,
        count=_keys,
    ),
    OtherQueue(
        name="huey",
        command=("huey_consumer", "huey_app.huey", "--workers", "64", "--worker-type", "thread"),
        times=2,
        count=lambda redis, _enqueued: int(redis.hlen("huey.results.bench")),
    ),
    OtherQueue(
        name="arq",
        command=("arq", "arq_app.WorkerSettings"),
        times=2,
        count=lambda redis, enqueued: enqueued - int(redis.zcard("arq:queue")),
    ),
    OtherQueue(
        name="taskiq",
        command=("taskiq", "worker", "--workers", "2", "--max-async-tasks", "64", "taskiq_app:broker"),
        times=1,
        count=_keys,
    ),
)
