"""The examples of the pages about receipts, events and suppression, run as they stand there."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from celery import _state

from smsjobs import connect
from smsjobs.receipts import Receiver
from support.code_examples import Browser
from support.hook_server import SECRET
from support.ledgers import PHONE, a_job, accepted, granted

_DOCS = Path(__file__).parents[3] / "docs"

_PATH = "/receipts/a-long-secret"

_Post = Callable[[str, bytes], tuple[int, bytes]]


def _block(name: str, page: str = "receipts.md", **names: Any) -> dict[str, Any]:
    """What the page's code of that title defines."""
    text = (_DOCS / page).read_text(encoding="utf-8")
    (code,) = re.findall(rf'^```python title="{name}"\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
    # Postponed annotations, as most applications have them, would need the names of a module.
    exec(code, names)
    return names


def _fastapi(receiver: Receiver) -> _Post:
    from fastapi import FastAPI, Request, Response
    from fastapi.testclient import TestClient

    app = FastAPI()
    _block("FastAPI", app=app, receiver=receiver, Request=Request, Response=Response)
    client = TestClient(app)

    def call(method: str, body: bytes) -> tuple[int, bytes]:
        answer = client.request(method, _PATH, content=body)
        return answer.status_code, answer.content

    return call


def _flask(receiver: Receiver) -> _Post:
    from flask import Flask, request

    app = Flask("example")
    _block("Flask", app=app, receiver=receiver, request=request)
    client = app.test_client()

    def call(method: str, body: bytes) -> tuple[int, bytes]:
        answer = client.open(_PATH, method=method, data=body)
        return answer.status_code, answer.data

    return call


def _django(receiver: Receiver) -> _Post:
    from django.http import HttpResponse
    from django.test import RequestFactory
    from django.views.decorators.csrf import csrf_exempt

    Browser("django")  # its settings, for a process can have only one set of them
    view = _block("Django", receiver=receiver, csrf_exempt=csrf_exempt, HttpResponse=HttpResponse)["receipts"]

    def call(method: str, body: bytes) -> tuple[int, bytes]:
        answer = view(RequestFactory().generic(method, _PATH, body))
        return answer.status_code, answer.content

    return call


@pytest.mark.parametrize("framework", [_fastapi, _django, _flask], ids=["fastapi", "django", "flask"])
def test_the_pages_example_works(
    redis_url: str, framework: Callable[[Receiver], _Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three lines of each framework answer the console's check, and take a receipt."""
    monkeypatch.setenv("SMS_CODE_SECRET", "for tests only, thirty-two bytes")
    sms = connect(broker_url=redis_url)
    job = a_job()
    ledger = sms.connection.ledger
    ledger.record(job)
    granted(ledger, job)
    ledger.settle(job.id, "token", accepted(job))
    call = framework(Receiver(sms))
    assert call("GET", b"")[0] == 200
    report = {"out_id": job.id, "phone_number": PHONE, "success": True, "err_code": "DELIVERED"}
    status, body = call("POST", json.dumps([report]).encode())
    assert (status, json.loads(body)["code"]) == (200, 0)
    assert sms.job(job.id).delivery().state == "delivered"
    sms.close()


def _event(kind: str, **data: Any) -> dict[str, Any]:
    return {"v": 1, "id": "evt_1", "type": kind, "at": "2026-11-28T04:00:00.250Z", "data": data}


@pytest.mark.filterwarnings("ignore:.*unique name")  # both pages have the same one
def test_the_callback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    """The task that the page on receipts shows has the name that workers are told, and says why a message did not arrive."""
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)
    # An application of somebody else's must not stay this process's.
    monkeypatch.setattr(_state._tls, "current_app", _state._tls.current_app)
    app = _block("shop.py", __name__="shop")["app"]
    why = {"err_code": "EXPIRED", "meaning": "too late", "advice": "send again"}
    told = app.tasks["shop.on_sms_event"]
    told(_event("delivery.updated", job_id="one", state="failed", **why))
    told(_event("delivery.updated", job_id="two", state="delivered"))
    told(_event("job.settled", job_id="three", outcome="unknown"))
    assert capsys.readouterr().out == "job one: EXPIRED, too late: send again\n"
    assert "shop.on_sms_event" in _block("shop.py", "events.md", __name__="shop")["app"].tasks


def test_the_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that the page on events shows takes what is signed, and refuses what is not."""
    from fastapi.testclient import TestClient
    from standardwebhooks import Webhook

    monkeypatch.setenv("SMS_WEBHOOK_SECRET", SECRET)
    client = TestClient(_block("webhook.py", "events.md")["app"])
    body = json.dumps(_event("job.settled", outcome="accepted"))
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_1", now, body),
    }
    assert client.post("/hooks/sms", content=body, headers=headers).status_code == 204
    assert client.post("/hooks/sms", content=body + " ", headers=headers).status_code == 401
    assert client.post("/hooks/sms", content=body).status_code == 401


def test_the_suppression_list(redis_url: str) -> None:
    """The calls that the page on suppression shows work one after another, as they stand there."""
    sms = connect(broker_url=redis_url)
    page = (_DOCS / "suppression.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    exec(code, {"sms": sms})
    assert not sms.suppression.has("13800138000", scope="promotional")
    sms.close()
