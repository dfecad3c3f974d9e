"""An entry of the stream, as a script or this room wrote it, and the event that it is.

==================  ==================================================================================
job.settled         job, element, lane, campaign, before (its state), halved, outcome (as in the ledger)
delivery.updated    job, element, lane, campaign, recipient, record (as in the ledger), code
campaign.changed    campaign and the fields of its hash: element, state, paused, at, ended and the counts
reply.received      fact (its id), data (JSON, sealed where jobs are)
template.reviewed   the same
signature.reviewed  the same
==================  ==================================================================================

Each has ``type``. What is missing is an empty text. The entry's own id holds the time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from smsjobs.contract import (
    OUTCOMES,
    CampaignChange,
    DeliveryUpdate,
    Event,
    EventData,
    InvalidArguments,
    JobSettlement,
    Reply,
    ReplyReceived,
    SignatureReview,
    TemplateReview,
    event_id,
)
from smsjobs.delivery import explain, read_records
from smsjobs.ledger import outcome_json
from smsjobs.redis_store import CannotOpen, unseal

if TYPE_CHECKING:
    from smsjobs.redis_store import Seal

__all__ = ["Entry", "EntryUnreadable", "reply_fields", "told_fields"]

#: The whole facts, which a script has no part in.
_TOLD: Final[dict[str, type[ReplyReceived | TemplateReview | SignatureReview]]] = {
    each.type: each for each in (ReplyReceived, TemplateReview, SignatureReview)
}


class EntryUnreadable(Exception):
    """An entry is of a newer version, damaged, or sealed with another key. The text says which."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of an element's stream."""

    tag: str
    #: Its id in the stream, such as ``1800000000000-0``.
    id: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def at(self) -> datetime:
        """When it was written."""
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)

    def event(self, seal: Seal | None) -> Event:
        """The event.

        Raises:
            EntryUnreadable: It cannot be read.
        """
        try:
            kind = self.fields["type"]
            data, fact = _told(self, seal) if kind in _TOLD else _WRITTEN[kind](self)
            return Event(id=event_id(data.type, *fact), at=self.at, data=data)
        except CannotOpen:
            raise EntryUnreadable("sealed") from None
        except (InvalidArguments, KeyError, ValueError, TypeError, IndexError):
            raise EntryUnreadable("damaged, or of a newer version") from None


def reply_fields(reply: Reply, seal: Seal | None) -> dict[str, str]:
    """The fields of an entry for a reply, for the step that takes the reply."""
    data = ReplyReceived.of(reply)
    moment = reply.sent_at.isoformat() if reply.sent_at else ""
    return told_fields(data, reply.sequence_id or event_id(data.phone, moment, data.content), seal)


def told_fields(
    data: ReplyReceived | TemplateReview | SignatureReview, fact: str, seal: Seal | None
) -> dict[str, str]:
    """The fields of an entry for a fact of this kind.

    Args:
        data: What happened.
        fact: What tells it from all others of its type, such as Aliyun's number of the reply.
        seal: Seals it.
    """
    text = json.dumps(asdict(data), ensure_ascii=False, default=lambda moment: moment.isoformat())
    return {"type": data.type, "fact": fact, "data": seal.close(text) if seal else text}


# Each of these returns the event's data, and what tells its fact from all others of the type.


def _told(entry: Entry, seal: Seal | None) -> tuple[EventData, tuple[str, ...]]:
    data = json.loads(unseal(entry.fields["data"], seal))
    if data.get("sent_at"):
        data["sent_at"] = datetime.fromisoformat(data["sent_at"])
    return _TOLD[entry.fields["type"]](**data), (entry.fields["fact"],)


def _settlement(entry: Entry) -> tuple[EventData, tuple[str, ...]]:
    fields = entry.fields
    found = outcome_json(fields["outcome"], fields["job"])
    error = found.get("error", {})
    response = found.get("response", {})
    data = JobSettlement(
        job_id=fields["job"],
        element=fields["element"],
        lane=fields["lane"],
        campaign_id=fields["campaign"] or None,
        outcome=found["outcome"],
        before=fields["before"] if fields["before"] in OUTCOMES else None,
        code=error.get("code"),
        reason=error.get("reason"),
        aliyun_code=error.get("aliyun_code") or response.get("Code"),
        advice=error.get("advice"),
        retry_after=error.get("retry_after"),
        biz_id=found.get("biz_id"),
        request_id=found.get("request_id") or error.get("request_id"),
        attempts=error.get("attempts", found.get("attempts", 0)),
        resolved_by=found.get("resolved_by"),
        halved=fields["halved"] == "1",
    )
    return data, (data.job_id, data.outcome)


def _update(entry: Entry) -> tuple[EventData, tuple[str, ...]]:
    fields = entry.fields
    record = fields["record"]
    (delivery,) = read_records(record, {record[3:5]: fields["code"]})
    code = explain(delivery.err_code) if delivery.err_code else None
    data = DeliveryUpdate(
        job_id=fields["job"],
        element=fields["element"],
        lane=fields["lane"],
        campaign_id=fields["campaign"] or None,
        recipient=int(fields["recipient"]),
        state=delivery.state,
        err_code=delivery.err_code,
        meaning=code.meaning if code else None,
        fault=code.fault if code else None,
        again=code.again if code else None,
        advice=code.advice if code else None,
        parts=delivery.parts,
        sent_at=delivery.sent_at,
        reported_at=delivery.reported_at,
        source=delivery.source,
    )
    return data, (data.job_id, str(data.recipient), data.state)


def _change(entry: Entry) -> tuple[EventData, tuple[str, ...]]:
    fields = entry.fields
    counts = {name: int(fields[name] or 0) for name in ("total", *OUTCOMES)}
    total, state = counts.pop("total"), fields["state"]
    if state in ("planning", "running") and fields["paused"]:
        state = "paused"
    elif state == "running" and int(fields["at"] or 0) > entry.at.timestamp() * 1000:
        state = "scheduled"
    data = CampaignChange(
        campaign_id=fields["campaign"],
        element=fields["element"],
        state=state,
        reason=fields["paused"] or None,
        ended=bool(fields["ended"]),
        total=total,
        pending=total - sum(counts.values()),
        **counts,
    )
    # It may be paused and resumed many times, so the time is part of the fact.
    return data, (data.campaign_id, entry.id)


#: How what scripts write is read, by type.
_WRITTEN: Final[dict[str, Callable[[Entry], tuple[EventData, tuple[str, ...]]]]] = {
    JobSettlement.type: _settlement,
    DeliveryUpdate.type: _update,
    CampaignChange.type: _change,
}
