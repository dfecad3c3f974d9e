"""``smsjobs campaign start`` and ``check``: read a file, and send to everybody in it, or only count."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

import click

from smsjobs.campaign import CampaignCheck, Order, campaign_store
from smsjobs.campaign import check as dry_run
from smsjobs.campaign import start as begin
from smsjobs.campaign.filenames import readable
from smsjobs.campaign.planning import Page
from smsjobs.client import connect
from smsjobs.contract import InvalidArguments, QueueUnavailable, campaign_id
from smsjobs_shell.campaign.progress import by_country, exit_status, show, tell_of_report, watch
from smsjobs_shell.send import parameters
from smsjobs_shell.terminal.failure import BAD_USAGE, INTERRUPTED, BadOption, CommandFailed, bad_usage
from smsjobs_shell.terminal.moment import read_moment
from smsjobs_shell.terminal.options import TEXT, with_screen
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import counted

__all__ = ["check", "start"]

R = TypeVar("R")


class _Ordered(TypedDict):
    """What `_message_options` give a command besides the file."""

    template: str
    params: dict[str, str]
    template_text: str | None
    strict: bool
    sheet: str | None
    phone_column: str | None
    countries: tuple[str, ...] | None


def _codes(ctx: click.Context, option: click.Parameter, typed: Sequence[str]) -> tuple[str, ...] | None:
    """Country codes, each by itself or several with commas between them."""
    codes = tuple(code.strip().removeprefix("+") for each in typed for code in each.split(","))
    if not all(code.isascii() and code.isdigit() and not code.startswith("0") for code in codes):
        raise BadOption("must be country codes, such as 86 or 86,852", ctx, option)
    return codes or None


def _message_options(command: Callable[..., R]) -> Callable[..., R]:
    """Gives the command the options that say what is sent, and to whom."""
    for option in (
        click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE"),
        click.option(
            "--sheet",
            type=TEXT,
            metavar="NAME",
            help="The workbook's sheet. [default: the visible one that has the numbers]",
        ),
        click.option(
            "--phone-column",
            type=TEXT,
            metavar="NAME",
            help="The column of the numbers. [default: the one whose name says it, such as phone or 手机号]",
        ),
        click.option(
            "--countries",
            multiple=True,
            type=TEXT,
            metavar="CODES",
            callback=_codes,
            help="Send to numbers of these countries only, such as 86 or 86,852; others are left out. Repeatable.",
        ),
        click.option(
            "--strict", is_flag=True, help="Stop at the first row that cannot be used, and send nothing."
        ),
        click.option(
            "--template-text",
            type=TEXT,
            metavar="TEXT",
            help="The template's text. With it, every ${parameter} must have a value.",
        ),
        click.option(
            "--param",
            "params",
            multiple=True,
            type=TEXT,
            metavar="NAME=VALUE",
            callback=parameters,
            help="A parameter that is the same for all. NAME={COLUMN} takes it from that column. Repeatable.",
        ),
        click.option(
            "--template",
            required=True,
            type=TEXT,
            metavar="CODE",
            help="The template's code, such as SMS_200000001.",
        ),
    ):
        command = option(command)
    return command


@click.command(
    short_help="Send to everybody in a file.",
    epilog="""\b
FILE is a .csv, .jsonl or .xlsx with a column such as phone or 手机号. Its
other columns are the template's parameters. Nothing is sent before the whole
file is read. The same command again finds the same campaign, finishes what
was interrupted, and sends nothing twice. Ctrl-C while it is watched ends only
the watching: the campaign goes on.

\b
Examples:
  smsjobs campaign start people.csv --element SMS.YourSmsName \\
      --template SMS_200000001 --param event=系统维护 --watch
  smsjobs campaign start people.xlsx --name double-11 \\
      --element SMS.YourSmsName --template SMS_200000002 --promotional \\
      --at '2099-11-11 09:00 Asia/Shanghai'""",
)
@_message_options
@click.option(
    "--element",
    required=True,
    type=TEXT,
    metavar="NAME",
    help="Full name of the SMS element, such as SMS.YourSmsName.",
)
@click.option(
    "--name", type=TEXT, metavar="TEXT", help="The campaign's name. [default: the file's, without its ending]"
)
@click.option(
    "--at",
    metavar="TIME",
    callback=read_moment,
    help="When it begins, with a time zone; not in the past. [default: now]",
)
@click.option("--promotional", is_flag=True, help="Send from 8:00 to 20:00 Beijing time only.")
@click.option(
    "--watch", "watching", is_flag=True, help="Show how far it is, until it has ended or is paused."
)
@with_screen
def start(
    screen: Screen,
    *,
    file: Path,
    element: str,
    name: str | None,
    at: datetime | None,
    promotional: bool,
    watching: bool,
    **ordered: Unpack[_Ordered],
) -> int:
    """Send to everybody in a file.

    With --watch, the exit status is 1 unless every recipient's message was accepted. Rows that are left out do not
    count. A file without a row that can be used is bad usage: the exit status is 2.
    """
    sms = connect()
    full_name = _refused(lambda: sms.getElement(element)).fullName
    name = name or readable(file.stem)
    with _reading(screen, going_on=campaign_id(full_name, name.strip())) as on_page:
        campaign = _refused(
            lambda: begin(
                campaign_store(sms.connection),
                _order(file, ordered),
                element=full_name,
                name=name,
                at=at,
                promotional=promotional,
                on_page=on_page,
            )
        )
    zone = None if at is None else at.tzinfo
    if watching:
        watch(screen, campaign, sms.connection.settings.broker_url, begins_in=zone)
    progress = show(screen, campaign, begins_in=zone)
    if watching:
        tell_of_report(screen, progress)
    elif not progress.ended:
        screen.line(f"\nHow far it is:  smsjobs campaign status --watch {campaign.id}", exact=True)
    return exit_status(progress) if watching else 0


@click.command(
    short_help="Count what a campaign would send, and send nothing.",
    epilog="""\b
