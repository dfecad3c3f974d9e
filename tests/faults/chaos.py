"""A long random run: jobs under keys over all lanes, random faults, workers killed, Redis restarted.

    make chaos ARGS="--seconds 600 --seed 7"

The seed decides every job, its fault, and after which job which harm is done; it is printed, and the same seed does
the same again, as far as the scheduling of processes allows. The judge is the simulator's own record. Counted
strictly are jobs whose lost answers are held; those that are sent once more may be accepted twice by definition
(`on_unknown="resend"`), and are counted apart.
"""

import argparse
import itertools
import random
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from aliyun_sms_simulator import SimulatorProcess
from smsjobs import Job, QueueUnavailable
from smsjobs.contract import LANES
from support.polling import until
from support.stage import Count, Stage, count

FAULTS = (
    *("hang_before", "hang_after", "reset_before", "reset_after", "close_before", "close_after"),
    *("http_500_before", "http_500_after", "http_502_before", "http_502_after", "http_503_before"),
    *("http_503_after", "non_json_before", "non_json_after", "truncated_after", "throttling", "latency"),
)
HARMS = (
    "kill",
    "kill",
    "kill",
    "term",
    "stop",
    "redis killed",
    "redis paused",
    "cut",
    "refuse",
    "look-ups down",
)

#: Jobs a second, so that a run on two cores is about the faults and not about the load.
PACE = 150

#: One job in so many meets a fault, is enqueued again under its key, is harmed after, is sent once more if lost.
FAULT_IN, AGAIN_IN, HARM_IN, RESEND_IN = 5, 10, 60, 6


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One job, and what goes wrong with it and after it."""

    number: int
    lane: str
    fault: str | None
    again: bool
    resend: bool
    harm: str | None

    @property
    def phone(self) -> str:
        """Its number, one for each job."""
        return str(13800000000 + self.number)


def plans(seed: int) -> Iterator[Plan]:
    """What a seed leads to, without end."""
    dice = random.Random(seed)
    for number in itertools.count():
        yield Plan(
            number=number,
            lane=dice.choice(tuple(LANES)),
            fault=dice.choice(FAULTS) if dice.randrange(FAULT_IN) == 0 else None,
            again=dice.randrange(AGAIN_IN) == 0,
            resend=dice.randrange(RESEND_IN) == 0,
            harm=dice.choice(HARMS) if dice.randrange(HARM_IN) == HARM_IN - 1 else None,
        )


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a run ended."""

    seed: int
    jobs: int
    harms: Counter[str]
    #: Jobs whose lost answers are held, counted strictly.
    held: Count
    #: Jobs that are sent once more.
    resent: Count
    #: Keys that led to more than one job.
    split: int

    def __str__(self) -> str:
        harms = ", ".join(f"{name} {times}" for name, times in sorted(self.harms.items()))
        return "\n".join(
            (
                f"seed {self.seed}: {self.jobs} jobs; {harms}",
                f"  held:   {_counts(self.held)}",
                f"  resend: {_counts(self.resent)}",
                f"  accepted twice {len(self.held.twice)}, lost {len(self.held.open) + len(self.resent.open)}",
            )
        )

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        wrong = (*self.held.twice, *self.held.open, *self.resent.open)
        lies = (*self.held.invented, *self.held.denied, *self.resent.invented, *self.resent.denied)
        return not (wrong or lies or self.split)


def _counts(counted: Count) -> str:
    outcomes = ", ".join(f"{name} {times}" for name, times in sorted(counted.outcomes.items()))
    return (
        f"{outcomes or 'none'}; accepted twice {len(counted.twice)}, without an outcome {len(counted.open)}, "
        f"accepted but never at Aliyun {len(counted.invented)}, denied but at Aliyun {len(counted.denied)}"
    )


