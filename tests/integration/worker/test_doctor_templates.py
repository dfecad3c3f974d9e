"""`smsjobs doctor` on the templates that producers use, against the simulator."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs.redis_store import connect_redis
from smsjobs.templates import TemplateStore
from smsjobs_worker.elements import App
from smsjobs_worker.sending.providers import Providers
from smsjobs_worker.watching.doctor.templates import templates
from support.worker import write_element

CATALOGUE = {
    "signatures": [{"name": "your_signature"}],
    "templates": [
        {"code": "SMS_1", "content": "验证码${code}", "kind": "verification"},
        {"code": "SMS_2", "content": "${name}您好", "kind": "notification"},
        {"code": "SMS_3", "content": "${name}您好，拒收请回复R", "kind": "promotional"},
        {"code": "SMS_4", "content": "${name}再见", "approved": False},
        {"code": "SMS_5", "content": "${other}您好"},
    ],
}
ELEMENT = "SMS.Main"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(catalogue=CATALOGUE) as running:
        yield running


@pytest.fixture
def app_dir(simulator: Simulator, tmp_path: Path) -> Path:
    write_element(tmp_path, "Main", simulator.url)
    return tmp_path


@pytest.fixture
def store(redis_url: str) -> Iterator[TemplateStore]:
    client = connect_redis(redis_url, timeout_s=5)
    yield TemplateStore(client)
    client.close()


def found(app_dir: Path, store: TemplateStore, element: str = ELEMENT) -> list[tuple[str, str]]:
    findings = list(templates(element, Providers(App(app_dir)), store))
    assert all(each.subject == element for each in findings)
    assert all(each.hint for each in findings if each.verdict != "good")
    return [(each.verdict, each.text) for each in findings]


def test_sound(app_dir: Path, store: TemplateStore) -> None:
    """What is approved and of the right kind is told in one line, and what nobody uses is not asked about, though somebody asks for it."""
    store.ask(ELEMENT, "SMS_4")
    assert found(app_dir, store) == []
    store.ask(ELEMENT, "SMS_1", lane="verification")
    store.ask(ELEMENT, "SMS_2", lane="notification")
    store.ask(ELEMENT, "SMS_3", lane="bulk")
    assert found(app_dir, store) == [
        ("good", "3 templates that are used are approved, and of a kind that fits")
    ]


ROWS = [
    # template, lane, verdict, what is told
    ("SMS_4", "notification", "bad", "template SMS_4, which is used, is not approved (in review)"),
    (
        "SMS_3",
        "notification",
        "doubtful",
        "template SMS_3 is promotional, and is used on the lane notification",
    ),
    (
        "SMS_2",
        "verification",
        "doubtful",
        "template SMS_2 is for notifications, and is used on the lane verification",
    ),
    (
        "SMS_9",
        "notification",
        "doubtful",
        "Aliyun tells nothing of template SMS_9, which is used (isv.SMS_TEMPLATE_ILLEGAL",
    ),
]


@pytest.mark.parametrize(("code", "lane", "verdict", "text"), ROWS, ids=[row[3][:40] for row in ROWS])
def test_wrong(app_dir: Path, store: TemplateStore, code: str, lane: str, verdict: str, text: str) -> None:
    """A template that is not approved, of another kind, or unknown to Aliyun is named with a hint, and beside it what is sound."""
    store.ask(ELEMENT, code, lane=lane)
    store.ask(ELEMENT, "SMS_1", lane="verification")
    wrong, sound = sorted(found(app_dir, store), key=lambda each: each[0] == "good")
    assert (wrong[0], sound[0]) == (verdict, "good")
    assert wrong[1].startswith(text)


def test_group(app_dir: Path, store: TemplateStore) -> None:
    """Of a group the members' templates are looked at by their own codes; different variables are named with their members."""
    write_element(app_dir, "Spare", json.loads((app_dir / "SMS/Main/sms.json").read_text())["endpoint"])
    members = [
        {"element": "SMS.Main", "weight": 9},
        {"element": "SMS.Spare", "weight": 1, "templates": {"SMS_1": "SMS_4", "SMS_2": "SMS_5"}},
    ]
    group = app_dir / "SMS/Shop"
    group.mkdir()
    (group / "e.json").write_text('{"title": "Shop", "type": "SMS.Group"}')
    (group / "sms.json").write_text(json.dumps({"members": members}))
    for code in ("SMS_1", "SMS_2"):
        store.ask("SMS.Shop", code, lane="notification")
    assert found(app_dir, store, "SMS.Shop") == [
        (
            "doubtful",
            "the members' templates for SMS_1 have different variables: SMS.Main has code; SMS.Spare has name",
        ),
        ("bad", "template SMS_1, which is used, is not approved (in review)"),
        (
            "doubtful",
            "the members' templates for SMS_2 have different variables: SMS.Main has name; SMS.Spare has other",
        ),
    ]


def test_given_templates(app_dir: Path, store: TemplateStore, simulator: Simulator) -> None:
    """Templates that Aliyun gives cannot be asked about: not by a group either, and nothing is told of them."""
    write_element(app_dir, "Codes", simulator.url, kind="SMS.AliyunVerify")
    group = app_dir / "SMS/Login"
    group.mkdir()
    (group / "e.json").write_text('{"title": "Login", "type": "SMS.Group"}')
    (group / "sms.json").write_text('{"members": [{"element": "SMS.Codes", "weight": 1}]}')
    store.ask("SMS.Login", "100001", lane="verification")
    before = simulator.request_counts()
    assert found(app_dir, store, "SMS.Login") == []
    assert simulator.request_counts() == before


def test_redis_away(app_dir: Path) -> None:
    """Where Redis does not tell what is used, nothing is told."""
    assert found(app_dir, TemplateStore(connect_redis("redis://127.0.0.1:1", timeout_s=1))) == []
