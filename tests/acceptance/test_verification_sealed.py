"""Codes whose jobs are sealed between producer and worker."""

import pytest
from cryptography.fernet import Fernet

from smsjobs import connect
from smsjobs.verification import Limit, Verification
from support.contents import contents, shows
from support.keys import job_key
from support.polling import until
from support.stage import TEMPLATE, Stage, new_phone

KEY, OLD_KEY = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture
def login(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Verification:
    """A purpose of a producer that seals."""
    monkeypatch.setenv("SMS_PAYLOAD_KEY", KEY)
    return (
        connect(broker_url=stage.server.url)
        .getElement("SMS.Example")
        .verification(
            "login",
            verifyTemplateCode=TEMPLATE,
            secret="a secret that is good for tests only",
            per_number=Limit(),
        )
    )


def test_sealed_job_is_sent(stage: Stage, login: Verification) -> None:
    """A job that is sealed in Redis is sent by a worker that has the key, be it beside a newer one."""
    phone = new_phone()
    job = login.send(phone).job
    with stage.client() as client:
        kept = client.hget(job_key(job.id), "job")
    assert kept.startswith("sealed:")
    with stage.worker(lanes=("verification",), SMS_PAYLOAD_KEY=f"{OLD_KEY},{KEY}"):
        assert job.get(timeout=20)
    (message,) = stage.simulator.accepted(phone=phone)
    assert message["params"]["code"] not in kept
    assert login.check(phone, message["params"]["code"])


def test_worker_without_the_key(stage: Stage, login: Verification) -> None:
    """A worker that cannot open a job says so in its log and leaves it to one that can."""
    phone = new_phone()
    job = login.send(phone).job
    with stage.worker(lanes=("verification",), SMS_PAYLOAD_KEY=OLD_KEY) as worker:
        worker.wait_for_log("action=sealed")
        assert job.status() in ("queued", "sending")
    assert stage.simulator.accepted(phone=phone) == []
    with stage.worker(lanes=("verification",), SMS_PAYLOAD_KEY=KEY):
        assert job.get(timeout=20)
    assert len(stage.simulator.accepted(phone=phone)) == 1


def test_nothing_readable_at_any_time(stage: Stage, login: Verification) -> None:
    """In the whole Redis, Celery's part included, neither number nor code stands while a sealed job waits, is looked up
    after a lost answer, is settled, and has its code checked.
    """  # noqa: D205  one sentence
    phone = new_phone()
    stage.simulator.fault("hang_after", phone=phone)
    found = []

    def look() -> None:
        with stage.client() as client:
            found.append(contents(client))

    job = login.send(phone, "203.0.113.7").job
    look()
    with stage.worker(lanes=("verification",), SMS_PAYLOAD_KEY=KEY):
        until(lambda: job.status() == "looking_up", "the job is looked up", timeout=20)
        look()
        assert job.get(timeout=20).resolved_by == "lookup"
        look()
    (message,) = stage.simulator.accepted(phone=phone)
    code = message["params"]["code"]
    assert login.check(phone, code)
    look()
    for text in found:
        assert job.id in text
        assert phone not in text
        assert "203.0.113.7" not in text
        assert not shows(text, code)
