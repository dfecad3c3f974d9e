"""The worker's Celery app: its addresses are those of our settings."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from celery.app.task import Context

import smsjobs_worker
from smsjobs.contract import LANES, RequestFailed, SendResult, encode_result
from smsjobs.settings import ConnectionSettings
from smsjobs_worker.process.app import SmsJobs
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.start import create_app
from support.nursery import run

OURS, THEIRS = "redis://127.0.0.1:1/3", "redis://127.0.0.1:2/4"


def an_app() -> SmsJobs:
    connection = ConnectionSettings.read(environ={"SMS_BROKER_URL": OURS})
    return create_app(WorkerSettings(connection=connection, app_dir=Path(), lanes=LANES))


def test_create_app_is_a_name_of_the_package() -> None:
    """An app module of one's own makes the worker's app by the package's own name for it."""
    assert smsjobs_worker.create_app is create_app


@pytest.mark.parametrize(
    "name",
    ["CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND"],
)
def test_celerys_addresses_in_the_environment_are_ignored(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broker and result backend are ours, though the environment that a worker shares names somebody else's."""
    monkeypatch.setenv(name, THEIRS)
    app = an_app()
    for each in (app.connection_for_read(), app.connection_for_write(), app.backend):
        assert each.as_uri().replace(":**@", "") == OURS


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SMS_APP", "/nonexistent", "SMS_APP: there is no directory /nonexistent"),
        ("SMS_LEASE", "x", "SMS_LEASE must be a number"),
        ("SMS_LOG", "xml", "SMS_LOG must be text or json"),
        ("SMS_BROKER_URL", "embeded", "SMS_BROKER_URL is not a valid address of a broker"),
        ("SMS_RESULT_BACKEND", "foo", "SMS_RESULT_BACKEND is not a valid result backend"),
    ],
)
def test_worker_with_a_wrong_setting(name: str, value: str, said: str, tmp_path: Path) -> None:
    """The command that starts a worker tells in one sentence which setting is wrong, without a traceback, and ends with status 2."""
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("SMS_", "CELERY_"))}
    env = kept | {"SMS_BROKER_URL": OURS, name: value}
    done = run("celery.__main__", "-A", "smsjobs_worker", "worker", env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_only_our_tasks_and_queues() -> None:
    """The app has two tasks of ours, under the names that are documented, and reads the lanes' queues only."""
    app = an_app()
    # A shared task of another test's application, `shop`, is in every app of the process.
    assert sorted(name for name in app.tasks if not name.startswith(("celery.", "shop."))) == [
        "smsjobs.send",
        "smsjobs.submit",
    ]
    assert sorted(app.amqp.queues) == ["sms.bulk", "sms.notification", "sms.verification"]


def test_the_package_gives_what_it_lists() -> None:
    """Every public name of the package is there; `app` is made from the environment and so is asked for by Celery only."""
    import smsjobs_worker

    assert [getattr(smsjobs_worker, name) for name in ("App", "create_app")] == [
        smsjobs_worker.App,
        create_app,
    ]
    assert set(smsjobs_worker.__all__) == {"App", "app", "create_app"}


@pytest.mark.parametrize(
    "outcome",
    [
        SendResult(response={"Code": "OK", "BizId": "例"}, out_id="a", attempts=1),
        RequestFailed("nothing was sent", reason="expired", outcome="not_sent", out_id="a"),
    ],
)
def test_a_result_is_celerys(outcome: SendResult | RequestFailed) -> None:
    """What is stored as Celery's result is what Celery's own backend would store."""
    backend = an_app().backend
    key, text = backend.entry("a", outcome)
    stored = json.loads(text)
    state, result = (
        ("SUCCESS", encode_result(outcome))
        if isinstance(outcome, SendResult)
        else ("FAILURE", backend.prepare_exception(outcome))
    )
    celerys = backend._get_result_meta(result=result, state=state, traceback=None, request=Context(id="a"))
    theirs = json.loads(backend.encode({**celerys, "task_id": "a"}))
    assert key.encode() == backend.get_key_for_task("a")
    done, their_done = (datetime.fromisoformat(each.pop("date_done")) for each in (stored, theirs))
    assert stored == theirs
    assert abs(their_done - done) < timedelta(seconds=10)
