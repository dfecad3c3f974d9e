"""``smsjobs campaign start``: send to everybody in a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Unpack

import click

from smsjobs.campaign import Campaign, CampaignCheck, Order, Survey, campaign_store, fitted
from smsjobs.campaign import start as begin
from smsjobs.campaign.filenames import readable
from smsjobs.campaign.pages import Page
from smsjobs.client import Sms, connect
from smsjobs.contract import InvalidArguments, campaign_id
from smsjobs_shell.campaign.options import PROMOTIONAL, Ordered, as_bad_usage, message_options, read_order
from smsjobs_shell.campaign.preview import preview
from smsjobs_shell.campaign.progress import exit_status, show, tell_of_report, watch
from smsjobs_shell.campaign.reading import reading
from smsjobs_shell.campaign.rejects import rejects_file
from smsjobs_shell.campaign.trial import TEST, send_trial
from smsjobs_shell.terminal.failure import BAD_USAGE, CommandFailed, bad_usage
from smsjobs_shell.terminal.language import tr, tr_count
from smsjobs_shell.terminal.moment import read_moment, show_moment
from smsjobs_shell.terminal.options import TEXT, with_screen
from smsjobs_shell.terminal.question import ask
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import printable

__all__ = ["start"]

#: Most reasons that are named.
_REASONS: Final = 3


@click.command(
    short_help="Send to everybody in a file.",
    epilog="""\b
FILE is a .csv, .jsonl or .xlsx with a column such as phone or 手机号. Its
other columns are the template's parameters. Nothing is sent before the whole
file is read. On a terminal it is then shown what will be sent, and asked. The
same command again finds the same campaign, finishes what was interrupted, and
sends nothing twice. Ctrl-C while it is watched ends only the watching: the
campaign continues.

\b
Examples:
  smsjobs campaign start people.csv --element SMS.YourSmsName \\
      --template SMS_200000001 --param event=系统维护 --watch
  smsjobs campaign start people.xlsx --name 会员日-2026-12 \\
      --element SMS.YourSmsName --template SMS_200000002 --promotional \\
      --at '2099-11-11 09:00'""",
)
@message_options
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
    help="When it begins; not in the past. Beijing time, or with a zone such as +00:00. [default: now]",
)
@PROMOTIONAL
@click.option(
    "--watch", "watching", is_flag=True, help="Show how far it is, until it has ended or is paused."
)
@click.option("--yes", "agreed", is_flag=True, help="Do not ask. It is asked on a terminal only.")
@click.option(
    "--accept-left-out", "accepted", is_flag=True, help="Send even if more than 5 % of the rows are left out."
)
@TEST
@with_screen
def start(
    screen: Screen,
    *,
    file: Path,
    element: str,
    name: str | None,
    at: datetime | None,
    promotional: bool | None,
    watching: bool,
    agreed: bool,
    accepted: bool,
    trial: str | None,
    **ordered: Unpack[Ordered],
) -> int:
    """Send to everybody in a file.

    With --watch, the exit status is 1 unless every recipient's message was accepted. Rows that are left out do not
    count. A file without a row that can be used is bad usage: the exit status is 2. So is one of which more than 5 %
    of the rows are left out, unless somebody consents.
    """
    sms = connect()
    full_name = as_bad_usage(lambda: sms.getElement(element)).fullName
    order = as_bad_usage(lambda: read_order(file, ordered))
    if trial is not None:
        return as_bad_usage(lambda: send_trial(screen, sms, order, trial, element=full_name))
    called = name or readable(file.stem)
    order = as_bad_usage(
        lambda: fitted(sms.connection, order, element=full_name, name=called, promotional=promotional)
    )
    zone = None if at is None else at.tzinfo
    when = (
        tr("now")
        if at is None
        else tr("from {time} on", time=show_moment(round(at.timestamp() * 1000), zone))
    )

    def consent(found: CampaignCheck) -> None:
        _consent(screen, found, ordered, agreed=agreed, accepted=accepted, when=when)

    campaign = _begin(
        screen,
        sms,
        order,
        ordered,
        consent,
        element=full_name,
        name=called,
        at=at,
        promotional=promotional,
    )
    if watching:
        watch(screen, campaign, sms.connection.settings.broker_url, begins_in=zone)
    progress = show(screen, campaign, begins_in=zone)
    if watching:
        tell_of_report(screen, progress)
    elif not progress.ended:
        screen.line(
            "\n" + tr("How far it is:") + f"  smsjobs campaign status --watch {campaign.id}", exact=True
        )
    return exit_status(progress) if watching else 0


def _begin(
    screen: Screen,
    sms: Sms,
    order: Order,
    ordered: Ordered,
    consent: Callable[[CampaignCheck], None],
    *,
    element: str,
    name: str,
    at: datetime | None,
    promotional: bool | None,
) -> Campaign:
    """Read the file, ask, and let it be sent."""
    with (
        rejects_file(ordered["rejects"], order) as rejects,
        reading(screen, going_on=campaign_id(element, name.strip())) as file,
    ):
        survey = Survey(
            order,
            sign=ordered["sign"],
            on_left_out=rejects,
            suppressed=sms.connection.suppressed.counter(promotional=promotional),
        )

        def on_page(page: Page) -> None:
            survey.add(page)
            file.add(page)

        def before_sending() -> None:
            file.end()
            rejects.keep()
            consent(survey.found())

        try:
            campaign = begin(
                campaign_store(sms.connection),
                survey.order,
                element=element,
                name=name,
                at=at,
                promotional=promotional,
                on_page=on_page,
                before_sending=before_sending,
            )
        except InvalidArguments as error:
            found = survey.found()
            if found.left_out and not found.recipients:
                file.end()
                rejects.keep()
                if screen.can_ask:
                    preview(screen, found, ordered)
            raise bad_usage(error) from None
        rejects.keep()
        return campaign


def _consent(
    screen: Screen, found: CampaignCheck, ordered: Ordered, *, agreed: bool, accepted: bool, when: str
) -> None:
    """Show what would be sent, and ask. Who cannot be asked consents by options.

    Raises:
        CommandFailed: There is no consent.
    """
    asks = screen.can_ask and not agreed
    if screen.can_ask:
        preview(screen, found, ordered)
        screen.line()
    left_out = ""
    if found.leaves_many_out and not accepted:
        left_out = _left_out(found)
        if not asks:
            raise CommandFailed(
                tr("{rows}. To send to the others, add --accept-left-out. Nothing is sent", rows=left_out),
                "left_out",
                status=BAD_USAGE,
                more={
                    "rows": found.rows,
                    "left_out": found.left_out,
                    "reasons": dict(found.left_out_by_reason),
                },
            )
        screen.line(tr("{rows}.", rows=left_out), style="yellow")
    if asks:
        ask(
            tr_count(
                "Send to {count} recipient {when}?",
                "Send to {count} recipients {when}?",
                found.recipients,
                when=when,
            ),
            tr("nothing is sent"),
        )


def _left_out(found: CampaignCheck) -> str:
    most = list(found.left_out_by_reason.items())
    named = ", ".join(f"{count:,} {printable(reason)}" for reason, count in most[:_REASONS])
    more = ", …" if len(most) > _REASONS else ""
    rows = found.recipients + found.left_out
    return tr_count(
        "{left_out} of {count} row are left out: {reasons}",
        "{left_out} of {count} rows are left out: {reasons}",
        rows,
        left_out=f"{found.left_out:,}",
        reasons=named + more,
    )
