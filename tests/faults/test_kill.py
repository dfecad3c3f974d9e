"""A worker killed (SIGKILL) at every step of a send: one outcome, accepted at most once, and AsyncResult ends too."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from smsjobs import RequestFailed, SendResult
from support.polling import until
from support.stage import Stage, new_phone, outcome
from support.worker import WorkerProcess

#: The shortest lease, and with it the shortest visibility time-out.
SHORT = {"SMS_LEASE": "1", "SMS_VISIBILITY": "4"}


@pytest.fixture
def worker(stage: Stage) -> Iterator[WorkerProcess]:
    """A worker that the test starts itself."""
    worker = stage.worker(**SHORT)
    yield worker
    worker.stop()


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a send at which the worker dies."""

    #: The probe's name.
    point: str
    #: How often Aliyun accepts the message in the end: held, and sent once more.
    accepted: tuple[int, int]
    #: The outcome: held, and sent once more.
    ends: tuple[str, str]
    #: Why.
    remark: str


STEPS = (
    Step(
        point="before_claim",
        accepted=(1, 1),
        ends=("accepted response", "accepted response"),
        remark="nobody had begun: the message comes again, or the sweep publishes the job",
    ),
    Step(
        point="after_claim",
        accepted=(0, 1),
        ends=("unknown interrupted", "accepted response"),
        remark="a request may have left, so it is looked up; where lost answers are held, the caller decides",
    ),
    Step(
        point="after_answer",
        accepted=(1, 1),
        ends=("accepted lookup", "accepted lookup"),
        remark="Aliyun has accepted it, and the look-up finds it",
    ),
    Step(
        point="after_settle",
        accepted=(1, 1),
        ends=("accepted response", "accepted response"),
        remark="the ledger has it; Celery's result follows when the message comes again",
    ),
    Step(
        point="before_ack",
        accepted=(1, 1),
        ends=("accepted response", "accepted response"),
        remark="all is done; the message comes again and changes nothing",
    ),
)


def told(end: object) -> str:
    """An outcome in two words."""
    if isinstance(end, SendResult):
        return f"accepted {end.resolved_by}"
    assert isinstance(end, RequestFailed)
    return f"{end.outcome} {end.reason}"


@pytest.mark.parametrize("lane", ["verification", "notification"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.point)
def test_killed_at_a_step(stage: Stage, worker: WorkerProcess, step: Step, lane: str) -> None:
    """Killed at any step, a job ends once, as the table says, and both ways to ask agree."""
    worker.start(SMS_PROBE=f"{step.point}=kill")
    job = stage.send("SMS.Example", lane=lane)
    assert worker.wait(20) == -signal.SIGKILL
    worker.start()
    resends = lane == "notification"
    end = outcome(job, timeout=60)
    assert told(end) == step.ends[resends], step.remark
    stored = stage.stored(job, timeout=40)
    assert stored == end if isinstance(end, RequestFailed) else stored["outcome"] == "accepted"
    assert stage.simulator.accepted_count(job.id) == step.accepted[resends], step.remark


@pytest.mark.parametrize("lane", ["verification", "notification"])
@pytest.mark.parametrize(
    ("fault", "accepted", "ends"),
    [
        ("hang_before", (0, 1), ("unknown interrupted", "accepted response")),
        ("hang_after", (1, 1), ("accepted lookup", "accepted lookup")),
        ("late_accept", (1, 1), ("accepted lookup", "accepted lookup")),
    ],
)
def test_killed_in_flight(
    stage: Stage,
    worker: WorkerProcess,
    lane: str,
    fault: str,
    accepted: tuple[int, int],
    ends: tuple[str, str],
) -> None:
    """Killed while its request is on its way, a worker leaves a job that is looked up before anything is sent again."""
    phone = new_phone()
    stage.simulator.fault(fault, phone=phone, seconds=1.5 if fault == "late_accept" else None)
    worker.start()
    job = stage.send("SMS.Example", phone, lane=lane)
    if fault == "late_accept":  # it is recorded when it is accepted; its rule is used up when it arrives
        until(lambda: stage.simulator.faults() == [], "the request has arrived")
    else:
        until(lambda: stage.simulator.requests(out_id=job.id), "the request has arrived")
    worker.kill()
    worker.start()
    resends = lane == "notification"
    assert told(outcome(job, timeout=60)) == ends[resends]
    assert stage.simulator.accepted_count(job.id) == accepted[resends]
