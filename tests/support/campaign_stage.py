"""Campaigns of two pages through real worker processes, a planner to be killed, and the audit of every report."""

import csv
import os
import random
import re
import signal
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aliyun_sms_simulator import SimulatorProcess
from smsjobs.campaign import Campaign, ReportRow
from smsjobs.campaign.pages import PAGE
from smsjobs.contract import chunk_id
from support.keys import agenda, campaign_key, job_key
from support.nursery import run
from support.redis_server import RedisServer
from support.stage import TEMPLATE, Stage
from support.worker import WorkerProcess

#: Two pages as an application plans them, the second one shorter; and what is enough where chunks are of 100.
COUNT = PAGE + 2_000
FEW = 3_600
#: Most recipients of a page where `FEW` are planned: two pages again.
SHORT_PAGE = 3_000
FIRST = 13000000000

#: Line, kind ("good", "invalid", "duplicate") and number of each row of a file.
Rows = list[tuple[int, str, str]]


@contextmanager
def campaign_stage(simulator: SimulatorProcess) -> Iterator[Stage]:
    """A Redis of its own, which some tests restart. Its element waits long for an answer: only a fault is to lose one."""
    with RedisServer() as server, Stage(server, simulator) as stage:
        stage.write(readTimeoutMs=20_000)
        yield stage


@contextmanager
def workers(stage: Stage, count: int = 2, *, threads: int = 16, **more: str) -> Iterator[list[WorkerProcess]]:
    """Real workers of the bulk lane, started side by side."""
    options = ("--concurrency", str(threads))
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


def write_people(path: Path, *, personal: bool, count: int = COUNT) -> Rows:
    """A file with every kind of row and that many recipients; gives line, kind and number of each row."""
    chance = random.Random(5)
    rows: Rows = []
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["手机号", "name"] if personal else ["手机号"])
        line, sent = 1, 0
        while sent < count:
            line += 1
            kind = chance.choices(["good", "invalid", "duplicate"], [97, 2, 1])[0] if sent else "good"
            number = str(FIRST + (sent if kind == "good" else chance.randrange(sent)))
            if kind == "invalid":
                number = chance.choice(["", "12345", f"{number}0"])
            sent += kind == "good"
            rows.append((line, kind, number))
            writer.writerow([number, f"张{line}"] if personal else [number or " "])
    return rows


