"""The program: its commands, and how it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click
from redis.exceptions import RedisError

from smsjobs.cli.campaign import campaign
from smsjobs.cli.demo import demo
from smsjobs.cli.dev import dev
from smsjobs.cli.doctor import doctor
from smsjobs.cli.elements import elements
from smsjobs.cli.failure import BAD_USAGE, FAILED, INTERRUPTED, CommandFailed
from smsjobs.cli.masking import mask_typed
from smsjobs.cli.screen import Screen
from smsjobs.cli.send import send
from smsjobs.cli.simulator import simulator
from smsjobs.cli.status import status
from smsjobs.contract import SmsError
from smsjobs.embedded import EmbeddedRedisError, RedisServerNotFound
from smsjobs.settings import SettingsError

__all__ = ["Program", "main", "program"]

#: What a user can do something about. Everything else is our mistake, and shows a traceback.
_TOLD: Final = (
    CommandFailed,
    KeyboardInterrupt,
    click.Abort,
    click.ClickException,
    SmsError,
    SettingsError,
    EmbeddedRedisError,
    RedisServerNotFound,
    RedisError,
)


class Program(click.Group):
    """The commands, and one way to end for all of them: a text on standard error, or JSON on standard output."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> NoReturn:
        """Run, and end the process with the command's exit status."""
        Screen.wrote_document = False
        typed = list(sys.argv[1:] if args is None else args)
        try:
            status = super().main(typed, **(extra | {"standalone_mode": False}))
        except BrokenPipeError:
            # Who read our output has had enough. What is buffered has nowhere to go when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = FAILED
        except _TOLD as error:
            status = _end(error, as_json="--json" in typed)
        sys.exit(status if isinstance(status, int) else 0)


def main() -> None:
    """The entry point of the command ``smsjobs``."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show Chinese text shows question marks, not a traceback.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    program.main(prog_name="smsjobs")


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 success, 1 a failed outcome, 2 bad usage. Where Redis is, is read from SMS_BROKER_URL "
    'and SMS_REDIS_URL; "embedded" starts a private one.',
)
@click.version_option(package_name="smsjobs", prog_name="smsjobs")
def program() -> None:
    """Send SMS through Alibaba Cloud in the background.

    \b
    Try it, with no account and nothing installed:   smsjobs demo
    The same left running, for your own code:        smsjobs dev
    """  # noqa: D301  \b is click's mark for lines that stay as they are


for _command in (demo, dev, send, status, campaign, elements, doctor, simulator):
    program.add_command(_command)


def _end(error: BaseException, *, as_json: bool) -> int:
    """Tell the error, and give its exit status."""
    failure, shown = _told(error)
    if as_json and not Screen.wrote_document:
        Screen(as_json=True).document(failure.to_json())
    else:
        click.echo(shown, err=True)
        if failure.log:
            click.echo(f"\n{failure.log}", err=True)
    return failure.status


def _told(error: BaseException) -> tuple[CommandFailed, str]:
    match error:
        case CommandFailed():
            return error, f"Error: {error}"
        case KeyboardInterrupt() | click.Abort():
            return CommandFailed("interrupted", "interrupted", status=INTERRUPTED), "\nInterrupted."
        case click.ClickException():
            message = mask_typed(error.format_message())
            usage = f"{error.ctx.get_usage()}\n" if isinstance(error, click.UsageError) and error.ctx else ""
            hint = f"Try '{error.ctx.command_path} --help'.\n" if usage and error.ctx else ""  # type: ignore[attr-defined]
            failure = CommandFailed(message, "bad_usage", status=BAD_USAGE)
            return failure, f"{usage}{hint}\nError: {message}"
        case SmsError():
            more = {name: value for name, value in error.to_json().items() if name != "message"}
            return CommandFailed(error.message, error.reason, more=more), f"Error: {error}"
        case SettingsError():
            return CommandFailed(str(error), "bad_setting", status=BAD_USAGE), f"Error: {error}"
        case EmbeddedRedisError() | RedisServerNotFound():
            return CommandFailed(str(error), "no_embedded_redis"), f"Error: {error}"
        case _:
            # Its own text may quote a command, and so what was typed.
            failure = CommandFailed(f"Redis refused a command ({type(error).__name__})", "redis_failed")
            return failure, f"Error: {failure}"
