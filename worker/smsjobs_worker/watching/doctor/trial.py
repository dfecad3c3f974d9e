"""A job of the doctor's own goes through the ledger as every other, but for the request, and is removed again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from smsjobs.contract import RequestFailed, element_tag, encode_outcome, make_job
from smsjobs.ledger import Granted, Ledger
from smsjobs.redis_store import NotReplicated, connect_redis, error_code, is_transient, refusal_hint
from smsjobs_worker.process.results import STORE_ERRORS, Results
from smsjobs_worker.watching.doctor.finding import Finding, Said, bad, good, say

if TYPE_CHECKING:
    from celery import Celery

    from smsjobs.contract import JobRecord
    from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["LEAST_RIGHTS", "ledger"]

LEAST_RIGHTS = say("give its user the rights that docs/configuration.md lists")


def ledger(settings: WorkerSettings, app: Celery) -> Iterator[Finding]:
    """Record, claim, settle and remove a job."""
    connection = settings.connection
    its = Ledger(
        connect_redis(connection.redis_url, timeout_s=3, replicas=connection.replicas),
        retention_s=60,
        seal=connection.seal,
    )
    job = _job()
    results = Results(app, patience_s=0, in_ledger=connection.result_backend == connection.redis_url)
    begun = time.perf_counter()
    step = say("a job of its own could not be recorded")
    try:
        its.record(job)
        step = say("a job of its own could not be claimed")
        claim = its.claim(job.id, "doctor", lease_s=10)
        if not isinstance(claim, Granted):
            why = type(claim).__name__
            yield bad("ledger", "a job of its own could not be claimed ({why})", "try again", why=why)
            return
        step = say("a job of its own could not be settled")
        outcome = _outcome(job)
        result = results.entry(job.id, outcome)
        its.settle(job.id, "doctor", encode_outcome(outcome), result=result)
        step = say("a job of its own could not be removed")
        its.remove(job)
        if result:
            its.redis.delete(result[0])
    except (RedisError, OSError) as error:
        yield _refused(step, error, connection.replicas)
        _clean_up(its, job)
        return
    took_ms = (time.perf_counter() - begun) * 1000
    if connection.replicas:
        yield good(
            "ledger",
            "a job of its own was recorded, claimed, settled and removed in {ms} ms, each step on {count} replicas",
            ms=f"{took_ms:.0f}",
            count=connection.replicas,
        )
    else:
        yield good(
            "ledger",
            "a job of its own was recorded, claimed, settled and removed in {ms} ms",
            ms=f"{took_ms:.0f}",
        )
    if not result:
        yield _result_backend(app, results, job)


def _job() -> JobRecord:
    # No worker has this element. So nothing is sent, even where the doctor is killed between two steps.
    name = f"SMS.doctor_{uuid.uuid4().hex[:8]}"
    return make_job(
        id=f"{element_tag(name)}-{uuid.uuid4()}",
        element=name,
        phoneList=["13800138000"],
        params={"code": "1"},
        verifyTemplateCode="SMS_000000",
        expires=60,
        idempotency_key=uuid.uuid4().hex,
    )


def _outcome(job: JobRecord) -> RequestFailed:
    return RequestFailed(
        "smsjobs doctor tries the ledger", reason="expired", outcome="not_sent", out_id=job.id
    )


def _refused(step: Said, error: Exception, replicas: int) -> Finding:
    if isinstance(error, NotReplicated):
        return bad(
            "ledger",
            "{step}: SMS_REPLICAS={replicas} replicas do not have it in time",
            "start replicas, or lower SMS_REPLICAS: until then nothing is sent",
            step=step,
            replicas=replicas,
        )
    if error_code(error) == "NOPERM":
        return bad("ledger", "{step}: its user may not do that (NOPERM)", LEAST_RIGHTS, step=step)
    hint = say(refusal_hint(error))
    if not hint.text:
        hint = say("wait until it serves again") if is_transient(error) else say("see the server's log")
    return bad("ledger", "{step}: {code}", hint, step=step, code=error_code(error))


def _clean_up(its: Ledger, job: JobRecord) -> None:
    try:
        its.remove(job)
    except (RedisError, OSError):
        return  # it expires, and no worker has its element


def _result_backend(app: Celery, results: Results, job: JobRecord) -> Finding:
    """Try a result backend of its own."""
    try:
        results.store(job.id, _outcome(job))
        app.backend.forget(job.id)
    except STORE_ERRORS as error:
        return bad(
            "results",
            "the result backend takes no result ({error})",
            "fix SMS_RESULT_BACKEND, or leave it out",
            error=type(error).__name__,
        )
    return good("results", "the result backend took a result of its own, and forgot it")
