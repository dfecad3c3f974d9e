"""``smsjobs events``: who is told of events, what could not be handed over, and what is to become of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

from smsjobs.client import connect
from smsjobs.events import Backlog, EventStreams, Item, Outbox
from smsjobs.redis_store import available
from smsjobs_shell.terminal.failure import BadOption, CommandFailed
from smsjobs_shell.terminal.language import mark, tr
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["events"]

T = TypeVar("T")


@click.group(
    short_help="See who is told of events, and replay or drop what was parked.",
    epilog="""\b
Examples:
  smsjobs events list
  smsjobs events replay --all
  smsjobs events drop evt_0cd47c429d3cf1f29499a0ffbbfdb285
  smsjobs events unsubscribe webhook""",
)
def events() -> None:
    """See who is told of events, and replay or drop what was parked.

    What was tried in vain for a day is parked: an event for your address, or a push for another environment.
    """


@events.command("list", short_help="List the subscribers, and what is parked.")
@with_screen
def list_events(screen: Screen) -> None:
    """List the subscribers with what waits for each, and what is parked. What is in it is not shown."""
    backlogs, boxes = _patiently(lambda streams, boxes: (_by_subscriber(streams.backlogs()), _look(boxes)))
    if backlogs:
        rows = [(name, str(waiting), _moment(since)) for name, (waiting, since) in backlogs.items()]
        screen.records((tr("Subscriber"), tr("Waiting"), tr("Since")), rows)
    else:
        screen.line(tr("Nobody is told of events."))
    for name, (waiting, _) in boxes.items():
        if waiting:
            screen.line(tr("{name}: {count} failed, and will be tried again.", name=name, count=waiting))
    parked = [(name, item) for name, (_, items) in boxes.items() for item in items]
    if parked:
        screen.line(tr("Parked:"))
        screen.records(
            (tr("Id"), tr("Kind"), tr("To"), tr("Since"), tr("Error")),
            [
                (item.id, item.what, name, _moment(round(item.since_s * 1000)), item.error)
                for name, item in parked
            ],
        )
    screen.document(
        {
            "subscribers": [
                {"name": name, "waiting": waiting, "since_ms": since}
                for name, (waiting, since) in backlogs.items()
            ],
            "outboxes": [{"name": name, "waiting": waiting} for name, (waiting, _) in boxes.items()],
            "parked": [
                {
                    "id": item.id,
                    "what": item.what,
                    "for": name,
                    "since_ms": round(item.since_s * 1000),
                    "tries": item.tries,
                    "error": item.error,
                }
                for name, item in parked
            ],
        }
    )


@events.command(short_help="Try what is parked again, for another day.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="Everything that is parked.")
@with_screen
def replay(screen: Screen, *, ids: tuple[str, ...], every: bool) -> None:
    """Try what is parked again, for another day: what has these ids, or everything."""
    _check(ids, every=every)
    count = _patiently(lambda _, boxes: sum(each.replay(ids) for each in boxes))
    _end(screen, "replayed", count)


@events.command(short_help="Delete what is parked.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="Everything that is parked.")
@with_screen
def drop(screen: Screen, *, ids: tuple[str, ...], every: bool) -> None:
    """Delete what is parked for good: what has these ids, or everything."""
    _check(ids, every=every)

    def of(box: Outbox) -> list[str]:
        return [each.id for each in box.parked() if every or each.id in ids]

    count = _patiently(lambda _, boxes: sum(each.drop(of(each)) for each in boxes))
    _end(screen, "dropped", count)


@events.command(short_help="End a subscription.")
@click.argument("name", metavar="SUBSCRIBER")
@with_screen
def unsubscribe(screen: Screen, *, name: str) -> None:
    """End a subscription, and drop what waits for it. A worker that still has its settings subscribes again at once."""
    if not _patiently(lambda streams, _: streams.unsubscribe(name)):
        raise CommandFailed(tr("there is no subscriber of that name"), "subscriber_not_found")
    screen.line(tr("It is told of nothing any more."))
    screen.document({"name": name, "unsubscribed": True})


_DONE: Final = {"replayed": mark("{count} replayed."), "dropped": mark("{count} dropped.")}


def _check(ids: Sequence[str], *, every: bool) -> None:
    if bool(ids) == every:
        raise BadOption(tr("name the ids that smsjobs events list shows, or say --all"))


def _end(screen: Screen, what: str, count: int) -> None:
    if not count:
        raise CommandFailed(tr("nothing of that is parked"), "not_parked")
    screen.line(tr(_DONE[what], count=count))
    screen.document({what: count})


def _by_subscriber(backlogs: Sequence[Backlog]) -> dict[str, tuple[int, int | None]]:
    found: dict[str, tuple[int, int | None]] = {}
    for each in backlogs:
        waiting, since = found.get(each.subscriber, (0, None))
        times = [time for time in (since, each.since_ms) if time]
        found[each.subscriber] = (waiting + each.waiting, min(times, default=None))
    return dict(sorted(found.items()))


def _look(boxes: Sequence[Outbox]) -> dict[str, tuple[int, list[Item]]]:
    return {each.name: (each.waiting(), each.parked()) for each in boxes}


def _moment(ms: int | None) -> str:
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _patiently(step: Callable[[EventStreams, list[Outbox]], T]) -> T:
    connection = connect().connection
    redis: Any = connection.redis()
    seal = connection.settings.seal
    return available(
        lambda: step(EventStreams(redis, seal=seal), Outbox.all(redis, seal=seal)),
        for_s=connection.settings.timeout_s,
        task="the events were not reached",
        unreachable_text=connection.unreachable_text,
    )
