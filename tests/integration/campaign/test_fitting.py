"""A campaign that Aliyun would refuse as a whole does not begin."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from smsjobs import InvalidArguments, Sms, connect
from smsjobs.templates import Signature, Template

ELEMENT, CODE = "SMS.Example", "SMS_200000001"
PEOPLE = [("13800138000", {"name": "张三"}), ("13800138001", {"name": "李四"})]


@pytest.fixture
def sms(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sms]:
    """A producer as it is by default."""
    monkeypatch.delenv("SMS_PREFLIGHT")
    with closing(connect(broker_url=redis_url)) as sms:
        yield sms


def learn(sms: Sms, **more) -> None:
    given = {"text": "${name}您好，${event}", "state": "approved", "kind": "notification"}
    template = Template(code=CODE, learned_at=datetime.now(UTC), **(given | more))
    sms.connection.templates.learn(ELEMENT, template)


def begin(sms: Sms, **more):
    return sms.getElement(ELEMENT).campaign(
        "example", **({"recipients": PEOPLE, "verifyTemplateCode": CODE, "params": {"event": "维护"}} | more)
    )


ROWS = [
    ({"state": "refused"}, {}, "verifyTemplateCode", "not approved: Aliyun has SMS_200000001 as refused"),
    ({"state": "in_review"}, {}, "verifyTemplateCode", "still in review"),
    ({"signature": Signature(name="示例", state="cancelled")}, {}, None, "signature is not approved"),
    ({}, {"params": {}}, "params", "lack what SMS_200000001 asks for: event"),
    ({"types": {"event": "numberCaptcha"}}, {}, "params", "event has to be 4 to 6 digits"),
    ({"kind": "promotional"}, {}, "promotional", "is a promotional template"),
]


@pytest.mark.parametrize(("known", "order", "argument", "why"), ROWS, ids=[row[3] for row in ROWS])
def test_refused(sms, known, order, argument, why):
    """What Aliyun would refuse for all is an error that names the argument, and there is no campaign."""
    learn(sms, **known)
    with pytest.raises(InvalidArguments, match=why) as caught:
        begin(sms, **order)
    assert caught.value.argument == argument
    assert sms.connection.redis().exists("sms:elements") == 0


@pytest.mark.parametrize(
    ("known", "order"),
    [
        ({}, {}),
        ({"state": "unknown", "text": ""}, {"params": {}}),
        ({"kind": "promotional"}, {"promotional": False}),
        (None, {"params": {}}),
    ],
)
def test_begins(sms, known, order):
    """A campaign that fits, or of whose template nothing is known, begins."""
    if known is not None:
        learn(sms, **known)
    assert begin(sms, **order).progress().total == 2


def test_off(redis_url, sms, monkeypatch):
    """With SMS_PREFLIGHT=off nothing is looked at."""
    learn(sms, state="refused")
    monkeypatch.setenv("SMS_PREFLIGHT", "off")
    with closing(connect(broker_url=redis_url)) as other:
        assert begin(other).progress().total == 2


def test_begun_goes_on(sms):
    """The same call finds a campaign that has begun, whatever was learned meanwhile."""
    first = begin(sms)
    learn(sms, state="cancelled", text="${other}")
    assert begin(sms).id == first.id
