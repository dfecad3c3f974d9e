"""``smsjobs campaign``: send to many recipients from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime

import click

from smsjobs.campaign import Campaign, CampaignProgress, CampaignStore, campaign_store
from smsjobs.campaign.progress import BY_HAND
from smsjobs.client import connect
from smsjobs.contract import InvalidArguments
from smsjobs_shell.campaign.check import check
from smsjobs_shell.campaign.naming import CAMPAIGN, find
from smsjobs_shell.campaign.progress import exit_status, show, tell_of_report, watch
from smsjobs_shell.campaign.report import report
from smsjobs_shell.campaign.resend import resend
from smsjobs_shell.campaign.start import start
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.language import tr, tr_count
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.question import ask
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import printable

__all__ = ["campaign"]


@click.group(
    short_help="Send to many recipients from a file.",
    epilog="""\b
Examples:
  smsjobs campaign check people.csv --template SMS_200000001 \\
      --param event=系统维护
  smsjobs campaign start people.csv --element SMS.YourSmsName \\
      --template SMS_200000001 --param event=系统维护 --watch
  smsjobs campaign pause people
  smsjobs campaign report people -o report.csv

CAMPAIGN is a campaign's name or its id: `list` shows both.""",
)
def campaign() -> None:
    """Send to many recipients from a file, watch it, stop it, and report who got what."""


@campaign.command(short_help="Show how far a campaign is.")
@click.option("--watch", "watching", is_flag=True, help="Show it until it has ended or is paused.")
@CAMPAIGN
@with_screen
def status(screen: Screen, *, watching: bool, campaign_name: str) -> int:
    """Show how far a campaign is.

    With --watch, the exit status is 1 unless every recipient's message was accepted. Rows that are left out do not
    count.
    """
    sms = connect()
    found = find(sms, campaign_name)
    if watching:
        watch(screen, found, sms.connection.settings.broker_url)
    progress = show(screen, found)
    if watching:
        tell_of_report(screen, progress)
    return exit_status(progress) if watching else 0


@campaign.command(short_help="Send no further chunk for now.")
@CAMPAIGN
@with_screen
def pause(screen: Screen, *, campaign_name: str) -> None:
    """Send no further chunk until `resume`. Requests that have left are not called back."""
    _control(screen, campaign_name, lambda store, found: store.pause(found.id, BY_HAND))


@campaign.command(short_help="Continue a paused campaign.")
@CAMPAIGN
@with_screen
def resume(screen: Screen, *, campaign_name: str) -> None:
    """Continue a paused campaign: what was not sent is sent."""
    _control(screen, campaign_name, lambda store, found: store.pause(found.id, ""))


@campaign.command(short_help="End a campaign for good.")
@click.option("--yes", "agreed", is_flag=True, help="Do not ask. It is asked on a terminal only.")
@CAMPAIGN
@with_screen
def cancel(screen: Screen, *, agreed: bool, campaign_name: str) -> None:
    """End a campaign for good. What was not sent yet is never sent. On a terminal, this asks before."""

    def step(store: CampaignStore, found: Campaign) -> bool:
        if (
            screen.can_ask
            and not agreed
            and (progress := found.progress()).state not in ("cancelled", "finished")
        ):
            show(screen, found)
            screen.line()
            ask(
                tr_count(
                    "{count} recipient has no message yet, and will get none. End the campaign for good?",
                    "{count} recipients have no message yet, and will get none. End the campaign for good?",
                    progress.pending,
                ),
                tr("the campaign was not cancelled"),
            )
        return store.cancel(found.id)

    _control(screen, campaign_name, step)


@campaign.command("list", short_help="List the campaigns.")
@with_screen
def list_campaigns(screen: Screen) -> None:
    """List the campaigns that have not ended, or ended no longer ago than SMS_RETENTION. The newest comes first."""
    all_of_them = list(_progress_of(connect().campaigns()))
    if all_of_them:
        screen.records(
            (
                tr("Name"),
                tr("State"),
                tr("Done"),
                tr("Not accepted"),
                tr("Begins"),
                tr("Id"),
                tr("Element"),
                tr("Template"),
            ),
            [_listed(each) for each in all_of_them],
        )
    else:
        screen.line(tr("There is no campaign."))
    screen.document({"campaigns": [each.to_json() for each in all_of_them]})


def _listed(progress: CampaignProgress) -> tuple[str, ...]:
    begins = datetime.fromtimestamp((progress.starts_ms or progress.created_ms) / 1000).astimezone()
    return (
        printable(progress.name),
        progress.state,
        tr("{done} of {total}", done=f"{progress.settled:,}", total=f"{progress.total:,}"),
        f"{progress.settled - progress.accepted:,}",
        begins.strftime("%Y-%m-%d %H:%M"),
        progress.id,
        progress.element,
        printable(progress.template),
    )


for _command in (start, check, report, resend):
    campaign.add_command(_command)


def _progress_of(campaigns: Iterable[Campaign]) -> Iterator[CampaignProgress]:
    for each in campaigns:
        # One may have been deleted since the list was read.
        with suppress(InvalidArguments):
            yield each.progress()


def _control(screen: Screen, campaign_name: str, step: Callable[[CampaignStore, Campaign], bool]) -> None:
    sms = connect()
    found = find(sms, campaign_name)
    # Asked before the step, a campaign may end in between. So the step itself tells whether it had ended.
    if not step(campaign_store(sms.connection), found):
        state = found.progress().state
        raise CommandFailed(
            tr("the campaign is {state}", state=state), "campaign_ended", more={"campaign": found.id}
        )
    show(screen, found)
