"""A run that breaks off by an error that nobody foresaw ends all the same, and says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore
from celery.result import AsyncResult

from smsjobs import RequestFailed
from smsjobs_worker.logs.facts import TaskBroken
from smsjobs_worker.process.app import SmsJobs
from smsjobs_worker.process.celery_settings import celery_settings
from smsjobs_worker.process.door.handed import Handed
from smsjobs_worker.process.runtime import Runtime
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.process.tasks import _framed
from support.facts import told
from support.ledgers import a_job
from support.worker import write_element


@pytest.fixture
def worker(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A worker's app, with its real parts."""
    write_element(tmp_path, "Test", "http://127.0.0.1:9")
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)
    monkeypatch.setenv("SMS_APP", str(tmp_path))
    settings = WorkerSettings.read()
    app = SmsJobs(settings)
    app.conf.update(celery_settings(settings))
    yield app
    app.close()


def broken(runtime: Runtime, task_id: str, handed: Handed) -> Any:
    """What nobody foresaw."""
    del runtime, handed
    raise ZeroDivisionError(f"13800138000 of {task_id}")


def test_it_has_a_result(worker: Any) -> None:
    """A message whose run breaks off has a result that says so, for plain Celery clients and in the ledger, and once."""
    for _ in range(2):
        with told() as facts, pytest.raises(RequestFailed) as caught:
            _framed(worker.runtime, "a-plain-id", broken, Handed("[[],{}]"))
        assert (caught.value.reason, caught.value.outcome) == ("internal_error", "not_sent")
        assert [each.error.split()[0] for each in facts if isinstance(each, TaskBroken)] == [
            "ZeroDivisionError"
        ]
        assert "13800138000" not in repr(facts)
    stored = AsyncResult("a-plain-id", app=worker).get(propagate=False)
    assert isinstance(stored, RequestFailed)
    assert stored.out_id == "a-plain-id"


@pytest.mark.parametrize("claimed", [False, True])
def test_a_recorded_job_goes_on(worker: Any, claimed: bool) -> None:
    """A run of a job that the ledger has leaves it as it is: it may be sent, so no result says that it was not."""
    job, runtime = a_job(), worker.runtime
    runtime.ledger.record(job)
    if claimed:
        runtime.ledger.claim(job.id, "token", lease_s=30)
    with pytest.raises(Ignore):
        _framed(runtime, job.id, broken, Handed("[[],{}]"))
    assert runtime.ledger.read(job.id).status == ("sending" if claimed else "queued")
    plain: Celery = worker
    assert not AsyncResult(job.id, app=plain).ready()


def test_not_even_that_can_be_recorded(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the result cannot be recorded either, the message ends without one."""
    monkeypatch.setattr(worker.runtime.sender, "_ledger", None)
    with told() as facts, pytest.raises(Ignore):
        _framed(worker.runtime, "a-plain-id", broken, Handed("[[],{}]"))
    assert [type(each) for each in facts] == [TaskBroken, TaskBroken]
