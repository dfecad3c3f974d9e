"""A campaign as its caller sees it: the same on a real Redis and in `smsjobs.testing`."""

from datetime import UTC, datetime
from typing import Any

import pytest

from smsjobs import AliyunRejected, IdempotencyConflict, InvalidArguments, QueueUnavailable, testing
from smsjobs.campaign import Campaign
from support.benches import Bench

LATER = datetime(2099, 11, 11, 1, tzinfo=UTC)
PEOPLE = [
    {"phone": "13800138000", "name": "张三"},
    {"phone": "13800138001", "name": "李四"},
    {"phone": "13800138000", "name": "twice"},
    {"phone": "12345", "name": "wrong"},
    {"phone": "+85261234567", "name": "陳"},
]


def begin(bench: Bench, name: str = "people", **more: Any) -> Campaign:
    given = {"recipients": PEOPLE, "verifyTemplateCode": "SMS_1", "at": LATER, **more}
    return bench.sms.getElement("SMS.Test").campaign(name, **given)


def test_scheduled_campaign(bench: Bench) -> None:
    """What is planned is counted alike, and waits for its time."""
    campaign = begin(bench)
    progress = campaign.progress()
    assert (progress.state, progress.total, progress.pending, progress.chunks) == ("scheduled", 3, 3, 2)
    assert (progress.invalid, progress.duplicates, dict(progress.countries)) == (1, 1, {"86": 2, "852": 1})
    assert (progress.name, progress.element, progress.template) == ("people", "SMS.Test", "SMS_1")
    rows = [(row.line, row.outcome, row.reason) for row in campaign.report()]
    assert [row[:2] for row in rows] == [
        (1, "pending"),
        (2, "pending"),
        (3, "duplicate"),
        (4, "invalid"),
        (5, "pending"),
    ]
    with pytest.raises(TimeoutError):
        campaign.wait(timeout=0)
    assert bench.sms.campaign(campaign.id) == campaign
    assert bench.sms.campaigns() == [campaign]


def test_same_call_finds_it(bench: Bench) -> None:
    """The same call finds the same campaign; other recipients under its name are in conflict."""
    assert begin(bench) == begin(bench)
    with pytest.raises(IdempotencyConflict):
        begin(bench, recipients=PEOPLE[:2])
    with pytest.raises(IdempotencyConflict):
        begin(bench, at=None)
    assert len(bench.sms.campaigns()) == 1


def test_pause_resume_cancel(bench: Bench) -> None:
    """It is paused, resumed and cancelled for good."""
    campaign = begin(bench)
    campaign.pause()
    assert campaign.progress().state == "paused"
    campaign.resume()
    assert campaign.progress().state == "scheduled"
    campaign.cancel()
    campaign.resume()
    progress = campaign.progress()
    assert (progress.state, progress.not_sent, progress.pending, progress.ended) == ("cancelled", 3, 0, True)
    assert dict(progress.by_code) == {"cancelled": 3}
    assert {row.reason for row in campaign.report() if row.outcome == "not_sent"} == {"cancelled"}
    assert campaign.wait(timeout=1) == campaign.progress()


def test_what_is_refused(bench: Bench) -> None:
    """A campaign without a recipient, with a past time or of another id is refused alike."""
    with pytest.raises(InvalidArguments, match="no row can be used"):
        begin(bench, recipients=["12345"])
    with pytest.raises(InvalidArguments, match="is past"):
        begin(bench, at=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidArguments) as caught:
        bench.sms.campaign("nobody-aaaaaaaaaaaa").progress()
    assert caught.value.reason == "campaign_not_found"
    assert bench.sms.campaigns() == []


def test_fake_is_sent_at_once() -> None:
    """In `smsjobs.testing` a campaign is sent as soon as it may be, each recipient with a message of his own."""
    sms = testing.connect()
    element = sms.getElement("SMS.Test")
    campaign = element.campaign("people", recipients=PEOPLE, verifyTemplateCode="SMS_1")
    progress = campaign.wait()
    assert (progress.state, progress.accepted, dict(progress.by_code)) == ("finished", 3, {"OK": 3})
    assert [(each.phones, dict(each.params)) for each in sms.messages] == [
        (("13800138000",), {"name": "张三"}),
        (("13800138001",), {"name": "李四"}),
        (("85261234567",), {"name": "陳"}),
    ]
    assert {row.outcome for row in campaign.report()} == {"accepted", "duplicate", "invalid"}


def test_fake_waits_for_its_time_and_the_hours() -> None:
    """A campaign in `smsjobs.testing` begins when the test's clock says so, a promotional one by day only."""
    sms = testing.connect()
    element = sms.getElement("SMS.Test")
    sms.advance(9 * 3600)
    campaign = element.campaign("night", recipients=PEOPLE, verifyTemplateCode="SMS_1", promotional=True)
    assert campaign.progress().state == "scheduled"
    with pytest.raises(TimeoutError, match="advance"):
        campaign.wait()
    sms.advance(11 * 3600)
    assert campaign.progress().state == "finished"


def test_fake_ends_as_asked() -> None:
    """A request of a campaign ends as a test asked for, and a start fails as it asked for."""
    sms = testing.connect()
    element = sms.getElement("SMS.Test")
    sms.end_next_with(AliyunRejected("refused", aliyun_code="isv.BLACK_KEY_CONTROL_LIMIT"))
    progress = element.campaign("people", recipients=PEOPLE, verifyTemplateCode="SMS_1").progress()
    assert (progress.rejected, progress.accepted) == (2, 1)
    assert progress.by_code["isv.BLACK_KEY_CONTROL_LIMIT"] == 2
    sms.fail_next_with()
    with pytest.raises(QueueUnavailable):
        element.campaign("others", recipients=PEOPLE, verifyTemplateCode="SMS_1")
    assert len(sms.campaigns()) == 1
