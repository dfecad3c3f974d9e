"""Workers and producers of an earlier version and of this one on one Redis.

`SMS_EARLIER` is a directory with the packages of an earlier release; `.ci/wheel` sets it. Without it, this version under
another number plays the earlier one: then the test shows that it can tell the two apart, and no more.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import smsjobs
import smsjobs_worker
from smsjobs.contract import LANES
from support.polling import until
from support.stage import TEMPLATE, Stage, count, new_phone, outcome
from support.worker import WorkerProcess

pytestmark = pytest.mark.smoke

#: What an earlier producer does: jobs on two lanes, and a campaign.
PRODUCE = f"""
import json, sys
from dataclasses import replace
from smsjobs import connect
from smsjobs.contract import LANES
for each in ("notification", "bulk"):
    LANES[each] = replace(LANES[each], requeue_s=0.5)
first, jobs, recipients = map(int, sys.argv[1:])
phones = map(str, range(first, first + jobs + recipients))
element = connect().getElement("SMS.Example")
lanes = ("notification", "bulk")
ids = [
    element.sendMessage([next(phones)], {{"n": str(n)}}, "{TEMPLATE}", lane=lanes[n % 2], idempotency_key=f"key:{{n}}").id
    for n in range(jobs)
]
people = [(phone, {{"n": phone}}) for phone in phones]
print(json.dumps([ids, element.campaign("both", recipients=people, verifyTemplateCode="{TEMPLATE}").id]))
"""

JOBS, RECIPIENTS = 40, 500


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the earlier version."""
    if given := os.environ.get("SMS_EARLIER"):
        return Path(given)
    packages = tmp_path_factory.mktemp("earlier")
    for each in (smsjobs, smsjobs_worker):
        (packages / each.__name__).symlink_to(Path(each.__path__[0]))
    about = packages / "smsjobs-0.1.99.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.1\nName: smsjobs\nVersion: 0.1.99\n", "utf-8")
    return packages


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One Redis and one simulator for all."""
    with Stage() as stage:
        stage.write()
        yield stage


@pytest.fixture
def workers(stage: Stage, earlier: Path) -> Iterator[dict[str, WorkerProcess]]:
    """A worker of each version, not started."""
    options = ("--concurrency", "2")
    both = {"earlier": stage.worker(packages=earlier, options=options), "this": stage.worker(options=options)}
    yield both
    for worker in both.values():
        worker.kill()


def run(earlier: Path, stage: Stage, program: str, *arguments: str) -> str:
    """What a program wrote that has the earlier packages."""
    env = {**os.environ, "PYTHONPATH": str(earlier), "SMS_BROKER_URL": stage.server.url}
    command = [sys.executable, "-P", "-c", program, *arguments]
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_they_are_two_versions(stage: Stage, earlier: Path) -> None:
    """The earlier version is loaded from its own place, and says another version."""
    program = "import smsjobs, smsjobs_worker as w; print(smsjobs.__version__, smsjobs.__file__, w.__file__)"
    version, *places = run(earlier, stage, program).split()
    assert version != smsjobs.__version__
    assert all(Path(each).is_relative_to(earlier) for each in places)


@pytest.mark.parametrize(("dies", "ends"), [("earlier", "this"), ("this", "earlier")])
def test_one_ends_what_the_other_left(
    stage: Stage, workers: dict[str, WorkerProcess], dies: str, ends: str
) -> None:
    """A worker killed with a request on its way leaves a job that a worker of the other version looks up and settles."""
    phone = new_phone()
    workers[dies].start()
    stage.simulator.fault("hang_after", phone=phone)
    job = stage.send("SMS.Example", phone)
    until(lambda: stage.simulator.accepted_count(job.id) == 1, "Aliyun has accepted it")
    workers[dies].kill()
    workers[ends].start()
    end = outcome(job)
    assert (end.outcome, getattr(end, "resolved_by", None)) == ("accepted", "lookup")
    assert stage.stored(job)["outcome"] == "accepted"
    assert stage.simulator.accepted_count(job.id) == 1


def test_side_by_side(
    stage: Stage, workers: dict[str, WorkerProcess], earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What both versions enqueue is sent once and ends, while workers of both are killed and share it."""
    # As in PRODUCE: what the broker loses by a kill is looked for at once.
    monkeypatch.setitem(LANES, "notification", replace(LANES["notification"], requeue_s=0.5))
    stage.simulator.reset()
    stage.simulator.set_latency(200)
    phones = [new_phone() for _ in range(JOBS + RECIPIENTS)]
    ids, campaign_id = json.loads(run(earlier, stage, PRODUCE, phones[0], str(JOBS), str(RECIPIENTS)))
    jobs = [stage.sms.job(each) for each in ids] + [stage.send("SMS.Example") for _ in range(JOBS)]
    element = stage.sms.getElement("SMS.Example")
    again = element.sendMessage([phones[0]], {"n": "0"}, TEMPLATE, idempotency_key="key:0")
    assert again.id == ids[0]
    for kills in (2, 0):
        for worker in workers.values():
            worker.start()
        for worker in [*workers.values()][:kills]:
            before = len(stage.simulator.accepted_counts())
            until(lambda before=before: len(stage.simulator.accepted_counts()) > before + 2, "it goes on")
            worker.kill()
    counted = count(stage, jobs)
    progress = stage.sms.campaign(campaign_id).wait(timeout=60)
    assert (counted.open, counted.twice, counted.invented, counted.denied) == ((), (), (), ())
    assert set(counted.outcomes) <= {"accepted", "unknown"}
    assert progress.state == "finished"
    assert progress.accepted + progress.unknown == RECIPIENTS
    numbers = [phone for each in stage.simulator.accepted() for phone in each["phones"]]
    assert len(set(numbers)) == len(numbers)
