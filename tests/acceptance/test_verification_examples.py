"""The example applications with a real worker behind them."""

import pytest

from support.code_examples import FRAMEWORKS, Browser
from support.stage import Stage, new_phone
from support.worker import WorkerProcess


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_login(stage: Stage, worker: WorkerProcess, framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody asks for a code, gets it from Aliyun, types it and is logged in; the answer waits for Aliyun's."""
    monkeypatch.setenv("SMS_BROKER_URL", stage.server.url)
    monkeypatch.setenv("SMS_CODE_SECRET", "a secret that is good for tests only")
    monkeypatch.setenv("WEB_ELEMENT", "SMS.Example")
    browser, phone = Browser(framework), new_phone()
    assert browser.post("/code", phone=phone).status == 202
    (message,) = stage.simulator.accepted(phone=phone)
    assert browser.post("/login", code=message["params"]["code"]).body["status"] == "ok"
    browser.module.element._connection.close()
