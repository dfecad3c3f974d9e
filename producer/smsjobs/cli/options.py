"""Options that several commands have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from smsjobs.cli.screen import Screen

__all__ = ["with_screen"]

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
