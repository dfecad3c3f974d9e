"""``smsjobs simulator``: runs the simulator's own command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from smsjobs_shell.sandbox.children import Children
from smsjobs_shell.sandbox.stage import start_simulator, wait_for_simulator
from smsjobs_shell.terminal.extras import need_extras
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.signals import ending_in_order

__all__ = ["simulator"]


@click.command(
    short_help="Run an Aliyun SMS endpoint on localhost.",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_screen
def simulator(screen: Screen, *, arguments: tuple[str, ...]) -> int:
    """Run an Alibaba Cloud SMS endpoint on localhost, for tests of your own."""
    need_extras("simulator")
    if not {"-h", "--help"}.isdisjoint(arguments):
        return _help()
    if not screen.as_json:
        sys.stdout.flush()
        # It takes the place of this process, so that output, signals and exit status are its own.
        command = [sys.executable, "-m", "aliyun_sms_simulator", *arguments]
        os.execv(sys.executable, command)  # noqa: S606  our own program, no shell
    return _run(screen, arguments)


def _help() -> int:
    """Show the simulator's own help, and the option that is added here."""
    command = [sys.executable, "-m", "aliyun_sms_simulator", "--help"]
    run = subprocess.run(command, check=False)  # noqa: S603  our own program, no shell
    click.echo(
        "\n"
        + tr("smsjobs simulator has one more option:")
        + "\n  --json                "
        + tr("tell where it is as one JSON document")
    )
    return run.returncode


def _run(screen: Screen, arguments: tuple[str, ...]) -> int:
    """Tell as JSON where it is, and wait for its end."""
    try:
        with ending_in_order(), tempfile.TemporaryDirectory(prefix="smsjobs-simulator-") as directory:
            ready_file = Path(directory) / "ready.json"
            with Children(Path(directory), grace_s=5, cwd=Path.cwd()) as children:
                child = start_simulator(children, ready_file, arguments)
                where = wait_for_simulator(children, ready_file)
                screen.document(
                    {"url": where.url, "control_url": where.control_url, "pid": child.process.pid}
                )
                return child.process.wait()
    except KeyboardInterrupt:
        if Screen.wrote_document:
            return 0  # Ctrl-C is how it ends
        raise
