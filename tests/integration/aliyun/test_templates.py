"""Templates and signatures: the real SDK against the simulator."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs_worker.provider import LookupFailed
from support.nursery import smsjobs
from support.worker import write_element

CATALOGUE = {
    "accounts": [{"access_key": "example-key", "access_secret": "example-secret"}],
    "signatures": [{"name": "示例签名", "filing": {"unicom": "-2 UNBINDING_QUA", "telecom": "2 NO_SEND_RECORD"}}],
    "templates": [
        {"code": "SMS_1", "kind": "verification", "content": "您的验证码为${code}，请勿泄露。"},
        {"code": "SMS_2", "content": "${name}您好，${event}将于今晚进行。", "variables": {"name": "name"}, "approved": False},
        *({"code": f"SMS_{number}", "kind": "promotional", "content": "活动，拒收请回复R"} for number in range(10, 75)),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def strict() -> Iterator[Simulator]:
    with Simulator(catalogue=CATALOGUE) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def clean(strict: Simulator) -> None:
    strict.reset()


def test_template(strict, sender):
    """A template comes with its text, kind, state and types, and with the account's signature and its filing."""
    found = sender(strict.url).template("SMS_1")
    assert (found.code, found.kind, found.state, found.variables) == ("SMS_1", "verification", "approved", ("code",))  # fmt: skip
    assert found.types == {"code": "characterWithNumber2"}
    assert found.text == "您的验证码为${code}，请勿泄露。"
    assert (found.signature.name, found.signature.state) == ("示例签名", "approved")
    assert [(each.carrier, each.state) for each in found.signature.filing] == [
        ("mobile", "filed"),
        ("unicom", "not_filed"),
        ("telecom", "lapsed"),
    ]
    assert sender(strict.url).template("SMS_2").state == "in_review"


def test_any_template(sender):
    """Where any template is good, nothing is known of one but its name: nobody is told that it does not fit."""
    with Simulator(catalogue={"accounts": CATALOGUE["accounts"]}) as lenient:
        found = sender(lenient.url).template("SMS_123456789")
    assert (found.state, found.kind, found.text) == ("approved", "unknown", "")


def test_no_such_template(strict, sender):
    """A template that Aliyun does not know is told with its code."""
    with pytest.raises(LookupFailed, match=r"isv\.SMS_TEMPLATE_ILLEGAL"):
        sender(strict.url).template("SMS_999")


def test_all_templates(strict, sender):
    """All templates are listed, over all pages."""
    found = sender(strict.url).templates()
    assert len(found) == 67
    assert {(each.kind, each.state) for each in found} == {
        ("verification", "approved"),
        ("notification", "in_review"),
        ("promotional", "approved"),
    }


@pytest.mark.parametrize("kind", ["http_500_before", "non_json_before", "close_before", "throttling"])
def test_no_answer(strict, sender, kind):
    """Whatever Aliyun does, a question about a template ends, and one about the signature does not spoil it."""
    strict.fault(kind, action="GetSmsTemplate")
    with pytest.raises(LookupFailed):
        sender(strict.url).template("SMS_1")
    strict.fault(kind, action="GetSmsSign")
    assert sender(strict.url).template("SMS_1").signature is None


@pytest.mark.parametrize(
    ("words", "status", "shown"),
    [
        (["SMS_1"], 0, ["${code}: 4 to 6 letters and digits", "China Unicom: not filed (the signature has no"]),
        (["SMS_2"], 1, ["SMS_2  SMS_2  notification, in review"]),
        ([], 0, ["SMS_74"]),
        (["SMS_999"], 1, []),
    ],
)  # fmt: skip
def test_command(strict: Simulator, tmp_path: Path, words, status, shown):
    """`smsjobs templates` shows one or lists all, and ends with 1 where the template cannot be sent."""
    write_element(
        tmp_path,
        "Main",
        strict.url,
        accessKey="example-key",
        accessSecret="example-secret",
        verifySign="示例签名",
    )
    command = ["templates", *words, "--element", "SMS.Main", "--app", str(tmp_path)]
    env = os.environ | {"PYTHONIOENCODING": "utf-8"}
    run = smsjobs(*command, env=env)
    assert run.returncode == status, run.stderr
    assert all(each in run.stdout for each in shown), run.stdout
    document = json.loads(smsjobs(*command, "--json", env=env).stdout)
    assert ("templates" in document) == bool(shown)
