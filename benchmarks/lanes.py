"""The workers as they are delivered: the command lines of the Procfile."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

from benchmarks.processes import Processes
from benchmarks.stage import Stage

__all__ = ["commands", "start_lane"]

_PROCFILE: Final = Path(__file__).parents[1] / "Procfile"


def commands(lane: str, text: str | None = None) -> list[list[str]]:
    """Return the command lines of all processes of a lane, as the Procfile has them.

    Args:
        text: The Procfile; by default the project's own.
    """
    lines = (_PROCFILE.read_text("utf-8") if text is None else text).splitlines()
    found = [shlex.split(line.partition(": ")[2]) for line in lines if line and not line.startswith("#")]
    return [each for each in found if f"sms.{lane}" in each]


def start_lane(workers: Processes, stage: Stage, lane: str, *, times: int = 1) -> None:
    """Start a lane's workers with this Python. They may not be ready yet when this returns.

    Args:
        times: How many of each, with names of their own, as the Procfile advises for more cores.
    """
    for number in range(times):
        for words in commands(lane):
            place = words.index("celery")
            command = [*words[:place], sys.executable, "-m", "celery", *words[place + 1 :]]
            command = [each.replace("@%h", f"{number}@%h") for each in command]
            workers.start(f"{lane}-{number}", command, stage.environment())
