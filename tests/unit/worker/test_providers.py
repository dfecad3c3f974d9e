"""Which interface of a Type's object the worker uses."""

import json
from pathlib import Path
from typing import Any

import pytest

from smsjobs.contract import check_message
from smsjobs_worker import App
from smsjobs_worker.sending.providers import PlainProvider, Providers

MESSAGE = check_message(["13800138000"], {"code": "123456"}, "SMS_1")

KIND = """
from smsjobs_worker.provider import Provider


class Sms({base}):
    def send(self, message, **more):
        return {{"Code": "OK", "BizId": "by send"}}

    def sendMessage(self, phoneList, params, verifyTemplateCode):
        return {{"Code": "OK", "BizId": "by sendMessage"}}


class Loader:
    def load(self):
        return Sms()
"""


@pytest.mark.parametrize(
    ("base", "used"),
    [("Provider", "by send"), ("object", "by sendMessage")],
)
def test_send_is_used_where_it_is_a_providers(tmp_path: Path, base: str, used: str) -> None:
    """A method that only happens to be called send is not taken for a provider's."""
    for name, kind, python in (("Kind", "SMS.Meta", KIND.format(base=base)), ("One", "SMS.Kind", None)):
        folder = tmp_path / "SMS" / name
        folder.mkdir(parents=True)
        (folder / "e.json").write_text(json.dumps({"title": name, "type": kind, "backendBundleEntry": "."}))
        if python:
            (folder / "__init__.py").write_text(python)
    provider: Any = Providers(App(tmp_path)).provider("SMS.One")
    assert isinstance(provider, PlainProvider) is (used == "by sendMessage")
    assert provider.send(MESSAGE, out_id="id", connect_within_s=5)["BizId"] == used
