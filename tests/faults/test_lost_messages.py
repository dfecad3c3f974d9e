"""Messages that the broker loses or repeats: workers killed under load, producers that die or cannot tell."""

import itertools
import os
import signal
import subprocess
import sys

import pytest

from smsjobs import SendResult, connect
from smsjobs.publisher import Publisher
from support.polling import until
from support.proxy import CuttingProxy
from support.stage import TEMPLATE, Stage, count, new_phone, outcome

#: How often a worker is killed. Measured with Celery's own defaults: about every second kill loses a message.
KILLS = 8


def test_a_saturated_worker_killed_again_and_again(stage: Stage, soon: None) -> None:
    """Eight kills under full load lose no job and send none twice, though the broker loses messages."""
    workers = itertools.cycle([stage.worker(options=("--concurrency", "16")) for _ in range(3)])
    live = [next(workers) for _ in range(3)]
    jobs = []
    try:
        for worker in live:
            worker.start(wait=False)
        for _ in range(KILLS):
            victim = next(workers)
            until(lambda victim=victim: victim.ready, "the worker is ready")
            jobs += [stage.send("SMS.Example", lane="bulk") for _ in range(50)]
            victim.kill()
            victim.start(wait=False)
        counted = count(stage, jobs, timeout=60)
    finally:
        for worker in live:
            worker.kill()
    assert (counted.open, counted.twice, counted.invented, counted.denied) == ((), (), (), ())
    assert set(counted.outcomes) <= {"accepted", "unknown"}
    # Interrupted between claim and request: a few for each kill, at most what the threads held.
    assert counted.outcomes["unknown"] <= 16 * KILLS
    assert counted.outcomes["accepted"] >= len(jobs) * 0.8


def test_kombus_own_transport(stage: Stage, soon: None) -> None:
    """On kombu's own transport a worker that is killed under load, and one after it, lose no job and send none twice."""
    jobs = []
    for _ in range(2):
        worker = stage.worker(SMS_TRANSPORT="plain")
        with worker:
            assert "messages come by kombu's own transport" in worker.log()
            jobs += [stage.send("SMS.Example", lane="bulk") for _ in range(30)]
            until(lambda: any(job.status() == "accepted" for job in jobs[-30:]), "it sends")  # noqa: B023
            worker.kill()
    with stage.worker(SMS_TRANSPORT="plain"):
        counted = count(stage, jobs, timeout=40)
    assert (counted.open, counted.twice, counted.invented, counted.denied) == ((), (), (), ())
    assert set(counted.outcomes) <= {"accepted", "unknown"}
    assert counted.outcomes["accepted"] >= 30


def test_a_producer_killed_between_recording_and_publishing(stage: Stage, soon: None) -> None:
    """A job whose producer died before it published the id is published by the sweep, and sent once."""
    program = f"""
import os, signal
from dataclasses import replace
from smsjobs import connect
from smsjobs.contract import LANES
from smsjobs.publisher import Publisher
LANES["notification"] = replace(LANES["notification"], requeue_s=0.5)
Publisher.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
connect().getElement("SMS.Example").sendMessage(["13800138000"], {{}}, "{TEMPLATE}", idempotency_key="k")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "SMS_BROKER_URL": stage.server.url}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    job = stage.sms.getElement("SMS.Example").sendMessage(["13800138000"], {}, TEMPLATE, idempotency_key="k")
    with stage.client() as client:
        assert client.llen("sms.notification") == 0
    assert job.status() == "queued"
    with stage.worker():
        assert isinstance(outcome(job), SendResult)
        assert stage.stored(job)["outcome"] == "accepted"
    assert stage.simulator.accepted_count(job.id) == 1


def test_a_publish_that_fails_as_nobody_expects(
    stage: Stage, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the broker's client raises, sendMessage gives the recorded job back, and the sweep publishes it."""

    def fail(*_: object) -> None:
        # What kombu raises on a channel that a restart of Redis has closed under another thread.
        raise AttributeError("'NoneType' object has no attribute 'client'")

    monkeypatch.setattr(Publisher, "publish", fail)
    job = stage.send("SMS.Example")
    with stage.worker():
        assert outcome(job).outcome == "accepted"
    assert stage.simulator.accepted_count(job.id) == 1


@pytest.mark.parametrize("needle", [b"LPUSH", b"EVALSHA"], ids=["publish", "record"])
def test_a_producer_that_never_got_the_answer(stage: Stage, needle: bytes) -> None:
    """A record or a publish that Redis carried out and whose answer was lost leads to one message all the same."""
    with CuttingProxy(stage.server.port) as proxy, stage.worker():
        sms = connect(broker_url=stage.server.url.replace(f":{stage.server.port}", f":{proxy.port}"))
        assert outcome(stage.send("SMS.Example", sms=sms)).outcome == "accepted"
        jobs = []
        for _ in range(10):
            proxy.cut_after(needle)
            jobs.append(stage.send("SMS.Example", sms=sms))
        assert proxy.cuts == 10
        assert {outcome(job).outcome for job in jobs} == {"accepted"}
        assert {stage.simulator.accepted_count(job.id) for job in jobs} == {1}
        assert len({job.id for job in jobs}) == 10
        sms.close()
    assert len(stage.simulator.accepted_counts()) == 11


def test_workers_that_never_get_redis_answers(stage: Stage) -> None:
    """A worker whose claims, waits and settlements lose their answers sends each job once and settles it."""
    with (
        CuttingProxy(stage.server.port) as proxy,
        stage.worker(redis_url=stage.server.url.replace(f":{stage.server.port}", f":{proxy.port}")),
    ):
        jobs = []
        for number in range(20):
            phone = new_phone()
            if number % 4 == 0:
                stage.simulator.fault("reset_after", phone=phone)
            # Before the job and after it, so that the cuts meet different steps.
            if number % 2:
                proxy.cut_after(b"EVALSHA")
            jobs.append(stage.send("SMS.Example", phone, lane="verification"))
            if not number % 2:
                proxy.cut_after(b"EVALSHA")
            until(lambda: proxy.cuts > number, "an answer is lost")  # noqa: B023  called at once
        counted = count(stage, jobs, timeout=40)
    assert counted.outcomes == {"accepted": 20}
    assert (counted.open, counted.twice, counted.invented) == ((), (), ())


def test_messages_that_come_many_times(stage: Stage) -> None:
    """Ten messages for each job, taken by two workers at once, send it once."""
    stage.simulator.set_latency(300)
    with stage.worker(), stage.worker():
        jobs = [stage.send("SMS.Example", countdown=1) for _ in range(20)]
        for _ in range(5):
            for job in jobs:
                stage.celery.send_task("smsjobs.send", (job.id,), task_id=job.id, queue="sms.verification")
        until(lambda: any(job.status() != "queued" for job in jobs), "the jobs are due")
        for _ in range(5):
            for job in jobs:
                stage.celery.send_task("smsjobs.send", (job.id,), task_id=job.id, queue="sms.bulk")
        assert {outcome(job).outcome for job in jobs} == {"accepted"}
        assert {stage.stored(job)["outcome"] for job in jobs} == {"accepted"}
        with stage.client() as client:
            until(lambda: client.llen("sms.bulk") == 0, "all messages are taken")
    assert stage.simulator.accepted_counts() == {job.id: 1 for job in jobs}
