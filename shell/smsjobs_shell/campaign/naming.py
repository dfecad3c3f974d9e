"""Finds the campaign that somebody named: by its name, or by its id."""

from __future__ import annotations

from typing import Final

import click

from smsjobs.campaign import Campaign, CampaignStore, campaign_store
from smsjobs.client import Sms
from smsjobs.contract import InvalidArguments, tag_of_campaign
from smsjobs_shell.terminal.failure import BAD_USAGE, BadOption, CommandFailed
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import TEXT

__all__ = ["CAMPAIGN", "find"]


def _named(ctx: click.Context, argument: click.Parameter, typed: str) -> str:
    if not typed.strip():
        raise BadOption(tr("a campaign's name or id is not empty"), ctx, argument)
    return typed


#: The argument of each command about one campaign.
CAMPAIGN: Final = click.argument("campaign_name", type=TEXT, metavar="CAMPAIGN", callback=_named)


def find(sms: Sms, typed: str) -> Campaign:
    """The campaign of that id, else the one of that name.

    Raises:
        InvalidArguments: There is none.
        CommandFailed: Several elements have a campaign of that name.
        QueueUnavailable: Redis is unreachable.
    """
    store = campaign_store(sms.connection)
    if _is_id(store, typed):
        return sms.campaign(typed)
    ids = store.named(typed)
    if len(ids) > 1:
        raise CommandFailed(
            tr(
                "{count} elements have a campaign of that name; type the id of the one that is meant: {ids}",
                count=len(ids),
                ids=", ".join(ids),
            ),
            "ambiguous_name",
            status=BAD_USAGE,
            more={"campaigns": ids},
        )
    if not ids:
        raise InvalidArguments(
            tr(
                "there is no campaign of that name or id, or it ended longer ago than SMS_RETENTION; see them with: "
                "smsjobs campaign list"
            ),
            reason="campaign_not_found",
            argument="campaign_id",
        )
    return sms.campaign(ids[0])


def _is_id(store: CampaignStore, typed: str) -> bool:
    if tag_of_campaign(typed) is None:
        return False
    try:
        store.progress(typed)
    except InvalidArguments:
        return False
    return True
