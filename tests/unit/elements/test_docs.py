"""The examples in docs/elements.md and docs/credentials.md, run as they stand there."""

import json
import os
import re
import subprocess
from pathlib import Path

from smsjobs_worker.aliyun import AliyunSms
from smsjobs_worker.elements import App

DOCS = Path(__file__).parents[3] / "docs"

#: A file with its path above it, or an example to run.
BLOCK = re.compile(
    r"(?:^`(?P<path>[^`]+)`:\n\n)?^```(?P<kind>json|python)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)

CREDENTIALS = (DOCS / "credentials.md").read_text(encoding="utf-8")

#: What is copied into a shell.
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_copied_account(tmp_path, monkeypatch):
    """The account of a machine's role is whole when its block is copied into a shell, and asks for no key."""
    block = next(each[1] for each in SHELL.finditer(CREDENTIALS) if "mkdir" in each[1])
    subprocess.run(["sh", "-eu", "-c", block], cwd=tmp_path, check=True)
    monkeypatch.setenv("SMS_SIGN", "your_signature")
    app = App(tmp_path / "app")
    assert (app.check(), [each.fullName for each in app.elements()]) == ([], ["SMS.Main"])


def test_copied_role(tmp_path):
    """What is copied to make the role gives Aliyun's command line whole policies, with the rights that the code asks with."""
    block = next(each[1] for each in SHELL.finditer(CREDENTIALS) if "aliyun" in each[1])
    (tmp_path / "aliyun").write_text('#!/bin/sh\nfor each; do printf "%s\\0" "$each"; done >"$0.$2"\n')
    (tmp_path / "aliyun").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-eu", "-c", block], cwd=tmp_path, env=env, check=True)

    def given(action: str) -> dict[str, str]:
        words = (tmp_path / f"aliyun.{action}").read_text().split("\0")[2:-1]
        return dict(zip(words[::2], words[1::2], strict=True))

    (allowed,) = json.loads(given("CreatePolicy")["--PolicyDocument"])["Statement"]
    assert tuple(allowed["Action"]) == AliyunSms.rights
    (trusted,) = json.loads(given("CreateRole")["--AssumeRolePolicyDocument"])["Statement"]
    assert trusted["Principal"] == {"Service": ["ecs.aliyuncs.com"]}
    assert given("AttachPolicyToRole")["--RoleName"] == given("AttachInstanceRamRole")["--RamRoleName"]
    assert json.loads(given("AttachInstanceRamRole")["--InstanceIds"]) == ["i-bp1example"]


def test_examples(root):
    """Every file of the pages loads as it stands there, and every example runs."""
    written = ran = 0
    for block in BLOCK.finditer((DOCS / "elements.md").read_text(encoding="utf-8") + CREDENTIALS):
        text = block["text"]
        if block["path"]:
            path = root / block["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written += 1
        else:
            exec(text.replace("path/to/app", str(root)), {})
            ran += 1
    assert (written, ran) == (11, 3)
    assert App(root).check() == []
    (root / "SMS/Desk/echo.json").write_text("{}")
    assert [(each.file, each.key) for each in App(root).check()] == [("SMS/Desk/echo.json", "prefix")]
