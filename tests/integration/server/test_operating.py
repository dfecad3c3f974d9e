"""The operator's pages by their forms, on a real Redis: what is written down, and whose file is whose."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from smsjobs import Sms, connect
from smsjobs.metrics import catalogue
from smsjobs.templates import Template
from smsjobs_server.access import AccessSettings, Audit
from smsjobs_server.figures import Sample
from smsjobs_server.operating import OperatorPages
from support.facts import told
from support.ledgers import a_job, failed, granted

TOKENS = {
    "SMS_PAGES_VIEW_TOKEN": "nv4Yw-2kTzq8Rb0LmXe6",
    "SMS_PAGES_OPERATE_TOKEN": "Zr7Qd-9sHvp3Uc1KnWa5",
}
PROXY = {
    "SMS_PAGES_USER_HEADER": "X-Forwarded-Email",
    "SMS_PAGES_PROXIES": "127.0.0.1",
    "SMS_PAGES_OPERATORS": "*",
}
HTML = {"Accept": "text/html"}


async def samples() -> Sequence[Sample]:
    return [(catalogue.LEDGER_UP, (), 1)]


@pytest.fixture
def sms(redis_url: str) -> Iterator[Sms]:
    with closing(connect(broker_url=redis_url, timeout=1)) as sms:
        yield sms


class Visitor:
    """Somebody who comes by the proxy, with his cookies."""

    def __init__(self, client: TestClient, name: str) -> None:
        self._client = client
        self._headers = {"X-Forwarded-Email": name}

    def get(self, path: str) -> httpx.Response:
        """A page."""
        return self._client.get(path, headers={**HTML, **self._headers})

    def post(self, path: str, files: Any = None, **fields: str) -> httpx.Response:
        """A form."""
        csrf = re.findall(r'name="csrf" value="([^"]+)"', self.get("/audit").text)[0]
        return self._client.post(path, data={"csrf": csrf, **fields}, files=files, headers=self._headers)


@pytest.fixture
def li(sms: Sms) -> Iterator[Visitor]:
    settings = AccessSettings.read({**TOKENS, **PROXY}, host="127.0.0.1")
    assert settings is not None
    pages = OperatorPages(sms, settings, samples)
    with TestClient(
        pages.app, base_url="http://127.0.0.1", client=("127.0.0.1", 5), follow_redirects=False
    ) as client:
        yield Visitor(client, "li@example.com")
    pages.close()


@pytest.fixture
def wang(li: Visitor) -> Visitor:
    return Visitor(li._client, "wang@example.com")


def acts(sms: Sms) -> list[tuple[str, str, str]]:
    """Who did what, and why it failed, the newest first."""
    return [(each.by, each.act, each.failed) for _, each in Audit(sms.connection.redis()).newest(10)]


def a_refused_job(sms: Sms) -> str:
    job = a_job()
    sms.connection.ledger.record(job)
    granted(sms.connection.ledger, job)
    sms.connection.ledger.settle(job.id, "token", failed(job, "not_sent"))
    return job.id


def test_no_audit_log_no_act(sms: Sms, li: Visitor) -> None:
    """What cannot be written down is not done."""
    job = sms.getElement("SMS.Test").sendMessage(
        phoneList=["13800138000"], params={}, verifyTemplateCode="SMS_1", countdown=600
    )
    csrf = re.findall(r'name="csrf" value="([^"]+)"', li.get("/audit").text)[0]
    sms.connection.redis().set("sms:audit", "not a stream")
    answer = li._client.post(f"/jobs/{job.id}/cancel", data={"csrf": csrf}, headers=li._headers)
    assert answer.status_code == 303
    assert job.status() == "queued"
    sms.connection.redis().delete("sms:audit")
    li.post(f"/jobs/{job.id}/cancel")
    assert job.status() == "not_sent"
    assert acts(sms) == [("li@example.com", "job.cancel", "")]


def test_what_fails_is_written_down(sms: Sms, li: Visitor) -> None:
    """An act that fails has a second entry with the reason, and the person is told why."""
    job_id = a_refused_job(sms)
    sms.connection.redis().delete(*sms.connection.redis().keys("*:retry:*"))
    with told() as facts:
        answer = li.post(f"/jobs/{job_id}/retry")
    assert acts(sms) == [
        ("li@example.com", "job.retry", "payload_gone"),
        ("li@example.com", "job.retry", ""),
    ]
    assert [each.failed for each in facts if each.action == "acted"] == [None, "payload_gone"]
    assert "its numbers and parameters are not kept any more" in li.get(answer.headers["Location"]).text


def test_only_what_was_shown_is_sent_again(sms: Sms, li: Visitor) -> None:
    """A job that ended after the list was shown is not sent again by the button below it."""
    first = a_refused_job(sms)
    shown = li.get("/jobs/retry")
    asked_at = re.findall(r'name="asked_at" value="([^"]+)"', shown.text)[0]
    assert "Send again: 1" in shown.text
    second = a_refused_job(sms)
    li.post("/jobs/retry", asked_at=asked_at)
    assert sms.job(first).info().retried_as
    assert sms.job(second).info().retried_as is None
    for wrong in ("", "nan", "x", "-1", "1e400"):
        li.post("/jobs/retry", asked_at=wrong)
    assert sms.job(second).info().retried_as is None


def test_files_of_others(sms: Sms, li: Visitor, wang: Visitor) -> None:
    """Only whoever uploaded a file can start it, and only with the word that too many rows are left out."""
    file = {"file": ("a.csv", b"phone\n13800138000\nx\n")}
    fields = {"element": "SMS.Test", "template": "SMS_1", "name": "n"}
    preview = li.post("/campaigns/check", files=file, **fields).text
    assert "13800138000" not in preview
    draft = re.findall(r'name="draft" value="([^"]+)"', preview)[0]
    assert wang.post("/campaigns/start", draft=draft).headers["Location"] == "/campaigns/new"
    assert li.post("/campaigns/start", draft=draft).status_code == 400
    assert sms.campaigns() == []
    assert li.post("/campaigns/start", draft=draft, accept="yes").status_code == 303
    assert [each.progress().total for each in sms.campaigns()] == [1]
    # Its file is gone: nothing is started twice.
    assert li.post("/campaigns/start", draft=draft, accept="yes").headers["Location"] == "/campaigns/new"


@pytest.fixture
def learn(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Iterator[Callable[..., None]]:
    """Has it known of the template SMS_1, as a worker learns it; pages that are opened then look at it."""
    monkeypatch.delenv("SMS_PREFLIGHT")
    with closing(connect(broker_url=redis_url, timeout=1)) as sms:

        def learned(**more: Any) -> None:
            given = {"text": "${code}", "state": "approved", "kind": "notification"}
            template = Template(code="SMS_1", learned_at=datetime.now(UTC), **(given | more))
            sms.connection.templates.learn("SMS.Test", template)

        yield learned


@pytest.mark.parametrize("shown", ["numberCaptcha", "others"])
def test_started_as_shown(learn: Callable[..., None], sms: Sms, li: Visitor, shown: str) -> None:
    """A file is sent to those whom its preview counted, whatever types are learned before it is started."""
    learn(types={"code": shown})
    file = {"file": ("a.csv", b"phone,code\n13800138000,123456\n13800138001,x\n")}
    preview = li.post("/campaigns/check", files=file, element="SMS.Test", template="SMS_1", name="n").text
    draft = re.findall(r'name="draft" value="([^"]+)"', preview)[0]
    assert ("parameter_ill_typed: code" in preview) is (shown == "numberCaptcha")
    learn(types={"code": "others" if shown == "numberCaptcha" else "numberCaptcha"})
    assert li.post("/campaigns/start", draft=draft, accept="yes").status_code == 303
    [campaign] = sms.campaigns()
    assert campaign.progress().invalid == (shown == "numberCaptcha")


def test_preview_has_the_text(learn: Callable[..., None], li: Visitor) -> None:
    """The preview shows the messages and their parts by Aliyun's text, and names a column that the template has no variable for."""
    learn(text="${code}是验证码" * 15)
    file = {"file": ("a.csv", b"phone,code,note\n13800138000,123456,x\n")}
    form = {"element": "SMS.Test", "template": "SMS_1", "name": "n", "price": "0.05"}
    preview = li.post("/campaigns/check", files=file, **form).text
    assert "123456是验证码" in preview
    assert "<b>0.15</b>" in preview
    assert "no variable for: note." in preview


