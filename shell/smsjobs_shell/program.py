"""The program ``smsjobs``: its commands, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click
from redis.exceptions import RedisError

from smsjobs.contract import SmsError, visible
from smsjobs.embedded import EmbeddedRedisError, RedisServerNotFound
from smsjobs.redis_store import error_code, is_transient, refusal_hint
from smsjobs.settings import SettingsError
from smsjobs_shell.campaign import campaign
from smsjobs_shell.cancel import cancel
from smsjobs_shell.doctor import doctor
from smsjobs_shell.elements import elements
from smsjobs_shell.events import events
from smsjobs_shell.jobs import jobs
from smsjobs_shell.retry import retry
from smsjobs_shell.sandbox.demo import demo
from smsjobs_shell.sandbox.dev import dev
from smsjobs_shell.send import send
from smsjobs_shell.serve import serve
from smsjobs_shell.set_aside import set_aside
from smsjobs_shell.simulator import simulator
from smsjobs_shell.status import status
from smsjobs_shell.suppress import suppress
from smsjobs_shell.templates import templates
from smsjobs_shell.terminal.failure import BAD_USAGE, FAILED, INTERRUPTED, BadOption, CommandFailed
from smsjobs_shell.terminal.help import with_translated_help
from smsjobs_shell.terminal.language import ENGLISH, chosen_language, speaking, tr
from smsjobs_shell.terminal.library import in_language
from smsjobs_shell.terminal.masking import mask_typed
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import in_shell_words

__all__ = ["Program", "main", "program"]

#: If it is set, an unexpected error shows its traceback, whose text may hold a phone number or a code.
_DEBUG: Final = "SMS_DEBUG"

#: The errors of a disk that is full, whose quota is used up, or that is broken.
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

#: Reasons that tell nothing about the outcome: what was asked for may have been accepted long ago.
_NOT_FOUND: Final = ("job_not_found", "campaign_not_found")

# click shows the help where no command was named. Before 8.2 it had no error for that, and ended by itself.
_NoCommand: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


class Program(click.Group):
    """The commands. All of them end alike: an error is text on standard error, or JSON on standard output."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> NoReturn:
        """Run a command, and end the process with its exit status."""
        Screen.wrote_document = False
        typed = list(sys.argv[1:] if args is None else args)
        with contextlib.ExitStack() as stack:
            try:
                language = _language(typed)
                stack.enter_context(speaking(language))
                shown = self if language == ENGLISH else with_translated_help(self)
                status = super(Program, shown).main(typed, **(extra | {"standalone_mode": False}))
                sys.stdout.flush()
            except BrokenPipeError:
                # Nobody reads our output any more, so what is buffered has nowhere to go when Python ends.
                _discard_output()
                status = FAILED
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  no command ends in a traceback
                if _is_no_room(error):
                    _discard_output()
                status = _end(error, as_json="--json" in typed and not _is_no_room(error))
        sys.exit(status if isinstance(status, int) else 0)


def main() -> None:
    """The entry point of the command ``smsjobs``."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show Chinese text gets question marks instead of a traceback.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    program.main(prog_name="smsjobs")


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 success, 1 a failed outcome, 2 bad usage or a wrong setting. SMS_BROKER_URL and "
    'SMS_REDIS_URL say where Redis is; "embedded" starts a private one.',
)
@click.version_option(package_name="smsjobs", prog_name="smsjobs")
def program() -> None:
    """Send SMS through Alibaba Cloud in the background.

    \b
    Try it, with no account and nothing installed:   smsjobs demo
    The same left running, for your own code:        smsjobs dev
    """  # noqa: D301  \b is click's mark for lines that it must not reflow


for _command in (
    demo,
    dev,
    send,
    status,
    campaign,
    suppress,
    templates,
    events,
    jobs,
    retry,
    cancel,
    campaign,
    elements,
    doctor,
    set_aside,
    serve,
    simulator,
):
    program.add_command(_command)


def _language(typed: Sequence[str]) -> str:
    chosen = chosen_language(os.environ)
    # What programs read is the same everywhere.
    return ENGLISH if "--json" in typed else chosen


def _is_no_room(error: BaseException) -> bool:
    """Whether our output could not be written. The error of a file that could not be opened names that file."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None


