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
from smsjobs_worker.watching.doctor.finding import Finding, bad, good

if TYPE_CHECKING:
    from celery import Celery

    from smsjobs.contract import JobRecord
    from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["LEAST_RIGHTS", "ledger"]

LEAST_RIGHTS = "give its user the rights that docs/configuration.md lists"


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
    step = "recorded"
    try:
        its.record(job)
        step = "claimed"
        claim = its.claim(job.id, "doctor", lease_s=10)
        if not isinstance(claim, Granted):
            yield bad(
                "ledger", f"a job of its own could not be claimed ({type(claim).__name__})", "try again"
            )
            return
        step = "settled"
        outcome = _outcome(job)
        result = results.entry(job.id, outcome)
        its.settle(job.id, "doctor", encode_outcome(outcome), result=result)
        step = "removed"
        its.remove(job)
        if result:
            its.redis.delete(result[0])
    except (RedisError, OSError) as error:
        yield _refused(step, error, connection.replicas)
        _clean_up(its, job)
        return
    took_ms = (time.perf_counter() - begun) * 1000
    more = f", each step on {connection.replicas} replicas" if connection.replicas else ""
    yield good(
        "ledger", f"a job of its own was recorded, claimed, settled and removed in {took_ms:.0f} ms{more}"
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


def _refused(step: str, error: Exception, replicas: int) -> Finding:
    text = f"a job of its own could not be {step}: "
    if isinstance(error, NotReplicated):
        return bad(
            "ledger",
            f"{text}SMS_REPLICAS={replicas} replicas do not have it in time",
            "start replicas, or lower SMS_REPLICAS: until then nothing is sent",
        )
    if error_code(error) == "NOPERM":
        return bad("ledger", f"{text}its user may not do that (NOPERM)", LEAST_RIGHTS)
    hint = refusal_hint(error) or (
        "wait until it serves again" if is_transient(error) else "see the server's log"
    )
    return bad("ledger", f"{text}{error_code(error)}", hint)


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
            f"the result backend takes no result ({type(error).__name__})",
            "fix SMS_RESULT_BACKEND, or leave it out",
        )
    return good("results", "the result backend took a result of its own, and forgot it")
