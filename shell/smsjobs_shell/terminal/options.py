"""Options and types of options that several commands share."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from smsjobs.contract import is_job_id, is_whole
from smsjobs.settings import SettingsError
from smsjobs_shell.terminal.failure import BadOption
from smsjobs_shell.terminal.language import mark, tr
from smsjobs_shell.terminal.screen import Screen

__all__ = ["ID", "PORT", "SECONDS", "TEXT", "WHOLE", "app_option", "with_lines", "with_screen"]

R = TypeVar("R")


def with_screen(command: Callable[..., R]) -> Callable[..., R]:
    """Gives the command the option ``--json``, and a `Screen` as its first argument."""
    return _with_screen(command, "Write one JSON document to standard output, and nothing else.")


def with_lines(command: Callable[..., R]) -> Callable[..., R]:
    """The same for a command that writes a JSON document a line."""
    return _with_screen(command, "Write JSON to standard output, a document on each line, and nothing else.")


def _with_screen(command: Callable[..., R], told: str) -> Callable[..., R]:
    @click.option("--json", "as_json", is_flag=True, help=told)
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, **kwargs: Any) -> R:
        return command(Screen(as_json=as_json), *args, **kwargs)

    return wrapped


def app_option(*, otherwise: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Gives the command the option ``--app``: the directory that was typed, else that of SMS_APP, else None.

    Args:
        otherwise: What the command takes instead of None, for the help.
    """
    return click.option(
        "--app",
        metavar="DIR",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        callback=lambda _, __, typed: typed or _app_of_environment(),
        help=f"The directory that holds SMS/. [default: SMS_APP, else {otherwise}]",
    )


def _app_of_environment() -> Path | None:
    # click's own way to read the environment would blame an option that nobody typed.
    named = os.environ.get("SMS_APP")
    if named and not Path(named).is_dir():
        raise SettingsError(tr("SMS_APP: there is no directory {directory}", directory=named))
    return Path(named) if named else None


class _Number(click.ParamType):  # type: ignore[type-arg]  # older clicks have no arguments for it
    """A number. Its error says what it must be. click's own error would repeat what was typed."""

    name = "number"

    def __init__(self, must_be: str, convert: Callable[[str], float], at_most: float) -> None:
        self._must_be = must_be
        self._convert = convert
        self._at_most = at_most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = self._convert(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and 0 <= number <= self._at_most):
            raise BadOption(tr(self._must_be), ctx, param)
        return number


class _Text(click.ParamType):  # type: ignore[type-arg]  # as above
    """Text that can be encoded. Python gives us bytes that its locale cannot read as halves of characters."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and not is_whole(value):
            raise BadOption(
                tr(
                    "it is not UTF-8 text. The terminal's encoding and the locale (LC_ALL, LC_CTYPE or LANG) have to be "
                    "UTF-8"
                ),
                ctx,
                param,
            )
        return value


class _Id(click.ParamType):  # type: ignore[type-arg]  # as above
    """The id of a job. An impossible id is refused without asking Redis."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not is_job_id(value):
            raise BadOption(tr("an id has 1 to 64 letters, digits, - and _"), ctx, param)
        return value


#: The type of ids.
ID = _Id()

TEXT = _Text()

SECONDS = _Number(mark("must be a number of seconds, 0 or more"), float, math.inf)

WHOLE = _Number(mark("must be a whole number, 0 or more"), int, 10**9)

#: The type of ports. The next port is used too, so 65535 is not valid.
PORT = _Number(mark("must be a port from 0 to 65534"), int, 65534)
