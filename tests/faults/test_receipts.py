"""Receipts in the middle of everything: they settle what workers leave behind, and make nothing accepted twice."""

import time
from collections.abc import Iterator

import pytest
from celery.result import AsyncResult

from smsjobs import Job, RequestFailed
from support.callback import Callback
from support.polling import until
from support.stage import Stage, count, new_phone, outcome

#: Aliyun's record shows nothing as long as these tests last, so nothing but a receipt can settle a lost answer.
NO_LOOK_UP = {"lookup_lag_s": 3600}


@pytest.fixture
def callback(stage: Stage) -> Iterator[Callback]:
    """Receipts are pushed to a receiver of the producer's process, soon after the message."""
    with Callback(stage.sms) as callback:
        # A machine that is busy with other tests may answer late: no push is to be given up for that.
        stage.simulator.set(
            callback_url=callback.url,
            delivery_delay_s=0.2,
            callback_timeout_ms=10_000,
            callback_again_s=0.2,
            **NO_LOOK_UP,
        )
        yield callback


def test_kills_with_receipts_in_the_middle(stage: Stage, callback: Callback) -> None:
    """Workers are killed, answers lost, receipts doubled, out of order and before answers: accepted twice 0, lost 0.

    Every delivery is the simulator's, and what was accepted is known to be.
    """
    simulator = stage.simulator
    simulator.set(receipt_jitter_s=0.2, receipt_duplicates=0.3, latency_ms=100)
    for kind in ("close_after", "http_502_after", "hang_after"):
        simulator.fault(kind, probability=0.12, times=None)
    jobs: list[Job] = []
    with stage.worker() as first, stage.worker() as second:
        for round_ in range(3):
            for lane in ("verification", "notification"):
                jobs += [stage.send("SMS.Example", lane=lane) for _ in range(10)]
            time.sleep(0.15)
            victim = (first, second)[round_ % 2]
            victim.kill()
            victim.start(wait=False)
        result = count(stage, jobs)
        assert (result.twice, result.open, result.denied, result.invented) == ((), (), (), ())
        # What was killed between its claim and its request is unknown, and has no receipt: nothing else is.
        accepted = {each for each, times in simulator.accepted_counts().items() if times}
        until(lambda: simulator.pushes()["acknowledged"] >= len(accepted), "all are pushed and acknowledged")
        until(lambda: not simulator.pushes()["waiting"], "the doubled ones too")
        assert {job.id for job in jobs if outcome(job).outcome == "accepted"} == accepted
        for job in jobs:
            assert job.deliveries().delivered == (job.id in accepted)
        assert "receipt" in {outcome(job).resolved_by for job in jobs if job.id in accepted}
        for job in jobs:
            until(lambda job=job: _stored(stage, job) == outcome(job).outcome, "Celery's result follows")


@pytest.mark.parametrize("lane", ["verification", "notification"])
def test_a_receipt_comes_before_the_resend(stage: Stage, callback: Callback, lane: str) -> None:
    """A job whose answer was lost and whose look-ups find nothing is settled by its receipt, and not sent again."""
    assert callback
    with stage.worker(lanes=(lane,)) as worker:
        assert worker
        phone = new_phone()
        stage.simulator.fault("hang_after", phone=phone)
        job = stage.send("SMS.Example", phone, lane=lane)
        result = job.get(timeout=20)
        assert (result.resolved_by, result.attempts) == ("receipt", 1)
        assert result.biz_id == stage.simulator.accepted(out_id=job.id)[0]["biz_id"]
        time.sleep(2)  # longer than the look-ups' schedule: nobody sends it later either
        assert stage.simulator.accepted_count(job.id) == 1
        assert stage.simulator.request_counts()["SendSms"] == 1


def test_a_late_receipt_changes_unknown(stage: Stage, callback: Callback) -> None:
    """A job that ended as unknown becomes accepted by its receipt, for `get`, for AsyncResult, and for who follows it."""
    assert callback
    with stage.worker(lanes=("verification",)) as worker:
        assert worker
        phone = new_phone()
        stage.simulator.set(delivery_delay_s=3600)
        stage.simulator.fault("close_after", phone=phone)
        job = stage.send("SMS.Example", phone, lane="verification", idempotency_key="k")
        ended = outcome(job)
        assert isinstance(ended, RequestFailed)
        assert ended.outcome == "unknown"
        assert _stored(stage, job) == "unknown"
        stage.simulator.advance_clock(3600)
        result = until(lambda: job.status() == "accepted" and job.get(timeout=1), "the receipt settles it")
        assert result.resolved_by == "receipt"
        until(lambda: _stored(stage, job) == "accepted", "Celery's result follows")
        assert job.delivery().state == "delivered"
        assert stage.send("SMS.Example", phone, lane="verification", idempotency_key="k").id == job.id


def _stored(stage: Stage, job: Job) -> str:
    """The outcome by AsyncResult."""
    found = AsyncResult(job.id, app=stage.celery)
    until(found.ready, "AsyncResult is ready")
    value = found.get(propagate=False)
    return str(value["outcome"] if isinstance(value, dict) else value.outcome)
