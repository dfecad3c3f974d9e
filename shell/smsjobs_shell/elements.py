"""``smsjobs elements``: the SMS elements that a worker would send with, and what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from smsjobs_shell.terminal.failure import FAILED
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.library import in_language
from smsjobs_shell.terminal.options import app_option, with_screen
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.worker_side import ask_worker_side

__all__ = ["elements", "read_elements"]


@click.command(
    short_help="List and check the SMS elements of an app.",
    epilog="""\b
Examples:
  smsjobs elements
  smsjobs elements --app path/to/app

Every element is loaded as a worker loads it; the exit status is 1 if one does
not load. Nothing is sent, and no secret is shown.""",
)
@app_option(otherwise="the current directory")
# It has no effect: elements are always checked.
@click.option("--check", is_flag=True, hidden=True)
@with_screen
def elements(screen: Screen, *, app: Path | None, check: bool) -> int:
    """List the SMS elements of an app, and what is wrong with them."""
    report = read_elements(app or Path(), os.environ)
    rows = [_row(each) for each in report["elements"]]
    if rows:
        screen.table((tr("Element"), tr("Title"), tr("Types"), tr("State")), rows)
    for each in report["elements"]:
        for problem in each["problems"]:
            screen.line(f"{each['name']}: {_place(problem)}{in_language(problem['cause'])}")
            screen.line("    " + tr("hint: {hint}", hint=in_language(problem["hint"])))
    screen.document(report)
    broken = any(each["state"] == "problem" for each in report["elements"])
    del check
    return FAILED if broken else 0


def read_elements(app: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """The report about the app's elements. The worker's side makes it: only it can load elements.

    Raises:
        CommandFailed: The worker's side could not make a report.
    """
    return ask_worker_side("elements", "--app", str(app), env=env, what="the elements")


def _row(element: Mapping[str, Any]) -> tuple[str, ...]:
    types = " → ".join(element["types"]) or "-"
    return element["name"], element["title"] or "-", types, element["state"]


def _place(problem: Mapping[str, Any]) -> str:
    place = ", ".join(
        filter(None, (problem["file"], problem["key"] and tr("key {name}", name=problem["key"])))
    )
    return f"{place}: " if place else ""
