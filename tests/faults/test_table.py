"""Every fault of a request, of every official Type, on every lane: how often Aliyun accepted the message, and what was recorded.

One worker does all of them at once; each case has a number of its own, and the simulator's rules go by number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest

from smsjobs import Job, RequestFailed, SendResult, SmsError
from support.keys import agenda, job_key
from support.stage import Stage, new_phone, outcome

LOST = "unknown no_answer"

#: The action by which each Type sends.
SENDS = {"SMS.Aliyun": "SendSms", "SMS.AliyunVerify": "SendSmsVerifyCode", "SMS.Group": "SendSms"}

#: Another account. Its record has nothing of the first.
OTHER = {"accessKey": "demo_access_key", "accessSecret": "demo_access_secret"}

LANES = ("verification", "notification", "bulk")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault."""

    #: What it is called.
    name: str
    #: The simulator's rules, in order, each a kind and its fields.
    rules: tuple[tuple[str, dict[str, Any]], ...]
    #: How often the message is accepted, and the outcome with its reason or way, where lost answers are held
    #: (verification, bulk) and where they are sent once more (notification).
    hold: tuple[int, str]
    resend: tuple[int, str]
    #: Why.
    remark: str
    #: More arguments of sendMessage.
    more: dict[str, Any] = field(default_factory=dict)
    #: Whether it goes to the Type's element whose endpoint refuses connections.
    away: bool = False
    #: Requests that reach the simulator, where they are counted: held, and sent once more.
    requests: tuple[int, int] | None = None


def once(kind: str, **more: Any) -> tuple[tuple[str, dict[str, Any]], ...]:
    return ((kind, more),)


def before(kind: str) -> Case:
    return Case(
        name=kind,
        rules=once(kind),
        hold=(0, LOST),
        resend=(1, "accepted response"),
        requests=(1, 2),
        remark="nobody can know that it was not accepted; after the settling time absence is believed",
    )


def after(kind: str) -> Case:
    return Case(
        name=kind,
        rules=once(kind),
        hold=(1, "accepted lookup"),
        resend=(1, "accepted lookup"),
        requests=(1, 1),
        remark="the look-up finds it, and it is not sent again",
    )


LOOKUP = {"action": "QuerySendDetails"}

