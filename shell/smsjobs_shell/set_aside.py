"""``smsjobs set-aside``: what is damaged in the ledger, and what is to become of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import click

from smsjobs.client import connect
from smsjobs.ledger import Aside, SetAside
from smsjobs.redis_store import available
from smsjobs.suppression import LIST_ITEM, SuppressedNumbers
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["set_aside"]

T = TypeVar("T")


@click.group(
    "set-aside",
    short_help="List what is damaged in the ledger, and put it back or drop it.",
    epilog="""\b
Examples:
  smsjobs set-aside list
  smsjobs set-aside put-back k3qv7a:job:k3qv7a-3b9f0c1e-...
  smsjobs set-aside drop k3qv7a:chunk:people-k3qv7a2hs4wx:9af...""",
)
def set_aside() -> None:
    """List what is damaged in the ledger, and put it back or drop it.

    A worker sets aside what it cannot read: everything else goes on.
    """


@set_aside.command("list", short_help="List what is set aside.")
@with_screen
def list_items(screen: Screen) -> None:
    """List what is set aside, with what is wrong with it. What is in it is not shown."""
    found = [
        *_patiently(lambda aside, _: list(aside.items())),
        *_patiently(lambda _, listed: _damage(listed)),
    ]
    if found:
        rows = [
            (
                each.id,
                each.problem,
                datetime.fromtimestamp(each.since_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M"),
            )
            for each in found
        ]
        screen.records((tr("Id"), tr("Problem"), tr("Since")), rows)
    else:
        screen.line(tr("Nothing is set aside."))
    items = [{"id": each.id, "problem": each.problem, "since_ms": each.since_ms} for each in found]
    screen.document({"set_aside": items})


@set_aside.command("put-back", short_help="Put something back, after it was fixed.")
@click.argument("item_id", metavar="ID")
@with_screen
def put_back(screen: Screen, *, item_id: str) -> None:
    """Put something back to where it was: a job onto the agenda, a campaign among those that are sent.

    What is still damaged stays, or is set aside again within a second. A campaign gets back what it has lost of its
    pending recipients.
    """
    if item_id == LIST_ITEM:
        # It was never taken away: whole, it is used at once.
        problem = _patiently(lambda _, listed: listed.damage())
    else:
        problem = _patiently(lambda aside, _: aside.put_back(item_id))
    if problem:
        raise CommandFailed(
            tr("it is still damaged: {problem}", problem=problem), "still_damaged", more={"id": item_id}
        )
    screen.line(tr("It is back."))
    screen.document({"id": item_id, "put_back": True})


@set_aside.command(short_help="Delete something for good.")
@click.argument("item_id", metavar="ID")
@with_screen
def drop(screen: Screen, *, item_id: str) -> None:
    """Delete something for good. A job gets the outcome "unknown": it may have been sent before it was damaged.

    If it is the suppression list, nobody is on it any more, so import your copy at once.
    """
    if item_id == LIST_ITEM:
        if not _patiently(lambda _, listed: listed.damage()):
            raise CommandFailed(
                tr("the suppression list is not damaged"), "not_set_aside", more={"id": item_id}
            )
        _patiently(lambda _, listed: listed.discard())
    else:
        _patiently(lambda aside, _: aside.drop(item_id))
    screen.line(tr("It is dropped."))
    screen.document({"id": item_id, "dropped": True})


def _damage(listed: SuppressedNumbers) -> list[SetAside]:
    """The suppression list, if it is damaged. It stays where it is, and is as old as the look at it."""
    problem = listed.damage()
    return [SetAside(id=LIST_ITEM, problem=problem, since_ms=round(time.time() * 1000))] if problem else []


def _patiently(step: Callable[[Aside, SuppressedNumbers], T]) -> T:
    connection = connect().connection
    settings = connection.settings
    aside = Aside(connection.redis(), seal=settings.seal, keep_s=settings.retention_s)
    return available(
        lambda: step(aside, connection.suppressed),
        for_s=settings.timeout_s,
        task="what is set aside was not reached",
        unreachable_text=connection.unreachable_text,
    )
