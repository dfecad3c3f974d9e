"""``smsjobs simulator``: the simulator's own command."""

from __future__ import annotations

import os
import sys

import click

from smsjobs.cli.extras import need_extras

__all__ = ["simulator"]


@click.command(
    short_help="Run an Aliyun SMS endpoint on localhost.",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulator(arguments: tuple[str, ...]) -> None:
    """Run an Alibaba Cloud SMS endpoint on localhost, for tests of your own."""
    need_extras("simulator")
    command = [sys.executable, "-m", "aliyun_sms_simulator", *arguments]
    sys.stdout.flush()
    # In our place: signals and the exit status are its own.
    os.execv(sys.executable, command)  # noqa: S606  our own program, no shell
