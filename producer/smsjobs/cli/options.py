"""Options that several commands have."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from smsjobs.cli.failure import BadOption
from smsjobs.cli.screen import Screen

__all__ = ["PORT", "SECONDS", "with_screen"]

R = TypeVar("R")


def with_screen(command: Callable[..., R]) -> Callable[..., R]:
    """Gives the command ``--json``, and a `Screen` as its first argument."""

    @click.option(
        "--json", "as_json", is_flag=True, help="One JSON document on standard output, and nothing else."
    )
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, **kwargs: Any) -> R:
        return command(Screen(as_json=as_json), *args, **kwargs)

    return wrapped


class _Number(click.ParamType):  # type: ignore[type-arg]  # older clicks have no arguments for it
    """A number whose error says what it must be, and repeats nothing: click's own repeats what was typed."""

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
            raise BadOption(f"must be {self._must_be}", ctx, param)
        return number


SECONDS = _Number("a number of seconds, 0 or more", float, math.inf)

#: The next one is used too.
PORT = _Number("a port from 0 to 65534", int, 65534)
