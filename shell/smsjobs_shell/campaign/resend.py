"""``smsjobs campaign resend``: send a campaign again to those whose message did not arrive."""

from __future__ import annotations

from pathlib import Path

import click

from smsjobs.campaign import Undelivered, campaign_store, find_undelivered
from smsjobs.campaign import resend as begin
from smsjobs.client import connect
from smsjobs.delivery import explain
from smsjobs_shell.campaign.naming import CAMPAIGN, find
from smsjobs_shell.campaign.options import as_bad_usage
from smsjobs_shell.campaign.progress import exit_status, show, tell_of_report, watch
from smsjobs_shell.send import parameters
from smsjobs_shell.terminal.language import tr, tr_count
from smsjobs_shell.terminal.options import TEXT, with_screen
from smsjobs_shell.terminal.question import ask
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import printable

__all__ = ["resend"]


@click.command(
    short_help="Send again to those whose message did not arrive.",
    epilog="""\b
It makes a new campaign, named after the old one, of those whose carrier's
code says that the message may arrive now, such as a phone that was off.
Numbers that do not exist, black lists and refusals are left out. The same
command again sends nothing twice. It needs receipts, and the numbers: until
SMS_RETENTION after the campaign's end, and with the SMS_PAYLOAD_KEY that it
was started with. If recipients have their own parameters, it needs --file.

\b
Examples:
  smsjobs campaign resend people --undelivered
  smsjobs campaign resend people --undelivered --file people.csv --yes --watch""",
)
@click.option(
    "--undelivered",
    is_flag=True,
    required=True,
    help="To those whose message was accepted and did not arrive.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The file that the campaign was started with, for the parameters that each recipient has of his own.",
)
@click.option(
    "--param",
    "params",
    multiple=True,
    type=TEXT,
    metavar="NAME={COLUMN}",
    callback=parameters,
    help="With --file: where such a parameter comes from, as in `start`. Repeatable.",
)
@click.option(
    "--watch", "watching", is_flag=True, help="Show how far it is, until it has ended or is paused."
)
@click.option("--yes", "agreed", is_flag=True, help="Do not ask. It is asked on a terminal only.")
@CAMPAIGN
@with_screen
def resend(
    screen: Screen,
    *,
    undelivered: bool,
    file: Path | None,
    params: dict[str, str],
    watching: bool,
    agreed: bool,
    campaign_name: str,
) -> int:
    """Send a campaign again to those whose message did not arrive, and may arrive now."""
    if params and file is None:
        raise click.UsageError(tr("{one} needs {other}", one="--param", other="--file"))
    del undelivered  # so far there is nobody else to send to again
    sms = connect()
    store = campaign_store(sms.connection)
    with screen.working(tr("Reading what the carriers reported")):
        found = find_undelivered(store, find(sms, campaign_name).id)
    _preview(screen, found)
    if not found.phones:
        screen.line(tr("There is nobody to send to again."))
        screen.document({"of": found.of.id, "resend": None, **_counts(found)})
        return 0

    def consent() -> None:
        if screen.can_ask and not agreed:
            screen.line()
            ask(
                tr_count(
                    "Send to {count} recipient now?", "Send to {count} recipients now?", len(found.phones)
                ),
                tr("nothing is sent"),
            )

    campaign = as_bad_usage(
        lambda: begin(
            store, found, file=file, params=params, connection=sms.connection, before_sending=consent
        )
    )
    if watching:
        watch(screen, campaign, sms.connection.settings.broker_url)
        progress = show(screen, campaign)
        tell_of_report(screen, progress)
        return exit_status(progress)
    screen.line("\n" + tr("The new campaign is {name}. How far it is:", name=repr(printable(found.name))))
    screen.line(f"  smsjobs campaign status --watch {campaign.id}", exact=True)
    screen.document({"of": found.of.id, "resend": campaign.id, "name": found.name, **_counts(found)})
    return 0


def _preview(screen: Screen, found: Undelivered) -> None:
    """Show whom it would be sent to, and whom not, by code."""
    screen.pairs(
        [
            (tr("campaign"), printable(found.of.name)),
            (tr("new campaign"), printable(found.name)),
            (tr("template"), printable(found.of.template)),
        ]
    )
    screen.line()
    rows = [(code, count, tr("yes")) for code, count in found.again.items()]
    rows += [(code, count, tr("no")) for code, count in found.not_again.items()]
    if rows:
        screen.table(
            (tr("Send again"), tr("Recipients"), tr("Code"), tr("Why it did not arrive")),
            [(again, f"{count:,}", code, tr(explain(code).meaning)) for code, count, again in rows],
        )
    if found.resent:
        screen.line(
            tr_count(
                "{count} recipient more had a resend already.",
                "{count} recipients more had a resend already.",
                found.resent,
            )
        )


def _counts(found: Undelivered) -> dict[str, object]:
    return {
        "recipients": len(found.phones),
        "again": dict(found.again),
        "not_again": dict(found.not_again),
        "already_resent": found.resent,
    }
