"""Campaigns of 20,000 through real worker processes; the simulator's record is the judge of every report."""

import csv
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aliyun_sms_simulator import SimulatorProcess
from smsjobs.campaign import Campaign
from support.polling import until
from support.redis_server import RedisServer
from support.stage import TEMPLATE, Stage
from support.worker import WorkerProcess

COUNT = 20_000
FIRST = 13000000000

pytestmark = pytest.mark.timeout(180)

#: An application that starts a campaign, and dies after so many pages of its plan; -1 lives.
PLANNER = """
import os, signal, sys
from smsjobs import connect
from smsjobs.campaign import Order, start
path, template, dies_after = sys.argv[1], sys.argv[2], int(sys.argv[3])

def on_page(page):
    if page.number + 1 == dies_after:
        os.kill(os.getpid(), signal.SIGKILL)

order = Order.read(path, template, {"event": "维护"})
print(start(connect().campaign_store(), order, element="SMS.Example", name="autumn", on_page=on_page).id)
"""


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A Redis of its own, which some tests restart, and a simulator in a process of its own."""
    with (
        SimulatorProcess(["--set", "request_limit=50000"]) as simulator,
        RedisServer() as server,
        Stage(server, simulator) as stage,
    ):
        stage.write()
        yield stage


@contextmanager
def workers(stage: Stage, count: int = 2, **more: str) -> Iterator[list[WorkerProcess]]:
    """Real workers of the bulk lane, started side by side."""
    options = ("--concurrency", "16")
    found = [stage.worker(lanes=("bulk",), options=options, **more) for _ in range(count)]
    try:
        for each in found:
            each.start(wait=False)
        for each in found:
            each.wait_for_log(" ready.")
        yield found
    finally:
        for each in found:
            each.stop()
    for each in found:
        log = each.log()
        assert "unexpected" not in log
        assert not re.search(r"1300\d{7}|张\d", log), "a number or a parameter is in a worker's log"


def write_people(path: Path, *, personal: bool) -> list[tuple[int, str, str]]:
    """A file with every kind of row; gives line, kind and number of each."""
    chance = random.Random(5)
    rows: list[tuple[int, str, str]] = []
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["手机号", "name"] if personal else ["手机号"])
        line, sent = 1, 0
        while sent < COUNT:
            line += 1
            kind = chance.choices(["good", "invalid", "duplicate"], [97, 2, 1])[0] if sent else "good"
            number = str(FIRST + (sent if kind == "good" else chance.randrange(sent)))
            if kind == "invalid":
                number = chance.choice(["", "12345", f"{number}0"])
            sent += kind == "good"
            rows.append((line, kind, number))
            writer.writerow([number, f"张{line}"] if personal else [number or " "])
    return rows


def start(stage: Stage, path: Path, *, dies_after: int = -1) -> Campaign:
    """Start the campaign in a process of its own; with `dies_after`, once more after the first one was killed."""
    command = [sys.executable, "-c", PLANNER, str(path), TEMPLATE]
    env = {**os.environ, "SMS_BROKER_URL": stage.server.url}
    if dies_after >= 0:
        killed = subprocess.run([*command, str(dies_after)], env=env, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert stage.simulator.about()["accepted_requests"] == 0
    run = subprocess.run([*command, "-1"], env=env, check=True, stdout=subprocess.PIPE, text=True)
    return stage.sms.campaign(run.stdout.strip())


def audit(stage: Stage, campaign: Campaign, rows: list[tuple[int, str, str]]) -> Counter[str]:
    """See that the report has every row once and says of each what the simulator recorded; counts the outcomes."""
    report = list(campaign.report())
    assert [(row.line, row.phone.strip()) for row in report] == [(line, number) for line, _, number in rows]
    kinds = {"invalid": "invalid", "duplicate": "duplicate"}
    for row, (_, kind, _) in zip(report, rows, strict=True):
        assert (row.outcome in kinds) == (kind in kinds)
        assert kind in ("good", row.outcome)
    accepted = stage.simulator.accepted()
    times = Counter(phone for request in accepted for phone in request["phones"])
    assert max(times.values(), default=0) <= 1, "somebody got a message twice"
    ids = {
        phone: (request["out_id"], request["biz_id"]) for request in accepted for phone in request["phones"]
    }
    for row in report:
        if row.outcome == "accepted":
            out_id, biz_id = ids[row.phone]
            assert row.out_id == out_id
            assert row.biz_id in (biz_id, None)  # a look-up does not tell it
        elif row.outcome in ("rejected", "not_sent"):
            assert row.phone not in ids
    counts = Counter(row.outcome for row in report)
    progress = campaign.progress()
    for name in ("accepted", "rejected", "not_sent", "unknown", "pending", "invalid"):
        assert getattr(progress, name) == counts[name], name
    assert progress.duplicates == counts["duplicate"]
    assert progress.total == COUNT
    assert sum(progress.by_code.values()) == COUNT - progress.pending
    return counts


def accepted(campaign: Campaign) -> int:
    """How many have been accepted by now."""
    return campaign.progress().accepted


@pytest.mark.parametrize("personal", [True, False], ids=["personal", "shared"])
def test_every_row_is_accounted_for(stage: Stage, tmp_path: Path, personal: bool) -> None:
    """Planner killed, worker killed, paused, resumed, faults on the way: every row is accounted for, exactly once."""
    rows = write_people(tmp_path / "people.csv", personal=personal)
    simulator = stage.simulator
    simulator.set(latency_ms=100)
    action = "SendBatchSms" if personal else "SendSms"
    for kind, more in (
        ("hang_after", {"seconds": 3}),
        ("hang_before", {"seconds": 3}),
        ("reset_after", {}),
        ("http_502_after", {}),
        ("http_503_before", {}),
        ("truncated_after", {}),
        ("throttling", {"retry_after_ms": 300, "times": 2}),
        ("code", {"code": "isv.MOBILE_NUMBER_ILLEGAL"}),
        ("code", {"code": "isp.SYSTEM_ERROR", "accept": True}),
    ):
        simulator.fault(kind, action=action, **more)
    simulator.fault("throttling", action="QuerySendDetails", times=2)
    campaign = start(stage, tmp_path / "people.csv", dies_after=1)
    with workers(stage) as (first, _second):
        until(lambda: accepted(campaign), "the first messages are accepted")
        campaign.pause()
        first.kill()
        first.start()
        until(
            lambda: not stage.client().scard(f"sms:campaign:{campaign.id}:active"),
            "what was under way has ended",
        )
        held = simulator.about()["accepted_requests"]
        time.sleep(0.5)  # several sweeps: nothing may happen in them
        assert simulator.about()["accepted_requests"] == held
        campaign.resume()
        progress = campaign.wait(timeout=90)
    counts = audit(stage, campaign, rows)
    size = 100 if personal else 1000
    assert progress.state == "finished"
    assert counts["rejected"] == size
    assert counts["accepted"] + counts["unknown"] + counts["rejected"] == COUNT
    # What was refused before it was accepted, and what a killed worker may have sent, ends as unknown at most.
    assert counts["unknown"] <= (2 + 16) * size
    assert counts["accepted"] >= COUNT * 0.1


def test_cancelled_on_the_way(stage: Stage, tmp_path: Path) -> None:
    """A cancelled campaign says exactly who got the message and who did not, at once but for what was under way."""
    rows = write_people(tmp_path / "people.csv", personal=True)
    stage.simulator.set(latency_ms=200)
    campaign = start(stage, tmp_path / "people.csv")
    with workers(stage, 1):
        until(lambda: accepted(campaign), "the first messages are accepted")
        campaign.cancel()
        progress = campaign.progress()
        assert progress.state == "cancelled"
        assert progress.pending <= 16 * 100
        progress = campaign.wait(timeout=30)
        time.sleep(0.5)  # several sweeps
        counts = audit(stage, campaign, rows)
    assert counts["accepted"] > 0
    assert counts["not_sent"] > 0
    assert counts["accepted"] + counts["not_sent"] == COUNT
    assert progress.by_code == {"OK": counts["accepted"], "cancelled": counts["not_sent"]}


def test_survives_a_restart_of_everything(stage: Stage, tmp_path: Path) -> None:
    """A pause holds through a restart of Redis and of the workers, and after it the rest goes out."""
    rows = write_people(tmp_path / "people.csv", personal=True)
    stage.simulator.set(latency_ms=100)
    campaign = start(stage, tmp_path / "people.csv")
    with workers(stage, 1) as (worker,):
        until(lambda: accepted(campaign), "the first messages are accepted")
        campaign.pause()
        worker.stop()
        stage.server.restart()
        done = campaign.progress()
        assert done.state == "paused"
        assert 0 < done.accepted < COUNT
        worker.start()
        time.sleep(0.5)  # several sweeps
        assert campaign.progress().accepted == done.accepted
        campaign.resume()
        assert campaign.wait(timeout=60).accepted == COUNT
    assert audit(stage, campaign, rows)["accepted"] == COUNT


def test_paused_by_an_empty_account(stage: Stage, tmp_path: Path) -> None:
    """A refusal that only an operator can mend pauses the campaign, burns no chunk, and resuming sends to everybody."""
    rows = write_people(tmp_path / "people.csv", personal=True)
    stage.simulator.set(latency_ms=20)
    campaign = start(stage, tmp_path / "people.csv")
    stage.simulator.fault("code", code="isv.AMOUNT_NOT_ENOUGH", action="SendBatchSms", times=None)
    with workers(stage):
        until(lambda: campaign.progress().state == "paused", "it is paused")
        until(
            lambda: not stage.client().scard(f"sms:campaign:{campaign.id}:active"),
            "what was under way has ended",
        )
        progress = campaign.progress()
        assert progress.reason.startswith("isv.AMOUNT_NOT_ENOUGH: ")
        assert (progress.pending, progress.rejected) == (COUNT, 0)
        # A worker's threads, and each of them again for whatever it took before the pause was there.
        assert stage.simulator.request_counts()["SendBatchSms"] <= 64
        stage.simulator.clear_faults()
        campaign.resume()
        assert campaign.wait(timeout=60).accepted == COUNT
    assert audit(stage, campaign, rows)["accepted"] == COUNT


def test_codes_do_not_wait_for_a_campaign(stage: Stage, tmp_path: Path) -> None:
    """While a campaign takes all it can get of an account's rate, verification codes go out at once."""
    stage.write(maxQps=20)
    write_people(tmp_path / "people.csv", personal=True)
    campaign = start(stage, tmp_path / "people.csv")
    with workers(stage, 1), stage.worker(lanes=("verification",)):
        until(lambda: accepted(campaign), "the first messages are accepted")
        took = []
        for _ in range(10):
            began = time.monotonic()
            job = stage.send("SMS.Example", lane="verification", expires=60)
            job.get(timeout=10)
            took.append(time.monotonic() - began)
            time.sleep(0.05)
        assert campaign.progress().state == "running"
        campaign.cancel()
    assert sorted(took)[5] < 0.5
    assert max(took) < 3


