"""Load for servers that fail over: jobs under keys, lost answers, a killed worker; and what became of the jobs."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from smsjobs import Job, QueueUnavailable
from support.cluster import Cluster
from support.redis_server import RedisServer
from support.replicated import Sentinels
from support.stage import TEMPLATE, Count, Stage, count, new_phone

JOBS = int(os.environ.get("SMS_FAULTS_JOBS", "900"))
LANES = ("verification", "notification", "bulk")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What became of a run's jobs."""

    counted: Count
    #: Jobs of which the ledger knows nothing any more.
    forgotten: int

    def __str__(self) -> str:
        found = self.counted
        return (
            f"accepted twice {len(found.twice)}, forgotten {self.forgotten}, without outcome {len(found.open)}, "
            f"told wrongly {len(found.invented) + len(found.denied)}, outcomes {dict(found.outcomes)}"
        )


def send_all(stage: Stage, names: Sequence[str] = ("Example",)) -> list[Job]:
    """Enqueue the jobs in 20 seconds, each again under its key until it is recorded; every tenth answer is lost.

    Args:
        names: The elements, in turn.
    """
    dice, jobs = Random(1), [None] * JOBS
    sms = stage.connect(timeout=2)
    elements = [sms.getElement(f"SMS.{each}") for each in names]

    def send(number: int) -> None:
        phone = new_phone()
        if dice.random() < 0.1:
            stage.simulator.fault("reset_after", phone=phone)
        while True:
            try:
                # Each element has jobs of each lane.
                jobs[number] = elements[number // 3 % len(elements)].sendMessage(
                    phoneList=[phone],
                    params={"code": "1"},
                    verifyTemplateCode=TEMPLATE,
                    lane=LANES[number % 3],
                    idempotency_key=f"split:{number}",
                    on_unknown="hold",
                )
            except QueueUnavailable:
                continue
            return

    def lane(first: int) -> None:
        begun = time.monotonic()
        for number in range(first, JOBS, 6):
            time.sleep(max(0, begun + 20 * number / JOBS - time.monotonic()))
            send(number)

    threads = [threading.Thread(target=lane, args=[first]) for first in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(150)
    return [each for each in jobs if each is not None]


def run(
    redis: Sentinels | RedisServer,
    harm: Callable[[Callable[[], None]], None],
    *,
    replicas: int,
    broker_url: str | None = None,
    cluster: Cluster | None = None,
) -> Run:
    """Run the load while something is harmed.

    Args:
        redis: The ledger, and the broker as well where none is given.
        harm: What is done meanwhile. It is given a function that kills a worker.
        replicas: SMS_REPLICAS of producer and workers.
        broker_url: The broker.
        cluster: The ledger, where the Redis is not. There is an element on each of its nodes.
    """
    names = cluster.elements() if cluster else ["Example"]
    with Stage(redis, broker_url=broker_url, cluster=cluster) as stage:
        for each in names:
            stage.write(each)
        os.environ["SMS_REPLICAS"] = str(replicas)
        asked = {"SMS_REPLICAS": str(replicas)}
        with stage.worker(**asked) as killed, stage.worker(**asked), stage.worker(**asked):
            done: list[Job] = []
            load = threading.Thread(target=lambda: done.extend(send_all(stage, names)))
            load.start()
            harm(lambda: killed.signal(signal.SIGKILL))
            load.join(180)
            assert len(done) == JOBS, "not all jobs were recorded"
            stage.sms = stage.connect()
            known = [job for job in done if stage.sms.connection.ledger.read(job.id) is not None]
            return Run(counted=count(stage, known, timeout=90), forgotten=len(done) - len(known))


def check(found: Run) -> None:
    """Nothing twice, nothing lost, every outcome true."""
    assert found.forgotten == 0
    assert found.counted.twice == ()
    assert (found.counted.open, found.counted.invented, found.counted.denied) == ((), (), ())
