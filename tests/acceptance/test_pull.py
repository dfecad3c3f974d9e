"""A real worker pulls what was never pushed."""

import pytest
from cryptography.fernet import Fernet

from smsjobs import connect
from support.polling import until
from support.stage import TEMPLATE, Stage


@pytest.mark.parametrize(
    ("phone", "state", "err_code"),
    [
        ("15400000084", "delivered", "DELIVERED"),
        ("15400000082", "failed", "MOBILE_IN_BLACK"),
        ("15400000080", "unreported", None),
    ],
    ids=["its push was lost", "failed", "never reported"],
)
def test_a_delivery_is_pulled(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, phone: str, state: str, err_code: str | None
) -> None:
    """With nothing pushed, a delivery is known from Aliyun's record, or known to be unknown; the number has left Redis then."""
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("SMS_PAYLOAD_KEY", key)
    stage.simulator.set(delivery_delay_s=0)
    sms = connect(broker_url=stage.server.url)
    more = {"SMS_PAYLOAD_KEY": key, "SMS_PULLS": "0.2,0.5,1", "SMS_PULL_QPS": "50"}
    with stage.worker(**more) as worker:
        assert worker
        job = sms.getElement("SMS.Example").sendMessage([phone], {"code": "123456"}, TEMPLATE)
        assert job.get(timeout=20).outcome == "accepted"
        until(lambda: job.delivery().state == state, "the delivery is known")
        found = job.delivery()
        assert (found.err_code, found.source) == (err_code, "pull" if err_code else None)
    with stage.client() as client:
        assert not list(client.scan_iter("*:pulls:*"))
        assert "numbers" not in client.hgetall(next(client.scan_iter(f"*:job:{job.id}")))
    sms.close()


def test_a_campaign_is_pulled(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """By setting, the recipients of a campaign are asked about too; what nothing is known of is given up, and counted as such."""
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("SMS_PAYLOAD_KEY", key)
    stage.simulator.set(delivery_delay_s=0)
    sms = connect(broker_url=stage.server.url)
    more = {"SMS_PULLS": "0.2,0.5,1", "SMS_PULL_QPS": "50", "SMS_PULL_CAMPAIGNS": "all"}
    people = ["15400000084", "15400000082", "15400000080"]
    with stage.worker(SMS_PAYLOAD_KEY=key, **more) as worker:
        assert worker
        campaign = sms.getElement("SMS.Example").campaign(
            "pulled", recipients=people, verifyTemplateCode=TEMPLATE
        )
        wanted = ["delivered", "failed", "unreported"]
        until(lambda: [row.delivery for row in campaign.report()] == wanted, "the deliveries are known")
        progress = campaign.progress()
        told = (progress.delivered, progress.undelivered, progress.unreported, progress.awaiting)
        assert told == (1, 1, 1, 0)
    sms.close()


@pytest.mark.parametrize(
    ("more", "state"),
    [({}, "unreported"), ({"SMS_PULL_PLAIN": "1"}, "delivered")],
    ids=["nobody asked", "plain numbers"],
)
def test_without_a_key(stage: Stage, more: dict[str, str], state: str) -> None:
    """Without SMS_PAYLOAD_KEY a lost push ends as unreported; if plain numbers may be kept, Aliyun is asked."""
    stage.simulator.set(delivery_delay_s=0)
    before = stage.simulator.request_counts().get("QuerySendDetails", 0)
    with stage.worker(SMS_PULLS="0.2,0.5,1", SMS_PULL_QPS="50", **more) as worker:
        assert worker
        job = stage.send("SMS.Example", "15400000084")
        assert job.get(timeout=20).outcome == "accepted"
        until(lambda: job.delivery().state == state, "the delivery is known")
    asked = stage.simulator.request_counts().get("QuerySendDetails", 0) - before
    # Within ten minutes of Beijing's midnight, both days are asked for.
    assert asked in ({1, 2} if state == "delivered" else {0})
