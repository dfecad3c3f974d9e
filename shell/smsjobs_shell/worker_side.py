"""Asks the worker's side. It is another process, which writes JSON: the shell never imports the worker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from smsjobs_shell.terminal.extras import need_extras
from smsjobs_shell.terminal.failure import CommandFailed

__all__ = ["ask_worker_side"]


def ask_worker_side(*words: str, env: Mapping[str, str], what: str) -> dict[str, Any]:
    """The document that ``python -m smsjobs_worker.watching.inspection`` writes.

    Args:
        words: Its command-line arguments.
        env: Its whole environment.
        what: What is asked for, for the error's text.

    Raises:
        CommandFailed: It gave no answer, or answered with an error.
    """
    need_extras("worker")
    run = subprocess.run(  # noqa: S603  our own program, no shell
        [sys.executable, "-m", "smsjobs_worker.watching.inspection", *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    try:
        answer: dict[str, Any] = json.loads(run.stdout)
    except ValueError:
        last = run.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no output"]
        raise CommandFailed(f"{what} could not be read: {last[0]}", "worker_side_failed") from None
    if error := answer.get("error"):
        more = {"code": error["code"]} if "code" in error else {}
        raise CommandFailed(error["message"], error["reason"], more=more)
    return answer
