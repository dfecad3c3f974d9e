"""The JSON of events is a contract between versions: its golden files."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest

from smsjobs.contract import (
    EVENT_TYPES,
    CampaignChange,
    DeliveryUpdate,
    Event,
    EventData,
    JobSettlement,
    Reply,
    ReplyReceived,
    SignatureReview,
    TemplateReview,
    encode_event,
    event_id,
)

GOLDEN = Path(__file__).parent / "golden" / "events"

AT = datetime(2026, 11, 28, 12, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=8)))
JOB = {"job_id": "k3qv7a-00000000-0000-4000-8000-000000000001", "element": "SMS.YourSmsName"}

DATA: dict[str, EventData] = {
    "job.settled": JobSettlement(
        **JOB,
        lane="notification",
        campaign_id=None,
        outcome="rejected",
        before=None,
        code=46002,
        reason="flow_control",
        aliyun_code="isv.BUSINESS_LIMIT_CONTROL",
        advice="later",
        retry_after=12.5,
        biz_id=None,
        request_id="4C3D8B1B-0000-0000-0000-000000000002",
        attempts=1,
        resolved_by=None,
        halved=False,
    ),
    "delivery.updated": DeliveryUpdate(
        **JOB,
        lane="bulk",
        campaign_id="double-11-k3qv7aabcdef",
        recipient=17,
        state="failed",
        err_code="MOBILE_IN_BLACK",
        meaning="the number is on the carrier's black list",
        fault="recipient",
        again="never",
        advice="do not send to this number again",
        parts=1,
        sent_at=AT,
        reported_at=AT + timedelta(seconds=3),
        source="push",
    ),
    "reply.received": ReplyReceived.of(
        Reply(
            **JOB,
            phone="13800138000",
            content="退订",
            opted_out=True,
            dest_code="10690000",
            sequence_id="1234567890",
            sent_at=AT,
        )
    ),
    "campaign.changed": CampaignChange(
        campaign_id="double-11-k3qv7aabcdef",
        element="SMS.YourSmsName",
        state="paused",
        reason="paused by hand",
        ended=False,
        total=1000,
        pending=400,
        accepted=590,
        rejected=7,
        not_sent=2,
        unknown=1,
    ),
    "template.reviewed": TemplateReview(
        template="SMS_123456789", status="rejected", reason="变量不符合规范", order_id="20001"
    ),
    "signature.reviewed": SignatureReview(signature="阿里云", status="approved", reason=None, order_id=None),
}


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", DATA)
def test_event_is_encoded_as_ever(name: str) -> None:
    """The JSON of each kind of event is that of its golden file, field by field."""
    event = Event(id=event_id(name, "fact"), at=AT, data=DATA[name])
    assert encode_event(event) == golden(name)
    assert event.at.astimezone(UTC).hour == 4


def test_every_type_has_a_golden_file() -> None:
    """No type of event is without a golden file, and no file without a type."""
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(EVENT_TYPES) == set(DATA)
    assert {each.type for each in get_args(EventData)} == set(EVENT_TYPES)


def test_an_id_is_a_facts_own() -> None:
    """The same fact always has the same id, and another one has another, however its parts are cut."""
    assert event_id("a", "b", "c") == event_id("a", "b", "c")
    assert len({event_id("a", "b", "c"), event_id("a", "bc"), event_id("ab", "c"), event_id("a", "b")}) == 4


def test_no_field_for_what_is_private() -> None:
    """No event has a place for a whole number, a code, a parameter or a message's text; what is written is not in a repr."""
    names = {each.name for kind in get_args(EventData) for each in fields(kind)}
    assert not names & {"phones", "phoneList", "params", "message", "aliyun_message", "response", "text"}
    assert "退订" not in repr(DATA["reply.received"])
