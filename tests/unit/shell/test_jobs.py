"""``smsjobs jobs``, ``retry`` and ``cancel``, over the jobs of `smsjobs.testing`."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from smsjobs import AliyunRejected, Job, QueueUnavailable, RequestFailed, SmsError, testing
from smsjobs_shell import program as shell
from smsjobs_shell.terminal import screen

PHONE = "13800138000"
BALANCE = AliyunRejected("no balance", reason="balance", aliyun_code="isv.AMOUNT_NOT_ENOUGH")
LIMIT = AliyunRejected("limit", reason="limit", aliyun_code="isv.BUSINESS_LIMIT_CONTROL")
UNKNOWN = RequestFailed("lost", reason="no_answer", outcome="unknown", attempts=1)


@pytest.fixture
def sms(monkeypatch: pytest.MonkeyPatch) -> testing.FakeSms:
    sms = testing.connect()
    for command in ("jobs", "retry", "cancel"):
        monkeypatch.setattr(f"smsjobs_shell.{command}.connect", lambda: sms)
    return sms


def failed(sms: testing.FakeSms, error: SmsError, *more: str, **options: Any) -> Job:
    sms.end_next_with(error)
    return sms.getElement("SMS.Example").sendMessage([PHONE, *more], {"code": "739201"}, "SMS_1", **options)


def run(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(shell.program, words, input=typed)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody can be asked."""
    monkeypatch.setattr(screen.Screen, "can_ask", True)


def test_list(sms: testing.FakeSms) -> None:
    """The list has a line for each job, the newest first, with its numbers masked."""
    first = failed(sms, BALANCE, "13800138001", "13800138002")
    sms.advance(7200)
    second = failed(sms, UNKNOWN)
    told = run("jobs", "--failed")
    assert told.exit_code == 0
    lines = told.stdout.rstrip().split("\n")
    assert lines[0].split() == ["Id", "Age", "Why", "To", "Outcome", "Lane", "Element"]
    assert [line.split()[0] for line in lines[1:]] == [second.id, first.id]
    assert "isv.AMOUNT_NOT_ENOUGH  138****8000 +2  rejected  notification  SMS.Example" in lines[2]
    assert PHONE not in told.output
    assert "739201" not in told.output


def test_list_as_json_lines(sms: testing.FakeSms) -> None:
    """With --json each job is a document on a line, with all its times; nothing else is written."""
    job = failed(sms, BALANCE)
    failed(sms, UNKNOWN)
    documents = [json.loads(line) for line in run("jobs", "--json").stdout.splitlines()]
    assert len(documents) == 2
    (found,) = [
        json.loads(line) for line in run("jobs", "--json", "--status", "rejected").stdout.splitlines()
    ]
    assert (found["id"], found["last_error"], found["to"]) == (job.id, "isv.AMOUNT_NOT_ENOUGH", "138****8000")
    assert found["outcome"]["error"]["aliyun_code"] == "isv.AMOUNT_NOT_ENOUGH"
    for name in ("created", "due", "expires", "settled"):
        assert found[name].startswith("2025-06-0")
    assert run("jobs", "--json", "--lane", "bulk").stdout == ""


def test_list_is_bounded(sms: testing.FakeSms) -> None:
    """Without --limit the newest 50 are shown, and the way to see all is told."""
    for _ in range(60):
        failed(sms, BALANCE)
    assert "These are the newest 50. --limit 0 shows all." in run("jobs").stdout
    assert len(run("jobs", "--limit", "0").stdout.splitlines()) >= 61
    assert len(run("jobs", "--json").stdout.splitlines()) == 60


