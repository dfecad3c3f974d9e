"""Campaigns of thousands through real worker processes; the simulator's record is the judge of every report."""

import csv
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from aliyun_sms_simulator import SimulatorProcess
from smsjobs.campaign.pages import PAGE
from support.campaign_stage import (
    COUNT,
    FEW,
    SHORT_PAGE,
    accepted,
    audit,
    campaign_stage,
    explain,
    held,
    job_ids,
    plan,
    start,
    under_way,
    workers,
    write_people,
)
from support.keys import agenda, job_key
from support.nursery import smsjobs
from support.polling import in_time, until
from support.stage import TEMPLATE, Stage

pytestmark = pytest.mark.timeout(180)

#: What goes wrong with a request each.
FAULTS = (
    ("hang_after", {"seconds": 3}),
    ("hang_before", {"seconds": 3}),
    ("reset_after", {}),
    ("http_502_after", {}),
    ("http_503_before", {}),
    ("truncated_after", {}),
    ("throttling", {"retry_after_ms": 300, "times": 2}),
    ("code", {"code": "isv.MOBILE_NUMBER_ILLEGAL"}),
    ("code", {"code": "isp.SYSTEM_ERROR", "accept": True}),
)


@pytest.fixture
def stage(simulator_process: SimulatorProcess) -> Iterator[Stage]:
    """A stage of the test's own."""
    with campaign_stage(simulator_process) as stage:
        yield stage


@pytest.mark.parametrize(
    ("personal", "count", "page_size", "threads"),
    [
        pytest.param(True, FEW, SHORT_PAGE, 6, id="personal"),
        pytest.param(False, COUNT, PAGE, 2, id="shared"),
    ],
)
def test_every_row_is_accounted_for(
    stage: Stage, tmp_path: Path, personal: bool, count: int, page_size: int, threads: int
) -> None:
    """Planner killed, worker killed, paused, resumed, faults on the way: every row is accounted for, exactly once."""
    rows = write_people(tmp_path / "people.csv", personal=personal, count=count)
    stage.write()
    simulator = stage.simulator
    simulator.set(latency_ms=100)
    for kind, more in FAULTS:
        simulator.fault(kind, action="SendBatchSms" if personal else "SendSms", **more)
    simulator.fault("throttling", action="QuerySendDetails", times=2)
    plan(stage, tmp_path / "people.csv", dies="after write 1", page_size=page_size)
    assert simulator.about()["accepted_requests"] == 0
    campaign = start(stage, tmp_path / "people.csv", page_size=page_size)
    with workers(stage, threads=threads) as (first, _second):
        until(lambda: accepted(campaign), "the first messages are accepted")
        campaign.pause()
        first.signal(signal.SIGSTOP)
        in_hand = held(stage, campaign)
        first.kill()
        first.start()
        until(lambda: not under_way(stage, campaign), "what was under way has ended")
        sent = simulator.about()["accepted_requests"]
        time.sleep(0.5)  # several sweeps: nothing may happen in them
        assert simulator.about()["accepted_requests"] == sent
        campaign.resume()
        progress = campaign.wait(timeout=90)
    counts = audit(stage, campaign, rows)
    assert progress.state == "finished"
    assert counts["accepted"] + counts["unknown"] + counts["rejected"] == count
    explain(stage, campaign, killed=in_hand)


def test_cancelled_on_the_way(stage: Stage, tmp_path: Path) -> None:
    """A cancelled campaign says exactly who got the message and who did not, at once but for what was under way."""
    rows = write_people(tmp_path / "people.csv", personal=True, count=FEW)
    stage.simulator.set(latency_ms=200)
    campaign = start(stage, tmp_path / "people.csv")
    with workers(stage, 1, threads=8):
        until(lambda: accepted(campaign), "the first messages are accepted")
        campaign.cancel()
        progress = campaign.progress()
        assert progress.state == "cancelled"
        assert progress.pending <= 8 * 100
        progress = campaign.wait(timeout=30)
        time.sleep(0.5)  # several sweeps
        counts = audit(stage, campaign, rows)
    assert counts["accepted"] > 0
    assert counts["not_sent"] > 0
    assert counts["accepted"] + counts["not_sent"] == FEW
    assert progress.by_code == {"OK": counts["accepted"], "cancelled": counts["not_sent"]}


def test_survives_a_restart_of_everything(stage: Stage, tmp_path: Path) -> None:
    """A pause holds through a restart of Redis and of the workers, and after it the rest goes out."""
    rows = write_people(tmp_path / "people.csv", personal=True, count=FEW)
    stage.simulator.set(latency_ms=100)
    campaign = start(stage, tmp_path / "people.csv")
    with workers(stage, 1, threads=8) as (worker,):
        until(lambda: accepted(campaign), "the first messages are accepted")
        campaign.pause()
        worker.stop()
        stage.server.restart()
        done = campaign.progress()
        assert done.state == "paused"
        assert 0 < done.accepted < FEW
        worker.start()
        time.sleep(0.5)  # several sweeps
        assert campaign.progress().accepted == done.accepted
        campaign.resume()
        assert campaign.wait(timeout=60).accepted == FEW
    assert audit(stage, campaign, rows)["accepted"] == FEW


