"""A campaign that Aliyun would refuse as a whole does not begin."""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from smsjobs import InvalidArguments, Sms, connect
from smsjobs.campaign import CampaignStore, Order, fitted
from smsjobs.templates import Signature, Template
from support.terminal import Terminal

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
    assert sms.connection.templates.lanes(ELEMENT) == {}


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
    assert sms.connection.templates.lanes(ELEMENT) == {CODE: {"bulk"}}


CODES = [
    ("13800138000", {"code": "123456"}),
    ("13800138001", {"code": "12"}),
    ("13800138001", {"code": "4321"}),
]
OF_CODES = {"text": "${code} ${event}", "types": {"code": "numberCaptcha", "event": "others"}}


def test_ill_typed_row(sms):
    """A row with a value that is not of its variable's type is left out and reported with its line; a later row has the number."""
    learn(sms, **OF_CODES)
    campaign = begin(sms, recipients=CODES)
    found = [(row.line, row.outcome, row.reason) for row in campaign.report()]
    assert found[1] == (2, "invalid", "parameter_ill_typed: code")
    assert (campaign.progress().total, campaign.progress().invalid) == (2, 1)


def test_ill_typed_row_refused(redis_url, sms, monkeypatch):
    """With SMS_PREFLIGHT=refuse such a row is an error that names its line, and there is no campaign."""
    learn(sms, **OF_CODES)
    monkeypatch.setenv("SMS_PREFLIGHT", "refuse")
    with closing(connect(broker_url=redis_url)) as other:
        with pytest.raises(InvalidArguments, match="line 2: parameter_ill_typed: code; nothing is sent"):
            begin(other, recipients=CODES)
        assert other.campaigns() == []
        assert begin(other, recipients=CODES[::2]).progress().total == 2


def test_types_are_kept(sms, monkeypatch):
    """A campaign that was interrupted is planned to its end by the types with which it was begun, whatever is learned meanwhile."""
    learn(sms, **OF_CODES)
    with monkeypatch.context() as killed:
        killed.setattr(CampaignStore, "complete", _dies)
        killed.setattr(CampaignStore, "discard", lambda *_, **__: "kept")
        with pytest.raises(KeyboardInterrupt):
            begin(sms, recipients=CODES)
    learn(sms, text="${code} ${event}", types={"code": "others"})
    seen = fitted(sms.connection, Order.read(CODES, CODE), element=ELEMENT, name="example", promotional=None)
    assert [row.line for row in seen.rows() if row.fault == "invalid"] == [2], "a preview goes by them too"
    assert begin(sms, recipients=CODES).progress().invalid == 1
    [campaign] = sms.campaigns()
    assert campaign.progress().state == "running"


@pytest.mark.parametrize("begun", ["refuse", "warn"])
@pytest.mark.parametrize("again", ["refuse", "warn"])
def test_strictness_is_kept(redis_url, sms, monkeypatch, begun, again):
    """A campaign that was interrupted is as strict about ill-typed rows as when it was begun, whatever is set meanwhile."""
    learn(sms, **OF_CODES)
    monkeypatch.setenv("SMS_PREFLIGHT", begun)
    with closing(connect(broker_url=redis_url)) as killed, pytest.raises(KeyboardInterrupt):
        begin(killed, recipients=_dies_after(CODES[0]))
    monkeypatch.setenv("SMS_PREFLIGHT", again)
    with closing(connect(broker_url=redis_url)) as other:
        if begun == "warn":
            assert begin(other, recipients=CODES).progress().invalid == 1
            return
        with pytest.raises(InvalidArguments, match="line 2: parameter_ill_typed: code; nothing is sent"):
            begin(other, recipients=CODES)
        # Nothing is sent; the killed one counts as alive for some seconds, and then it is discarded.
        assert [each.progress().state for each in other.campaigns()] == ["planning"]


def test_begun_without_types(sms):
    """The same call finds a campaign that was begun before anything was known, and no row is looked at by its type."""
    first = begin(sms, recipients=CODES)
    learn(sms, **OF_CODES)
    again = begin(sms, recipients=CODES)
    assert (again.id, again.progress().invalid) == (first.id, 0)


def test_damaged_types(sms):
    """A campaign whose types are damaged is told as damaged, and nobody plans it by other ones."""
    learn(sms, **OF_CODES)
    campaign = begin(sms, recipients=CODES)
    client = sms.connection.redis()
    [name] = [each for each in client.scan_iter() if each.endswith(f":campaign:{campaign.id}")]
    client.hset(name, "types", "[3")
    with pytest.raises(InvalidArguments, match="damaged"):
        begin(sms, recipients=CODES)


def test_preview_has_the_text(redis_url, sms, tmp_path):
    """Before `start` asks, it shows the messages and their parts by Aliyun's text, and names a surplus column, which is sent."""
    learn(sms, text="${name}您好，${event}" + "。" * 70)
    people = tmp_path / "people.csv"
    people.write_text("phone,name,note\n13800138000,张三,x\n", "utf-8")
    words = ("--element", ELEMENT, "--template", CODE, "--param", "event=维护")
    env = {**os.environ, "SMS_BROKER_URL": redis_url}
    with Terminal("campaign", "start", str(people), *words, env=env, cwd=tmp_path) as terminal:
        terminal.until("Send to 1 recipient now? [y/N]:")
        terminal.type("y\n")
        assert terminal.end() == 0
    for text in ("张三您好，维护", "no variable for: note.", "2: mainland 2, foreign 0"):
        assert text in terminal.text
    [campaign] = sms.campaigns()
    assert campaign.progress().total == 1


def _dies(*_, **__) -> None:
    raise KeyboardInterrupt


def _dies_after(*rows) -> Iterator:
    yield from rows
    raise KeyboardInterrupt


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


def test_wrapped_name(sms):
    """A campaign whose name is wrapped is looked at like any other."""
    learn(sms, state="refused")
    with pytest.raises(InvalidArguments, match="not approved"):
        sms.getElement(ELEMENT).campaign(
            SimpleNamespace(value="example"), recipients=PEOPLE, verifyTemplateCode=CODE
        )
