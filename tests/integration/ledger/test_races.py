"""Many at once: threads over both kinds of Redis, processes over the real one."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
import redis

from smsjobs.contract import IdempotencyConflict
from smsjobs.ledger import Granted, Ledger
from smsjobs.redis_store import connect_redis
from support.ledgers import LEASE_S, Clock, a_job, accepted, assert_nothing_is_lost, failed, granted, to_send
from support.processes import in_processes, meet

T = TypeVar("T")


def at_once(count: int, do: Callable[[int], T]) -> list[T]:
    """What each of `count` threads gave that began in the same moment."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> T:
        barrier.wait()
        return do(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


@pytest.fixture
def many(connect: Callable[[], redis.Redis], clock: Clock) -> Callable[[int], list[Ledger]]:
    """As many ledgers in one Redis, each with a client of its own."""
    return lambda count: [Ledger(connect(), clock=clock) for _ in range(count)]


def test_racing_threads_with_one_key_get_one_job(many: Callable[[int], list[Ledger]]) -> None:
    """Of twelve threads with the same key and payload one records, and all get the same job."""
    ledgers = many(12)
    for n in range(5):
        recorded = at_once(12, lambda i: ledgers[i].record(a_job(idempotency_key=f"k{n}")))  # noqa: B023
        assert len({each.job_id for each in recorded}) == 1
        assert sum(each.new for each in recorded) == 1
        assert ledgers[0].waiting() == n + 1


def test_racing_payloads_with_one_key_conflict(many: Callable[[int], list[Ledger]]) -> None:
    """Of eight threads with one key and eight payloads one wins, and seven are told which job has the key."""
    ledgers = many(8)

    def record(i: int) -> str:
        try:
            return "new " + ledgers[i].record(a_job(idempotency_key="k", params={"code": str(i)})).job_id
        except IdempotencyConflict as conflict:
            return f"conflict {conflict.out_id}"

    found = at_once(8, record)
    assert Counter(answer.split()[0] for answer in found) == {"new": 1, "conflict": 7}
    assert len({answer.split()[1] for answer in found}) == 1


def test_racing_claims_have_one_winner(many: Callable[[int], list[Ledger]]) -> None:
    """Of twelve threads that claim a job one holds it."""
    ledgers = many(12)
    for _ in range(5):
        job = a_job()
        ledgers[0].record(job)
        claims = at_once(12, lambda i: ledgers[i].claim(job.id, f"token-{i}", lease_s=LEASE_S))  # noqa: B023
        assert sum(isinstance(claim, Granted) for claim in claims) == 1


def test_racing_settlements_have_one_outcome(many: Callable[[int], list[Ledger]], clock: Clock) -> None:
    """Of stale holders, the holder and the sweep, all settling at once, one outcome stands and all are told it."""
    ledgers = many(9)
    job = a_job()
    ledgers[0].record(job)
    for i in range(8):
        granted(ledgers[i], job, f"token-{i}")
        clock.pass_(LEASE_S)

    def settle(i: int) -> tuple[bool, str | None]:
        outcome = accepted(job, attempts=i) if i < 7 else failed(job, "unknown")
        settlement = ledgers[i].settle(job.id, f"token-{i}" if i < 8 else "", outcome)
        return settlement.ours, settlement.outcome

    found = at_once(9, settle)
    assert sum(ours for ours, _ in found) == 1
    (winner,) = [outcome for ours, outcome in found if ours]
    assert {outcome for _, outcome in found} <= {winner, None}
    stored = ledgers[0].read(job.id)
    assert stored is not None
    assert stored.outcome == winner


def test_racing_sweeps_hand_out_each_job_once(many: Callable[[int], list[Ledger]], clock: Clock) -> None:
    """Of 8 threads that sweep 200 due jobs at once, each job is handed to exactly one."""
    ledgers = many(8)
    jobs = [a_job(lane_name="bulk") for _ in range(200)]
    for job in jobs:
        ledgers[0].record(job)
    for job in jobs[:50]:
        granted(ledgers[0], job)
    clock.pass_(30)

    def sweep(i: int) -> list[str]:
        found: list[str] = []
        while batch := ledgers[i].sweep(limit=7):
            found += [due.job_id for due in batch]
        return found

    handed_out = Counter(job_id for found in at_once(8, sweep) for job_id in found)
    assert handed_out == {job.id: 1 for job in jobs}


def test_claims_waits_and_sweeps_at_once_lose_nothing(
    many: Callable[[int], list[Ledger]], client: redis.Redis, clock: Clock
) -> None:
    """While some threads claim, give back and settle and others sweep, every job stays in sight and ends once."""
    ledgers = many(6)
    jobs = [a_job(expires=86400) for _ in range(30)]
    for job in jobs:
        ledgers[0].record(job)
    settled: Counter[str] = Counter()

    def work(i: int) -> None:
        for lap in range(4):
            for job in jobs:
                token = f"{i}-{lap}"
                if i >= 4:
                    ledgers[i].sweep(limit=10)
                    clock.pass_(0.05)
                    continue
                claim = ledgers[i].claim(job.id, token, lease_s=LEASE_S)
                if isinstance(claim, Granted) and lap < 2:
                    ledgers[i].wait(job.id, token, to_send())
                elif isinstance(claim, Granted) and ledgers[i].settle(job.id, token, accepted(job)).ours:
                    settled[job.id] += 1

    at_once(6, work)
    assert_nothing_is_lost(client)
    for job in jobs:
        if not settled[job.id]:
            clock.pass_(LEASE_S)
            granted(ledgers[0], job, "end")
            assert ledgers[0].settle(job.id, "end", accepted(job)).ours
            settled[job.id] += 1
    assert settled == {job.id: 1 for job in jobs}
    assert ledgers[0].waiting() == 0


def _record_in_a_process(number: int, url: str) -> tuple[str, bool]:
    client = connect_redis(url, timeout_s=30)
    ledger = Ledger(client)
    client.ping()
    meet()
    recorded = ledger.record(a_job(id=f"process-{number}", idempotency_key="k"))
    client.close()
    return recorded.job_id, recorded.new


def test_racing_processes_with_one_key_get_one_job(redis_url: str) -> None:
    """Of four processes with the same key and payload one records, and all get the same job."""
    found = in_processes(4, _record_in_a_process, redis_url)
    assert len({job_id for job_id, _ in found}) == 1
    assert sorted(new for _, new in found) == [False, False, False, True]


def test_outcome_is_read_whole_while_it_is_written(many: Callable[[int], list[Ledger]]) -> None:
    """Who reads while others settle sees either no outcome or a whole one."""
    ledgers = many(4)
    jobs = [a_job() for _ in range(40)]
    for job in jobs:
        ledgers[0].record(job)
        granted(ledgers[0], job)

    def act(i: int) -> None:
        for job in jobs:
            if i == 0:
                ledgers[i].settle(job.id, "token", accepted(job))
                continue
            found = ledgers[i].read(job.id)
            assert found is not None
            assert found.status in ("sending", "accepted")
            assert (found.outcome is None) == (found.status == "sending")
            if found.outcome:
                assert json.loads(found.outcome) == accepted(job)

    at_once(4, act)
