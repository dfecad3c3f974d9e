"""Verification codes through a real worker, with the simulator as judge of what people got."""

import signal
from collections.abc import Iterator

import pytest

from smsjobs import RequestFailed, VerificationRefused
from smsjobs.verification import Limit, Verification
from support.contents import contents, shows
from support.stage import TEMPLATE, Stage, new_phone, outcome
from support.worker import WorkerProcess

SECRET = "a secret that is good for tests only"

#: The real clock runs here, and a minute may end in the middle of a test.
PER_NUMBER = Limit(hour=1)


@pytest.fixture(params=["SMS.Aliyun", "SMS.AliyunVerify", "SMS.Group"])
def login(request, stage: Stage) -> Verification:
    """A purpose's codes, through each of the official Types; the group has two accounts."""
    name, about = "SMS.Example", {"verifyTemplateCode": TEMPLATE}
    if request.param == "SMS.AliyunVerify":
        name = stage.write("Login", request.param)
        about = {"verifyTemplateCode": "100001", "params": {"min": "5"}}
    if request.param == "SMS.Group":
        stage.write("Other", accessKey="demo_access_key", accessSecret="demo_access_secret")
        name = stage.group("Both", {"element": "SMS.Example"}, {"element": "SMS.Other"})
    return stage.sms.getElement(name).verification("login", secret=SECRET, per_number=PER_NUMBER, **about)


def received(stage: Stage, phone: str) -> list[str]:
    """The codes that reached a number, one a message."""
    return [each["params"]["code"] for each in stage.simulator.accepted(phone=phone)]


@pytest.fixture(autouse=True)
def no_faults(stage: Stage) -> Iterator[None]:
    yield
    stage.simulator.clear_faults()


def test_code_arrives_and_is_right_once(stage: Stage, worker: WorkerProcess, login: Verification) -> None:
    """A code is sent, accepted, right once and then gone."""
    phone = new_phone()
    sent = login.send(phone, "203.0.113.7")
    assert sent.job.get(timeout=20).resolved_by == "response"
    (code,) = received(stage, phone)
    assert login.check(phone, code)
    assert not login.check(phone, code)


@pytest.mark.parametrize(
    "fault", ["hang_after", "reset_after", "http_502_after", "truncated_after", "non_json_after"]
)
def test_first_answer_lost(stage: Stage, worker: WorkerProcess, login: Verification, fault: str) -> None:
    """When the first answer is lost after Aliyun accepted, the user gets exactly one message, and its code works."""
    phone = new_phone()
    stage.simulator.fault(fault, phone=phone)
    sent = login.send(phone)
    result = sent.job.get(timeout=30)
    assert (result.resolved_by, result.attempts) == ("lookup", 1)
    (code,) = received(stage, phone)
    assert login.check(phone, code)
    with pytest.raises(VerificationRefused):
        login.send(phone)


@pytest.mark.parametrize("fault", ["hang_before", "reset_before"])
def test_request_lost(stage: Stage, worker: WorkerProcess, login: Verification, fault: str) -> None:
    """When the request itself was lost the caller is told `unknown` and nothing is sent; a resend has the same code."""
    phone = new_phone()
    stage.simulator.fault(fault, phone=phone)
    free = stage.sms.getElement("SMS.Example").verification(
        "login", verifyTemplateCode=TEMPLATE, secret=SECRET, per_number=Limit()
    )
    first = free.send(phone)
    error = outcome(first.job)
    assert isinstance(error, RequestFailed)
    assert error.outcome == "unknown"
    assert received(stage, phone) == []
    free.send(phone).job.get(timeout=20)
    (code,) = received(stage, phone)
    assert free.check(phone, code)


def test_expired_with_its_code(stage: Stage, worker: WorkerProcess) -> None:
    """A code that cannot be sent while it lives is not sent afterwards: P4 for codes."""
    phone = new_phone()
    stage.write("Shut", endpoint="http://127.0.0.1:9")
    short = stage.sms.getElement("SMS.Shut").verification(
        "login", verifyTemplateCode=TEMPLATE, secret=SECRET, ttl=2
    )
    error = outcome(short.send(phone).job)
    assert isinstance(error, RequestFailed)
    assert error.outcome == "not_sent"
    assert received(stage, phone) == []


def test_no_log_line_shows_it(stage: Stage, worker: WorkerProcess, login: Verification) -> None:
    """Neither number nor code stands in the worker's log."""
    phone = new_phone()
    login.send(phone).job.get(timeout=20)
    (code,) = received(stage, phone)
    assert phone not in worker.log()
    assert f'"{code}"' not in worker.log()
    assert f" {code}" not in worker.log()


def test_code_leaves_redis(stage: Stage, worker: WorkerProcess, login: Verification) -> None:
    """Without a SMS_PAYLOAD_KEY number and code stand in Redis until the job is settled, and nowhere afterwards."""
    phone = new_phone()
    worker.signal(signal.SIGSTOP)
    job = login.send(phone, "203.0.113.7").job
    with stage.client() as client:
        waiting = contents(client)
        worker.signal(signal.SIGCONT)
        job.get(timeout=30)
        settled = contents(client)
    (code,) = received(stage, phone)
    assert phone in waiting
    assert shows(waiting, code)
    assert job.id in settled
    assert phone not in settled
    assert not shows(settled, code)
