"""Asks the worker's side. It is another process, which writes JSON: neither the shell nor the server imports the worker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["WorkerSideFailed", "ask_worker_side", "in_words"]


class WorkerSideFailed(Exception):
    """The worker's side gave no answer, or answered with an error, whose text this is.

    Attributes:
        reason: A stable word.
        code: 46001, 46002 or 46003, where it told one.
    """

    def __init__(self, message: str, reason: str, code: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code


def ask_worker_side(*words: str, env: Mapping[str, str], what: str) -> dict[str, Any]:
    """The document that ``python -m smsjobs_worker.watching.inspection`` writes.

    Args:
        words: Its command-line arguments.
        env: Its whole environment.
        what: What is asked for, for the error's text.

    Raises:
        WorkerSideFailed: It gave no answer, or answered with an error.
    """
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
        raise WorkerSideFailed(f"{what} could not be read: {last[0]}", "worker_side_failed") from None
    if error := answer.get("error"):
        raise WorkerSideFailed(error["message"], error["reason"], error.get("code"))
    return answer


def in_words(parts: Mapping[str, Any], translate: Callable[[str], str]) -> str:
    """What the worker's side said in parts: a text, translated, and values for its ``{name}``, which may be such parts, too."""
    values = {
        name: in_words(each, translate) if isinstance(each, Mapping) else each
        for name, each in parts["values"].items()
    }
    text = translate(parts["text"])
    return text.format(**values) if values else text