def plan(
    stage: Stage, path: Path, *, name: str = "autumn", dies: str = "", page_size: int = PAGE
) -> Campaign | None:
    """Start the campaign in a process of its own. None: that was killed at the step `dies`."""
    planned = run(
        "support.planner",
        *(str(path), TEMPLATE, name, dies, str(page_size)),
        env={**os.environ, "SMS_BROKER_URL": stage.server.url, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    if dies:
        assert planned.returncode == -signal.SIGKILL, f"it did not die {dies}"
        return None
    assert planned.returncode == 0, planned.stderr
    return stage.sms.campaign(planned.stdout.strip())


def start(stage: Stage, path: Path, *, page_size: int = PAGE) -> Campaign:
    """Start the campaign."""
    campaign = plan(stage, path, page_size=page_size)
    assert campaign is not None
    return campaign


def accepted(campaign: Campaign) -> int:
    """How many have been accepted by now."""
    return campaign.progress().accepted


def held(stage: Stage, campaign: Campaign) -> set[str]:
    """The chunks that workers hold, each of which may have a request under way."""
    client = stage.client()
    names = [chunk.partition(":")[0] for chunk in _active(stage, campaign)]
    active = job_ids(stage, campaign, names)
    return {job_id for job_id in active if client.hget(job_key(job_id), "token")}


def job_ids(stage: Stage, campaign: Campaign, names: Iterable[str]) -> list[str]:
    """The ids of those chunks' jobs."""
    generation = str(stage.client().hget(campaign_key(campaign.id), "generation"))
    return [chunk_id(campaign.id, generation, name) for name in names]


def look_soon(stage: Stage, campaign: Campaign) -> None:
    """Have the sweep look now at the chunks that are jobs, for a killed worker may have taken their messages with it."""
    client = stage.client()
    now_ms = int(client.time()[0]) * 1000
    names = [chunk.partition(":")[0] for chunk in _active(stage, campaign)]
    for job_id in job_ids(stage, campaign, names):
        client.hset(job_key(job_id), "requeue", "500")
        client.zadd(agenda("SMS.Example"), {job_id: now_ms}, xx=True, lt=True)


def under_way(stage: Stage, campaign: Campaign) -> int:
    """How many chunks are jobs without an outcome."""
    return len(_active(stage, campaign))


def _active(stage: Stage, campaign: Campaign) -> set[str]:
    return {str(each) for each in stage.client().smembers(campaign_key(campaign.id, "active"))}


def explain(stage: Stage, campaign: Campaign, *, killed: set[str]) -> None:
    """See that nothing is unknown or rejected but what the faults that requests met explain, and all of that.

    Args:
        killed: Chunks that workers held when one of them was killed.
    """
    chunks: dict[str, set[str]] = defaultdict(set)
    for row in campaign.report():
        chunks[row.reason if row.outcome == "unknown" else row.outcome].add(str(row.out_id))
    met: dict[str, set[str]] = defaultdict(set)
    for each in stage.simulator.requests():
        if each["action"] != "QuerySendDetails" and each["fault"] and not each["accepted"]:
            met[each["fault"]].add(each["out_id"])
    refused, lost = met["code"], met["hang_before"] | met["http_503_before"]
    interrupted = chunks["interrupted"]
    assert interrupted <= killed, f"interrupted, but not by the kill: {interrupted - killed}"
    told = chunks["no_answer"]
    assert told == lost - interrupted, f"unknown: {told}, lost by a fault: {lost}, by the kill: {interrupted}"
    # Each was refused once, and so were no halves of it.
    assert not chunks["rejected"]
    halved = campaign.progress().halved
    assert halved == len(refused - interrupted), f"halved: {halved}, refused: {refused}, lost: {interrupted}"
    assert lost or refused, "no request met a fault"


def audit(stage: Stage, campaign: Campaign, rows: Rows) -> Counter[str]:
    """See that the report has every row once and agrees with the simulator's record; counts the outcomes.

    Both ways: what the report says of a row is in the record, and whoever is in the record is `accepted` or `unknown`
    in the report. The look-ups of these tests do work, so `unknown` is nobody whom the record has.
    """
    report = list(campaign.report())
    assert [(row.line, row.phone.strip()) for row in report] == [(line, number) for line, _, number in rows]
    kinds = {"invalid": "invalid", "duplicate": "duplicate"}
    for row, (_, kind, _) in zip(report, rows, strict=True):
        assert (row.outcome in kinds) == (kind in kinds)
        assert kind in ("good", row.outcome)
    _compare(stage, report)
    counts = Counter(row.outcome for row in report)
    progress = campaign.progress()
    for name in ("accepted", "rejected", "not_sent", "unknown", "pending", "invalid"):
        assert getattr(progress, name) == counts[name], name
    assert progress.duplicates == counts["duplicate"]
    assert progress.total == sum(kind == "good" for _, kind, _ in rows)
    assert sum(progress.by_code.values()) == progress.total - progress.pending
    return counts


def _compare(stage: Stage, report: list[ReportRow]) -> None:
    """Both ways, naming lines and never numbers."""
    record = [(each["out_id"], each["biz_id"], each["phones"]) for each in stage.simulator.accepted()]
    times = Counter(phone for *_, phones in record for phone in phones)
    assert sum(each > 1 for each in times.values()) == 0, "somebody got a message twice"
    ids = {phone: (out_id, biz_id) for out_id, biz_id, phones in record for phone in phones}
    told: dict[str, ReportRow] = {
        row.phone: row for row in report if row.outcome not in ("invalid", "duplicate")
    }
    assert len(ids.keys() - told.keys()) == 0, "somebody got a message who is no recipient"
    wrong = [
        (row.line, row.outcome, row.out_id)
        for phone, row in told.items()
        if not _agree(row, ids.get(phone)) and row.outcome != "pending"
    ]
    assert not wrong, f"{len(wrong)} rows are not as the simulator recorded them, the first ones {wrong[:3]}"


def _agree(row: ReportRow, there: tuple[str, str] | None) -> bool:
    if row.outcome != "accepted":
        return there is None
    # A look-up does not tell the BizId.
    return there is not None and row.out_id == there[0] and row.biz_id in (there[1], None)
