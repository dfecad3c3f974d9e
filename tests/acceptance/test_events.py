"""A real worker hands events over: to a task in somebody else's Celery, and to somebody's HTTP server, which fails."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from smsjobs import Job
from smsjobs.receipts import Receiver
from support import shop
from support.hook_server import SECRET, HookServer
from support.polling import until
from support.stage import Stage, new_phone, outcome
from support.worker import WorkerProcess


@pytest.fixture(scope="module")
def hook() -> Iterator[HookServer]:
    """The application's HTTP server."""
    with HookServer() as server:
        yield server


@pytest.fixture(scope="module")
def worker(stage: Stage, hook: HookServer) -> Iterator[WorkerProcess]:
    """A worker that tells the application in both ways."""
    told = {
        "SMS_EVENTS_TASK": shop.TASK,
        "SMS_EVENTS_QUEUE": shop.QUEUE,
        "SMS_WEBHOOK_URL": hook.url,
        "SMS_WEBHOOK_SECRET": SECRET,
    }
    with stage.worker(**told) as worker:
        yield worker


@pytest.fixture(scope="module")
def shop_worker(stage: Stage) -> Iterator[WorkerProcess]:
    """The application's own worker."""
    url = stage.server.url
    options = ("-Q", shop.QUEUE, "--concurrency", "1", "-P", "threads")
    with WorkerProcess(url, stage.app_dir, app="support.shop", options=options, SHOP_REDIS_URL=url) as worker:
        yield worker


def of(events: list[Any], job: Job) -> list[str]:
    """What was told of a job: types and outcomes or states."""
    mine = [each for each in events if each["data"].get("job_id") == job.id]
    return [f"{each['type']} {each['data'].get('outcome') or each['data'].get('state')}" for each in mine]


def report(stage: Stage, job: Job, phone: str) -> None:
    """Push a receipt, as Aliyun does."""
    pushed = [{"out_id": job.id, "phone_number": phone, "success": True, "err_code": "DELIVERED"}]
    assert Receiver(stage.sms).handle(json.dumps(pushed).encode()).status == 200


def test_both_ways(stage: Stage, worker: WorkerProcess, shop_worker: WorkerProcess, hook: HookServer) -> None:
    """The first job of a worker, and its delivery, are told to the application's task and to its address, in the same JSON."""
    phone = new_phone()
    job = stage.send("SMS.Example", phone)
    outcome(job)
    report(stage, job, phone)
    expected = ["delivery.updated delivered", "job.settled accepted"]
    until(lambda: sorted(of(hook.events, job)) == expected, "the address was told")
    with stage.client() as client:
        until(lambda: client.llen(shop.EVENTS) == 2, "the task ran twice")
        tasks = {each[0]: each[1] for each in map(json.loads, client.lrange(shop.EVENTS, 0, -1))}
    assert tasks == {each["id"]: each for each in hook.events}
    assert phone not in json.dumps(hook.events)
    assert not any(word in worker.log() for word in (SECRET, hook.url, phone))


def test_one_that_is_refused_stops_no_other(stage: Stage, worker: WorkerProcess, hook: HookServer) -> None:
    """An event that the application cannot take comes again, under its id; those behind it do not wait for that."""
    bad = stage.send("SMS.Example", lane="verification")
    hook.fault = lambda event: 500 if event["data"].get("job_id") == bad.id else "ok"
    outcome(bad)
    until(lambda: "could not be handed over" in worker.log(), "it failed")
    good = stage.send("SMS.Example")
    until(lambda: of(hook.events, good), "the one behind it was told")
    assert not of(hook.events, bad)
    hook.fault = lambda _: "ok"
    until(lambda: of(hook.events, bad) == ["job.settled accepted"], "it came again")
    (told,) = [each for each in hook.events if each["data"].get("job_id") == bad.id]
    assert hook.ids.count(told["id"]) >= 2


@pytest.mark.parametrize("fault", [503, "redirect"])
def test_an_address_that_takes_nothing(
    stage: Stage, worker: WorkerProcess, hook: HookServer, fault: str | int
) -> None:
    """While the address fails, jobs go on, and few tries are made; when it answers again, each event comes."""
    hook.fault = lambda _: fault
    before = len(hook.ids)
    jobs = [stage.send("SMS.Example") for _ in range(30)]
    for each in jobs:
        outcome(each)
    assert len(hook.ids) - before <= 20
    hook.fault = lambda _: "ok"
    until(lambda: all(of(hook.events, each) for each in jobs), "all are told", timeout=60)
    assert hook.redirected == 0
    assert hook.forged == 0
    with stage.client() as client:
        until(lambda: not client.zcard("sms:{000000}:events:webhook:due"), "nothing waits any more")
