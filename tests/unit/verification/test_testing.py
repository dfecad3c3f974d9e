"""The stand-ins for the tests of applications."""

from typing import Any

import pytest

import smsjobs
from smsjobs import (
    AliyunRejected,
    IdempotencyConflict,
    InvalidArguments,
    QueueUnavailable,
    RequestFailed,
    VerificationRefused,
    testing,
)

PHONE = "13800138000"


@pytest.fixture
def sms() -> testing.FakeSms:
    return testing.connect()


def send(sms: testing.FakeSms, code: str = "123456", **options: object) -> smsjobs.Job:
    return sms.getElement("SMS.Example").sendMessage(
        phoneList=[PHONE], params={"code": code}, verifyTemplateCode="SMS_1", **options
    )


def test_takes_the_place_of_connect() -> None:
    """It takes what `connect` takes, and its parts are of the classes that an application names."""
    sms = testing.connect(broker_url="redis://x", redis_url=None, timeout=1)
    assert isinstance(sms, smsjobs.Sms)
    assert isinstance(sms.getElement("SMS.Example"), smsjobs.Element)
    assert isinstance(send(sms), smsjobs.Job)


def test_message_is_accepted_and_kept(sms: testing.FakeSms) -> None:
    """A message is accepted at once, by every handle on it, and can be looked at."""
    job = send(sms, lane="verification")
    assert job.get(timeout=0).out_id == job.id
    assert sms.job(job.id).status() == "accepted"
    (message,) = sms.messages
    assert (message.phones, dict(message.params), message.template) == ((PHONE,), {"code": "123456"}, "SMS_1")
    assert (message.lane, message.expires_s, message.element) == ("verification", 300, "SMS.Example")
    assert sms.getElement("SMS.Other").messages == []


def test_arguments_are_checked(sms: testing.FakeSms) -> None:
    """It refuses what the real one refuses."""
    with pytest.raises(InvalidArguments, match="phoneList"):
        sms.getElement("SMS.Example").sendMessage(phoneList=PHONE, params={}, verifyTemplateCode="SMS_1")
    with pytest.raises(InvalidArguments):
        sms.getElement("../SMS")
    with pytest.raises(InvalidArguments) as caught:
        sms.job("nobody").status()
    assert caught.value.reason == "job_not_found"


def test_idempotency_key(sms: testing.FakeSms) -> None:
    """The same key gives the same job, another payload a conflict that names it."""
    job = send(sms, idempotency_key="one")
    assert send(sms, idempotency_key="one") == job
    assert len(sms.messages) == 1
    with pytest.raises(IdempotencyConflict) as caught:
        send(sms, "654321", idempotency_key="one")
    assert caught.value.out_id == job.id


def test_keys_are_forgotten(sms: testing.FakeSms) -> None:
    """A key and its job are known for as long as outcomes are kept, and then forgotten, as by the real ledger."""
    job = send(sms, idempotency_key="one")
    sms.advance(sms.connection.settings.retention_s - 1)
    assert send(sms, idempotency_key="one") == job
    sms.advance(1)
    other = send(sms, "654321", idempotency_key="one")
    assert other != job
    assert other.status() == "accepted"
    with pytest.raises(InvalidArguments, match="SMS_RETENTION"):
        job.status()


@pytest.mark.parametrize("error", [None, ValueError("x"), AliyunRejected, "no balance"], ids=repr)
def test_end_next_with_no_error_of_ours(sms: testing.FakeSms, error: Any) -> None:
    """What is no SmsError is refused where the test wrote it, not by the next send inside the application."""
    with pytest.raises(TypeError, match="SmsError"):
        sms.end_next_with(error)
    assert send(sms).get(timeout=0)


@pytest.mark.parametrize(
    "error",
    [
        AliyunRejected("refused", aliyun_code="isv.AMOUNT_NOT_ENOUGH", advice="operator"),
        RequestFailed("the answer was lost", reason="no_answer", outcome="unknown"),
        InvalidArguments("no such element", reason="element_not_found"),
    ],
)
def test_end_next_with(sms: testing.FakeSms, error: smsjobs.SmsError) -> None:
    """A job ends with the error that a test asked for, of its class and with the job's id; the next one does not."""
    sms.end_next_with(error)
    job = send(sms)
    with pytest.raises(type(error)) as caught:
        job.get(timeout=0)
    assert (caught.value.reason, caught.value.out_id) == (error.reason, job.id)
    assert job.status() == error.outcome
    assert send(sms).get(timeout=0)