CASES = (
    *map(before, ("hang_before", "reset_before", "close_before", "http_500_before", "http_502_before")),
    *map(before, ("http_503_before", "non_json_before")),
    *map(after, ("hang_after", "reset_after", "close_after", "http_500_after", "http_502_after")),
    *map(after, ("http_503_after", "non_json_after", "truncated_after")),
    Case(
        name="late_accept",
        rules=once("late_accept", seconds=1.4),
        hold=(1, "accepted lookup"),
        resend=(1, "accepted lookup"),
        remark="accepted after the worker gave up waiting, and before it believes that it is absent",
    ),
    Case(
        name="isp.SYSTEM_ERROR, accepted",
        rules=once("code", code="isp.SYSTEM_ERROR", accept=True),
        hold=(1, "accepted lookup"),
        resend=(1, "accepted lookup"),
        remark="Aliyun itself does not know",
    ),
    Case(
        name="isp.GATEWAY_ERROR, not accepted",
        rules=once("code", code="isp.GATEWAY_ERROR"),
        hold=(0, LOST),
        resend=(1, "accepted response"),
        remark="Aliyun itself does not know",
    ),
    Case(
        name="refuse",
        rules=(),
        away=True,
        more={"expires": 4},
        hold=(0, "not_sent"),
        resend=(0, "not_sent"),
        remark="nothing left; tried again until there is no time for it",
    ),
    Case(
        name="throttle",
        rules=once("throttling", times=2),
        hold=(1, "accepted response"),
        resend=(1, "accepted response"),
        remark="refused before it was looked at, so that it may be sent again",
    ),
    Case(
        name="throttle, with a time to wait",
        rules=once("throttling", retry_after_ms=1500),
        hold=(1, "accepted response"),
        resend=(1, "accepted response"),
        remark="waited for",
    ),
    Case(
        name="throttle for ever",
        rules=once("throttling", times=None),
        more={"expires": 4},
        hold=(0, "not_sent"),
        resend=(0, "not_sent"),
        remark="Aliyun looked at none of them",
    ),
    Case(
        name="slow look-up",
        rules=(("reset_after", {}), ("latency", {**LOOKUP, "seconds": 0.8, "times": None})),
        hold=(1, "accepted lookup"),
        resend=(1, "accepted lookup"),
        remark="it answers within the read time-out",
    ),
    Case(
        name="look-up down for a while",
        rules=(("reset_after", {}), ("http_502_before", {**LOOKUP, "times": 2})),
        hold=(1, "accepted lookup"),
        resend=(1, "accepted lookup"),
        requests=(1, 1),
        remark="a look-up that fails proves nothing",
    ),
    Case(
        name="look-up down",
        rules=(("reset_after", {}), ("hang_before", {**LOOKUP, "times": None})),
        more={"expires": 5},
        hold=(1, LOST),
        resend=(1, LOST),
        requests=(1, 1),
        remark="without a look-up nothing is sent again, and the caller is told after the job has expired",
    ),
    Case(
        name="look-up throttled, and empty pages",
        rules=(
            ("reset_after", {}),
            ("throttling", dict(LOOKUP)),
            ("empty_page", {}),
        ),
        hold=(1, "accepted lookup"),
        resend=(1, "accepted lookup"),
        requests=(1, 1),
        remark="an empty page with a total proves nothing",
    ),
    Case(
        name="record lags",
        rules=(("lookup_lag", {"seconds": 1.1}), ("reset_after", {})),
        hold=(1, "accepted response"),
        resend=(1, "accepted response"),
        remark="the first rule answers; the second meets nothing, for the job is not sent again",
    ),
    Case(
        name="lost twice",
        rules=once("reset_before", times=2),
        hold=(0, LOST),
        resend=(0, LOST),
        requests=(1, 2),
        remark="sent once more, once",
    ),
    Case(
        name="lost, and the second time accepted and lost",
        rules=(("reset_before", {}), ("reset_after", {})),
        hold=(0, LOST),
        resend=(1, "accepted lookup"),
        remark="the second request is looked up like the first",
    ),
    Case(
        name="flow control after a lost answer",
        rules=(
            ("reset_before", {}),
            ("code", {"code": "isv.BUSINESS_LIMIT_CONTROL", "message": "触发分钟级流控Permits:1"}),
        ),
        hold=(0, LOST),
        resend=(0, LOST),
        requests=(1, 2),
        remark="a minute's limit after an unknown attempt hints that it was accepted: looked up, never found",
    ),
    Case(
        name="rejected",
        rules=once("code", code="isv.MOBILE_NUMBER_ILLEGAL"),
        hold=(0, "rejected number"),
        resend=(0, "rejected number"),
        requests=(1, 1),
        remark="Aliyun's no is final",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of one case on one lane."""

    job: Job
    outcome: SendResult | SmsError


Table = dict[tuple[str, str, str], Ended]


def write(stage: Stage, name: str, of: str, **more: Any) -> None:
    """Write an element of that Type. A group has two accounts, each with half of the messages."""
    if of != "SMS.Group":
        stage.write(name, of, **more)
        return
    members = [
        stage.write(f"{name}{key}", **account, **more)
        for key, account in {"Main": {}, "Spare": OTHER}.items()
    ]
    stage.group(name, *({"element": each} for each in members))


@pytest.fixture(scope="module")
def done() -> Iterator[tuple[Stage, Table]]:
    """All cases of all Types on all lanes, sent at once and ended."""
    with Stage() as stage:
        for number, each in enumerate(SENDS):
            write(stage, f"Example{number}", each)
            write(stage, f"Away{number}", each, endpoint="http://127.0.0.1:9")
        jobs = {}
        with stage.worker(options=("--concurrency", "128")):
            for case, (number, of), lane in product(CASES, enumerate(SENDS), LANES):
                phone = new_phone()
                for kind, fields in case.rules:
                    stage.simulator.fault(kind, phone=phone, **fields)
                element = f"SMS.{'Away' if case.away else 'Example'}{number}"
                jobs[case.name, of, lane] = stage.send(element, phone, lane=lane, **case.more)
            table = {key: Ended(job=job, outcome=outcome(job)) for key, job in jobs.items()}
            for ended in table.values():
                stage.stored(ended.job)
            yield stage, table


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("of", SENDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_on_a_lane(done: tuple[Stage, Table], case: Case, of: str, lane: str) -> None:
    """Each fault ends in its outcome, after as many accepted messages as the table says."""
    stage, table = done
    ended = table[case.name, of, lane]
    resends = lane == "notification"
    times, word = case.resend if resends else case.hold
    end = ended.outcome
    told = f"accepted {end.resolved_by}" if isinstance(end, SendResult) else f"{end.outcome} {end.reason}"
    assert stage.simulator.accepted_count(ended.job.id) == times, case.remark
    # Whether a job that was never sent ends as its last failure or as expired is a matter of milliseconds.
    assert told.startswith(word), (told, case.remark)
    stored = stage.stored(ended.job)
    assert stored == end if isinstance(end, SmsError) else stored["outcome"] == "accepted"
    if case.requests is not None:
        requests = stage.simulator.requests(out_id=ended.job.id, action=SENDS[of])
        assert len(requests) == case.requests[resends]
        assert end.attempts == len(requests)
    if isinstance(end, RequestFailed):
        assert end.code == 46003


def test_nothing_is_left_over(done: tuple[Stage, Table]) -> None:
    """After all of it no job waits, no message is unacknowledged, and no number or code is left in Redis."""
    stage, table = done
    with stage.client() as client:
        assert all(client.zcard(agenda(f"SMS.Example{number}")) == 0 for number in range(len(SENDS)))
        assert all(client.hget(job_key(ended.job.id), "job") is None for ended in table.values())
        assert all(client.llen(f"sms.{lane}") == 0 for lane in LANES)