Examples:
  smsjobs campaign check people.csv --template SMS_200000001 \\
      --param event=系统维护
  smsjobs campaign check people.csv --template SMS_200000001 \\
      --param event=系统维护 --sign 示例公司 \\
      --template-text '${name}您好,今晚22点至24点进行${event},敬请谅解。'""",
)
@_message_options
@click.option(
    "--sign", default="", type=TEXT, metavar="TEXT", help="The signature. Its length counts with the text."
)
@with_screen
def check(
    screen: Screen,
    *,
    file: Path,
    sign: str,
    **ordered: Unpack[_Ordered],
) -> int:
    """Read a file as `start` does, and tell what would be sent. Redis is not needed.

    The exit status is 2 if `start` would refuse the file, because it cannot be read or has no row that can be used.
    """
    with _reading(screen) as on_page:
        found = _refused(
            lambda: dry_run(
                _order(file, ordered),
                template_text=ordered["template_text"],
                sign=sign,
                on_page=on_page,
            )
        )
    screen.pairs(_facts(found, sign=sign))
    if found.bad_rows:
        screen.line("\nRows that would be left out:\n")
        screen.table(("Line", "Reason"), [(str(line), reason) for line, reason in found.bad_rows])
        if (more := found.invalid - len(found.bad_rows)) > 0:
            screen.line(f"and {more:,} more.")
    if not found.recipients:
        screen.line("\nNo row can be used, so a campaign of this file would not start.")
    screen.document(found.to_json())
    return 0 if found.recipients else BAD_USAGE


@contextlib.contextmanager
def _reading(screen: Screen, *, going_on: str | None = None) -> Iterator[Callable[[Page], None]]:
    """Shows how many rows are read. It gives the function to be called with each page.

    Args:
        going_on: The id of the campaign that reading begins and that stays begun after Ctrl-C; None for a dry run.
    """
    rows = 0
    try:
        with screen.bar("Reading", "rows") as bar:

            def on_page(page: Page) -> None:
                nonlocal rows
                rows += len(page.lines)
                bar.update(rows, None)

            yield on_page
            bar.update(rows, rows)
    except KeyboardInterrupt:
        if going_on is None:
            raise
        screen.line("\nNothing is sent before the whole file is read. The same command again goes on.")
        screen.line(f"To give it up:  smsjobs campaign cancel {going_on}", exact=True)
        raise CommandFailed(
            "interrupted; nothing is sent", "interrupted", status=INTERRUPTED, more={"id": going_on}
        ) from None


def _refused(step: Callable[[], R]) -> R:
    """Make the step. Wrong arguments and files are bad usage."""
    try:
        return step()
    except QueueUnavailable:
        raise
    except InvalidArguments as error:
        raise bad_usage(error) from None


def _order(file: Path, ordered: _Ordered) -> Order:
    return Order.read(
        file,
        ordered["template"],
        ordered["params"],
        template_text=ordered["template_text"],
        strict=ordered["strict"],
        sheet=ordered["sheet"],
        phone_column=ordered["phone_column"],
        countries=ordered["countries"],
    )


def _facts(found: CampaignCheck, *, sign: str) -> list[tuple[str, str]]:
    requests = f"{found.chunks:,}: {found.send_sms:,} SendSms, {found.send_batch_sms:,} SendBatchSms"
    left_out = f"{found.invalid:,} invalid, {counted(found.duplicates, 'duplicate')}"
    facts = [("sheet", found.sheet)] if found.sheet else []
    facts += [
        ("numbers", f"column {found.phone_column}"),
        ("recipients", f"{found.recipients:,}: {by_country(found.countries)}"),
        ("left out", f"{left_out}, {counted(found.blank, 'blank row')}"),
        *(("", f"{count:,} {reason}") for reason, count in found.reasons.items()),
        ("requests", requests),
        ("parameters", ", ".join([*(f"{each} (column)" for each in found.columns), *found.shared]) or "none"),
    ]
    if found.billed is None:
        facts.append(("billed", "not known without --template-text"))
    else:
        unsure = "" if sign else ", without the signature: name it with --sign"
        facts.append(("billed", f"{counted(found.billed, 'message')}{unsure}"))
    if found.too_long:
        facts.append(
            (
                "too long",
                f"{counted(found.too_long, 'message has', 'messages have')} more than 500 characters",
            )
        )
    return facts
