"""Receipts and replies out of Aliyun's queues: a real worker, `smsjobs serve --queues` as a process, and the simulator."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from support.polling import until
from support.ports import free_port
from support.scraped import scrape
from support.served import QueueReader
from support.stage import Stage, new_phone
from support.worker import WorkerProcess

ACCOUNT = "1000000000000001"
REPORTS = f"Alicom-Queue-{ACCOUNT}-SmsReport"
REPLIES = f"Alicom-Queue-{ACCOUNT}-SmsUp"


@pytest.fixture(scope="module")
def worker(stage: Stage) -> Iterator[WorkerProcess]:
    """One real worker, whose elements have their receipts in the queues of one account."""
    at = {"tokenEndpoint": stage.simulator.url, "queueEndpoint": stage.simulator.url}
    for name in ("Example", "Other"):
        stage.write(name, receipts="queue", accountId=ACCOUNT, **at)
    with stage.worker() as worker:
        yield worker


@pytest.fixture(autouse=True)
def queues(stage: Stage, worker: WorkerProcess) -> Iterator[None]:
    """The simulator's queues, empty, and used by nobody any more in the end."""
    stage.simulator.reset()
    stage.simulator.set(queue_account=ACCOUNT, delivery_delay_s=0)
    yield
    stage.simulator.reset()


def read(stage: Stage, **more: Any) -> QueueReader:
    return QueueReader(stage.server.url, stage.app_dir, **more)


def counts(stage: Stage, queue: str = REPORTS) -> dict[str, int]:
    return stage.simulator.queues().get(queue, {})


def test_receipts_and_replies_come_by_queue(stage: Stage) -> None:
    """A delivery and an opt-out arrive, each message is deleted once, two elements' queues are read once, and no line has a number."""
    phone = new_phone()
    with read(stage, by_command=True) as reader:
        assert reader.told["queues"] == sorted(
            f"Alicom-Queue-{ACCOUNT}-{each}" for each in ("SmsReport", "SmsUp", "SignSmsReport", "TemplateSmsReport")
        )  # fmt: skip
        jobs = [stage.send(each, phone) for each in ("SMS.Example", "SMS.Other")]
        for job in jobs:
            assert job.get(timeout=20).outcome == "accepted"
            delivery = until(
                lambda job=job: (found := job.delivery()).state == "delivered" and found, "it is told"
            )
            assert (delivery.source, delivery.err_code) == ("queue", "DELIVERED")
        stage.simulator.reply(phone, "退订")
        until(lambda: stage.sms.suppression.has(phone), "the opt-out is taken")
        until(
            lambda: counts(stage)["deleted"] == 2 and counts(stage, REPLIES)["deleted"] == 1,
            "they are deleted",
        )
        assert stage.simulator.request_counts()["QueryTokenForMnsQueue"] == 4
        status, log = reader.end()
    assert status == 0
    assert "action=queue_followed" in log
    for secret in (phone, "your_access_secret", "STS."):
        assert secret not in log


def test_figures(stage: Stage) -> None:
    """The reader of queues counts what it takes, on a port of its own."""
    port = free_port()
    with read(stage, SMS_METRICS_PORT=str(port)) as reader:
        job = stage.send("SMS.Example")
        until(lambda: job.delivery().state == "delivered", "it is told")
        name = "smsjobs_deliveries_total"
        until(lambda: scrape(port)(name, carrier="mobile", state="delivered") == 1, "it is counted")
        assert reader.end()[0] == 0


def test_killed_between_writing_and_deleting(stage: Stage) -> None:
    """What was written and not deleted comes again after a kill: nothing changes, and it is deleted then."""
    simulator = stage.simulator
    simulator.fault("hang_before", action="DeleteMessage", times=None)
    people = [new_phone() for _ in range(3)]
    campaign = stage.sms.getElement("SMS.Example").campaign(
        "queued", recipients=people, verifyTemplateCode="SMS_200000001", params={"event": "x"}
    )
    with read(stage) as reader:
        campaign.wait(timeout=30)
        until(lambda: campaign.progress().delivered == 3, "all are written down")
        reader.end(signal.SIGKILL)
    assert counts(stage)["deleted"] == 0
    before = [row.cells() for row in campaign.report()]
    assert [row[-3] for row in before] == ["delivered"] * 3
    simulator.clear_faults()
    simulator.advance_clock(31)
    with read(stage):
        until(lambda: counts(stage)["deleted"] == 3, "they come again, and are deleted")
    assert counts(stage)["again"] == 3
    assert campaign.progress().delivered == 3
    assert [row.cells() for row in campaign.report()] == before
    assert simulator.about()["out_ids_accepted_more_than_once"] == 0


def test_failures_end_nothing(stage: Stage) -> None:
    """Refused tokens, 5xx, rubbish and lost answers only delay: every message is taken and deleted in the end."""
    simulator = stage.simulator
    for action, kind in (
        ("QueryTokenForMnsQueue", "http_502_before"),
        ("ReceiveMessage", "http_503_before"),
        ("ReceiveMessage", "non_json_before"),
        ("DeleteMessage", "close_after"),
    ):
        simulator.fault(kind, action=action)
    job = stage.send("SMS.Example")
    with read(stage) as reader:
        until(
            lambda: job.status() == "accepted" and job.delivery().state == "delivered",
            "it is told",
            timeout=60,
        )
        until(lambda: counts(stage)["deleted"] == 1, "it is deleted")
        status, log = reader.end(signal.SIGINT)
    assert status == 0
    assert "action=queue_not_read" in log
