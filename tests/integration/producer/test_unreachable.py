"""Redis refuses, hangs, or comes back: the producer answers in bounded time."""

import asyncio
import time
from collections.abc import Callable

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from smsjobs import Element, QueueUnavailable, RequestFailed, Sms, connect
from smsjobs.contract import JobRecord
from smsjobs.ledger import Ledger, Recorded
from support.keys import job_key
from support.polling import in_time
from support.redis_server import RedisServer

GOOD = {
    "phoneList": ["13800138000"],
    "params": {"code": "739201"},
    "verifyTemplateCode": "SMS_1",
    "lane": "verification",
}
TIMEOUT_S = 1.0


@pytest.fixture
def element(own_server: RedisServer) -> Element:
    """An element whose Redis may be harmed."""
    return connect(broker_url=own_server.url, timeout=TIMEOUT_S).getElement("SMS.Test")


def fails_in_time(call: Callable[[], object]) -> QueueUnavailable:
    with in_time(TIMEOUT_S * 2), pytest.raises(QueueUnavailable) as unreachable:
        call()
    return unreachable.value


@pytest.mark.parametrize("warm", [False, True], ids=["never connected", "connected before"])
@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_redis_unreachable(element: Element, own_server: RedisServer, fault: str, warm: bool) -> None:
    """A Redis that refuses or hangs makes the call raise within its time; the same call works when it is back."""
    if warm:
        element.sendMessage(**GOOD)
    own_server.kill() if fault == "kill" else own_server.pause()
    error = fails_in_time(lambda: element.sendMessage(**GOOD, idempotency_key="k"))
    assert (error.code, error.reason) == (46003, "queue_unavailable")
    # A connection from before may have been written to.
    certain = fault == "kill" and not warm
    assert error.outcome in (
        ("not_sent",) if certain else ("not_sent", "unknown") if fault == "kill" else ("unknown",)
    )
    assert isinstance(error, RequestFailed)
    assert "13800138000" not in str(error)
    assert error.__cause__ is None
    own_server.restart() if fault == "kill" else own_server.resume()
    job = element.sendMessage(**GOOD, idempotency_key="k")
    assert element.sendMessage(**GOOD, idempotency_key="k") == job
    assert job.status() == "queued"


def test_refused_after_an_answer_was_lost(element: Element, own_server: RedisServer) -> None:
    """Where the first try may have been recorded, a refusal afterwards does not make it certain that it was not."""
    real, tries = element._connection.ledger.record, []

    def record_then_die(job: JobRecord, **more: float) -> Recorded:
        if not tries:
            tries.append(real(job, **more))
            own_server.kill()
            raise RedisTimeoutError
        return real(job, **more)

    element._connection.ledger.record = record_then_die  # type: ignore[method-assign]
    assert fails_in_time(lambda: element.sendMessage(**GOOD)).outcome == "unknown"


@pytest.mark.parametrize("warm", [False, True], ids=["never connected", "connected before"])
def test_recorded_by_a_redis_that_stood_still(element: Element, own_server: RedisServer, warm: bool) -> None:
    """`expires` counts from the call: a job that Redis records only when it wakes up is not sent after it."""
    if warm:
        element.sendMessage(**GOOD)
    own_server.pause()
    error = fails_in_time(lambda: element.sendMessage(**GOOD, expires=TIMEOUT_S))
    own_server.resume()
    with own_server.client() as client:
        ledger = Ledger(client)
        recorded = ledger.read(error.out_id)
        if not warm:  # it never got as far as writing
            assert (error.outcome, recorded) == ("unknown", None)
            return
        assert recorded is not None
        assert [due.verb for due in ledger.sweep() if due.job_id == error.out_id] == ["expired"]


def test_clocks_that_differ(sms: Sms, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's life does not depend on the producer's clock, even where that is set while it runs."""
    real = time.time
    for ahead_s in (0, -7 * 3600, 7 * 3600):
        monkeypatch.setattr(time, "time", lambda ahead_s=ahead_s: real() + ahead_s)
        for _ in range(2):
            job = sms.getElement("SMS.Test").sendMessage(**GOOD, expires=60)
            left_s = int(sms.connection.redis().hget(job_key(job.id), "expires") or 0) / 1000 - real()
            assert 58 < left_s <= 60.5


def test_calling_again(own_server: RedisServer) -> None:
    """Only who gave a key is told that calling again never sends twice."""
    own_server.kill()
    element = connect(broker_url=own_server.url, timeout=0.2).getElement("SMS.Test")
    with pytest.raises(QueueUnavailable, match="makes a new job"):
        element.sendMessage(**GOOD)
    with pytest.raises(QueueUnavailable, match="never sends twice"):
        element.sendMessage(**GOOD, idempotency_key="k")


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_reading_a_job_while_redis_is_unreachable(
    element: Element, own_server: RedisServer, fault: str
) -> None:
    """Status and outcome of a job are refused in time while Redis is unreachable, and there again when it is back."""
    job = element.sendMessage(**GOOD)
    own_server.kill() if fault == "kill" else own_server.pause()
    fails_in_time(job.status)
    fails_in_time(lambda: job.get(timeout=0.1))
    own_server.restart() if fault == "kill" else own_server.resume()
    assert job.status() == "queued"


def test_redis_that_refuses_to_write(element: Element, own_server: RedisServer) -> None:
    """A Redis that answers an error, here for lack of memory, is unavailable too, and its error stays inside."""
    with own_server.client() as client:
        client.config_set("maxmemory", "1")
        error = fails_in_time(lambda: element.sendMessage(**GOOD))
        assert error.__cause__ is None
        client.config_set("maxmemory", "0")
    assert element.sendMessage(**GOOD).status() == "queued"


def test_restart_between_two_calls_is_not_noticed(element: Element, own_server: RedisServer) -> None:
    """Stale connections of ledger and broker from before a restart cost nothing but time."""
    element.sendMessage(**GOOD)
    own_server.restart()
    element.sendMessage(**GOOD)
    with own_server.client() as client:
        assert client.llen("sms.verification") == 2


@pytest.mark.parametrize("call", ["send", "get"])
def test_async_twins_do_not_block_the_event_loop(
    element: Element, own_server: RedisServer, call: str
) -> None:
    """While Redis hangs and eight calls wait for it, the event loop keeps turning."""
    job = element.sendMessage(**GOOD)

    async def longest_gap() -> float:
        waiting = [
            asyncio.ensure_future(
                element.send_message_async(**GOOD) if call == "send" else job.get_async(timeout=5)
            )
            for _ in range(8)
        ]
        gap, last = 0.0, time.monotonic()
        end = last + 0.8
        while last < end:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            gap, last = max(gap, now - last), now
        assert not all(each.done() for each in waiting)
        own_server.resume()
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return gap

    own_server.pause()
    assert asyncio.run(longest_gap()) < 0.4
