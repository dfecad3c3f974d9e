"""Campaigns: many recipients from a file, planned into chunks, with progress, pause, cancel and an exact report."""

from smsjobs.campaign.check import CampaignCheck, Survey, check
from smsjobs.campaign.fitting import ensure_fits, find_misfits, fitted, learn_template, with_template
from smsjobs.campaign.handle import Campaign
from smsjobs.campaign.progress import CampaignProgress
from smsjobs.campaign.report import COLUMNS, ReportRow
from smsjobs.campaign.resend import Undelivered, find_undelivered, resend
from smsjobs.campaign.start import Order, start
from smsjobs.campaign.store import CampaignStore, campaign_store
from smsjobs.campaign.text import billed

__all__ = [
    "COLUMNS",
    "Campaign",
    "CampaignCheck",
    "CampaignProgress",
    "CampaignStore",
    "Order",
    "ReportRow",
    "Survey",
    "Undelivered",
    "billed",
    "campaign_store",
    "check",
    "ensure_fits",
    "find_misfits",
    "find_undelivered",
    "fitted",
    "learn_template",
    "resend",
    "start",
    "with_template",
]
