"""The shell in Chinese, beside a real Redis, a worker and the simulator."""

import json
import os
import re
from pathlib import Path

import pytest

from smsjobs import AliyunRejected
from smsjobs_shell.terminal.screen import width_of
from support.nursery import smsjobs
from support.stage import Stage, new_phone, outcome
from support.terminal import Terminal
from support.worker import WorkerProcess

#: Some English words in a row, of which none is a name.
SENTENCE = re.compile(r"\b[A-Za-z]+(?: [a-z]{2,}){3,}")

SEND = ("send", "--element", "SMS.Example", "--template", "SMS_100000001", "--param", "code=123456")


@pytest.fixture
def env(stage: Stage) -> dict[str, str]:
    """Of the shell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMS_", "CELERY_"))}
    return kept | {"SMS_BROKER_URL": stage.server.url, "SMS_LANG": "zh"}


def test_a_refusal_in_chinese(stage: Stage, worker: WorkerProcess, env: dict[str, str]) -> None:
    """What was sent, what was refused and what can be done is told in Chinese; outcome, reason and code stay as they are."""
    phone = new_phone()
    sent = smsjobs(*SEND, phone, env=env)
    assert sent.returncode == 0
    assert re.search(r"^状态 +accepted$", sent.stdout, re.MULTILINE)
    stage.simulator.fault("code", phone=phone, code="isv.AMOUNT_NOT_ENOUGH", times=1)
    refused = smsjobs(*SEND, phone, env=env)
    assert refused.returncode == 1
    assert "isv.AMOUNT_NOT_ENOUGH" in refused.stdout
    assert "需要先解决账号、签名、模板或权限的问题" in refused.stdout
    listed = smsjobs("jobs", "--code", "isv.AMOUNT_NOT_ENOUGH", env=env)
    assert listed.stdout.split()[:7] == ["编号", "距今", "原因", "发往", "结果", "队列", "短信账号"]
    missing = smsjobs("status", "nobody-knows-it", env=env)
    assert missing.returncode == 1
    for shown in (sent, refused, listed, missing):
        assert not SENTENCE.search(shown.stdout + shown.stderr)


def test_json_is_the_same(stage: Stage, worker: WorkerProcess, env: dict[str, str]) -> None:
    """A program that reads --json finds the same words in either language."""
    phone = new_phone()
    stage.simulator.fault("code", phone=phone, code="isv.AMOUNT_NOT_ENOUGH", times=1)
    job = stage.send("SMS.Example", phone)
    assert isinstance(outcome(job), AliyunRejected)
    for words in (("status", job.id), ("jobs", "--limit", "1"), ("status", "nobody-knows-it")):
        in_both = [
            smsjobs(*words, "--json", env=env | {"SMS_LANG": language}).stdout for language in ("zh", "en")
        ]
        assert in_both[0] == in_both[1]
        assert json.loads(in_both[0])


def test_a_terminal_of_80_columns(
    stage: Stage, worker: WorkerProcess, env: dict[str, str], tmp_path: Path
) -> None:
    """By a Chinese locale alone a terminal gets Chinese, in lines of at most 80 columns, of which a character takes two."""
    locale = {name: value for name, value in env.items() if name != "SMS_LANG"} | {"LC_ALL": "zh_CN.UTF-8"}
    with Terminal(*SEND, new_phone(), env=locale, cwd=tmp_path) as terminal:
        terminal.until("送达状态")
        assert "状态" in terminal.text
        assert max(map(width_of, terminal.text.splitlines())) <= 80
