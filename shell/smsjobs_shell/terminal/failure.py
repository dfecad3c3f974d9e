"""How a command ends that does not succeed."""

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
    """The value of an option or argument is wrong. The text is our own and repeats nothing that was typed."""


class CommandFailed(Exception):
    """The command cannot continue. The text says why, and what helps.

    Attributes:
        reason: A stable word for ``--json``.
        status: The exit status.
        log: The last lines of a child's log, which are shown with it.
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


def bad_usage(error: InvalidArguments, told: str = "") -> CommandFailed:
    """The failure for wrong arguments: what was typed is wrong, and nothing was enqueued.

    Args:
        error: What the library says.
        told: A better text for whoever typed it.
    """
    return CommandFailed(
        told or in_shell_words(error),
        error.reason,
        status=BAD_USAGE,
        more={"code": error.code, "argument": error.argument, "out_id": error.out_id},
    )
