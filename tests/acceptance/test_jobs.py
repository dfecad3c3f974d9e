"""A balance that is used up, by night: found, topped up, sent again, accepted. With a real worker, simulator and shell."""

import json
import os
from pathlib import Path

import pytest

from smsjobs import AliyunRejected, RequestFailed
from support.nursery import smsjobs
from support.stage import Stage, new_phone, outcome
from support.terminal import Terminal
from support.worker import WorkerProcess


@pytest.fixture
def env(stage: Stage) -> dict[str, str]:
    """Of the shell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMS_", "CELERY_"))}
    return kept | {"SMS_BROKER_URL": stage.server.url}


@pytest.fixture
def no_balance(stage: Stage) -> str:
    """A number whose next message is refused, because the balance is used up."""
    phone = new_phone()
    stage.simulator.fault("code", phone=phone, code="isv.AMOUNT_NOT_ENOUGH", times=1)
    return phone


def test_balance_refusal_is_found_and_sent_again(
    stage: Stage, worker: WorkerProcess, env: dict[str, str], no_balance: str, tmp_path: Path
) -> None:
    """What was refused for the balance is found on an 80 x 24 terminal, sent again after a yes, and accepted once."""
    job = stage.send("SMS.Example", no_balance, idempotency_key="the order")
    refused = outcome(job)
    assert isinstance(refused, AliyunRejected)
    assert refused.aliyun_code == "isv.AMOUNT_NOT_ENOUGH"
    words = ("--since", "2h", "--code", "isv.AMOUNT_NOT_ENOUGH")
    with Terminal("retry", *words, env=env, cwd=tmp_path) as terminal:
        terminal.until("Send 1 job again?")
        assert job.id in terminal.text
        assert no_balance not in terminal.text
        assert max(map(len, terminal.text.splitlines())) <= 80
        terminal.type("y\r")
        terminal.until("sent again as")
    again = job.retry()
    assert outcome(again).outcome == "accepted"
    assert len(stage.simulator.accepted(out_id=again.id)) == 1
    assert stage.simulator.accepted(out_id=job.id) == []
    assert stage.send("SMS.Example", no_balance, idempotency_key="the order") == again
    assert [each.id for each in stage.sms.jobs(aliyun_code="isv.AMOUNT_NOT_ENOUGH")] == []
    status = json.loads(smsjobs("status", job.id, "--json", env=env).stdout)
    assert (status["retried_as"], status["last_error"]) == (again.id, "isv.AMOUNT_NOT_ENOUGH")


def test_each_try_is_told(stage: Stage, worker: WorkerProcess, env: dict[str, str]) -> None:
    """A lost answer, the look-ups that did not find it, and the request that was accepted are told with their times, in order."""
    phone = new_phone()
    stage.simulator.fault("hang_before", phone=phone, times=1)
    job = stage.send("SMS.Example", phone, on_unknown="resend")
    assert outcome(job).attempts == 2
    status = json.loads(smsjobs("status", job.id, "--json", env=env).stdout)
    first, *absent, last = status["tries"]
    assert (first["kind"], first["result"], first["reason"]) == ("request", "lost", "no_answer")
    assert {(each["kind"], each["result"]) for each in absent} == {("look_up", "absent")}
    assert (last["kind"], last["result"]) == ("request", "accepted")
    times = [each["at"] for each in status["tries"]]
    assert times == sorted(set(times))
    assert status["created"] <= times[0]
    assert [each.to_json() for each in job.info().tries] == status["tries"]


def test_cancelled_job_is_never_sent(stage: Stage, worker: WorkerProcess, env: dict[str, str]) -> None:
    """A job that waits for its time is cancelled, Celery's result says so, and Aliyun never hears of it."""
    job = stage.send("SMS.Example", countdown=3600)
    assert smsjobs("cancel", job.id, env=env).returncode == 0
    stored = stage.stored(job)
    assert isinstance(stored, RequestFailed)
    assert (stored.reason, stored.outcome) == ("cancelled", "not_sent")
    assert stage.simulator.accepted(out_id=job.id) == []
