"""The example web application against a real Redis."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from smsjobs.contract import AliyunRejected, SendResult, encode_outcome
from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis
from support.redis_server import RedisServer

FILE = Path(__file__).parents[2] / "examples" / "web" / "web.py"
FORM = {"phones": ["13800138000"], "name": "张三", "event": "系统维护"}


@pytest.fixture
def browser(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)
    monkeypatch.setenv("SMS_TIMEOUT", "0.5")
    spec = importlib.util.spec_from_file_location("example_web", FILE)
    assert spec
    assert spec.loader
    web = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(web)
    yield web.app.test_client()
    web.sms.close()


@pytest.fixture
def ledger(redis_url: str) -> Iterator[Ledger]:
    ledger = Ledger(connect_redis(redis_url))
    yield ledger
    ledger.redis.close()


def test_page(browser: FlaskClient) -> None:
    """The page is there, and says it is up."""
    with browser.get("/") as page:
        assert "系统维护" in page.text
    assert browser.get("/health").json == {"status": "up"}


def test_send(browser: FlaskClient) -> None:
    """A message is handed over and can be asked about."""
    answer = browser.post("/messages", json=FORM)
    assert answer.status_code == 202
    assert browser.get(f"/messages/{answer.json['id']}").json == {"status": "queued"}


def test_send_again(browser: FlaskClient) -> None:
    """A form that is sent twice is one message."""
    answers = [browser.post("/messages", json=FORM, headers={"Idempotency-Key": "form-1"}) for _ in range(2)]
    assert answers[0].json == answers[1].json


@pytest.mark.parametrize("missing", sorted(FORM))
def test_missing(browser: FlaskClient, missing: str) -> None:
    """A field that is missing is refused with our code, before anything is enqueued."""
    answer = browser.post("/messages", json={**FORM, missing: None})
    assert answer.status_code == 400
    assert answer.json["code"] == 46001


@pytest.mark.parametrize("text", ["[1]", "null", "{"])
def test_bad_body(browser: FlaskClient, text: str) -> None:
    """A body that is no JSON object is the visitor's mistake."""
    assert browser.post("/messages", data=text, content_type="application/json").status_code == 400


def test_unknown_job(browser: FlaskClient) -> None:
    """A job that nobody knows is not found."""
    assert browser.get("/messages/no-such-job").status_code == 404


def test_redis_unreachable(browser: FlaskClient, redis_server: RedisServer) -> None:
    """While Redis is unreachable the page says so instead of failing."""
    redis_server.shut_down()
    try:
        answer = browser.post("/messages", json=FORM)
    finally:
        redis_server.restart()
    assert answer.status_code == 503


def test_outcomes(browser: FlaskClient, ledger: Ledger) -> None:
    """The outcome is shown: what Aliyun accepted, or our code for what went wrong."""
    good, bad = (browser.post("/messages", json=FORM).json["id"] for _ in range(2))
    accepted = SendResult(
        response={"Code": "OK", "BizId": "9^0"}, out_id=good, attempts=1, resolved_by="response"
    )
    rejected = AliyunRejected(
        "no balance", reason="rejected", aliyun_code="isv.AMOUNT_NOT_ENOUGH", out_id=bad, attempts=1
    )
    for job_id, outcome in ((good, accepted), (bad, rejected)):
        ledger.claim(job_id, "token", lease_s=10)
        ledger.settle(job_id, "token", encode_outcome(outcome))
    assert browser.get(f"/messages/{good}").json == {"status": "accepted", "biz_id": "9^0", "attempts": 1}
    shown = browser.get(f"/messages/{bad}").json
    assert (shown["status"], shown["code"]) == ("rejected", 46002)
