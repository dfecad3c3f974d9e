"""Codes whose jobs are sealed between producer and worker."""

import pytest
from cryptography.fernet import Fernet

from smsjobs import connect
from smsjobs.verification import Limit, Verification
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
        kept = client.hget(f"sms:job:{job.id}", "job")
    assert kept.startswith("sealed:")
    with stage.worker(lanes=("verification",), SMS_PAYLOAD_KEY=f"{OLD_KEY},{KEY}"):
        assert job.get(timeout=20)
    (message,) = stage.simulator.accepted(phone=phone)
    assert message["params"]["code"] not in kept
    assert login.check(phone, message["params"]["code"])


@pytest.mark.parametrize("env", [{}, {"SMS_PAYLOAD_KEY": OLD_KEY}], ids=["no key", "another key"])
def test_worker_without_the_key(stage: Stage, login: Verification, env: dict[str, str]) -> None:
    """A worker that cannot open a job says so in its log and leaves it to one that can."""
    phone = new_phone()
    job = login.send(phone).job
    with stage.worker(lanes=("verification",), **env) as worker:
        worker.wait_for_log("action=sealed")
        assert job.status() in ("queued", "sending")
    assert stage.simulator.accepted(phone=phone) == []
    with stage.worker(lanes=("verification",), SMS_PAYLOAD_KEY=KEY):
        assert job.get(timeout=20)
    assert len(stage.simulator.accepted(phone=phone)) == 1
