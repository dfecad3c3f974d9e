"""The facts that a web application tells: handing a job over, and verification codes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from smsjobs.facts.fact import Fact

__all__ = [
    "CeilingReached",
    "CodeChecked",
    "CodeRefused",
    "CodeSent",
    "ConfirmFailed",
    "DeliveryReported",
    "HandOverFailed",
    "ItemParked",
    "ItemSetAside",
    "ItemsDropped",
    "JobCancelled",
    "JobRetried",
    "PublishFailed",
    "PushNotTaken",
    "ReplyTaken",
    "ReportsDropped",
    "ReportsNotOurs",
    "SettledByReceipt",
    "TemplateMisfit",
]


@dataclass(frozen=True, kw_only=True)
class PublishFailed(Fact):
    """A job is recorded and its message could not be published."""

    action = "publish_failed"
    level = logging.WARNING
    sentence = "a job is recorded but could not be published; the sweep will publish it"
    logger = "smsjobs.connection"
    repeats_by = ("error",)

    job_id: str
    lane: str
    error: str


@dataclass(frozen=True, kw_only=True)
class TemplateMisfit(Fact):
    """A message does not fit what is known of its template, and is enqueued all the same (``SMS_PREFLIGHT=warn``)."""

    action = "template_misfit"
    level = logging.WARNING
    sentence = "a message does not fit its template; Aliyun will probably refuse it"
    logger = "smsjobs.connection"
    repeats_by = ("element", "template")

    element: str
    template: str
    problems: str


@dataclass(frozen=True, kw_only=True)
class JobCancelled(Fact):
    """Somebody cancelled a job before it was sent."""

    action = "cancelled"
    level = logging.INFO
    sentence = "a job was cancelled"
    logger = "smsjobs.steering"

    job_id: str


@dataclass(frozen=True, kw_only=True)
class JobRetried(Fact):
    """Somebody had a job sent again that was rejected or not sent."""

    action = "retried"
    level = logging.INFO
    sentence = "a job is sent again"
    logger = "smsjobs.steering"

    #: The new job.
    job_id: str
    #: The old one.
    retry_of: str
    element: str
    lane: str


@dataclass(frozen=True, kw_only=True)
class ItemSetAside(Fact):
    """Something in the ledger is damaged, and was set aside: ``smsjobs set-aside`` shows it."""

    action = "set_aside"
    level = logging.ERROR
    sentence = "something damaged was set aside"
    logger = "smsjobs.ledger"
    repeats_by = ("problem",)

    #: What it is, such as ``job:<id>``.
    item: str
    problem: str


class _OfCodes(Fact):
    logger = "smsjobs.verification"


@dataclass(frozen=True, kw_only=True)
class CodeSent(_OfCodes):
    """A code was handed over to be sent."""

    action = "code_sent"
    level = logging.INFO
    sentence = "a code is on its way"

    purpose: str
    element: str
    job_id: str
    send: int


@dataclass(frozen=True, kw_only=True)
class CodeRefused(_OfCodes):
    """A code was not sent: a limit of the number or the client, its country, or the application's guard."""

    action = "code_refused"
    level = logging.INFO
    sentence = "a code was refused"

    purpose: str
    element: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CeilingReached(CodeRefused):
    """A code was not sent: the purpose had as many as it may, which somebody may be driving up."""

    level = logging.WARNING
    sentence = "a code was refused: its purpose had as many as it may"


@dataclass(frozen=True, kw_only=True)
class CodeChecked(_OfCodes):
    """Somebody typed a code."""

    action = "code_checked"
    level = logging.INFO
    sentence = "a code was checked"

    purpose: str
    element: str
    status: str


@dataclass(frozen=True, kw_only=True)
class ConfirmFailed(_OfCodes):
    """Redis did not note that a code was handed over; the next send finds it in the ledger."""

    action = "confirm_failed"
    level = logging.INFO
    sentence = "a send could not be confirmed"

    error: str


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


class _OfEvents(Fact):
    logger = "smsjobs.events"


@dataclass(frozen=True, kw_only=True)
class HandOverFailed(_OfEvents):
    """An event or a push could not be handed over; it is tried again for a day."""

    action = "hand_over_failed"
    level = logging.WARNING
    sentence = "something could not be handed over; it will be tried again"
    repeats_by = ("to", "error")

    #: Whom it is for: ``events:webhook``, or ``forward:`` and a name.
    to: str
    error: str
    tries: int


@dataclass(frozen=True, kw_only=True)
class ItemParked(_OfEvents):
    """Something was tried in vain for a day; it is kept until ``smsjobs events replay``, or ``drop``."""

    action = "parked"
    level = logging.ERROR
    sentence = "something was tried in vain for a day, and is parked"
    repeats_by = ("to", "error")

    to: str
    item: str
    what: str
    error: str


@dataclass(frozen=True, kw_only=True)
class ItemsDropped(_OfEvents):
    """Something that was to be handed over is lost: too much waits or is parked already."""

    action = "items_dropped"
    level = logging.ERROR
    sentence = "what was to be handed over was dropped"
    repeats_by = ("to", "reason")

    to: str
    reason: str
    items: int