def test_from_the_shell(stage: Stage, tmp_path: Path) -> None:
    """Check, start, watch and report from a shell: the CSV has every row of the file."""
    rows = write_people(tmp_path / "people.csv", personal=False)
    env = {**os.environ, "SMS_BROKER_URL": stage.server.url}

    def smsjobs(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("smsjobs")), "campaign", *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)

    people, message = str(tmp_path / "people.csv"), ["--template", TEMPLATE, "--param", "event=维护"]
    checked = smsjobs("check", people, *message, "--template-text", "今晚${event}", "--sign", "公司")
    assert checked.returncode == 0, checked.stderr
    assert "20 SendSms" in checked.stdout
    assert "20,000 messages" in checked.stdout
    with workers(stage, 1):
        started = smsjobs("start", people, *message, "--element", "SMS.Example", "--watch")
    assert started.returncode == 0, started.stderr
    (campaign,) = stage.sms.campaigns()
    written = smsjobs("report", campaign.id, "-o", str(tmp_path / "report.csv"))
    assert written.returncode == 0, written.stderr
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        report = list(csv.DictReader(file))
    assert [(int(row["line"]), row["phone"].strip()) for row in report] == [
        (line, phone) for line, _, phone in rows
    ]
    assert Counter(row["outcome"] for row in report)["accepted"] == COUNT
    assert audit(stage, campaign, rows)["accepted"] == COUNT
