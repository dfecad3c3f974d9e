"""Deliveries from end to end: workers, `smsjobs serve` and Redis fail, receipts come doubled, early, late or never.

::

    make faults-net ARGS="-k test_every_recipient_is_known"
    SMS_DELIVERIES=500 make faults-net ARGS="-k test_every_recipient_is_known"
"""

import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from redis.exceptions import RedisError

from smsjobs import Job, QueueUnavailable, Sms, connect
from support.polling import until
from support.served import SECRET, Served
from support.stage import TEMPLATE, Stage, count

MESSAGES = int(os.environ.get("SMS_DELIVERIES", "10000"))

#: Pulled soon and often: what a lost push and a killed worker leave behind is known in seconds.
PULLS = {"SMS_PULLS": "1,3,8,20,60", "SMS_PULL_QPS": "500"}


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """Numbers are sealed: without a key nothing is pulled."""
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("SMS_PAYLOAD_KEY", key)
    return key


@pytest.fixture
def sms(stage: Stage, key: str) -> Iterator[Sms]:
    """A producer with the key."""
    assert key
    sms = connect(broker_url=stage.server.url)
    yield sms
    sms.close()


@pytest.mark.timeout(2400)
def test_every_recipient_is_known(stage: Stage, sms: Sms, key: str) -> None:
    """Amid kills and losses nothing is accepted twice, and every recipient's delivery is what the simulator recorded."""
    simulator = stage.simulator
    served = Served(stage.server.url, SMS_PAYLOAD_KEY=key)
    simulator.set(
        callback_url=f"{served.told['url']}/receipts/{SECRET}",
        # Some reports are there before the answer of their request.
        delivery_delay_s=0,
        receipt_jitter_s=1,
        latency_ms=50,
        receipt_loss=0.1,
        receipt_duplicates=0.2,
        callback_timeout_ms=5_000,
        callback_again_s=0.5,
    )
    for kind, share in (("close_after", 0.05), ("http_502_after", 0.05)):
        simulator.fault(kind, probability=share, times=None)
    simulator.fault("receipt", code="MOBILE_NOT_ON_SERVICE", probability=0.05, times=None)
    jobs: list[Job] = []
    element = sms.getElement("SMS.Example")
    faults = iter(sorted(MESSAGES * each // 10 for each in (2, 4, 5, 6, 8)))
    next_fault = next(faults)
    with (
        stage.worker(SMS_PAYLOAD_KEY=key, **PULLS) as first,
        stage.worker(SMS_PAYLOAD_KEY=key, **PULLS) as second,
    ):
        workers = itertools.cycle((first, second))
        for number in range(MESSAGES):
            if number == next_fault:
                next_fault = next(faults, -1)
                if number == MESSAGES * 5 // 10:
                    stage.server.kill()
                    stage.server.restart()
                else:
                    victim = next(workers)
                    victim.kill()
                    victim.start(wait=False)
                    served.end(signal.SIGKILL)
                    served = Served(stage.server.url, SECRET, "--port", str(served.port), SMS_PAYLOAD_KEY=key)
            jobs.append(_send(element, number))
        result = count(stage, jobs, timeout=300)
        assert (result.twice, result.open, result.denied, result.invented) == ((), (), (), ())
        # A worker that was killed between its claim and its request leaves an unknown job. Nothing else may.
        assert result.outcomes["unknown"] <= 3 * 16, result.outcomes
        # Five minutes go by after a look-up that failed.
        until(lambda: not _waiting(jobs), "every delivery is known", timeout=400)
        recorded = {each["out_id"]: each["err_code"] for each in simulator.receipts()}
        known = Counter(
            (job.delivery().err_code == recorded[job.id], job.delivery().source)
            for job in jobs
            if job.id in recorded
        )
        assert known[True, "push"] > MESSAGES / 3, known
        assert known[True, "pull"] >= 1, known
        assert not [each for each in known if not each[0]], known
        print(f"\n{MESSAGES} messages: {dict(result.outcomes)}; deliveries known by {dict(known)}")
    assert served.end()[0] == 0


def _send(element: object, number: int) -> Job:
    """Enqueue with a key, again and again while Redis is unreachable."""
    while True:
        try:
            return element.sendMessage(  # type: ignore[attr-defined]
                [str(13_800_000_000 + number)], {"code": "123456"}, TEMPLATE, idempotency_key=f"{number}"
            )
        except (QueueUnavailable, RedisError):
            time.sleep(0.1)


def _waiting(jobs: list[Job]) -> bool:
    return any(job.status() == "accepted" and job.delivery().state == "waiting" for job in jobs)