def test_last_code(sms: testing.FakeSms) -> None:
    """The code of each purpose and number can be read; one that was not sent cannot."""
    element = sms.getElement("SMS.Example")
    login = element.verification("login", verifyTemplateCode="SMS_1")
    reset = element.verification("reset", verifyTemplateCode="SMS_1", param="word", digits=4)
    login.send(PHONE)
    sms.advance(60)
    reset.send(f"+86{PHONE}")
    assert len(login.last_code(PHONE)) == 6
    assert len(reset.last_code(PHONE)) == 4
    with pytest.raises(LookupError):
        login.last_code("13800138001")


def test_last_code_by_another_handle(sms: testing.FakeSms) -> None:
    """A test reads the code that the application sent, whoever of the two made which handle on the purpose."""
    applications, tests = (
        sms.getElement("SMS.Example").verification("login", verifyTemplateCode="SMS_1") for _ in range(2)
    )
    applications.send(PHONE)
    assert tests.last_code(PHONE) == applications.last_code(f"+86{PHONE}")
    assert tests.check(PHONE, tests.last_code(PHONE))
    with pytest.raises(LookupError):
        sms.getElement("SMS.Other").verification("login", verifyTemplateCode="SMS_1").last_code(PHONE)


def test_send_that_failed_counts(sms: testing.FakeSms) -> None:
    """A send whose job fails counts as any other: its code can be guessed at, so a failure must not give new tries."""
    login = sms.getElement("SMS.Example").verification("login", verifyTemplateCode="SMS_1")
    sms.end_next_with(AliyunRejected("refused", aliyun_code="isv.AMOUNT_NOT_ENOUGH", advice="operator"))
    sent = login.send(PHONE)
    assert sent.job.status() == "rejected"
    assert sent.retry_after == 60
    with pytest.raises(VerificationRefused) as caught:
        login.send(PHONE)
    assert caught.value.retry_after == 60


def test_clock(sms: testing.FakeSms) -> None:
    """Time passes only when a test says so."""
    login = sms.getElement("SMS.Example").verification("login", verifyTemplateCode="SMS_1", ttl=120)
    login.send(PHONE)
    with pytest.raises(VerificationRefused) as caught:
        login.send(PHONE)
    assert caught.value.retry_after == 60
    sms.advance(119.9)
    assert login.check(PHONE, "wrong").status == "wrong"
    sms.advance(0.1)
    assert login.check(PHONE, login.last_code(PHONE)).status == "expired"


def test_fail_next_with(sms: testing.FakeSms) -> None:
    """A call raises what a test asked for and enqueues nothing; the next one does not."""
    sms.fail_next_with()
    with pytest.raises(QueueUnavailable) as caught:
        send(sms, idempotency_key="one")
    assert caught.value.outcome == "not_sent"
    assert sms.messages == []
    assert send(sms, idempotency_key="one").get()
    sms.fail_next_with(QueueUnavailable("no answer", outcome="unknown"))
    with pytest.raises(QueueUnavailable, match="no answer"):
        send(sms)
    with pytest.raises(TypeError, match="SmsError"):
        sms.fail_next_with(ValueError("x"))  # type: ignore[arg-type]


def test_waiting_job_does_not_wait(sms: testing.FakeSms) -> None:
    """A job with a countdown has its outcome when the test's clock says so; nobody waits for that."""
    job = send(sms, countdown=60)
    assert job.status() == "queued"
    with pytest.raises(TimeoutError, match="advance"):
        job.get()
    sms.advance(60)
    assert job.get().out_id == job.id


def test_deliveries(sms: testing.FakeSms) -> None:
    """What a test reports is what the application reads; what is final stays final; a refused job has none."""
    job = send(sms)
    assert job.delivery().state == "waiting"
    sms.report(job)
    sms.report(job, err_code="MOBILE_IN_BLACK")
    assert (job.delivery().state, job.delivery(PHONE).err_code) == ("delivered", "DELIVERED")
    two = sms.getElement("SMS.Example").sendMessage([PHONE, "13800138001"], {}, "SMS_1")
    sms.report(two, "13800138001", err_code="MOBILE_IN_BLACK")
    assert (two.deliveries().failed, two.deliveries().waiting) == (1, 1)
    assert two.deliveries().by_code == {"MOBILE_IN_BLACK": 1}
    for phone, argument in ((None, "phone"), ("13800138002", "phone")):
        with pytest.raises(InvalidArguments) as caught:
            two.delivery(phone)
        assert caught.value.argument == argument
    sms.end_next_with(AliyunRejected("refused", aliyun_code="isv.AMOUNT_NOT_ENOUGH"))
    refused = send(sms)
    assert refused.deliveries().total == 0
    with pytest.raises(InvalidArguments) as caught:
        refused.delivery()
    assert caught.value.reason == "not_accepted"
