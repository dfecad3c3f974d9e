"""Asks the worker's side, and ends the command with what it says where that is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smsjobs import worker_side
from smsjobs_shell.terminal.extras import need_extras
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.library import in_language

__all__ = ["ask_worker_side"]


def ask_worker_side(*words: str, env: Mapping[str, str], what: str) -> dict[str, Any]:
    """What `smsjobs.worker_side.ask_worker_side` gives, with the same arguments.

    Raises:
        CommandFailed: It gave no answer, or answered with an error.
    """
    need_extras("worker")
    try:
        return worker_side.ask_worker_side(*words, env=env, what=what)
    except worker_side.WorkerSideFailed as failure:
        more = {} if failure.code is None else {"code": failure.code}
        raise CommandFailed(in_language(str(failure)), failure.reason, more=more) from None