def test_nothing_failed(sms: testing.FakeSms) -> None:
    """An empty list is a sentence."""
    assert run("jobs", "--since", "2h").stdout == "There is no such job.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--since", "soon"], "30m, 2h or 1d"),
        (["--status", "accepted"], "accepted"),
        (["--failed", "--status", "unknown"], "exclude each other"),
        (["--element", "../x"], "element"),
        (["--limit", "x"], "whole number"),
    ],
)
def test_wrong_filters(sms: testing.FakeSms, words: list[str], told: str) -> None:
    """A filter that is not valid is bad usage, and is named."""
    result = run("jobs", *words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_retry_one(sms: testing.FakeSms) -> None:
    """A job that is named is sent again, and named again gives the same new job."""
    job = failed(sms, BALANCE)
    documents = [json.loads(run("retry", job.id, "--json").stdout) for _ in range(2)]
    again = job.retry().id
    assert documents[0] == {"retried": [{"id": job.id, "retried_as": again}], "failed": [], "left_out": 0}
    assert documents[1] == documents[0]
    assert again in run("retry", job.id).stdout


def test_retry_what_a_filter_finds(sms: testing.FakeSms, terminal: None) -> None:
    """What a filter finds is shown and asked about; after a no, nothing is sent again."""
    del terminal
    chosen = {failed(sms, BALANCE).id for _ in range(3)}
    failed(sms, LIMIT)
    declined = run("retry", "--code", "isv.AMOUNT_NOT_ENOUGH", typed="n\n")
    assert declined.exit_code == 1
    assert all(each in declined.stdout for each in chosen)
    assert "Send 3 jobs again?" in declined.stdout
    assert len(sms.messages) == 4
    agreed = run("retry", "--code", "isv.AMOUNT_NOT_ENOUGH", typed="y\n")
    assert agreed.exit_code == 0
    assert "3 jobs are sent again." in agreed.stdout
    assert len(sms.messages) == 7
    assert "There is no job to send again." in run("retry", "--code", "isv.AMOUNT_NOT_ENOUGH").stdout


def test_retry_leaves_out_what_may_have_been_sent(sms: testing.FakeSms) -> None:
    """A filter that finds unknown and cancelled jobs sends the others again, and tells how many are left out."""
    failed(sms, UNKNOWN)
    cancelled = sms.getElement("SMS.Example").sendMessage([PHONE], {}, "SMS_1", countdown=60)
    cancelled.cancel()
    failed(sms, BALANCE)
    result = run("retry", "--failed", "--yes")
    assert result.exit_code == 0
    assert "1 job is unknown: it may have been sent, and will not be sent again." in result.stdout
    assert "1 job was cancelled, and stays so." in result.stdout
    assert len(sms.messages) == 4
    assert run("retry", cancelled.id).exit_code == 0
    assert len(sms.messages) == 5


def test_retry_that_is_refused(sms: testing.FakeSms) -> None:
    """A job that cannot be sent again is told with the reason, and the exit status is 1."""
    job = failed(sms, UNKNOWN)
    result = run("retry", job.id)
    assert result.exit_code == 1
    assert "not sent again (not_retryable)" in result.stdout
    document = json.loads(run("retry", job.id, "--json").stdout)
    assert [each["reason"] for each in document["failed"]] == ["not_retryable"]


@pytest.mark.parametrize("words", [[], ["some-id", "--failed"], ["some-id", "--since", "2h"]])
def test_retry_needs_one_way_to_choose(sms: testing.FakeSms, words: list[str]) -> None:
    """Without an id and a filter, or with both, it is not clear what to send again."""
    assert run("retry", *words).exit_code == 2


def test_retry_while_redis_is_unreachable(sms: testing.FakeSms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Redis becomes unreachable halfway, it is told how far it came and that the same command continues."""
    failed(sms, BALANCE)

    def unreachable(*_: object, **__: object) -> None:
        raise QueueUnavailable("Redis is unreachable")

    monkeypatch.setattr(Job, "retry", unreachable)
    result = run("retry", "--failed", "--yes")
    assert result.exit_code == 1
    assert "0 jobs of 1 were sent again" in result.stderr


def test_cancel(sms: testing.FakeSms) -> None:
    """A job that waits is cancelled; one that has another outcome is not, and the exit status is 1."""
    waiting = sms.getElement("SMS.Example").sendMessage([PHONE], {}, "SMS_1", countdown=60)
    assert json.loads(run("cancel", waiting.id, "--json").stdout) == {"id": waiting.id, "cancelled": True}
    assert waiting.status() == "not_sent"
    late = failed(sms, BALANCE)
    result = run("cancel", late.id)
    assert result.exit_code == 1
    assert "too late: the job is rejected" in result.stderr
    assert run("cancel", "no id").exit_code == 2
    campaign = sms.getElement("SMS.Example").campaign(
        "people", recipients=[PHONE], verifyTemplateCode="SMS_1"
    )
    assert f"smsjobs campaign cancel {campaign.id}" in run("cancel", campaign.id).stderr
    assert "there is no job of that id" in run("cancel", "no-such-job").stderr
