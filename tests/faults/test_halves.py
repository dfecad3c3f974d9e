"""A campaign with guilty rows: whatever goes wrong meanwhile, they are refused and nobody else is."""

import random
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from aliyun_sms_simulator import SimulatorProcess
from smsjobs.campaign import Campaign, ReportRow
from support.campaign_stage import campaign_stage, held, look_soon, workers
from support.polling import until
from support.stage import TEMPLATE, Stage

pytestmark = pytest.mark.timeout(180)

COUNT, GUILTY = 6_000, 20
#: Halvings that lead to one recipient of a batch of 100.
DEPTH = 7
CODES = ("isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.UNSUPPORTED_CONTENT")
PEOPLE = [{"phone": str(13000000000 + n), "name": f"张{n}"} for n in range(COUNT)]

#: What happens to innocent requests, none of which stays unknown for it.
FAULTS = ("reset_after", "http_502_after", "truncated_after", "close_after", "throttling", "reset_after")


@pytest.fixture
def stage(simulator_process: SimulatorProcess) -> Iterator[Stage]:
    """A stage of the test's own."""
    with campaign_stage(simulator_process) as stage:
        # A refusal that a busy machine delivers too late is a lost answer without a trace, so it would stay unknown.
        stage.write(readTimeoutMs=10_000)
        yield stage


def test_exactly_the_guilty(stage: Stage) -> None:
    """Of 6,000 recipients exactly the 20 guilty ones are refused, all others get one message, amid faults and kills.

    A chunk that was in hand at the moment of a kill may stay unknown, as any chunk may. Another campaign sends to those.
    """
    guilty = accuse(stage)
    stage.simulator.set(latency_ms=50)
    for kind in FAULTS:
        stage.simulator.fault(kind, action="SendBatchSms", times=5, probability=0.1)
    campaign = start(stage, "guilty", PEOPLE)
    in_hand: set[str] = set()
    # Longer than a busy machine may hold up a worker that lives: its chunks must not look like a dead one's.
    with workers(stage, SMS_LEASE="10") as crew:
        for victim, reached in zip(crew, (8, 48), strict=True):
            until(lambda: campaign.progress().halved >= reached, "chunks are halved", timeout=60)  # noqa: B023
            if reached == 48:
                campaign.pause()
            victim.signal(signal.SIGSTOP)
            in_hand |= held(stage, campaign)
            victim.kill()
            victim.start(wait=False)
            campaign.resume()
            look_soon(stage, campaign)
        campaign.wait(timeout=90)
        refused, unknown = audit(stage, campaign, PEOPLE)
        others = {(row.out_id, row.reason) for row in unknown if row.out_id not in in_hand}
        assert not others, "unknown, and not in hand at a kill"
        phones = {row.phone for row in unknown}
        rest = [each for each in PEOPLE if each["phone"] in phones]
        if rest:
            again = start(stage, "again", rest)
            again.wait(timeout=90)
            more, unknown = audit(stage, again, rest)
            assert not unknown
            refused |= more
    assert len(refused - guilty) == 0, "somebody innocent was refused"
    assert len(guilty - refused) == 0, "somebody guilty was not refused"
    times = Counter(phone for each in stage.simulator.accepted() for phone in each["phones"])
    assert len(times) == COUNT - GUILTY
    assert set(times.values()) == {1}, "somebody got a message twice"


def accuse(stage: Stage) -> set[str]:
    """Have every request to one of these numbers refused."""
    chosen = random.Random(13).sample(PEOPLE, GUILTY)
    for n, each in enumerate(chosen):
        stage.simulator.fault("code", phone=each["phone"], code=CODES[n % len(CODES)], times=None)
    return {each["phone"] for each in chosen}


def start(stage: Stage, name: str, people: list[dict[str, str]]) -> Campaign:
    """A campaign to them."""
    element = stage.sms.getElement("SMS.Example")
    return element.campaign(name, recipients=people, verifyTemplateCode=TEMPLATE)


def audit(stage: Stage, campaign: Campaign, people: list[dict[str, str]]) -> tuple[set[str], list[ReportRow]]:
    """See that report, counters and the simulator's record agree; give who was refused, and the unknown rows."""
    rows = list(campaign.report())
    assert [row.line for row in rows] == list(range(1, len(people) + 1))
    ids = {phone: each["out_id"] for each in stage.simulator.accepted() for phone in each["phones"]}
    wrong = [row.line for row in rows if (row.outcome == "accepted") != (ids.get(row.phone) == row.out_id)]
    assert not wrong, f"{len(wrong)} rows are not as the simulator recorded them, the first ones {wrong[:3]}"
    refused = {row.phone for row in rows if row.outcome == "rejected"}
    unknown = [row for row in rows if row.outcome == "unknown"]
    progress = campaign.progress()
    assert (progress.state, progress.pending) == ("finished", 0)
    assert Counter(row.outcome for row in rows) == +Counter(
        {name: getattr(progress, name) for name in ("accepted", "rejected", "not_sent", "unknown")}
    )
    told = Counter(row.aliyun_code for row in rows if row.outcome == "rejected")
    assert told == {code: count for code, count in progress.by_code.items() if code in CODES}
    assert sum(progress.by_code.values()) == len(people)
    assert progress.halved <= len(refused | {row.phone for row in unknown}) * DEPTH
    return refused, unknown
