"""Events: what is told to the application's own code. Their JSON is a versioned contract, as that of jobs and results.

``docs/events.md`` explains each field. No event has a whole phone number, a code, a parameter or a message's text.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from smsjobs.contract.replies import Reply
from smsjobs.contract.visible import mask_phone
from smsjobs.contract.wire import VERSION

__all__ = [
    "EVENT_TYPES",
    "CampaignChange",
    "DeliveryUpdate",
    "Event",
    "EventData",
    "JobSettlement",
    "ReplyReceived",
    "SignatureReview",
    "TemplateReview",
    "encode_event",
    "event_id",
]


@dataclass(frozen=True, kw_only=True)
class JobSettlement:
    """A job has its outcome. It is told once more if a receipt makes an unknown job an accepted one."""

    type: ClassVar = "job.settled"

    job_id: str
    element: str
    lane: str
    #: The campaign of which the job is a chunk, or None.
    campaign_id: str | None
    outcome: str
    #: The outcome that it had before, if a receipt changed it: ``"unknown"``.
    before: str | None
    #: 46001, 46002 or 46003; None for an accepted job.
    code: int | None
    #: The word of an error, or None.
    reason: str | None
    #: Aliyun's own code: ``"OK"``, or that of a refusal; None where Aliyun did not answer.
    aliyun_code: str | None
    #: What to do about a refusal: ``"never"``, ``"later"`` or ``"operator"``.
    advice: str | None
    #: Seconds after which a refused message may be sent again, where Aliyun tells.
    retry_after: float | None
    biz_id: str | None
    request_id: str | None
    attempts: int
    #: How an acceptance came to be known: ``"response"``, ``"lookup"`` or ``"receipt"``.
    resolved_by: str | None
    #: Whether it is a refused chunk whose halves are sent in its place, as jobs of their own.
    halved: bool


@dataclass(frozen=True, kw_only=True)
class DeliveryUpdate:
    """A recipient's delivery has become known, or known to be unknown."""

    type: ClassVar = "delivery.updated"

    job_id: str
    element: str
    lane: str
    campaign_id: str | None
    #: Which of the job's numbers, counted from 0 in the order in which they were given. The number itself is not told.
    recipient: int
    #: ``"delivered"``, ``"failed"`` or ``"unreported"``.
    state: str
    #: The carrier's code, and what `smsjobs.delivery.explain` says of it.
    err_code: str | None
    meaning: str | None
    fault: str | None
    again: str | None
    advice: str | None
    parts: int | None
    sent_at: datetime | None
    reported_at: datetime | None
    source: str | None


@dataclass(frozen=True, kw_only=True)
class ReplyReceived:
    """A recipient has answered a message."""

    type: ClassVar = "reply.received"

    #: The job that it most likely answers, with its element; None where that cannot be told.
    job_id: str | None
    element: str | None
    #: The sender's number with its middle hidden, as in ``138****8000``.
    phone: str
    #: The text as it was typed.
    content: str = field(repr=False)
    #: Whether it opts out, so that its number is suppressed for promotional messages.
    opted_out: bool
    #: The extension code to which it was sent, and the signature, where Aliyun tells them.
    dest_code: str | None
    signature: str | None
    sequence_id: str | None
    sent_at: datetime | None

    @classmethod
    def of(cls, reply: Reply) -> ReplyReceived:
        """What is told of a reply."""
        return cls(
            job_id=reply.job_id,
            element=reply.element,
            phone=mask_phone(reply.phone),
            content=reply.content,
            opted_out=reply.opted_out,
            dest_code=reply.dest_code or None,
            signature=reply.sign_name or None,
            sequence_id=reply.sequence_id or None,
            sent_at=reply.sent_at,
        )


@dataclass(frozen=True, kw_only=True)
class CampaignChange:
    """A campaign has begun, was paused, resumed or cancelled, or has ended."""

    type: ClassVar = "campaign.changed"

    campaign_id: str
    element: str
    #: ``"planning"``, ``"scheduled"``, ``"running"``, ``"paused"``, ``"cancelled"`` or ``"finished"``.
    state: str
    #: Why it is paused; None if it is not.
    reason: str | None
    #: Whether the counts are final.
    ended: bool
    total: int
    pending: int
    accepted: int
    rejected: int
    not_sent: int
    unknown: int


@dataclass(frozen=True, kw_only=True)
class TemplateReview:
    """Aliyun has reviewed a template."""

    type: ClassVar = "template.reviewed"

    template: str
    #: Aliyun's word, such as ``"approved"`` or ``"rejected"``.
    status: str
    reason: str | None
    order_id: str | None


@dataclass(frozen=True, kw_only=True)
class SignatureReview:
    """Aliyun has reviewed a signature."""

    type: ClassVar = "signature.reviewed"

    signature: str
    #: Aliyun's word, such as ``"approved"`` or ``"rejected"``.
    status: str
    reason: str | None
    order_id: str | None


EventData = JobSettlement | DeliveryUpdate | ReplyReceived | CampaignChange | TemplateReview | SignatureReview

EVENT_TYPES: Final = (
    JobSettlement.type,
    DeliveryUpdate.type,
    ReplyReceived.type,
    CampaignChange.type,
    TemplateReview.type,
    SignatureReview.type,
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact that happened. A subscriber may get it more than once, always with the same id."""

    id: str
    #: When it was written.
    at: datetime
    data: EventData


def event_id(*fact: str) -> str:
    """The id of the event of a fact: the same fact always has the same.

    Args:
        fact: The event's type, and what tells the fact from all others of the type.
    """
    return f"evt_{hashlib.sha256(chr(0).join(fact).encode()).hexdigest()[:32]}"


def encode_event(event: Event) -> dict[str, Any]:
    """The event as JSON: ``{"v": 1, "id": …, "type": …, "at": …, "data": {…}}``. Times are in UTC."""
    data = {name: _plain(value) for name, value in asdict(event.data).items()}
    return {"v": VERSION, "id": event.id, "type": event.data.type, "at": _plain(event.at), "data": data}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
