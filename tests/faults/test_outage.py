"""Aliyun out of reach for long: jobs wait in the ledger, keep their ids, hold no slot, and go out when it returns."""

import time
from datetime import UTC, datetime, timedelta

from smsjobs import SendResult
from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis
from smsjobs_worker.aliyun.beijing import BEIJING
from smsjobs_worker.elements import App
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.sending.leases import Leases
from smsjobs_worker.sending.providers import Providers
from smsjobs_worker.sending.rate_limit import Permits
from smsjobs_worker.sending.sender import Done, NothingToDo, Sender
from support.keys import job_key
from support.polling import until
from support.stage import Stage, outcome


def test_an_outage_is_waited_out(stage: Stage) -> None:
    """Through twelve seconds of refused connections, jobs hold no slot, expire in time, and the rest goes out after."""
    with stage.worker(options=("--concurrency", "4")) as worker:
        stage.simulator.refuse()
        short = [stage.send("SMS.Example", lane="verification", expires=4) for _ in range(10)]
        long = [
            stage.send("SMS.Example", lane=lane) for lane in ("verification", "notification", "bulk") * 10
        ]
        began = time.monotonic()
        assert {outcome(job).outcome for job in short} == {"not_sent"}
        until(
            lambda: {job.status() for job in long} == {"queued"} and time.monotonic() - began > 12,
            "all others wait",
        )
        assert worker.log().count("a job waits") >= len(long)
        with stage.client() as client:
            # More jobs than threads, and none of them in a worker's hands.
            until(lambda: client.hlen("unacked") == 0, "no message is in a worker's memory")
            tries = {job.id: int(client.hget(job_key(job.id), "attempts")) for job in long}
        assert min(tries.values()) >= 2
        stage.simulator.listen()
        assert all(isinstance(outcome(job, timeout=40), SendResult) for job in long)
        assert all(outcome(job).attempts > tries[job.id] for job in long)
    assert stage.simulator.accepted_counts() == {job.id: 1 for job in long}


def test_a_lost_answer_around_midnight_is_found(stage: Stage) -> None:
    """What Aliyun recorded a moment before or after Beijing's midnight is found, whichever day our clock has."""
    now = datetime.now(UTC)
    midnight = (now.astimezone(BEIJING) + timedelta(days=1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    settings = WorkerSettings.read(
        {
            "SMS_BROKER_URL": stage.server.url,
            "SMS_APP": str(stage.app_dir),
            "SMS_LOOKUPS_VERIFICATION": "20,40",
        }
    )
    for ours, aliyuns in ((-1, 2), (2, -1), (-1, -1), (2, 2)):
        clock = [(midnight + timedelta(seconds=ours)).timestamp()]
        redis = connect_redis(settings.connection.redis_url)
        ledger = Ledger(redis, clock=lambda clock=clock: clock[0])
        sender = Sender(
            ledger,
            Providers(App(stage.app_dir)),
            Leases(ledger, lease_s=30),
            Permits(settings.connection.redis_url),
            lanes=settings.lanes,
            lease_s=settings.lease_s,
            patience_s=settings.patience_s,
        )
        job = stage.send("SMS.Example", lane="verification", countdown=2)
        with stage.client() as client:  # recorded by Redis's clock, and due by ours
            client.hset(job_key(job.id), mapping={"due": 0, "expires": int((clock[0] + 3600) * 1000)})
        stage.simulator.set_clock(midnight + timedelta(seconds=aliyuns))
        stage.simulator.fault("reset_after")
        assert isinstance(sender.run(job.id), NothingToDo)
        assert job.status() == "looking_up"
        clock[0] += 21
        stage.simulator.advance_clock(21)
        done = sender.run(job.id)
        assert isinstance(done, Done)
        assert isinstance(done.outcome, SendResult), (ours, aliyuns)
        assert done.outcome.resolved_by == "lookup"
        assert stage.simulator.accepted_count(job.id) == 1
        redis.close()