def test_refused_since_it_was_shown(learn: Callable[..., None], sms: Sms, li: Visitor) -> None:
    """A template that lost its approval after the preview stops the start."""
    learn()
    file = {"file": ("a.csv", b"phone,code\n13800138000,123456\n")}
    preview = li.post("/campaigns/check", files=file, element="SMS.Test", template="SMS_1", name="n").text
    draft = re.findall(r'name="draft" value="([^"]+)"', preview)[0]
    learn(state="cancelled")
    answer = li.post("/campaigns/start", draft=draft)
    assert (answer.status_code, "SMS_1" in answer.text, sms.campaigns()) == (400, True, [])


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("../../etc/passwd.csv", {}),
        ("a.csv\x00.exe", {}),
        ("a", {}),
        ("a.csv", {"params": "no equals"}),
        ("a.csv", {"price": "NaN"}),
        ("a.csv", {"at": "yesterday"}),
        ("a.csv", {"element": "../x"}),
        ("a.csv", {"countries": "x"}),
        ("a.csv", {"sheet": "Sheet1"}),
    ],
)
def test_odd_forms(sms: Sms, li: Visitor, name: str, fields: dict[str, str]) -> None:
    """A form with a wrong field, or a file of a strange name, is shown again with the reason, or checked; never an error."""
    given = {"element": "SMS.Test", "template": "SMS_1", "name": "n", **fields}
    answer = li.post("/campaigns/check", files={"file": (name, b"phone\n13800138000\n")}, **given)
    assert answer.status_code in (200, 400)
    assert sms.campaigns() == []


def test_pages_without_redis(sms: Sms, li: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Redis is away, each page says so, and none is an error of the server's."""
    from redis.exceptions import ConnectionError as Away

    def away(*_: object, **__: object) -> None:
        raise Away("gone")

    client = sms.connection.redis()
    monkeypatch.setattr(client.connection_pool, "get_connection", away)
    for path in ("/", "/jobs", "/jobs/x", "/campaigns", "/suppression", "/installation", "/audit"):
        assert li.get(path).status_code in (200, 404, 503), path
