"""The examples of docs/receipts.md, run as they stand there."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smsjobs import connect
from smsjobs.receipts import Receiver
from support.code_examples import Browser
from support.ledgers import PHONE, a_job, accepted, granted

_PAGE = (Path(__file__).parents[3] / "docs" / "receipts.md").read_text(encoding="utf-8")

_PATH = "/receipts/a-long-secret"

_Post = Callable[[str, bytes], tuple[int, bytes]]


def _block(name: str, **names: Any) -> dict[str, Any]:
    """What the page's code of that framework defines."""
    (code,) = re.findall(rf"^```python {name}\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
    # Postponed annotations, as most applications have them, would need the names of a module.
    exec(code, names)
    return names


def _fastapi(receiver: Receiver) -> _Post:
    from fastapi import FastAPI, Request, Response
    from fastapi.testclient import TestClient

    app = FastAPI()
    _block("fastapi", app=app, receiver=receiver, Request=Request, Response=Response)
    client = TestClient(app)

    def call(method: str, body: bytes) -> tuple[int, bytes]:
        answer = client.request(method, _PATH, content=body)
        return answer.status_code, answer.content

    return call


def _flask(receiver: Receiver) -> _Post:
    from flask import Flask, request

    app = Flask("example")
    _block("flask", app=app, receiver=receiver, request=request)
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
    view = _block("django", receiver=receiver, csrf_exempt=csrf_exempt, HttpResponse=HttpResponse)["receipts"]

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
