"""How a command ends when it does not succeed."""

from __future__ import annotations

from typing import Any, Final

import click

from smsjobs.contract import InvalidArguments
from smsjobs_shell.terminal.wording import in_shell_words

__all__ = ["BAD_USAGE", "FAILED", "INTERRUPTED", "BadOption", "CommandFailed", "bad_usage"]

#: Exit status of a failed outcome.
FAILED: Final = 1
#: Exit status of bad usage.
BAD_USAGE: Final = 2
#: Exit status after Ctrl-C: 128 and the number of SIGINT.
INTERRUPTED: Final = 130


class BadOption(click.BadParameter):
    """An option's or an argument's value is wrong. The text is our own and repeats nothing that was typed."""


class CommandFailed(Exception):
    """The command cannot go on; the text says why and names the cure.

    Attributes:
        reason: A stable word for ``--json``.
        status: The exit status.
        log: The last lines of a child's log, to be shown with it.
        more: Further fields of the JSON document.
    """

    def __init__(
        self,
        message: str,
        reason: str = "failed",
        *,
        status: int = FAILED,
        log: str = "",
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.log = log
        self.more = more or {}

    def to_json(self) -> dict[str, Any]:
        """The error as the JSON document shows it."""
        error = {"reason": self.reason, "message": str(self)} | ({"log": self.log} if self.log else {})
        return {"error": error | self.more}


def bad_usage(error: InvalidArguments) -> CommandFailed:
    """What was typed is wrong, and nothing was enqueued."""
    return CommandFailed(
        in_shell_words(error.message),
        error.reason,
        status=BAD_USAGE,
        more={"code": error.code, "out_id": error.out_id},
    )
