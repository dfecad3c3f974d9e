"""A steady load for half an hour: ``PYTHONPATH=tests python -m benchmarks.soak``. Memory must stay flat, and every job must be sent once.

Workers of all three lanes and the server of receipts run as the Procfile starts them, on a Redis and a simulator of their
own, on 127.0.0.1. Single jobs are sent at a steady rate. Some of them are throttled or rejected, some lose their answer, some
are cancelled. A small campaign begins each minute. Outcomes are kept for two minutes only, so that as much expires as comes.

The exit status is 1 where memory or the number of anything in Redis grew beyond its bound after the warm-up, or where a job was
lost or sent twice by the simulator's record. Ctrl-C ends everything.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from aliyun_sms_simulator import SimulatorControl
from benchmarks.contenders import Ours
from benchmarks.drain import drain
from benchmarks.lanes import start_lane, start_receipts
from benchmarks.processes import Processes
from benchmarks.samples import Sampler, growth, render
from benchmarks.short_retention import shorten
from benchmarks.stage import ELEMENT, PARAMS, TEMPLATE, Stage, phones
from smsjobs.contract import LANES

__all__ = ["Plan", "Result", "soak"]

_LATENCY_MS: Final = 100.0

#: The share of what one worker process can send that is sent.
_LOAD: Final = 0.6

#: The lanes of single jobs: seven of ten are notifications.
_LANES: Final = ("notification",) * 7 + ("verification",) * 2 + ("bulk",)

#: How many of a thousand single jobs meet what.
_FAULTS: Final = {"throttling": 10, "close_after": 5, "close_before": 2, "code": 5, "cancel": 5}

#: Lost answers are looked up soon, so that all jobs are settled long before their outcome expires.
_LOOKUPS: Final = "3,6,12"

#: Single jobs of each lane, and recipients of the first campaign, that are sent at once to fill what has a bound.
_BURST, _FIRST_CAMPAIGN = 200, 60_000

#: A job without an outcome after so many seconds is lost. Nothing waits that long here.
_LOST_S: Final = 90.0

_FINAL: Final = ("accepted", "rejected", "not_sent", "unknown")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done."""

    #: Seconds of sending.
    seconds: float = 1800
    #: Single jobs a second; None measures first what one process can.
    rate: float | None = None
    #: Seconds for which outcomes are kept.
    retention_s: float = 120
    #: Seconds between two samples.
    sample_s: float = 10
    #: Seconds between two campaigns, and the recipients of each.
    campaign_every_s: float = 60
    campaign_size: int = 2000

    @property
    def fills(self) -> bool:
        """Whether there is time to fill first what has a bound, and would look like growth until it is full.

        Those are the threads of each worker, and the chunks whose recipients the server of receipts remembers.
        """
        return self.seconds >= 600

    @property
    def warm_s(self) -> float:
        """Seconds until samples count: until as much expires as comes, twice over; at most a third of all."""
        return min(2 * self.retention_s + 60, self.seconds / 3)


@dataclass(kw_only=True)
class Result:
    """How it ended."""

    #: Single jobs by outcome.
    outcomes: Counter[str] = field(default_factory=Counter)
    #: Campaigns that ended with every recipient accepted.
    campaigns: int = 0
    #: What went wrong, a line each; nothing should.
    wrong: list[str] = field(default_factory=list)
    #: The samples as a table.
    table: str = ""

    def __str__(self) -> str:
        counted = ", ".join(f"{times:,} {state}" for state, times in self.outcomes.most_common())
        verdict = "\n".join(self.wrong) or "Nothing grew, nothing was lost, nothing was sent twice."
        return f"{self.table}\n\nSingle jobs: {counted}. Campaigns: {self.campaigns}.\n{verdict}"


