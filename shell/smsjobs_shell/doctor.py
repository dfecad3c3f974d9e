"""``smsjobs doctor``: is this installation safe to send with?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from smsjobs.settings import SettingsError
from smsjobs_shell.terminal.failure import FAILED, CommandFailed
from smsjobs_shell.terminal.language import mark, tr, tr_parts
from smsjobs_shell.terminal.library import in_language
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.worker_side import ask_worker_side

__all__ = ["doctor"]

_ENDS = {
    "good": mark("Nothing is wrong: this installation is safe to send with."),
    "doubtful": mark("Nothing is bad, but a promise may not hold: see the doubtful lines."),
    "bad": mark("Do not send with this installation before the bad lines are fixed."),
}


@click.command(
    short_help="Say whether this installation is safe to send with.",
    epilog="""\b
Examples:
  smsjobs doctor
  SMS_BROKER_URL=redis://127.0.0.1:6379/0 SMS_APP=path/to/app \\
      smsjobs doctor --json

Run it where a worker runs, with the worker's environment. Nothing is sent:
the credentials are tried with a query. The exit status is 0 if nothing is bad,
1 if something is bad, and 2 if a setting cannot be read.""",
)
@with_screen
def doctor(screen: Screen) -> int:
    """Look at Redis, clocks, the SDK, elements and credentials, and say how to fix what is wrong."""
    with screen.working(tr("Looking at Redis, the SDK and every element")):
        report = _ask()
    findings = report["findings"]
    screen.table(
        (tr("State"), tr("Subject"), tr("Finding")),
        [(each["verdict"], tr(each["subject"]), _told(each["parts"])) for each in findings],
    )
    screen.line(tr(_ENDS[report["verdict"]]))
    screen.document(report)
    return FAILED if report["verdict"] == "bad" else 0


def _ask() -> dict[str, Any]:
    try:
        return ask_worker_side("doctor", env=os.environ, what="the findings")
    except CommandFailed as failure:
        if failure.reason == "settings":
            raise SettingsError(str(failure)) from None
        raise


def _told(parts: Mapping[str, Any]) -> str:
    # What is wrong in an element's files is no sentence of the doctor's.
    text, hint = (in_language(tr_parts(parts[name])) for name in ("text", "hint"))
    return f"{text}\n" + tr("hint: {hint}", hint=hint) if hint else text