class Chaos:
    """One run.

    Args:
        stage: Where.
        seed: Of all chances.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.seed = seed
        self.harms: Counter[str] = Counter()
        self.jobs: list[tuple[Plan, Job]] = []
        self.split = 0
        self._workers = [stage.worker(options=("--concurrency", "16")) for _ in range(2)]
        self._turn = itertools.cycle(self._workers)

    def run(self, seconds: float) -> Result:
        """Do it for that long, then let everything end."""
        started = time.monotonic()
        end = started + seconds
        try:
            for worker in self._workers:
                worker.start(wait=False)
            with ThreadPoolExecutor(1) as doer:
                harms: deque[Future[None]] = deque()
                for plan in plans(self.seed):
                    self._send(plan)
                    if plan.harm:
                        harms.append(doer.submit(self._harm, plan.harm))
                    # One harm at a time, while jobs go on; but not without end.
                    while len(harms) > 2:
                        harms.popleft().result()
                    if time.monotonic() >= end:
                        break
                    time.sleep(max(0.0, started + len(self.jobs) / PACE - time.monotonic()))
                for harm in harms:
                    harm.result()
            return self._count()
        finally:
            for worker in self._workers:
                worker.kill()

    def _send(self, plan: Plan) -> None:
        if plan.fault:
            self.stage.simulator.fault(plan.fault, phone=plan.phone)
        job = self._enqueue(plan)
        self.jobs.append((plan, job))
        if plan.again and self._enqueue(plan) != job:
            self.split += 1

    def _enqueue(self, plan: Plan) -> Job:
        while True:
            try:
                return self.stage.send(
                    "SMS.Example",
                    plan.phone,
                    lane=plan.lane,
                    idempotency_key=f"{self.seed}:{plan.number}",
                    on_unknown="resend" if plan.resend else "hold",
                )
            except QueueUnavailable:
                # As a web application would: again, under the same key.
                continue

    def _harm(self, harm: str) -> None:
        self.harms[harm] += 1
        worker, server, simulator = next(self._turn), self.stage.server, self.stage.simulator
        match harm:
            case "kill":
                until(lambda: worker.ready, "the worker is ready")
                worker.kill()
                worker.start(wait=False)
            case "term":
                until(lambda: worker.ready, "the worker is ready")
                worker.stop()
                worker.start(wait=False)
            case "stop":
                worker.signal(signal.SIGSTOP)
                time.sleep(2.5)  # longer than its leases
                worker.signal(signal.SIGCONT)
            case "redis killed":
                server.kill()
                server.restart()
            case "redis paused":
                server.pause()
                time.sleep(1)
                server.resume()
            case "cut":
                with self.stage.client() as client:
                    for kind in ("normal", "pubsub"):
                        client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
            case "refuse":
                simulator.refuse(seconds=0.5)
            case "look-ups down":
                simulator.fault("http_502_before", action="QuerySendDetails", times=20)

    def _count(self) -> Result:
        # Workers that died of their own accord would be a fault of ours.
        for worker in self._workers:
            assert worker.process is not None
            assert worker.process.poll() is None, worker.log()[-3000:]
        held = count(self.stage, (job for plan, job in self.jobs if not plan.resend))
        resent = count(self.stage, (job for plan, job in self.jobs if plan.resend))
        resend_ids = {job.id for plan, job in self.jobs if plan.resend}
        # By number as well as by OutId: a key that was split into two jobs would send twice under two OutIds.
        messages = Counter(
            phone for request in self.stage.simulator.accepted() for phone in request["phones"]
        )
        twice = {job.id for plan, job in self.jobs if not plan.resend and messages[plan.phone] > 1}
        return Result(
            seed=self.seed,
            jobs=len(self.jobs),
            harms=self.harms,
            held=replace(held, twice=tuple(sorted(twice | (set(held.twice) - resend_ids)))),
            resent=replace(resent, twice=tuple(each for each in resent.twice if each in resend_ids)),
            split=self.split,
        )


def run(seed: int, seconds: float) -> Result:
    """One run on a stage of its own."""
    usual = dict(LANES)
    # Jobs whose message was lost are looked at after half a second.
    LANES.update({name: replace(lane, requeue_s=0.5) for name, lane in usual.items()})
    try:
        with SimulatorProcess() as simulator, Stage(simulator=simulator) as stage:
            stage.write()
            # As long as a real request takes, so that whatever strikes finds some on their way.
            simulator.set_latency(50)
            return Chaos(stage, seed).run(seconds)
    finally:
        LANES.update(usual)


def main() -> int:
    """Run by hand; status 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="how long jobs are enqueued (300)")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; else a new one")
    arguments = parser.parse_args()
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    print(f"seed {seed}, {arguments.seconds:g} s", flush=True)
    result = run(seed, arguments.seconds)
    print(result)
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
