"""Redis and the worker torn apart under load: restarts, pauses, cut connections, a worker that slept."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from smsjobs import Job, QueueUnavailable, RequestFailed
from support.keys import agenda
from support.polling import until
from support.stage import TEMPLATE, Stage, count, new_phone, outcome
from support.worker import PROBED


class Load:
    """A thread that enqueues jobs until told to stop, each again under its key until it is recorded."""

    def __init__(self, stage: Stage, *, pause_s: float = 0.01) -> None:
        self._stage = stage
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.jobs: list[Job] = []

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            lane = ("verification", "notification", "bulk")[len(self.jobs) % 3]
            phone, key = new_phone(), f"load:{len(self.jobs)}"
            while True:
                try:
                    job = self._stage.send(
                        "SMS.Example", phone, lane=lane, idempotency_key=key, on_unknown="hold"
                    )
                    break
                except QueueUnavailable:
                    continue
            self.jobs.append(job)

    def stop(self) -> None:
        """Enqueue no more."""
        self._stopping.set()
        self._thread.join(30)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Under load."""
        self._thread.start()
        try:
            yield self
        finally:
            self.stop()


def check(stage: Stage, load: Load, *, unknown: int = 0) -> None:
    """Every job ended, none twice; at most so many unknown."""
    counted = count(stage, load.jobs, timeout=60)
    assert (counted.open, counted.twice, counted.invented, counted.denied) == ((), (), (), ())
    assert set(counted.outcomes) <= {"accepted", "unknown"}
    assert counted.outcomes["unknown"] <= unknown
    assert counted.outcomes["accepted"] >= 100
    with stage.client() as client:
        until(lambda: client.zcard(agenda("SMS.Example")) == 0, "nothing waits any more")
    for job in load.jobs[::20]:
        stage.stored(job)


def test_redis_restarted_under_load(stage: Stage, soon: None) -> None:
    """Redis killed and started again in the middle of a load loses no job and doubles none."""
    load = Load(stage)
    with stage.worker(), load.running():
        for _ in range(2):
            seen = len(load.jobs)
            until(lambda seen=seen: len(load.jobs) >= seen + 100, "the load is under way")
            stage.server.kill()
            stage.server.restart()
        seen = len(load.jobs)
        until(lambda: len(load.jobs) >= seen + 50, "the load is under way again")
        load.stop()
        # Whoever was between claim and request when Redis became unreachable may have to be called unknown.
        check(stage, load, unknown=16)


@pytest.mark.parametrize(("moment", "times"), [("in flight", 1), ("settled", 2)])
def test_redis_lost_in_the_middle_of_a_run(stage: Stage, moment: str, times: int) -> None:
    """Redis lost between a claim and its end, again and again: the worker lives on, and its runs end as they would."""
    jobs = []
    stage.write(readTimeoutMs=5000)
    with stage.worker() as worker:
        for _ in range(times):
            stage.simulator.set_latency(1000 if moment == "in flight" else 0)
            arrived = stage.simulator.about()["requests"].get("SendSms", 0)
            batch = [stage.send("SMS.Example", lane="verification") for _ in range(6)]
            if moment == "in flight":
                until(
                    lambda arrived=arrived: stage.simulator.request_counts().get("SendSms", 0) == arrived + 6,
                    "all have begun",
                )
            else:
                until(lambda batch=batch: any(job.status() == "accepted" for job in batch), "one is settled")
            stage.server.kill()
            # Long enough for the worker to notice, and for the requests to be answered meanwhile.
            seen = len(worker.log())
            worker.wait_for_log("Trying again in", after=seen)
            stage.server.restart()
            assert {outcome(job, timeout=30).outcome for job in batch} <= {"accepted", "unknown"}
            jobs += batch
        for job in jobs:
            stage.stored(job, timeout=30)
        assert worker.process is not None
        assert worker.process.poll() is None
    assert stage.simulator.accepted_counts(at_least=2) == {}


def test_redis_paused_for_longer_than_a_lease(stage: Stage, soon: None) -> None:
    """Redis that stands still for longer than every lease loses no job and doubles none."""
    load = Load(stage)
    with stage.worker(), load.running():
        until(lambda: len(load.jobs) >= 100, "the load is under way")
        stage.server.pause()
        time.sleep(3)  # longer than the lease of 2 s
        stage.server.resume()
        seen = len(load.jobs)
        until(lambda: len(load.jobs) >= seen + 50, "the load is under way again")
        load.stop()
        check(stage, load, unknown=8)