class _Jobs:
    """The single jobs that were enqueued, until their outcome is known, and the outcomes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._lock = threading.Lock()
        self._open: dict[str, float] = {}
        self.ended: dict[str, str] = {}
        self.lost: list[str] = []

    def add(self, job_id: str) -> None:
        with self._lock:
            self._open[job_id] = time.monotonic()

    def look(self) -> int:
        """Look which of them are settled. Returns how many are open."""
        with self._lock:
            asked = list(self._open)
        now = time.monotonic()
        for first in range(0, len(asked), 1000):
            some = asked[first : first + 1000]
            for job_id, state in zip(some, self._stage.states(some), strict=True):
                if state in _FINAL:
                    self.ended[job_id] = state
                elif state is None or now - self._open[job_id] > _LOST_S:
                    self.lost.append(f"{job_id} is {state or 'gone'}")
                else:
                    continue
                with self._lock:
                    del self._open[job_id]
        return len(self._open)


class _Load:
    """Sends."""

    def __init__(self, stage: Stage, plan: Plan, rate: float, jobs: _Jobs) -> None:
        self._stage, self._plan, self._rate, self._jobs = stage, plan, rate, jobs
        self._element = stage.sms.getElement(ELEMENT)
        self._dice = random.Random(1)
        self._phones = phones(100_000_000)
        self.campaigns: list[Any] = []

    def run(self, sampling: Future[None], workers: Processes) -> None:
        """Send until the time is over, or until sampling or a worker fails."""
        for lane in LANES:
            for _ in range(_BURST if self._plan.fills else 1):
                self._jobs.add(
                    self._element.sendMessage([next(self._phones)], PARAMS, TEMPLATE, lane=lane).id
                )
        began = time.monotonic()
        sent = 0
        while (now := time.monotonic() - began) < self._plan.seconds:
            workers.check()
            if sampling.done():
                sampling.result()
            if now >= len(self.campaigns) * self._plan.campaign_every_s:
                self._begin_campaign()
            for _ in range(min(round(now * self._rate) - sent, round(self._rate))):
                self._send(sent)
                sent += 1
            time.sleep(0.02)

    def _send(self, number: int) -> None:
        phone, fault = next(self._phones), self._fault()
        if fault == "code":
            self._stage.simulator.fault("code", phone=phone, code="isv.MOBILE_NUMBER_ILLEGAL")
        elif fault not in (None, "cancel"):
            self._stage.simulator.fault(fault, phone=phone)
        job = self._element.sendMessage(
            [phone],
            PARAMS,
            TEMPLATE,
            lane=self._dice.choice(_LANES),
            countdown=20 if fault == "cancel" else 0,
            idempotency_key=f"soak:{number}" if number % 2 else None,
        )
        self._jobs.add(job.id)
        if fault == "cancel":
            job.cancel()

    def _fault(self) -> str | None:
        chance = self._dice.randrange(1000)
        for fault, share in _FAULTS.items():
            chance -= share
            if chance < 0:
                return fault
        return None

    def _begin_campaign(self) -> None:
        size = _FIRST_CAMPAIGN if self._plan.fills and not self.campaigns else self._plan.campaign_size
        # Other numbers than those of single jobs.
        people = (f"139{phone[3:]}" for phone in phones(size))
        name = f"soak-{len(self.campaigns)}"
        self.campaigns.append(
            self._element.campaign(name, recipients=people, verifyTemplateCode=TEMPLATE, params=PARAMS)
        )


def soak(plan: Plan) -> Result:
    """Do it, and judge."""
    shorten(plan.retention_s)
    run = (sys.executable, "-m", "benchmarks.short_retention", f"{plan.retention_s:g}")
    with Stage(records=20_000) as stage:
        rate = plan.rate or _LOAD * _capacity(stage)
        stage.clear(latency_ms=_LATENCY_MS)
        stage.settings |= {f"SMS_LOOKUPS_{lane.upper()}": _LOOKUPS for lane in LANES}
        with Processes(stage.directory) as workers:
            pids = {f"worker, {lane}": start_lane(workers, stage, lane, run=run)[0] for lane in LANES}
            stage.wait_for_workers(len(pids))
            pids["server of receipts"] = start_receipts(workers, stage, run=run)
            _tell(f"{rate:.0f} single jobs a second for {plan.seconds:g} s")
            return _run(stage, plan, rate, workers, Sampler(stage, pids))


def _capacity(stage: Stage) -> float:
    return drain(stage, Ours(1), latency_ms=_LATENCY_MS, backlog=6000, window_s=4).per_s


def _run(stage: Stage, plan: Plan, rate: float, workers: Processes, sampler: Sampler) -> Result:
    jobs, over = _Jobs(stage), threading.Event()
    load = _Load(stage, plan, rate, jobs)
    finished: set[str] = set()

    def sample() -> None:
        for at in itertools.count(1):
            sampler.take()
            left = jobs.look()
            finished.update(_finished(load.campaigns, finished))
            _tell(f"{sampler.last}, {left} jobs open")
            if over.wait(max(0.0, began + at * plan.sample_s - time.monotonic())):
                return

    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        sampling = pool.submit(sample)
        try:
            load.run(sampling, workers)
        finally:
            over.set()
        sampling.result()
    deadline = time.monotonic() + _LOST_S + 5
    while (jobs.look() or len(finished) < len(load.campaigns)) and time.monotonic() < deadline:
        finished.update(_finished(load.campaigns, finished))
        time.sleep(0.5)
    workers.check()
    result = Result(outcomes=Counter(jobs.ended.values()), campaigns=len(finished))
    result.wrong = [*_judge(stage, jobs), *growth(sampler.samples, warm_s=plan.warm_s)]
    if late := len(load.campaigns) - len(finished):
        result.wrong.append(f"{late} campaigns did not end with every recipient accepted")
    result.table = render(sampler.samples, warm_s=plan.warm_s)
    return result


def _finished(campaigns: Sequence[Any], known: set[str]) -> Iterator[str]:
    for each in [one for one in campaigns if one.id not in known]:
        progress = each.progress()
        if progress.state == "finished" and progress.accepted == progress.total:
            yield each.id


def _judge(stage: Stage, jobs: _Jobs) -> list[str]:
    """What the simulator's record says against the outcomes."""
    # Half a million counts take a while.
    counts = SimulatorControl(stage.simulator.control_url, timeout_s=60).accepted_counts()
    ended = jobs.ended.items()
    found = {
        "lost": jobs.lost,
        "sent twice": [each for each, times in counts.items() if times > 1],
        "accepted, but not by the simulator": [
            each for each, state in ended if state == "accepted" and each not in counts
        ],
        "not accepted, but by the simulator": [
            each for each, state in ended if state in ("rejected", "not_sent") and each in counts
        ],
    }
    return [f"{len(which)} {what}: {', '.join(which[:3])}" for what, which in found.items() if which]


def main() -> int:
    """Read the command line, soak and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=Plan.seconds, help="of sending (1800); it ends some 20 s later"
    )
    parser.add_argument("--rate", type=float, help="single jobs a second (60 %% of what one process can)")
    parser.add_argument("--retention", type=float, default=Plan.retention_s, help="seconds (120)")
    options = parser.parse_args()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _interrupt)
    try:
        result = soak(
            Plan(
                seconds=options.seconds,
                rate=options.rate,
                retention_s=options.retention,
                # A job is looked at several times before its outcome expires.
                sample_s=min(Plan.sample_s, options.retention / 6),
            )
        )
    except KeyboardInterrupt:
        return 130
    print(result)  # noqa: T201  it is what the program is for
    return 1 if result.wrong else 0


def _interrupt(number: int, frame: object) -> NoReturn:
    del number, frame
    # A second Ctrl-C must not keep the processes from being ended.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} load {os.getloadavg()[0]:.1f}, {line}", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
