"""The report on an app's elements."""

import json
from pathlib import Path
from typing import Any

import pytest

from smsjobs_shell.sandbox.stage import write_element
from smsjobs_worker.watching.inspection import list_elements, main

SECRET = "surely-a-secret"  # an example


def account(**more: Any) -> dict[str, Any]:
    return {"accessKey": "your_access_key", "accessSecret": SECRET, "verifySign": "示例公司"} | more


def test_good_element(tmp_path: Path) -> None:
    """A good element is listed with its title, its Types up to the Meta, and where it sends to."""
    write_element(tmp_path, "SMS.Good", "好短信", account(endpoint="http://127.0.0.1:9400"))
    (found,) = list_elements(str(tmp_path))["elements"]
    assert found == {
        "name": "SMS.Good",
        "title": "好短信",
        "types": ["SMS.Aliyun", "SMS.Meta"],
        "state": "ok",
        "endpoint": "http://127.0.0.1:9400",
        "problems": [],
    }


def test_broken_elements(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every broken element is listed with file, key and hint, and no secret is shown."""
    write_element(tmp_path, "SMS.NoSign", "x", {"accessKey": "k", "accessSecret": SECRET})
    write_element(tmp_path, "SMS.Typo", "x", account(maxQsp=3))
    write_element(tmp_path, "SMS.Brackets", "x", account(verifySign="【示例公司】"))
    (tmp_path / "SMS" / "NoType").mkdir()
    (tmp_path / "SMS" / "NoType" / "e.json").write_text('{"title": "x", "type": "SMS.Nowhere"}')
    assert main(["elements", "--app", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert SECRET not in out
    found = {each["name"]: each for each in json.loads(out)["elements"]}
    assert {name: each["state"] for name, each in found.items()} == {
        "SMS.Brackets": "problem",
        "SMS.NoSign": "problem",
        "SMS.NoType": "problem",
        "SMS.Typo": "warning",
    }
    (brackets,) = found["SMS.Brackets"]["problems"]
    assert (brackets["key"], brackets["cause"]) == ("verifySign", "has brackets")
    assert "without 【 and 】" in brackets["hint"]
    assert found["SMS.NoSign"]["problems"][0]["key"] == "verifySign"
    assert found["SMS.NoSign"]["problems"][0]["file"] == "SMS/NoSign/sms.json"
    assert all(problem["hint"] for each in found.values() for problem in each["problems"])


def test_no_app(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An app that is not there is an error document, not a traceback."""
    assert main(["elements", "--app", str(tmp_path / "nowhere")]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == 46001
