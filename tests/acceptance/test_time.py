"""Jobs and time: scheduled starts, expiry, and a rate over two workers."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from smsjobs import RequestFailed
from support.stage import Stage, outcome
from support.worker import WorkerProcess


def began(stage: Stage, job_id: str) -> float:
    """When Aliyun accepted the job, in seconds since 1970."""
    (accepted,) = stage.simulator.accepted(out_id=job_id)
    return float(accepted["at_s"])


def test_a_scheduled_job_starts_at_its_time(stage: Stage, worker: WorkerProcess) -> None:
    """Countdown and eta are kept, and nothing is sent before."""
    now = datetime.now(UTC)
    soon = stage.send("SMS.Example", countdown=1.5)
    at = stage.send("SMS.Example", eta=now + timedelta(seconds=2), lane="verification")
    assert (soon.status(), at.status()) == ("queued", "queued")
    for job, delay in ((soon, 1.5), (at, 2)):
        assert outcome(job).outcome == "accepted"
        # A machine that is busy with other tests may be some seconds late.
        assert delay - 0.01 <= began(stage, job.id) - now.timestamp() <= delay + 10
    with stage.client() as client:
        assert client.hlen("unacked") == 0


def test_a_job_that_no_worker_took_expires(own: Stage) -> None:
    """A job of a lane without a worker still ends, by the sweep of another lane's worker."""
    with own.worker(lanes=("verification",)):
        job = own.send("SMS.Example", lane="bulk", expires=1)
        error = outcome(job, timeout=15)
        assert isinstance(error, RequestFailed)
        assert (error.outcome, error.reason) == ("not_sent", "expired")
        assert own.stored(job) == error


@pytest.mark.parametrize("rate", [10])
def test_a_rate_holds_over_two_workers(own: Stage, rate: int) -> None:
    """Two workers together make no more requests in any second than maxQps, and lose no job by waiting."""
    element = own.write("Slow", maxQps=rate)
    with own.worker(), own.worker():
        jobs = [own.send(element) for _ in range(4 * rate)]
        assert {outcome(job).outcome for job in jobs} == {"accepted"}
        assert {outcome(job).attempts for job in jobs} == {1}
    times = sorted(each["at_s"] for each in own.simulator.requests(action="SendSms"))
    # A permit is counted when it is taken, and the request arrives some time later: on a busy machine some tenths.
    seconds = [sum(1 for each in times if start <= each < start + 0.7) for start in times]
    assert max(seconds) <= rate
    assert times[-1] - times[0] >= 2.7
    assert len(times) == 4 * rate
    assert all(later >= earlier for earlier, later in itertools.pairwise(times))
