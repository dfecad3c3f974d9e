"""``make bench``: measure everything side by side on this machine, and print the table.

Everything runs on 127.0.0.1: a Redis of its own, a simulated Aliyun, and workers. Each is ended by its own process id.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from benchmarks import campaigns
from benchmarks.ceiling import simulator_ceiling
from benchmarks.codes import send_codes, send_plain_codes
from benchmarks.contenders import CONTENDERS, Plain
from benchmarks.drain import Drained, drain
from benchmarks.enqueue import enqueue_ours, enqueue_plain
from benchmarks.imports import import_cost
from benchmarks.lanes import commands, start_lane
from benchmarks.layer_table import layer_table
from benchmarks.other_queues import OTHER_QUEUES
from benchmarks.processes import Processes
from benchmarks.stage import Stage
from benchmarks.table import Row, Target, lines, number, render
from benchmarks.timing import Latency

#: Milliseconds that the simulated Aliyun takes to answer.
_LATENCIES_MS: Final = (100.0, 0.0)
#: The latency to which the targets apply.
_USUAL_MS: Final = 100.0


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    #: How many times the contenders are measured, one after the other.
    rounds: int
    #: Seconds of counting while a backlog is drained.
    window_s: float
    #: Jobs of a backlog for each second of counting.
    backlog_per_s: int
    #: Messages that are enqueued.
    messages: int
    #: Seconds of sending codes, without and with a campaign.
    codes_s: float
    #: Recipients of the campaign that runs while codes are sent.
    load: int
    #: Recipients of the campaigns that are measured: with one text for all, with a text for each.
    shared: int
    personal: int
    #: How many times imports are measured.
    imports: int


FULL: Final = Scale(
    rounds=2,
    window_s=6,
    backlog_per_s=1300,
    messages=5000,
    codes_s=20,
    load=1_000_000,
    shared=1_000_000,
    personal=200_000,
    imports=7,
)
QUICK: Final = Scale(
    rounds=1,
    window_s=3,
    backlog_per_s=1500,
    messages=1000,
    codes_s=8,
    load=300_000,
    shared=200_000,
    personal=40_000,
    imports=3,
)


def measure(stage: Stage, scale: Scale, queues: list[str]) -> Iterator[Row]:
    """Return all rows, each as soon as it is known.

    Args:
        queues: Gets the tables that have every contender of the draining, one for each latency.
    """
    ceiling = simulator_ceiling(stage, count=scale.messages)
    yield Row(name="requests the simulator can take by itself", unit="1/s", ours=ceiling)
    plain_per_s: dict[float, float] = {}
    for latency_ms in _LATENCIES_MS:
        rounds = _drained(stage, scale, latency_ms)
        queues.append(_queue_table(latency_ms, rounds))
        plain_per_s[latency_ms] = max(fmean(each[n].per_s for each in rounds) for n in (1, 2))
        yield from _throughput_rows(latency_ms, rounds)
    yield from _handing_over(stage, scale)
    for latency_ms in _LATENCIES_MS:
        yield from _lanes(stage, scale, latency_ms, plain_per_s[latency_ms])
    yield from _imports(stage, scale)


def _jobs(stage: Stage, scale: Scale, queues: list[str]) -> Iterator[Row]:
    for latency_ms in _LATENCIES_MS:
        rounds = _drained(stage, scale, latency_ms)
        queues.append(_queue_table(latency_ms, rounds))
        yield from _throughput_rows(latency_ms, rounds)


def _drained(stage: Stage, scale: Scale, latency_ms: float) -> list[list[Drained]]:
    return [
        [
            drain(
                stage,
                each,
                latency_ms=latency_ms,
                backlog=round(scale.backlog_per_s * (scale.window_s + 2)),
                window_s=scale.window_s,
            )
            for each in (*CONTENDERS, *OTHER_QUEUES)
        ]
        for _ in range(scale.rounds)
    ]


def _throughput_rows(latency_ms: float, rounds: list[list[Drained]]) -> Iterator[Row]:
    yield from _rate_rows(latency_ms, rounds)
    yield from _cost_rows(latency_ms, rounds)


def _rate_rows(latency_ms: float, rounds: list[list[Drained]]) -> Iterator[Row]:
    per_s = [fmean(each[n].per_s for each in rounds) for n in range(len(rounds[0]))]
    ours, prefork, threads, one, *others = per_s
    name = f"jobs drained from a backlog, Aliyun {latency_ms:.0f} ms"
    usual = latency_ms == _USUAL_MS
    yield Row(
        name=f"{name}, one process, to threads",
        unit="1/s",
        ours=one,
        threads=threads,
        ratio=fmean(each[3].per_s / each[2].per_s for each in rounds),
        target=Target(bound=2, kind="least") if usual else None,
    )
    name = f"{name}, two processes"
    yield Row(
        name=f"{name}, to prefork",
        unit="1/s",
        ours=ours,
        prefork=prefork,
        threads=threads,
        ratio=fmean(each[0].per_s / each[1].per_s for each in rounds),
        target=Target(bound=7, kind="least") if usual else None,
    )
    best = others.index(max(others))
    yield Row(
        name=f"{name}, to {OTHER_QUEUES[best].name} ({number(others[best])}/s)",
        unit="1/s",
        ours=ours,
        ratio=fmean(each[0].per_s / each[len(CONTENDERS) + best].per_s for each in rounds),
        target=Target(bound=1.25 if usual else 1, kind="least"),
    )


def _queue_table(latency_ms: float, rounds: list[list[Drained]]) -> str:
    head = (
        f"Aliyun {latency_ms:.0f} ms",
        *("jobs/s", "smsjobs, 2 processes, to it", "ms CPU of workers a job"),
        *("ms CPU of Redis a job", "round trips a job", "MB of workers"),
    )
    table: list[tuple[str, ...]] = [head]
    for n, contender in enumerate((*CONTENDERS, *OTHER_QUEUES)):
        ratio = fmean(each[0].per_s / each[n].per_s for each in rounds)
        values = (
            fmean(each[n].worker_cpu_ms for each in rounds),
            fmean(each[n].redis_cpu_ms for each in rounds),
            fmean(each[n].round_trips for each in rounds),
            fmean(each[n].memory_mb for each in rounds),
        )
        per_s = number(fmean(each[n].per_s for each in rounds))
        table.append((contender.name, per_s, f"{ratio:.2f}×", *map(number, values)))
    return lines(table)


def _cost_rows(latency_ms: float, rounds: list[list[Drained]]) -> Iterator[Row]:
    costs: tuple[tuple[str, str, Callable[[Drained], float], float | None], ...] = (
        ("CPU of the workers for a job", "ms", lambda each: each.worker_cpu_ms, 1.2),
        ("CPU of Redis for a job", "ms", lambda each: each.redis_cpu_ms, 0.2),
        ("round trips to Redis for a job", "", lambda each: each.round_trips, None),
        ("memory of all worker processes", "MB", lambda each: each.memory_mb, None),
    )
    for name, unit, value, most in costs:
        ours, prefork, threads = (fmean(value(each[n]) for each in rounds) for n in range(3))
        yield Row(
            name=f"{name}, Aliyun {latency_ms:.0f} ms, to threads",
            unit=unit,
            ours=ours,
            prefork=prefork,
            threads=threads,
            ratio=ours / threads,
            target=None if most is None else Target(bound=most, kind="most", of="value"),
        )


def _handing_over(stage: Stage, scale: Scale) -> Iterator[Row]:
    ours, plain = enqueue_ours(stage, scale.messages), enqueue_plain(stage, scale.messages)
    yield Row(
        name="messages handed over, one thread",
        unit="1/s",
        ours=ours.per_s,
        threads=plain.per_s,
        ratio=ours.per_s / plain.per_s,
    )
    yield Row(name="one sendMessage, p50", unit="ms", ours=ours.latency.p50_ms, threads=plain.latency.p50_ms)
    yield Row(
        name="one sendMessage, p99",
        unit="ms",
        ours=ours.latency.p99_ms,
        threads=plain.latency.p99_ms,
        target=Target(bound=5, kind="most", of="value"),
    )


def _plain_codes(stage: Stage, scale: Scale, latency_ms: float) -> Latency:
    stage.clear(latency_ms=latency_ms)
    with Processes(stage.directory) as workers:
        Plain("threads", 32).start(workers, stage)
        stage.wait_for_workers(1)
        return send_plain_codes(stage, seconds=scale.codes_s)


def _lanes(stage: Stage, scale: Scale, latency_ms: float, plain_per_s: float) -> Iterator[Row]:
    """Measure codes and campaigns, each with its lane's own workers.

    Args:
        plain_per_s: Messages a second of a plain worker. Its campaign is one job for each recipient.
    """
    plain = _plain_codes(stage, scale, latency_ms)
    stage.clear(latency_ms=latency_ms)
    with Processes(stage.directory) as codes, Processes(stage.directory) as bulk:
        start_lane(codes, stage, "verification")
        start_lane(bulk, stage, "bulk")
        stage.wait_for_workers(len(commands("verification")) + len(commands("bulk")))
        idle = send_codes(stage, seconds=scale.codes_s)
        load = campaigns.plan(stage, "personal", scale.load)
        busy = send_codes(stage, seconds=scale.codes_s)
        if load.progress().pending == 0:
            raise RuntimeError("the campaign ended before the codes")
        load.cancel()
        load.wait(timeout=120)
        yield from _code_rows(latency_ms, scale, idle, busy, plain)
        for label, kind, count in (
            ("one text for all", "shared", scale.shared),
            ("a text for each", "personal", scale.personal),
        ):
            stage.wait_for_rest()
            sent = campaigns.send(stage, "shared" if kind == "shared" else "personal", count)
            name = (
                f"campaign, {label} ({sent.recipients_per_request:.0f} a request), Aliyun {latency_ms:.0f} ms"
            )
            yield Row(
                name=name,
                unit="recipients/s",
                ours=sent.per_s,
                threads=plain_per_s,
                ratio=sent.per_s / plain_per_s,
            )
            yield Row(name=f"{name}, planning", unit="recipients/s", ours=sent.planned_per_s)
            yield Row(name=f"{name}, the simulator by itself", unit="recipients/s", ours=sent.simulator_per_s)


def _code_rows(
    latency_ms: float, scale: Scale, idle: Latency, busy: Latency, plain: Latency
) -> Iterator[Row]:
    name = f"verification code, Aliyun {latency_ms:.0f} ms"
    yield Row(
        name=f"{name}, idle, p50",
        unit="ms",
        ours=idle.p50_ms,
        threads=plain.p50_ms,
        ratio=idle.p50_ms / plain.p50_ms,
    )
    yield Row(
        name=f"{name}, idle, p99",
        unit="ms",
        ours=idle.p99_ms,
        threads=plain.p99_ms,
        ratio=idle.p99_ms / plain.p99_ms,
    )
    name = f"{name}, during a campaign of {scale.load:,}, to idle"
    yield Row(name=f"{name}, p50", unit="ms", ours=busy.p50_ms, ratio=busy.p50_ms / idle.p50_ms)
    yield Row(
        name=f"{name}, p99",
        unit="ms",
        ours=busy.p99_ms,
        ratio=busy.p99_ms / idle.p99_ms,
        target=Target(bound=2, kind="most") if latency_ms == _USUAL_MS else None,
    )


def _imports(stage: Stage, scale: Scale) -> Iterator[Row]:
    cost = import_cost(stage, times=scale.imports)
    yield Row(
        name="import, to `import celery, redis`",
        unit="CPU ms",
        ours=cost.ours_ms,
        threads=cost.celery_ms,
        ratio=cost.ours_ms / cost.celery_ms,
    )
    yield Row(
        name="import and first publish, to Celery's",
        unit="CPU ms",
        ours=cost.ours_publish_ms,
        threads=cost.celery_publish_ms,
        ratio=cost.ours_publish_ms / cost.celery_publish_ms,
        target=Target(bound=1.2, kind="most"),
    )


def main() -> int:
    """Measure and print. The exit status does not depend on the targets, because they depend on the machine's load."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, in under 4 minutes")
    parser.add_argument("--jobs", action="store_true", help="only the rows of jobs drained from a backlog")
    parser.add_argument(
        "--layers", action="store_true", help="the CPU of one job by layer, instead of the table"
    )
    options = parser.parse_args()
    began = time.monotonic()
    rows: list[Row] = []
    queues: list[str] = []
    if not options.layers:
        for each in OTHER_QUEUES:
            _tell(f"the environment of {each.name} ...")
            each.install()
    with Stage() as stage:
        if options.layers:
            print(layer_table(stage, jobs=3000))  # noqa: T201  the table is what the program is for
            return 0
        _tell(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
        scale = QUICK if options.quick else FULL
        for row in (_jobs if options.jobs else measure)(stage, scale, queues):
            _tell("  ".join(each for each in row.cells() if each))
            rows.append(row)
    print(*queues, render(rows), sep="\n\n")  # noqa: T201  the tables are what the program is for
    _tell(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f} at the end")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