def test_all_connections_cut_under_load(stage: Stage, soon: None) -> None:
    """CLIENT KILL of every connection, again and again, loses no job and doubles none."""
    load = Load(stage)
    with stage.worker(), load.running(), stage.client() as client:
        for _ in range(10):
            seen = len(load.jobs)
            until(lambda seen=seen: len(load.jobs) >= seen + 20, "the load is under way")
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        load.stop()
        check(stage, load, unknown=8)


@pytest.mark.parametrize("fault", ["late_accept", "hang_before"])
def test_a_worker_that_slept_longer_than_its_lease(stage: Stage, fault: str) -> None:
    """A worker stopped in flight and woken after another one settled the job overwrites nothing and sends nothing."""
    phone = new_phone()
    stage.simulator.fault(fault, phone=phone, seconds=0.5)
    with stage.worker(lanes=("verification",)) as sleeper:
        job = stage.send("SMS.Example", phone, lane="verification")
        if fault == "hang_before":
            until(lambda: stage.simulator.requests(out_id=job.id), "the request has arrived")
        else:
            until(lambda: not stage.simulator.faults(), "the request has arrived")
        sleeper.signal(signal.SIGSTOP)
        with stage.worker(lanes=("verification",)):
            end = outcome(job, timeout=30)
            accepted = stage.simulator.accepted_count(job.id)
            if fault == "late_accept":
                assert (end.outcome, accepted) == ("accepted", 1)
            else:
                assert isinstance(end, RequestFailed)
                assert (end.outcome, end.reason, accepted) == ("unknown", "interrupted", 0)
            seen = len(sleeper.log())
            sleeper.signal(signal.SIGCONT)
            sleeper.wait_for_log(job.id, after=seen)
            other = stage.send("SMS.Example", lane="verification")
            assert outcome(other).outcome == "accepted"
        assert outcome(job) == end
        assert stage.simulator.accepted_count(job.id) == accepted
        assert len(stage.simulator.requests(out_id=job.id, action="SendSms")) == 1


def test_a_worker_that_slept_before_its_request(stage: Stage) -> None:
    """A worker stopped between claim and request, and woken after the job was settled, does not make the request."""
    with stage.worker(lanes=("verification",), app=PROBED, POINT="after_claim=pause") as sleeper:
        job = stage.send("SMS.Example", lane="verification")
        until(lambda: job.status() == "sending", "the job is claimed")
        with stage.worker(lanes=("verification",)):
            end = outcome(job, timeout=30)
            assert isinstance(end, RequestFailed)
            assert (end.outcome, end.reason) == ("unknown", "interrupted")
            seen = len(sleeper.log())
            sleeper.signal(signal.SIGCONT)
            sleeper.wait_for_log(job.id, after=seen)
        assert stage.simulator.accepted_count(job.id) == 0
        assert stage.simulator.requests(out_id=job.id, action="SendSms") == []
        assert outcome(job) == end


def test_redis_demoted_for_a_while(stage: Stage) -> None:
    """A Redis that became a replica, as by a fail-over, ends no worker, and loses no job."""
    with stage.worker() as worker, stage.client() as client:
        jobs = [stage.send("SMS.Example", on_unknown="hold") for _ in range(3)]
        client.replicaof("127.0.0.1", "1")
        time.sleep(3)  # the fault's own length
        assert worker.ready
        client.replicaof("NO", "ONE")
        jobs += [stage.send("SMS.Example", on_unknown="hold") for _ in range(3)]
        counted = count(stage, jobs, timeout=40)
    assert (counted.open, counted.twice, counted.denied) == ((), (), ())
    assert set(counted.outcomes) <= {"accepted", "unknown"}


def test_redis_full_when_messages_have_to_be_put_back(stage: Stage) -> None:
    """A worker that can neither record a plain client's jobs nor put them back lives on, and sends them all later."""
    with stage.worker() as worker, stage.client() as client:
        worker.signal(signal.SIGSTOP)
        fields = {"element": "SMS.Example", "params": {"code": "123456"}, "verifyTemplateCode": TEMPLATE}
        results = [
            stage.celery.send_task(
                "smsjobs.submit", kwargs={**fields, "phoneList": [new_phone()]}, queue="sms.notification"
            )
            for _ in range(3)
        ]
        client.config_set("maxmemory", "1kb")
        worker.signal(signal.SIGCONT)
        worker.wait_for_log("action=put_back_refused")
        client.config_set("maxmemory", "0")
        assert [each.get(timeout=40)["outcome"] for each in results] == ["accepted"] * 3
        assert worker.ready
