"""The facts of what is pushed to an application, or pulled: receipts and replies."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from smsjobs.facts.fact import Fact

__all__ = [
    "DeliveryReported",
    "PushCounted",
    "PushNotTaken",
    "ReplyTaken",
    "ReportsDropped",
    "ReportsNotOurs",
    "SettledByReceipt",
]


class _OfReceipts(Fact):
    logger = "smsjobs.receipts"


@dataclass(frozen=True, kw_only=True)
class SettledByReceipt(_OfReceipts):
    """A receipt settled a job whose answer was not known, or not yet."""

    action = "settled_by_receipt"
    level = logging.INFO
    sentence = "a receipt settled a job as accepted"

    job_id: str
    before: str
    element: str
    lane: str
    #: How many numbers the job has.
    recipients: int = 1
    #: Of a traced job, where traces are recorded.
    traceparent: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeliveryReported(_OfReceipts):
    """A recipient's message arrived, or did not; told once a recipient, however often it is reported."""

    action = "delivery"
    level = logging.DEBUG
    sentence = "a delivery was reported"

    job_id: str
    element: str
    lane: str
    #: By the number's first digits.
    carrier: str
    state: str
    err_code: str
    #: From Aliyun's sending to the carrier's report; None where one of them was not told.
    seconds: float | None
    #: Of a traced job, where traces are recorded.
    traceparent: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReplyTaken(_OfReceipts):
    """A recipient has replied. If he opted out, his number is suppressed for promotional messages."""

    action = "reply"
    level = logging.INFO
    sentence = "a recipient has replied"

    opted_out: bool
    job_id: str | None
    element: str | None


@dataclass(frozen=True, kw_only=True)
class PushNotTaken(_OfReceipts):
    """A push was answered with 503, because Redis is unreachable, slow or full; Aliyun comes again up to three times."""

    action = "push_not_taken"
    level = logging.WARNING
    sentence = "a push of Aliyun's could not be written down; it will come again"
    repeats_by = ("error",)

    error: str


@dataclass(frozen=True, kw_only=True)
class PushCounted(_OfReceipts):
    """A push was read, and what it held was taken or dropped. The words are those of the page about receipts."""

    action = "push_counted"
    level = logging.DEBUG
    sentence = "a push was read"

    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class ReportsDropped(_OfReceipts):
    """Something was pushed that cannot be read, or that this process cannot take."""

    action = "reports_dropped"
    level = logging.WARNING
    sentence = "reports were dropped"
    repeats_by = ("reason",)

    reason: str


@dataclass(frozen=True, kw_only=True)
class ReportsNotOurs(ReportsDropped):
    """Reports came of what the ledger does not know, as when several environments share an account."""

    level = logging.INFO
    sentence = "reports were dropped: the ledger does not know what they are about"
