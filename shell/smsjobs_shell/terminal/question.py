"""Asks whoever sits at the terminal before something is done that cannot be undone."""

from __future__ import annotations

import click

from smsjobs_shell.terminal.failure import CommandFailed

__all__ = ["ask"]


def ask(question: str, otherwise: str) -> None:
    """Ask, and return only after a yes. Enter alone, Ctrl-C and Ctrl-D are a no.

    Args:
        question: One that is answered by yes or no.
        otherwise: What a no means, as in ``"nothing is sent"``.

    Raises:
        CommandFailed: The answer is no.
    """
    try:
        agreed = click.confirm(question)
    except click.Abort:
        click.echo()
        agreed = False
    if not agreed:
        raise CommandFailed(otherwise, "declined")
