"""A worker killed (SIGKILL) at every step of a send: one outcome, accepted at most once, and AsyncResult ends too."""

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs import RequestFailed, SendResult
from support.points import POINTS
from support.polling import until
from support.stage import Stage, new_phone, outcome
from support.worker import PROBED

#: The shortest lease, and with it the shortest visibility time-out.
SHORT = {"SMS_LEASE": "1", "SMS_VISIBILITY": "4"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a send at which the worker dies."""

    #: The point of the send, or the fault of the request that is on its way.
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
    Step(
        point="hang_before",
        accepted=(0, 1),
        ends=("unknown interrupted", "accepted response"),
        remark="on its way, and never accepted",
    ),
    Step(
        point="hang_after",
        accepted=(1, 1),
        ends=("accepted lookup", "accepted lookup"),
        remark="on its way, and accepted before the kill",
    ),
    Step(
        point="late_accept",
        accepted=(1, 1),
        ends=("accepted lookup", "accepted lookup"),
        remark="on its way, and accepted after the kill",
    ),
)

#: Of a group only.
OF_GROUP = Step(
    point="after_member",
    accepted=(0, 1),
    ends=("unknown interrupted", "accepted response"),
    remark="the member is written down, and its request was never made: that member is asked",
)

LANES = ("verification", "notification")

#: A group adds nothing to what happens before its member is chosen, and after the answer.
CASES = [
    *product(STEPS, LANES, ("SMS.Aliyun",)),
    *product((STEPS[1], OF_GROUP, *STEPS[5:]), LANES, ("SMS.Group",)),
]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of one step on one lane."""

    #: The outcome by `job.get()`, in two words.
    get: str
    #: The outcome's first word, by AsyncResult.
    async_result: str
    #: How often the simulator accepted it.
    accepted: int


def told(end: object) -> str:
    """An outcome in two words."""
    if isinstance(end, SendResult):
        return f"accepted {end.resolved_by}"
    assert isinstance(end, RequestFailed)
    return f"{end.outcome} {end.reason}"


def write(stage: Stage, poor: Simulator, of: str) -> None:
    """Write SMS.Example. As a group it goes to a member that has no balance, and so to its spare."""
    if of == "SMS.Aliyun":
        stage.write()
        return
    stage.write("Poor", endpoint=poor.url)
    stage.write("Spare")
    stage.group("Example", {"element": "SMS.Poor"}, {"element": "SMS.Spare", "weight": 0})


def kill_at(simulator: Simulator, poor: Simulator, step: Step, lane: str, of: str) -> Ended:
    """Kill a worker there, start another, and see."""
    phone = new_phone()
    with Stage(simulator=simulator, fresh=False) as stage:
        write(stage, poor, of)
        worker = stage.worker(lanes=(lane,), app=PROBED, **SHORT)
        try:
            if step.point in POINTS:
                worker.start(POINT=f"{step.point}=kill")
                job = stage.send("SMS.Example", phone, lane=lane)
                assert worker.wait(30) == -signal.SIGKILL
            else:
                worker.start()
                seconds = 1.5 if step.point == "late_accept" else None
                stage.simulator.fault(step.point, phone=phone, seconds=seconds)
                job = stage.send("SMS.Example", phone, lane=lane)
                until(
                    lambda: all(rule["phone"] != phone for rule in stage.simulator.faults()),
                    "the request has arrived",
                )
                worker.kill()
            worker.start()
            end = outcome(job, timeout=60)
            stored = stage.stored(job, timeout=40)
            return Ended(
                get=told(end),
                async_result=stored.outcome if isinstance(stored, RequestFailed) else stored["outcome"],
                accepted=stage.simulator.accepted_count(job.id),
            )
        finally:
            worker.kill()


@pytest.fixture(scope="module")
def ends() -> dict[tuple[str, str, str], Ended]:
    """All steps on both lanes, some at a time, each with a Redis of its own."""
    with Simulator() as simulator, Simulator() as poor, ThreadPoolExecutor(6) as pool:
        poor.fault("code", code="isv.AMOUNT_NOT_ENOUGH", times=None)
        ended = pool.map(partial(kill_at, simulator, poor), *zip(*CASES, strict=True))
        return {(step.point, lane, of): each for (step, lane, of), each in zip(CASES, ended, strict=True)}


@pytest.mark.parametrize(("step", "lane", "of"), CASES, ids=lambda each: getattr(each, "point", each))
def test_killed_at_a_step(ends: dict[tuple[str, str, str], Ended], step: Step, lane: str, of: str) -> None:
    """Killed at any step, a job ends once, as the table says, and both ways to ask agree."""
    end, resends = ends[step.point, lane, of], lane == "notification"
    assert (end.accepted, end.get) == (step.accepted[resends], step.ends[resends]), step.remark
    assert end.async_result == step.ends[resends].split()[0]