def _discard_output() -> None:
    # When Python ends, it writes what is buffered, and would fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(error: BaseException, *, as_json: bool) -> int:
    """Show the error, and give its exit status."""
    failure, shown = _told(error)
    if as_json and not Screen.wrote_document:
        Screen(as_json=True).document(failure.to_json())
    else:
        click.echo(visible(shown, keep="\n\t"), err=True)
        if failure.log:
            click.echo(visible(f"\n{failure.log}", keep="\n\t"), err=True)
    return failure.status


def _told(error: BaseException) -> tuple[CommandFailed, str]:
    match error:
        case CommandFailed(status=130):
            return error, tr("Interrupted.")
        case CommandFailed():
            return error, _error(error)
        case KeyboardInterrupt() | click.Abort():
            failure = CommandFailed("interrupted", "interrupted", status=INTERRUPTED)
            return failure, "\n" + tr("Interrupted.")
        case _NoCommand():
            help_text = error.format_message()
            return CommandFailed("a command is missing", "bad_usage", status=BAD_USAGE), help_text
        case click.ClickException():
            message = error.format_message()
            message = message if isinstance(error, BadOption) else mask_typed(message)
            if isinstance(error, click.NoSuchOption) and error.option_name == "--json":
                message = tr("--json stands after the command: smsjobs COMMAND --json")
            usage = f"{error.ctx.get_usage()}\n" if isinstance(error, click.UsageError) and error.ctx else ""
            hint = (
                tr("Try '{command} --help'.", command=error.ctx.command_path) + "\n"  # type: ignore[attr-defined]
                if usage
                else ""
            )
            failure = CommandFailed(message, "bad_usage", status=BAD_USAGE)
            return failure, f"{usage}{hint}\n{_error(message)}"
        case SmsError():
            message = in_shell_words(error)
            more = {name: value for name, value in error.to_json().items() if name != "message"}
            if error.reason in _NOT_FOUND:
                more |= {"outcome": None, "attempts": None}
            failure = CommandFailed(message, error.reason, more=more)
            return failure, _error(f"{error.code} {error.label}: {message}")
        case SettingsError():
            failure = CommandFailed(in_language(str(error)), "bad_setting", status=BAD_USAGE)
            return failure, _error(failure)
        case EmbeddedRedisError() | RedisServerNotFound():
            failure = CommandFailed(in_language(str(error)), "no_embedded_redis")
            return failure, _error(failure)
        case RedisError():
            # Its own text may quote a command, and so what was typed.
            failure = CommandFailed(_told_of_redis(error), "redis_failed")
            return failure, _error(failure)
        case OSError() if _is_no_room(error):
            failure = CommandFailed(
                tr("the output could not be written: {why}", why=error.strerror), "not_written"
            )
            return failure, _error(failure)
        case _:
            return _unforeseen(error)


def _error(told: object) -> str:
    return tr("Error: {message}", message=told)


def _told_of_redis(error: RedisError) -> str:
    if is_transient(error):
        return tr("Redis is unreachable ({why})", why=type(error).__name__)
    hint = refusal_hint(error)
    return tr("Redis refused a command ({code})", code=error_code(error)) + (f": {tr(hint)}" if hint else "")


def _unforeseen(error: BaseException) -> tuple[CommandFailed, str]:
    """An unexpected error shows only its class: its text may hold what was typed."""
    if os.environ.get(_DEBUG):
        traceback.print_exception(error)
    failure = CommandFailed(
        tr(
            "smsjobs failed ({error}). To see where, set {name}=1 and run it again. The traceback that it shows may "
            "hold numbers and parameters",
            error=type(error).__name__,
            name=_DEBUG,
        ),
        "unforeseen",
    )
    return failure, _error(failure)
