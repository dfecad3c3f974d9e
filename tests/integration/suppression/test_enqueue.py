"""The check when a job is enqueued."""

import pytest

from smsjobs import RequestFailed, Sms
from smsjobs.testing import connect as in_memory
from support.ledgers import PHONE

ELEMENT = "SMS.Test"
OTHER = "13900139000"


def _send(sms: Sms, *phones: str, lane: str = "notification", **more: object) -> str:
    return (
        sms.getElement(ELEMENT)
        .sendMessage(list(phones or (PHONE,)), {"code": "1"}, "SMS_1", lane=lane, **more)
        .id
    )


@pytest.mark.parametrize(
    ("scope", "lane", "sent"),
    [
        ("promotional", "bulk", False),
        ("promotional", "notification", True),
        ("promotional", "verification", True),
        ("all", "bulk", False),
        ("all", "notification", False),
        ("all", "verification", False),
    ],
)
@pytest.mark.parametrize("where", ["redis", "memory"])
def test_lanes_and_scopes(sms: Sms, where: str, scope: str, lane: str, sent: bool) -> None:
    """Codes and notifications are exempt from the scope "promotional", and nothing is from "all"."""
    used = sms if where == "redis" else in_memory()
    used.suppression.add(PHONE, scope=scope)
    _send(used, OTHER, lane=lane)
    if sent:
        _send(used, lane=lane)
        return
    with pytest.raises(RequestFailed) as raised:
        _send(used, lane=lane)
    assert (raised.value.code, raised.value.outcome, raised.value.reason) == (46003, "not_sent", "suppressed")
    assert PHONE not in str(raised.value)


def test_nothing_is_recorded(sms: Sms) -> None:
    """A job with one suppressed number among several is refused as a whole, and leaves no trace."""
    sms.suppression.add(PHONE, scope="all")
    with sms.connection.redis() as client:
        before = set(client.keys())
        with pytest.raises(RequestFailed, match="1 of its 2 numbers"):
            _send(sms, OTHER, PHONE)
        assert set(client.keys()) == before


def test_the_same_key_is_the_same_job(sms: Sms) -> None:
    """A repeated call gives the job back that was recorded before its number was suppressed: it may have been sent."""
    job_id = _send(sms, idempotency_key="k")
    sms.suppression.add(PHONE, scope="all")
    assert _send(sms, idempotency_key="k") == job_id
    with pytest.raises(RequestFailed):
        _send(sms, idempotency_key="another")


def test_campaigns_in_memory() -> None:
    """The campaigns that our users get for their tests leave the same recipients out, and count and report them alike."""
    sms = in_memory()
    sms.suppression.add(PHONE)
    element = sms.getElement(ELEMENT)
    people = [{"phone": PHONE, "name": "a"}, {"phone": OTHER, "name": "b"}]
    campaign = element.campaign("some", recipients=people, verifyTemplateCode="SMS_1")
    assert [(row.outcome, row.reason) for row in campaign.report()] == [
        ("not_sent", "suppressed"),
        ("accepted", None),
    ]
    progress = campaign.progress()
    assert (progress.accepted, progress.not_sent, progress.pending) == (1, 1, 0)
    assert progress.by_code == {"OK": 1, "suppressed": 1}
    assert [(each.phones, each.params["name"]) for each in sms.messages] == [((OTHER,), "b")]
    nobody = element.campaign("nobody", recipients=[PHONE], verifyTemplateCode="SMS_1")
    assert nobody.progress().by_code == {"suppressed": 1}
    notice = element.campaign("notice", recipients=[PHONE], verifyTemplateCode="SMS_1", promotional=False)
    assert notice.progress().by_code == {"OK": 1}