def test_paused_for_longer_than_a_chunk_lives(stage: Stage, tmp_path: Path) -> None:
    """Chunks that no worker takes while their campaign is paused do not expire; when it continues, all are sent."""
    rows = write_people(tmp_path / "people.csv", personal=False)
    campaign = start(stage, tmp_path / "people.csv")
    client = stage.client()
    with stage.worker(lanes=("notification",)):  # it sweeps for all lanes, and takes no chunk
        until(lambda: under_way(stage, campaign) == COUNT / 1000, "all chunks are jobs")
        campaign.pause()
        for job_id in job_ids(stage, campaign, map(str, range(COUNT // 1000))):  # three days go by
            client.hset(job_key(job_id), "expires", 1)
            client.zadd(agenda("SMS.Example"), {job_id: 1})
        until(lambda: not under_way(stage, campaign), "none of them is a job any more")
        progress = campaign.progress()
        assert (progress.state, progress.pending, progress.total) == ("paused", COUNT, COUNT)
    with workers(stage, 1):
        campaign.resume()
        assert campaign.wait(timeout=60).accepted == COUNT
    assert audit(stage, campaign, rows)["accepted"] == COUNT


def test_paused_by_a_refusal(stage: Stage, tmp_path: Path) -> None:
    """A refusal that everybody would get pauses the campaign, burns no chunk, and resuming sends to everybody."""
    rows = write_people(tmp_path / "people.csv", personal=True, count=FEW)
    stage.simulator.set(latency_ms=20)
    campaign = start(stage, tmp_path / "people.csv")
    stage.simulator.fault("code", code="isv.AMOUNT_NOT_ENOUGH", action="SendBatchSms", times=None)
    with workers(stage):
        until(lambda: campaign.progress().state == "paused", "it is paused")
        until(lambda: not under_way(stage, campaign), "what was under way has ended")
        progress = campaign.progress()
        assert progress.reason.startswith("isv.AMOUNT_NOT_ENOUGH: ")
        assert (progress.pending, progress.rejected) == (FEW, 0)
        # A worker's threads, and each of them again for whatever it took before the pause was there.
        assert stage.simulator.request_counts()["SendBatchSms"] <= 64
        stage.simulator.clear_faults()
        campaign.resume()
        assert campaign.wait(timeout=60).accepted == FEW
    assert audit(stage, campaign, rows)["accepted"] == FEW


def test_codes_do_not_wait_for_a_campaign(stage: Stage, tmp_path: Path) -> None:
    """While a campaign takes all it can get of an account's rate, verification codes go out at once."""
    stage.write(maxQps=20, readTimeoutMs=20_000)
    write_people(tmp_path / "people.csv", personal=True, count=FEW)
    campaign = start(stage, tmp_path / "people.csv")
    with workers(stage, 1), stage.worker(lanes=("verification",)):
        until(lambda: accepted(campaign), "the first messages are accepted")
        with in_time(5, "ten codes"):
            for _ in range(10):
                with in_time(3, "a code"):
                    stage.send("SMS.Example", lane="verification", expires=60).get(timeout=20)
                time.sleep(0.05)
        assert campaign.progress().state == "running"
        campaign.cancel()


def test_from_the_shell(stage: Stage, tmp_path: Path) -> None:
    """Check, start, watch and report from a shell: the CSV has every row of the file."""
    rows = write_people(tmp_path / "people.csv", personal=False)
    campaign_command = partial(smsjobs, "campaign", env={**os.environ, "SMS_BROKER_URL": stage.server.url})
    people, message = str(tmp_path / "people.csv"), ["--template", TEMPLATE, "--param", "event=维护"]
    checked = campaign_command("check", people, *message, "--template-text", "今晚${event}", "--sign", "公司")
    assert checked.returncode == 0, checked.stderr
    assert "12 SendSms" in checked.stdout
    assert "12,000 messages" in checked.stdout
    with workers(stage, 1):
        started = campaign_command("start", people, *message, "--element", "SMS.Example", "--watch")
    assert started.returncode == 0, started.stderr
    (campaign,) = stage.sms.campaigns()
    written = campaign_command("report", campaign.id, "-o", str(tmp_path / "report.csv"))
    assert written.returncode == 0, written.stderr
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        report = list(csv.DictReader(file))
    assert [(int(row["line"]), row["phone"].strip()) for row in report] == [
        (line, phone) for line, _, phone in rows
    ]
    assert Counter(row["outcome"] for row in report)["accepted"] == COUNT
    assert audit(stage, campaign, rows)["accepted"] == COUNT
