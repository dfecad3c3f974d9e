"""A campaign that is held, watched, listed and cancelled from a shell, each command a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aliyun_sms_simulator import SimulatorProcess
from support.campaign_stage import (
    FEW,
    FIRST,
    accepted,
    audit,
    campaign_stage,
    start,
    under_way,
    workers,
    write_people,
)
from support.nursery import smsjobs
from support.polling import until
from support.stage import TEMPLATE, Stage

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def stage(simulator_process: SimulatorProcess) -> Iterator[Stage]:
    """A stage of the test's own."""
    with campaign_stage(simulator_process) as stage:
        yield stage


def shell(stage: Stage, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON of a command."""
    run = smsjobs("campaign", *words, "--json", env={**os.environ, "SMS_BROKER_URL": stage.server.url})
    document: dict[str, Any] = json.loads(run.stdout or "{}")
    return run.returncode, document


def test_control(stage: Stage, tmp_path: Path) -> None:
    """Pause, watch, list, resume and cancel act on a campaign in full flight and tell its state."""
    rows = write_people(tmp_path / "people.csv", personal=True, count=FEW)
    # 36 chunks, of which two at a time take a while: the commands in between may take some seconds.
    stage.simulator.set(latency_ms=700)
    campaign = start(stage, tmp_path / "people.csv")
    with workers(stage, 1, threads=2):
        until(lambda: accepted(campaign), "the first messages are accepted")
        assert shell(stage, "pause", campaign.id)[1]["state"] == "paused"
        status, told = shell(stage, "status", campaign.id, "--watch")
        assert (status, told["state"], told["reason"]) == (1, "paused", "paused by hand")
        _, listed = shell(stage, "list")
        assert [(each["id"], each["state"]) for each in listed["campaigns"]] == [(campaign.id, "paused")]
        until(lambda: not under_way(stage, campaign), "it rests")
        assert shell(stage, "status", campaign.id)[1]["pending"] == campaign.progress().pending
        before = accepted(campaign)
        assert shell(stage, "resume", campaign.id)[1]["state"] == "running"
        until(lambda: accepted(campaign) > before, "it continues")
        status, told = shell(stage, "cancel", campaign.id)
        assert (status, told["state"]) == (0, "cancelled")
        status, told = shell(stage, "status", campaign.id, "--watch")
        assert (status, told["state"], told["ended"], told["pending"]) == (1, "cancelled", True, 0)
        for verb in ("resume", "pause"):
            status, refused = shell(stage, verb, campaign.id)
            assert (status, refused["error"]["reason"]) == (1, "campaign_ended")
        assert shell(stage, "cancel", campaign.id)[0] == 0
    counts = audit(stage, campaign, rows)
    assert counts["accepted"] + counts["not_sent"] == FEW
    assert counts["accepted"] == told["accepted"] > 0
    assert counts["not_sent"] == told["not_sent"] > 0


def test_ctrl_c_while_the_file_is_read(stage: Stage, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a file sends nothing, and tells the id with which the campaign is given up."""
    file = tmp_path / "people.csv"
    with file.open("w") as text:
        text.write("phone,name\n")
        text.writelines(f"{FIRST + n},name {n}\n" for n in range(500_000))
    words = ("start", str(file), "--element", "SMS.Example", "--template", TEMPLATE, "--json")
    reader = subprocess.Popen(
        [str(Path(sys.executable).with_name("smsjobs")), "campaign", *words],
        env={**os.environ, "SMS_BROKER_URL": stage.server.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    until(stage.sms.campaigns, "the file is being read")
    reader.send_signal(signal.SIGINT)
    told, _ = reader.communicate(timeout=30)
    error = json.loads(told)["error"]
    assert (reader.returncode, error["reason"]) == (130, "interrupted")
    (campaign,) = stage.sms.campaigns()
    assert error["id"] == campaign.id
    assert campaign.progress().state == "planning"
    assert shell(stage, "cancel", error["id"])[0] == 0
    assert accepted(campaign) == 0


def test_check_of_a_file_that_reaches_nobody(stage: Stage, tmp_path: Path) -> None:
    """A dry run of what would not start is bad usage, and still tells the rows that are at fault."""
    file = tmp_path / "people.csv"
    file.write_text("phone\nnobody\nno one\n")
    status, told = shell(stage, "check", str(file), "--template", TEMPLATE)
    assert (status, told["recipients"], told["invalid"]) == (2, 0, 2)
    file.write_text(f"phone\nnobody\n{FIRST}\n")
    assert shell(stage, "check", str(file), "--template", TEMPLATE)[0] == 0
