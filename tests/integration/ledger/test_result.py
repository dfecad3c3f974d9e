"""Celery's result, stored in the step that settles the job."""

import redis

from smsjobs.ledger import Ledger
from support.keys import job_key
from support.ledgers import LEASE_S, Clock, a_job, accepted, failed, granted

KEY, TEXT = "celery-task-meta-1", '{"status": "SUCCESS"}'


def test_result_is_there_with_the_outcome(ledger: Ledger, client: redis.Redis) -> None:
    """A settlement stores the result in the same step, for as long as the outcome, and tells who subscribed to it."""
    job = a_job()
    ledger.record(job)
    claim = granted(ledger, job)
    with client.pubsub() as listener:
        listener.subscribe(KEY)
        assert listener.get_message(timeout=5)["type"] == "subscribe"
        assert ledger.settle(job.id, claim.token, accepted(job), result=(KEY, TEXT)).ours
        assert client.get(KEY) == TEXT
        assert abs(client.pttl(KEY) - client.pttl(job_key(job.id))) < 5000
        assert listener.get_message(timeout=5)["data"] == TEXT


def test_stale_holder_stores_no_result(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """Whoever lost the job, or comes after its settlement, leaves Celery's result alone."""
    job = a_job()
    ledger.record(job)
    stale = granted(ledger, job, "stale")
    clock.pass_(LEASE_S + 1)
    ledger.sweep()
    holder = granted(ledger, job, "holder")
    assert not ledger.settle(job.id, stale.token, failed(job), result=(KEY, TEXT)).ours
    assert client.get(KEY) is None
    assert ledger.settle(job.id, holder.token, accepted(job)).ours
    assert not ledger.settle(job.id, stale.token, failed(job), result=(KEY, TEXT)).ours
    assert client.get(KEY) is None
