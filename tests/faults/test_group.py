"""A group whose first member fails in every way: who sends, how often, and what was recorded. The table of docs/groups.md.

One worker does all of them at once. Each case has a group of its own, for a member that failed is tried last for a while.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs import Job, SendResult, SmsError
from support.stage import TEMPLATE, Stage, new_phone, outcome

Rule = tuple[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way in which the first member fails."""

    name: str
    #: Rules of the first member's Aliyun, and of the spare's.
    main: tuple[Rule, ...] = ()
    spare: tuple[Rule, ...] = ()
    #: Whether the first member, or the spare, cannot be reached.
    main_away: bool = False
    spare_away: bool = False
    #: How often each accepts it, and whether the spare is asked at all.
    accepted: tuple[int, int]
    spare_asked: bool
    ends: str
    #: On the lane notification, where a lost answer leads to a second request.
    resends: tuple[tuple[int, int], str] | None = None
    more: dict[str, Any] = field(default_factory=dict)


def refused(code: str) -> tuple[Rule, ...]:
    return (("code", {"code": code, "times": None}),)


def moves_on(name: str, **more: Any) -> Case:
    return Case(name=name, accepted=(0, 1), spare_asked=True, ends="accepted response", **more)


def stays(name: str, ends: str, **more: Any) -> Case:
    return Case(name=name, accepted=(0, 0), spare_asked=False, ends=ends, **more)


CASES = (
    moves_on("cannot be reached", main_away=True),
    moves_on("throttled", main=(("throttling", {"times": None}),)),
    moves_on("balance", main=refused("isv.AMOUNT_NOT_ENOUGH")),
    moves_on("signature", main=refused("isv.SMS_SIGNATURE_ILLEGAL")),
    moves_on("key", main=refused("InvalidAccessKeyId.NotFound")),
    moves_on("rights", main=refused("Forbidden.RAM")),
    moves_on("its own limit", main=refused("isv.DAY_LIMIT_CONTROL")),
    stays("number", "rejected number", main=refused("isv.MOBILE_NUMBER_ILLEGAL")),
    stays("flow control", "rejected flow_control", main=refused("isv.BUSINESS_LIMIT_CONTROL")),
    stays("template", "rejected template", main=refused("isv.SMS_TEMPLATE_ILLEGAL")),
    stays(
        "lost",
        "unknown no_answer",
        main=(("reset_before", {}),),
        resends=((1, 0), "accepted response"),
    ),
    Case(
        name="accepted and lost",
        main=(("reset_after", {}),),
        accepted=(1, 0),
        spare_asked=False,
        ends="accepted lookup",
    ),
    Case(
        name="lost, and refused the second time",
        main=(("reset_before", {}), ("code", {"code": "isv.AMOUNT_NOT_ENOUGH", "times": None})),
        accepted=(0, 0),
        spare_asked=False,
        ends="unknown no_answer",
        resends=((0, 0), "rejected balance"),
    ),
    Case(
        name="moved on, and lost there",
        main=refused("isv.AMOUNT_NOT_ENOUGH"),
        spare=(("reset_after", {}),),
        accepted=(0, 1),
        spare_asked=True,
        ends="accepted lookup",
    ),
    Case(
        name="both refuse",
        main=refused("isv.AMOUNT_NOT_ENOUGH"),
        spare=refused("isv.OUT_OF_SERVICE"),
        accepted=(0, 0),
        spare_asked=True,
        ends="rejected balance",
    ),
    Case(
        name="one cannot be reached, the other refuses",
        main_away=True,
        spare=refused("isv.AMOUNT_NOT_ENOUGH"),
        accepted=(0, 0),
        spare_asked=True,
        ends="not_sent",
        more={"expires": 4},
    ),
    Case(
        name="one refuses, the other cannot be reached",
        main=refused("isv.AMOUNT_NOT_ENOUGH"),
        spare_away=True,
        accepted=(0, 0),
        spare_asked=False,
        ends="not_sent",
        more={"expires": 4},
    ),
)

LANES = ("verification", "notification")

Table = dict[tuple[str, str], tuple[Job, SendResult | SmsError]]


