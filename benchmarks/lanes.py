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
    """The command lines of all processes of that lane, in the Procfile's words.

    Args:
        text: The Procfile; by default the project's own.
    """
    lines = (_PROCFILE.read_text("utf-8") if text is None else text).splitlines()
    found = [shlex.split(line.partition(": ")[2]) for line in lines if line and not line.startswith("#")]
    return [each for each in found if f"sms.{lane}" in each]


def start_lane(workers: Processes, stage: Stage, lane: str, *, times: int = 1) -> None:
    """Start that lane's workers with this Python; they are not ready yet when this returns.

    Args:
        times: How many of each, under names of their own: what the Procfile advises where cores are to spare.
    """
    for number in range(times):
        for words in commands(lane):
            place = words.index("celery")
            command = [*words[:place], sys.executable, "-m", "celery", *words[place + 1 :]]
            command = [each.replace("@%h", f"{number}@%h") for each in command]
            workers.start(f"{lane}-{number}", command, stage.environment())
