"""What a caller does with a job: see it, cancel it, send it again. The same on a real Redis and in `smsjobs.testing`."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from smsjobs import AliyunRejected, IdempotencyConflict, InvalidArguments, Job, JobInfo, RequestFailed
from support.benches import PHONE, Bench

BALANCE = AliyunRejected(
    "the balance is used up", reason="no_balance", aliyun_code="isv.AMOUNT_NOT_ENOUGH", attempts=1
)
UNKNOWN = RequestFailed("the answer was lost", reason="no_answer", outcome="unknown", attempts=1)
EXPIRED = RequestFailed("it expired", reason="expired", outcome="not_sent")


def test_info_of_an_accepted_job(bench: Bench) -> None:
    """An accepted job tells its outcome and what is left of its record: no times of waiting, no error."""
    job = bench.accepted(phoneList=["13800138000", "13800138001"])
    info = job.info()
    assert (info.status, info.outcome, info.attempts, info.numbers) == ("accepted", "accepted", 1, 2)
    assert (info.last_error, info.error, info.next_try) == (None, None, None)
    assert info.settled is not None
    assert (info.due, info.expires) == (None, None)
    assert info.created is not None
    assert info.result == job.get(timeout=1)


def life_s(info: JobInfo) -> float:
    """How long it may be sent. It counts from the call, and so from a moment before it was recorded."""
    assert info.expires is not None
    assert info.created is not None
    return (info.expires - info.created).total_seconds()


def test_info_of_a_job_that_waits(bench: Bench) -> None:
    """A job that is to be sent later tells when, how long it lives and how many numbers it has, in aware times."""
    job = bench.send(phoneList=["13800138000", "13800138001"], countdown=60, expires=300)
    info = job.info()
    assert isinstance(info, JobInfo)
    assert (info.id, info.status, info.element, info.lane) == (job.id, "queued", "SMS.Test", "notification")
    assert (info.attempts, info.numbers, info.outcome, info.last_error) == (0, 2, None, None)
    assert info.created is not None
    assert info.due == info.next_try == info.created + timedelta(seconds=60)
    assert life_s(info) == pytest.approx(300, abs=3)
    assert info.created.tzinfo is UTC


def test_info_of_a_job_that_failed(bench: Bench) -> None:
    """A rejected job tells why, when, and still how many numbers it had and when it would have expired."""
    job = bench.failed(BALANCE, phoneList=["13800138000", "13800138001"], lane="verification")
    info = job.info()
    assert (info.status, info.outcome, info.lane, info.attempts, info.numbers) == (
        "rejected",
        "rejected",
        "verification",
        1,
        2,
    )
    assert (info.last_error, info.aliyun_code) == ("isv.AMOUNT_NOT_ENOUGH", "isv.AMOUNT_NOT_ENOUGH")
    assert info.error == BALANCE.for_job(job.id)
    assert info.created is not None
    assert info.settled is not None
    assert timedelta(0) <= info.settled - info.created < timedelta(minutes=1)
    assert life_s(info) == pytest.approx(300, abs=3)
    assert info.next_try is None
    assert "13800138000" not in f"{info!r} {info.to_json()}"


def test_info_of_no_job(bench: Bench) -> None:
    """A job that the ledger does not have is told as such, by whatever is asked of it."""
    job = bench.sms.job("nobody")
    for step in (job.info, job.cancel, job.retry):
        with pytest.raises(InvalidArguments) as caught:
            step()
        assert caught.value.reason == "job_not_found"


def test_cancel_before_it_is_sent(bench: Bench) -> None:
    """A job that waits is cancelled for good: not_sent, cancelled. Whoever cancels it again is told the same."""
    job = bench.send(countdown=60)
    assert job.cancel()
    assert job.cancel()
    assert job.status() == "not_sent"
    with pytest.raises(RequestFailed) as caught:
        job.get(timeout=1)
    assert (caught.value.reason, caught.value.outcome, caught.value.attempts) == ("cancelled", "not_sent", 0)
    assert job.info().last_error == "cancelled"


def test_cancel_too_late(bench: Bench) -> None:
    """A job with another outcome is not cancelled, and keeps it."""
    for error in (BALANCE, UNKNOWN, EXPIRED):
        job = bench.failed(error)
        assert not job.cancel()
        assert job.status() == error.outcome


def test_retry_makes_one_new_job(bench: Bench) -> None:
    """A rejected job is sent again as one new job, however often that is asked, with the same payload."""
    job = bench.failed(BALANCE, lane="verification", idempotency_key="login:1")
    again = job.retry()
    assert isinstance(again, Job)
    assert again != job
    assert job.retry() == again
    assert job.info().retried_as == again.id
    assert job.status() == "rejected"
    info = again.info()
    assert (info.element, info.lane, info.numbers) == ("SMS.Test", "verification", 1)
    if info.outcome is None:  # a fake accepts it at once
        assert life_s(info) == pytest.approx(300, abs=3)


def test_retry_takes_the_idempotency_key(bench: Bench) -> None:
    """After a retry the key gives the new job back, and is in conflict with another payload as before."""
    job = bench.failed(BALANCE, idempotency_key="login:1")
    assert bench.send(idempotency_key="login:1") == job
    again = job.retry()
    assert bench.send(idempotency_key="login:1") == again
    with pytest.raises(IdempotencyConflict) as caught:
        bench.send(idempotency_key="login:1", params={"code": "000000"})
    assert caught.value.out_id == again.id


def test_retry_of_a_retry(bench: Bench) -> None:
    """A new job that fails too can be sent again."""
    job = bench.failed(BALANCE, idempotency_key="login:1", countdown=0)
    cancelled = bench.send(countdown=60)
    assert cancelled.cancel()
    assert cancelled.retry(expires=30).info().status in ("queued", "accepted")
    assert job.retry().info().retried_as is None


def test_retry_expires_as_asked(bench: Bench) -> None:
    """Whoever sends a job again may say how long it may be sent; a time that is not valid changes nothing."""
    job = bench.failed(EXPIRED)
    with pytest.raises(InvalidArguments, match="expires"):
        job.retry(expires=-1)
    info = job.retry(expires=45).info()
    if info.outcome is None:  # a fake accepts it at once
        assert life_s(info) == pytest.approx(45, abs=3)


def test_only_what_surely_was_not_sent_is_retried(bench: Bench) -> None:
    """What may have been sent, or is not ended, is not sent again."""
    for job in (bench.failed(UNKNOWN), bench.send(countdown=60)):
        with pytest.raises(InvalidArguments) as caught:
            job.retry()
        assert caught.value.reason == "not_retryable"


def test_suppressed_number_is_not_sent_to_again(bench: Bench) -> None:
    """A job to a number that is suppressed by now is not sent again; as soon as it is not, it is."""
    job = bench.failed(BALANCE)
    bench.sms.suppression.add(PHONE, scope="all")
    with pytest.raises(RequestFailed) as caught:
        job.retry()
    assert (caught.value.reason, caught.value.outcome) == ("suppressed", "not_sent")
    assert job.info().retried_as is None
    bench.sms.suppression.remove(PHONE, scope="all")
    assert job.retry() != job


def test_jobs_lists_what_failed(bench: Bench) -> None:
    """The list has what did not end well and nothing else, the newest first, by each filter."""
    bench.send(countdown=60)
    balance = bench.failed(BALANCE)
    unknown = bench.failed(UNKNOWN, element="SMS.Other", lane="bulk")
    expired = bench.failed(EXPIRED, lane="verification")
    sms = bench.sms

    def listed(*status: str, **filters: object) -> list[str]:
        return [each.id for each in sms.jobs(*status, **filters)]  # type: ignore[arg-type]

    assert sorted(listed()) == sorted([expired.id, unknown.id, balance.id])
    times = [each.settled for each in sms.jobs()]
    assert times == sorted(times, reverse=True)  # type: ignore[type-var]
    assert listed("failed", since=timedelta(minutes=1)) == listed()
    assert listed(since=datetime.now(UTC) + timedelta(days=10_000)) == []
    assert listed("rejected") == [balance.id]
    assert listed("unknown") == listed(element="SMS.Other") == listed(lane="bulk") == [unknown.id]
    assert listed("not_sent") == listed(lane="verification") == [expired.id]
    assert listed(aliyun_code="isv.AMOUNT_NOT_ENOUGH") == [balance.id]
    assert listed(aliyun_code="isv.INVALID_PARAMETERS") == []
    assert len(listed(limit=2)) == 2
    assert listed(limit=0) == []


def test_what_is_sent_again_leaves_the_list(bench: Bench) -> None:
    """A job that was sent again is not listed any more, so that nobody sends it again twice."""
    job = bench.failed(BALANCE)
    job.retry()
    assert [each.id for each in bench.sms.jobs()] == []


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("status", "accepted"),
        ("status", "queued"),
        ("since", datetime(2025, 1, 1)),  # noqa: DTZ001  that is what is wrong with it
        ("since", 3600),
        ("element", "../SMS"),
        ("lane", "fast"),
        ("aliyun_code", 5),
        ("limit", -1),
        ("limit", True),
    ],
)
def test_filters_are_checked_at_once(bench: Bench, argument: str, value: object) -> None:
    """A filter that is not valid is named by the call itself, not by the first job."""
    with pytest.raises(InvalidArguments) as caught:
        bench.sms.jobs(**{argument: value})  # type: ignore[arg-type]
    assert caught.value.argument == argument


def test_async_twins(bench: Bench) -> None:
    """Each call has a twin that does the same without blocking the event loop."""

    async def all_of_them() -> None:
        waiting = bench.send(countdown=60)
        assert (await waiting.info_async()).status == "queued"
        assert await waiting.cancel_async()
        assert [each.id async for each in bench.sms.jobs_async("not_sent", limit=5)] == [waiting.id]
        again = await waiting.retry_async(expires=60)
        assert again == waiting.retry()

    asyncio.run(all_of_them())
