"""The handle on a job: status and outcome, in this process or another one."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from smsjobs import (
    AliyunRejected,
    Element,
    InvalidArguments,
    RequestFailed,
    SendResult,
    Sms,
    SmsError,
    connect,
)
from smsjobs.contract import Outcome, encode_outcome
from smsjobs.ledger import Granted, Ledger, Wait
from support.polling import in_time

GOOD = {
    "phoneList": ["13800138000"],
    "params": {"code": "739201"},
    "verifyTemplateCode": "SMS_1",
    "lane": "verification",
}


def outcomes(job_id: str) -> list[Outcome]:
    return [
        SendResult(response={"Code": "OK", "BizId": "1^0", "RequestId": "r"}, out_id=job_id, attempts=2),
        InvalidArguments("no such element", reason="element_not_found", out_id=job_id),
        AliyunRejected(
            "no", out_id=job_id, aliyun_code="isv.OUT_OF_SERVICE", retry_after=2.5, advice="operator"
        ),
        RequestFailed("it expired", reason="expired", outcome="not_sent", out_id=job_id, attempts=1),
        RequestFailed("lost", reason="no_answer", outcome="unknown", out_id=job_id, attempts=1),
    ]


@pytest.fixture
def ledger(sms: Sms) -> Ledger:
    """The ledger, as a worker has it."""
    return sms.connection.ledger


def settle(ledger: Ledger, job_id: str, outcome: Outcome) -> None:
    claim = ledger.claim(job_id, "token", lease_s=30)
    assert isinstance(claim, Granted)
    assert ledger.settle(job_id, "token", encode_outcome(outcome)).ours


def get(call: Callable[[], SendResult]) -> Outcome:
    try:
        return call()
    except SmsError as error:
        return error


@pytest.mark.parametrize("kind", range(5))
def test_outcome_arrives_everywhere(element: Element, ledger: Ledger, redis_url: str, kind: int) -> None:
    """Each kind of outcome is returned or raised with all it has, here, in another process, and awaited."""
    job = element.sendMessage(**GOOD)
    outcome = outcomes(job.id)[kind]
    settle(ledger, job.id, outcome)
    elsewhere = connect(broker_url=redis_url).job(job.id)
    assert elsewhere == job
    for call in (
        lambda: job.get(timeout=5),
        lambda: elsewhere.get(timeout=0),
        elsewhere.get,
        lambda: asyncio.run(job.get_async(timeout=5)),
    ):
        found = get(call)
        assert type(found) is type(outcome)
        assert found == outcome
    assert job.status() == elsewhere.status() == outcome.outcome


def test_status_follows_the_ledger(element: Element, ledger: Ledger) -> None:
    """The status is queued, sending, looking_up, and then the outcome."""
    job = element.sendMessage(**GOOD)
    assert job.status() == "queued"
    ledger.claim(job.id, "one", lease_s=30)
    assert job.status() == "sending"
    ledger.wait(job.id, "one", Wait(state="looking_up", delay_s=0, attempts=1))
    assert job.status() == "looking_up"
    settle(ledger, job.id, outcomes(job.id)[0])
    assert job.status() == "accepted"


@pytest.mark.parametrize("timeout", [0, 0.3])
def test_get_gives_up_in_time(element: Element, timeout: float) -> None:
    """A job without outcome raises TimeoutError after the time, and can be asked again."""
    job = element.sendMessage(**GOOD)
    begun = time.monotonic()
    with in_time(timeout + 1), pytest.raises(TimeoutError, match=job.id):
        job.get(timeout=timeout)
    assert time.monotonic() - begun >= timeout
    with pytest.raises(TimeoutError):
        asyncio.run(job.get_async(timeout=timeout))


def test_get_waits_for_the_outcome(element: Element, ledger: Ledger) -> None:
    """Who waits while the job is settled gets the outcome soon after."""
    job = element.sendMessage(**GOOD)
    found: list[Outcome] = []
    waiting = threading.Thread(target=lambda: found.append(get(lambda: job.get(timeout=20))))
    waiting.start()
    time.sleep(0.3)
    with in_time(2):
        settle(ledger, job.id, outcomes(job.id)[0])
        waiting.join(20)
    assert found == [outcomes(job.id)[0]]


@pytest.mark.parametrize("job_id", ["nobody", "x" * 1000, "a b\n"])
def test_unknown_job(sms: Sms, job_id: str) -> None:
    """A job that the ledger does not know is said to be unknown, and not waited for."""
    for call in (sms.job(job_id).status, sms.job(job_id).get):
        with pytest.raises(InvalidArguments) as unknown:
            call()
        assert (unknown.value.reason, unknown.value.out_id) == ("job_not_found", job_id)


@pytest.mark.parametrize("job_id", ["", None, 5])
def test_job_id_that_is_none(sms: Sms, job_id: object) -> None:
    """What can be no job's id is refused at once."""
    with pytest.raises(InvalidArguments):
        sms.job(job_id)


def test_send_and_get_async(element: Element, ledger: Ledger) -> None:
    """The async twins send and wait like the others."""

    async def both() -> SendResult:
        job = await element.send_message_async(**GOOD, idempotency_key="k")
        assert job == await element.send_message_async(**GOOD, idempotency_key="k")
        settle(ledger, job.id, outcomes(job.id)[0])
        return await job.get_async(timeout=5)

    assert isinstance(asyncio.run(both()), SendResult)
