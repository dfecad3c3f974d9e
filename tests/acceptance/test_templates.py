"""What Aliyun knows of a template reaches the web application: a real worker learns it, and a producer refuses by it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs import InvalidArguments
from smsjobs.contract import element_tag
from smsjobs.redis_store import key
from smsjobs_server.figures import Figures
from support.nursery import smsjobs
from support.polling import until
from support.redis_server import RedisServer
from support.stage import Stage, new_phone, outcome, word

TEXT = "${name}您好，${event}将于今晚进行。"
CATALOGUE = {
    "signatures": [{"name": "your_signature", "filing": {"unicom": "-1 REGISTERING"}}],
    "templates": [
        {"code": "SMS_2", "content": TEXT, "variables": {"name": "name"}},
        {"code": "SMS_3", "content": "${name}您好", "approved": False},
    ],
}


@pytest.fixture
def strict(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage whose simulator knows one template, with a worker, and a producer that refuses what does not fit."""
    monkeypatch.setenv("SMS_PREFLIGHT", "refuse")
    with Simulator(catalogue=CATALOGUE) as simulator, Stage(redis_server, simulator) as stage:
        stage.write()
        stage.group("Shop", {"element": "SMS.Example", "templates": {"SMS_9": "SMS_2"}})
        with stage.worker():
            yield stage


def test_learned_and_refused(strict: Stage) -> None:
    """A producer sees text, types and filing; then what does not fit is refused before it costs anything, by one question to Aliyun."""
    element = strict.sms.getElement("SMS.Example")
    found = element.template("SMS_2", timeout=20)
    assert (found.text, found.kind, found.state) == (TEXT, "notification", "approved")
    assert found.types == {"name": "name", "event": "others"}
    assert [(each.carrier, each.state, each.reasons) for each in found.signature.filing][1] == (
        "unicom",
        "under_way",
        ("its filing is under way",),
    )
    with pytest.raises(InvalidArguments, match="variable event is missing"):
        element.sendMessage(phoneList=[new_phone()], params={"name": "张三"}, verifyTemplateCode="SMS_2")
    fits = {"name": "张三", "event": "维护"}
    jobs = [
        element.sendMessage(phoneList=[new_phone()], params=fits, verifyTemplateCode="SMS_2")
        for _ in range(3)
    ]
    assert {word(outcome(job)) for job in jobs} == {"accepted"}
    told = {(metric.name, values): value for metric, values, value in Figures(strict.sms).read()}
    assert told["smsjobs_signature_not_filed", ("SMS.Example", "unicom")] == 0
    assert told["smsjobs_templates_not_approved", ("SMS.Example",)] == 0
    assert strict.sms.connection.templates.lanes("SMS.Example") == {"SMS_2": {"notification"}}
    counts = strict.simulator.request_counts()
    assert (counts["GetSmsTemplate"], counts["GetSmsSign"], counts["SendSms"]) == (1, 1, 3)


def test_unknown_template(strict: Stage) -> None:
    """A template that Aliyun does not tell of passes the look, and Aliyun's own answer is the outcome."""
    job = strict.send("SMS.Example")
    assert outcome(job).aliyun_code == "isv.SMS_TEMPLATE_ILLEGAL"
    until(lambda: strict.simulator.request_counts().get("GetSmsTemplate"), "it was asked about")
    assert strict.sms.getElement("SMS.Example").template("SMS_123456789", timeout=0.2) is None


def test_campaign(strict: Stage, tmp_path: Path) -> None:
    """`campaign check` and `start` go by what a worker learns: the text is shown, and what lacks a variable does not begin."""
    people = tmp_path / "people.csv"
    people.write_text(f"phone,name\n{new_phone()},张三\n", encoding="utf-8")
    env = os.environ | {"SMS_BROKER_URL": strict.server.url}
    words = [str(people), "--template", "SMS_2", "--element", "SMS.Example"]
    assert strict.sms.getElement("SMS.Example").template("SMS_2", timeout=20)
    lacking = smsjobs("campaign", "check", *words, env=env)
    assert lacking.returncode == 2
    assert "lack what SMS_2 asks for: event" in lacking.stdout
    refused = smsjobs("campaign", "start", *words, "--yes", env=env)
    assert refused.returncode == 2
    assert "event" in refused.stderr
    assert "SendSms" not in strict.simulator.request_counts()
    words[2] = "SMS_3"
    assert strict.sms.getElement("SMS.Example").template("SMS_3", timeout=20)
    refused = smsjobs("campaign", "start", *words, "--yes", env=env)
    assert refused.returncode == 2
    assert "not approved" in refused.stderr
    assert "SendSms" not in strict.simulator.request_counts()
    words[2] = "SMS_2"
    fits = smsjobs("campaign", "check", *words, "--param", "event=维护", env=env)
    assert (fits.returncode, "张三您好，维护将于今晚进行。" in fits.stdout) == (0, True), fits.stdout


def test_group(strict: Stage) -> None:
    """Of a group a producer sees what its members have, by their own codes, and refuses by it; a send by it keeps its member's signature alive."""
    shop = strict.sms.getElement("SMS.Shop")
    found = shop.template("SMS_9", timeout=20)
    assert (found.code, found.text, found.types["name"]) == ("SMS_9", TEXT, "name")
    with pytest.raises(InvalidArguments, match="variable event is missing"):
        shop.sendMessage(phoneList=[new_phone()], params={"name": "张三"}, verifyTemplateCode="SMS_9")
    client, sends = strict.sms.connection.redis(), key(element_tag("SMS.Example"), "templates", "sends")
    until(lambda: client.hexists(sends, "your_signature"), "the signature was seen")
    client.hset(sends, "your_signature", 0)
    fits = {"name": "张三", "event": "维护"}
    job = shop.sendMessage(phoneList=[new_phone()], params=fits, verifyTemplateCode="SMS_9")
    assert word(outcome(job)) == "accepted"
    until(lambda: int(client.hget(sends, "your_signature")) > 0, "its last send was noted")
    shown = smsjobs(
        "templates", "SMS_9", "--element", "SMS.Shop", "--app", str(strict.app_dir), env=dict(os.environ)
    )
    assert (shown.returncode, TEXT in shown.stdout) == (0, True), shown.stdout


def test_ill_typed_rows(strict: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file with an ill-typed value its row alone gets no message, told with its line; with SMS_PREFLIGHT=refuse nobody does."""
    people = tmp_path / "people.csv"
    rows = [f"{new_phone()},{name}\n" for name in ("张三", "x", "李四")]
    people.write_text("phone,name\n" + "".join(rows), encoding="utf-8")
    env = os.environ | {"SMS_BROKER_URL": strict.server.url}
    words = [str(people), "--template", "SMS_2", "--element", "SMS.Example", "--param", "event=维护"]
    assert strict.sms.getElement("SMS.Example").template("SMS_2", timeout=20)
    stopped = smsjobs("campaign", "start", *words, env=env | {"SMS_PREFLIGHT": "refuse"})
    assert stopped.returncode == 2
    assert "line 3: parameter_ill_typed: name" in stopped.stderr
    env["SMS_PREFLIGHT"] = "warn"
    checked = smsjobs("campaign", "check", *words, env=env)
    assert (checked.returncode, "line 3 (parameter_ill_typed: name)" in checked.stdout) == (0, True)
    assert "SendBatchSms" not in strict.simulator.request_counts()
    sent = smsjobs("campaign", "start", *words, "--accept-left-out", "--watch", env=env)
    assert sent.returncode == 0, sent.stderr
    assert sum(len(each["phones"]) for each in strict.simulator.accepted()) == 2