@pytest.fixture(scope="module")
def done() -> Iterator[tuple[Stage, Simulator, Table]]:
    """All cases on both lanes, sent at once and ended."""
    with Stage() as stage, Simulator() as first:
        away = "http://127.0.0.1:9"
        stage.write("Main", endpoint=first.url)
        stage.write("MainAway", endpoint=away)
        stage.write("Spare")
        stage.write("SpareAway", endpoint=away)
        for number, case in enumerate(CASES):
            for lane in LANES:
                stage.group(
                    f"Group{number}{lane}",
                    {"element": "SMS.MainAway" if case.main_away else "SMS.Main"},
                    {
                        "element": "SMS.SpareAway" if case.spare_away else "SMS.Spare",
                        "weight": 0,
                        "templates": {TEMPLATE: "SMS_77"},
                    },
                )
        jobs = {}
        with stage.worker(options=("--concurrency", "40")):
            for number, case in enumerate(CASES):
                for lane in LANES:
                    phone = new_phone()
                    for simulator, rules in ((first, case.main), (stage.simulator, case.spare)):
                        for kind, fields in rules:
                            simulator.fault(kind, phone=phone, **fields)
                    jobs[case.name, lane] = stage.send(
                        f"SMS.Group{number}{lane}", phone, lane=lane, **case.more
                    )
            table = {key: (job, outcome(job)) for key, job in jobs.items()}
        yield stage, first, table


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_member_that_fails(done: tuple[Stage, Simulator, Table], case: Case, lane: str) -> None:
    """The spare sends exactly where the first member surely did not, and where the refusal was the account's; else it is not even asked."""
    stage, first, table = done
    job, end = table[case.name, lane]
    accepted, word = case.resends if case.resends and lane == "notification" else (case.accepted, case.ends)
    told = f"accepted {end.resolved_by}" if isinstance(end, SendResult) else f"{end.outcome} {end.reason}"
    found = tuple(each.accepted_count(job.id) for each in (first, stage.simulator))
    assert (found, told.startswith(word)) == (accepted, True), told
    asked = stage.simulator.requests(out_id=job.id)
    assert bool(asked) == case.spare_asked
    requests = len(asked) + len(first.requests(out_id=job.id))
    if not (case.main_away or case.spare_away):
        assert end.attempts == requests
    for each in stage.simulator.accepted(out_id=job.id):
        assert each["template_code"] == "SMS_77"


def test_member_that_failed_is_probed(done: tuple[Stage, Simulator, Table]) -> None:
    """After a failure the next messages go to the other member at once, and the log names the one that failed, once."""
    stage, first, _ = done
    stage.group("Tried", {"element": "SMS.Main"}, {"element": "SMS.Spare", "weight": 0})
    first.fault("code", code="isv.AMOUNT_NOT_ENOUGH", times=1)
    with stage.worker() as worker:
        jobs = []
        for _ in range(3):
            jobs.append(stage.send("SMS.Tried", lane="verification"))
            assert jobs[-1].get(timeout=20).attempts == (2 if len(jobs) == 1 else 1)
        assert [len(first.requests(out_id=job.id)) for job in jobs] == [1, 0, 0]
        assert worker.log().count("action=member_failed") == 1
        assert "member=SMS.Main" in worker.log()


def test_campaign(done: tuple[Stage, Simulator, Table]) -> None:
    """A campaign whose first member has no balance is sent by the spare, to each recipient once."""
    stage, first, _ = done
    stage.group("Spread", {"element": "SMS.Main"}, {"element": "SMS.Spare", "weight": 0})
    first.fault("code", code="isv.AMOUNT_NOT_ENOUGH", times=None)
    people = [new_phone() for _ in range(250)]
    with stage.worker():
        campaign = stage.sms.getElement("SMS.Spread").campaign(
            "spread",
            recipients=[{"phone": phone, "name": f"N{phone[-4:]}"} for phone in people],
            verifyTemplateCode="SMS_200000001",
        )
        campaign.wait(timeout=40)
    accepted = [phone for each in stage.simulator.accepted() for phone in each["phones"]]
    assert all(accepted.count(phone) == 1 for phone in people)
    assert not {phone for each in first.accepted() for phone in each["phones"]} & set(people)
