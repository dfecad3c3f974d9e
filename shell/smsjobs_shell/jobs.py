"""``smsjobs jobs``: list what did not end well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypedDict, TypeVar

import click

from smsjobs import InvalidArguments, JobInfo, Sms, connect
from smsjobs.contract import LANES, mask_phone
from smsjobs_shell.terminal.failure import bad_usage
from smsjobs_shell.terminal.language import mark, tr
from smsjobs_shell.terminal.moment import distance, read_since
from smsjobs_shell.terminal.options import TEXT, WHOLE, with_lines
from smsjobs_shell.terminal.screen import Screen

__all__ = ["Filters", "filtered", "filters", "found", "jobs", "table"]

R = TypeVar("R")

#: Jobs that are shown where nobody says how many.
_SHOWN: Final = 50

#: The columns in the order of their weight: a narrow terminal shows the first ones.
_COLUMNS: Final = (
    mark("Id"),
    mark("Age"),
    mark("Why"),
    mark("To"),
    mark("Outcome"),
    mark("Lane"),
    mark("Element"),
)


class Filters(TypedDict):
    """Which jobs are asked for, as it was typed."""

    status: str | None
    failed: bool
    since: datetime | timedelta | None
    element: str | None
    lane: str | None
    code: str | None
    limit: int | None


def filters(command: Callable[..., R]) -> Callable[..., R]:
    """Gives the command the options of `Filters`."""
    for option in (
        click.option("--limit", type=WHOLE, metavar="NUMBER", help="The most jobs. 0 is all."),
        click.option(
            "--code",
            type=TEXT,
            metavar="CODE",
            help="Refused with Aliyun's code, such as isv.AMOUNT_NOT_ENOUGH.",
        ),
        click.option("--lane", type=click.Choice(list(LANES)), help="Of this lane."),
        click.option("--element", type=TEXT, metavar="NAME", help="Of this SMS element."),
        click.option(
            "--since",
            metavar="TIME",
            callback=read_since,
            help="Ended since then: 30m, 2h, 1d, or a time such as '2099-11-11 09:00' (Beijing time).",
        ),
        click.option(
            "--status", type=click.Choice(["rejected", "not_sent", "unknown"]), help="With this outcome."
        ),
        click.option(
            "--failed",
            is_flag=True,
            help="Rejected, not sent or unknown. That is meant without --status, too.",
        ),
    ):
        command = option(command)
    return command


def found(sms: Sms, typed: Filters) -> Iterator[JobInfo]:
    """The jobs that are asked for, the newest outcome first."""
    if typed["failed"] and typed["status"]:
        raise click.UsageError(tr("{one} and {other} exclude each other", one="--failed", other="--status"))
    try:
        return sms.jobs(
            typed["status"] or "failed",
            since=typed["since"],
            element=typed["element"],
            lane=typed["lane"],
            aliyun_code=typed["code"],
            limit=typed["limit"] or None,
        )
    except InvalidArguments as error:
        raise bad_usage(error) from None


def filtered(typed: Filters) -> bool:
    """Whether anything says which jobs."""
    return any(value is not None and value is not False for value in typed.values())


@click.command(
    short_help="List the jobs that did not end well.",
    epilog="""\b
Examples:
  smsjobs jobs --since 2h
  smsjobs jobs --failed --since 2h --code isv.AMOUNT_NOT_ENOUGH
  smsjobs jobs --json --status unknown | jq -r .id

What is accepted, or has no outcome yet, is found by its id: smsjobs status ID.
Of a campaign see: smsjobs campaign report.""",
)
@filters
@with_lines
def jobs(screen: Screen, **typed: Any) -> None:
    """List the jobs that were rejected, not sent, or whose answer was lost. The newest comes first.

    Without --limit, the newest 50 are shown, and with --json all. Numbers are masked.
    """
    sms = connect()
    if typed["limit"] is None and not screen.as_json:
        typed["limit"] = _SHOWN
    listed = found(sms, Filters(**typed))  # type: ignore[typeddict-item]
    if screen.as_json:
        for info, to in _with_numbers(sms, listed):
            screen.json_line({**info.to_json(), "to": to})
        return
    infos = list(listed)
    if not infos:
        screen.line(tr("There is no such job."))
        return
    table(screen, sms, infos)
    if len(infos) == typed["limit"]:
        screen.line(tr("These are the newest {count}. --limit 0 shows all.", count=f"{len(infos):,}"))


def table(screen: Screen, sms: Sms, infos: Sequence[JobInfo]) -> None:
    """Show the jobs."""
    rows = [
        (
            info.id,
            distance(info.settled) if info.settled else "-",
            info.last_error or "-",
            to or f"{info.numbers}",
            info.status,
            info.lane,
            info.element,
        )
        for info, to in _with_numbers(sms, infos)
    ]
    screen.records([tr(each) for each in _COLUMNS], rows)


def _with_numbers(sms: Sms, infos: Iterable[JobInfo]) -> Iterator[tuple[JobInfo, str | None]]:
    """The jobs, each with its numbers masked, or None where they are not kept or cannot be read here."""
    rest = iter(infos)
    while some := list(islice(rest, _SHOWN)):
        for info, phones in zip(some, sms.connection.steering.phones(some), strict=True):
            more = f" +{len(phones) - 1:,}" if len(phones) > 1 else ""
            yield info, f"{mask_phone(phones[0])}{more}" if phones else None
