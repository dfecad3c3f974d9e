"""What a job costs in the ledger's Redis: ``PYTHONPATH=tests python -m benchmarks.ledger``.

Several processes record, claim and settle jobs as fast as they can, and take a receipt of each; nothing is sent, and no broker takes part. So Redis is
what is measured: its processor time, and its memory for a job that waits and for one that is settled. On a machine with few cores
the rate is that of the machine: take the processor time.

Celery's result is stored in the step that settles, as a worker does.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from typing import Final

import redis

from smsjobs.contract import SendResult, encode_outcome, encode_result, make_job, new_job_id
from smsjobs.delivery import DeliveryStore, Report
from smsjobs.embedded import TemporaryRedis
from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis

_ELEMENT: Final = "SMS.Bench"
_PARAMS: Final = {"code": "123456"}
_STEPS: Final = ("record", "claim", "settle", "receipt")

#: Receipts of one push.
_PUSH: Final = 100


def _ledger(url: str) -> Ledger:
    return Ledger(connect_redis(url, timeout_s=30))


def _phone(number: int) -> str:
    return f"138{number % 100_000_000:08d}"


def _record(url: str, count: int) -> list[str]:
    ledger = _ledger(url)
    ids = []
    for number in range(count):
        job = make_job(
            id=new_job_id(_ELEMENT),
            element=_ELEMENT,
            phoneList=[_phone(number)],
            params=_PARAMS,
            verifyTemplateCode="SMS_123456789",
        )
        ledger.record(job)
        ids.append(job.id)
    return ids


def _claim(url: str, ids: list[str]) -> list[tuple[str, str]]:
    ledger = _ledger(url)
    held = [(each, uuid.uuid4().hex) for each in ids]
    for job_id, token in held:
        ledger.claim(job_id, token, lease_s=300)
    return held


def _settle(url: str, held: list[tuple[str, str]]) -> list[str]:
    ledger = _ledger(url)
    response = {
        "Code": "OK",
        "Message": "OK",
        "BizId": "900000000000000000^0",
        "RequestId": str(uuid.uuid4()).upper(),
    }
    for job_id, token in held:
        outcome = SendResult(response=response, out_id=job_id, attempts=1)
        stored = {"status": "SUCCESS", "result": encode_result(outcome), "task_id": job_id}
        result = f"celery-task-meta-{job_id}", json.dumps(stored)
        ledger.settle(job_id, token, encode_outcome(outcome), result=result)
    return [job_id for job_id, _ in held]


def _receive(url: str, ids: list[str]) -> None:
    store, now = DeliveryStore(_ledger(url)), datetime.now(UTC)
    reports = [
        Report(
            job_id=each,
            phone=_phone(number),
            success=True,
            err_code="DELIVERED",
            parts=1,
            sent_at=now,
            reported_at=now,
            source="push",
        )
        for number, each in enumerate(ids)
    ]
    for first in range(0, len(reports), _PUSH):
        store.take(reports[first : first + _PUSH])


def _used(client: redis.Redis) -> tuple[float, int, int]:
    """Seconds of processor time, bytes of memory, and commands, scripts' own included."""
    info = client.info("everything")
    calls = sum(each["calls"] for name, each in info.items() if str(name).startswith("cmdstat_"))
    return info["used_cpu_sys"] + info["used_cpu_user"], info["used_memory"], calls


def measure(url: str, *, jobs: int, processes: int) -> None:
    """Measure, and print a line for each step."""
    client = redis.Redis.from_url(url)
    each = jobs // processes
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("forkserver")) as pool:
        list(pool.map(_record, [url] * processes, [1] * processes))  # everything is loaded
        client.flushall()
        cpu_s, memory, calls = _used(client)
        total_s, given = 0.0, [each] * processes
        for name, step in zip(_STEPS, (_record, _claim, _settle, _receive), strict=True):
            begun = time.perf_counter()
            given = list(pool.map(step, [url] * processes, given))
            took = time.perf_counter() - begun
            now_cpu_s, now_memory, now_calls = _used(client)
            count, total_s = each * processes, total_s + now_cpu_s - cpu_s
            sys.stdout.write(
                f"{name:8}{count / took:8.0f} a second, {(now_cpu_s - cpu_s) / count * 1e6:6.1f} µs of Redis, "
                f"{(now_calls - calls) / count:4.1f} commands, {(now_memory - memory) / count:+7.0f} bytes a job\n"
            )
            sys.stdout.flush()
            cpu_s, memory, calls = now_cpu_s, now_memory, now_calls
    sys.stdout.write(
        f"together {total_s / count * 1e6:.0f} µs a job: {count / total_s:.0f} jobs a second of one core\n"
    )


def main() -> None:
    """Read the command line, and measure on a Redis of one's own or on a given one, which is emptied."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--url", help="a Redis to measure; ALL that is in it is deleted")
    options = parser.parse_args()
    if options.url:
        measure(options.url, jobs=options.jobs, processes=options.processes)
        return
    with TemporaryRedis() as server:
        measure(server.url, jobs=options.jobs, processes=options.processes)


if __name__ == "__main__":
    main()
