"""Campaigns under faults: a planner killed at any step, and a cancellation amid a killed worker and lost answers."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aliyun_sms_simulator import SimulatorProcess
from smsjobs.campaign import Campaign
from support.campaign_stage import (
    COUNT,
    FEW,
    SHORT_PAGE,
    accepted,
    audit,
    campaign_stage,
    explain,
    held,
    plan,
    start,
    workers,
    write_people,
)
from support.polling import until
from support.stage import Stage
from support.worker import WorkerProcess

pytestmark = pytest.mark.timeout(180)

#: What goes wrong with a request each.
FAULTS = (
    ("reset_after", {}),
    ("hang_before", {"seconds": 3}),
    ("http_502_after", {}),
    ("http_503_before", {}),
    ("hang_after", {"seconds": 3}),
    ("throttling", {"retry_after_ms": 300, "times": 2}),
    ("code", {"code": "isv.MOBILE_NUMBER_ILLEGAL"}),
    ("truncated_after", {}),
)
#: Where a planner is killed, of the two pages that there are.
STEPS = (
    "before create 1",
    "after create 1",
    "before write 2",
    "after write 2",
    "before complete 1",
    "after complete 1",
)


@pytest.fixture(scope="module")
def busy(simulator_process: SimulatorProcess) -> Iterator[Stage]:
    """A stage whose worker would send whatever it is given, for all planners of this module."""
    with campaign_stage(simulator_process) as stage, workers(stage, 1):
        yield stage


@pytest.fixture
def stage(simulator_process: SimulatorProcess) -> Iterator[Stage]:
    """A stage of the test's own."""
    with campaign_stage(simulator_process) as stage:
        yield stage


@pytest.mark.parametrize("step", STEPS)
def test_planner_killed(busy: Stage, tmp_path: Path, step: str) -> None:
    """Whatever step a planner dies at, nothing is sent of half a plan, and the same command sends to all, once."""
    busy.simulator.reset()
    people = tmp_path / "people.csv"
    rows = write_people(people, personal=False, count=FEW)
    plan(busy, people, name=step, dies=step, page_size=SHORT_PAGE)
    if step != "after complete 1":
        time.sleep(0.5)  # several sweeps: nothing may happen in them
        assert busy.simulator.about()["accepted_requests"] == 0
    campaign = plan(busy, people, name=step, page_size=SHORT_PAGE)
    assert campaign is not None
    assert campaign.wait(timeout=60).accepted == FEW
    assert plan(busy, people, name=step, page_size=SHORT_PAGE) == campaign
    assert audit(busy, campaign, rows)["accepted"] == FEW


def test_planner_killed_and_cancelled(busy: Stage, tmp_path: Path) -> None:
    """A campaign whose planner was killed can be cancelled for good: it ends with what was read, and nothing is sent."""
    busy.simulator.reset()
    people = tmp_path / "people.csv"
    write_people(people, personal=True, count=FEW)
    plan(busy, people, name="cancelled", dies="after write 1", page_size=SHORT_PAGE)
    (campaign,) = (each for each in busy.sms.campaigns() if each.progress().name == "cancelled")
    assert campaign.progress().state == "planning"
    campaign.cancel()
    ended = campaign.wait(timeout=30)
    assert (ended.state, ended.total, ended.not_sent) == ("cancelled", SHORT_PAGE, SHORT_PAGE)
    assert plan(busy, people, name="cancelled", page_size=SHORT_PAGE) == campaign
    assert campaign.progress() == ended
    assert sum(row.outcome == "not_sent" for row in campaign.report()) == SHORT_PAGE
    assert busy.simulator.about()["accepted_requests"] == 0


def stopped_amid(worker: WorkerProcess, stage: Stage, campaign: Campaign) -> set[str]:
    """Stop a worker if something is in hand, and tell what; between two chunks let it go on."""
    worker.signal(signal.SIGSTOP)
    in_hand = held(stage, campaign)
    if not in_hand:
        worker.signal(signal.SIGCONT)
    return in_hand


@pytest.mark.parametrize("first_is", ["killed", "cancelled"])
@pytest.mark.parametrize(
    ("personal", "count", "threads", "latency_ms"),
    [
        pytest.param(True, FEW, 4, 200, id="personal"),
        pytest.param(
            False, COUNT, 1, 600, id="shared"
        ),  # so few chunks that they have to be slow to be in hand
    ],
)
def test_cancelled_amid_faults(
    stage: Stage, tmp_path: Path, personal: bool, count: int, threads: int, latency_ms: int, first_is: str
) -> None:
    """Cancelled while answers are lost and a worker is killed, a campaign still says exactly who got the message."""
    rows = write_people(tmp_path / "people.csv", personal=personal, count=count)
    stage.write()
    simulator = stage.simulator
    simulator.set(latency_ms=latency_ms)
    for kind, more in FAULTS:
        simulator.fault(kind, action="SendBatchSms" if personal else "SendSms", **more)
    simulator.fault("throttling", action="QuerySendDetails", times=2)
    campaign = start(stage, tmp_path / "people.csv")
    with workers(stage, threads=threads) as (first, _second):
        until(lambda: accepted(campaign), "the first messages are accepted")
        if first_is == "cancelled":
            campaign.cancel()
            # What was in hand may have ended in the meantime.
            first.signal(signal.SIGSTOP)
            in_hand = held(stage, campaign)
        else:
            in_hand = until(
                lambda: stopped_amid(first, stage, campaign), "it is stopped with something in hand"
            )
        first.kill()
        if first_is == "killed":
            campaign.cancel()
        assert campaign.progress().state == "cancelled"
        first.start()
        ended = campaign.wait(timeout=60)
        sent = simulator.about()["accepted_requests"]
        time.sleep(0.5)  # several sweeps: nothing may happen in them
        assert simulator.about()["accepted_requests"] == sent
        assert campaign.progress() == ended
    counts = audit(stage, campaign, rows)
    assert counts["pending"] == 0
    assert counts["accepted"] > 0
    assert counts["not_sent"] > 0
    assert {row.reason for row in campaign.report() if row.outcome == "not_sent"} == {"cancelled"}
    explain(stage, campaign, killed=in_hand)
