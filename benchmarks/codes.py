"""Verification codes from end to end: from the call that enqueues one until its outcome is known."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.contenders import Plain, plain_client
from benchmarks.stage import ELEMENT, PARAMS, TEMPLATE, Stage, phones
from benchmarks.timing import Latency

__all__ = ["send_codes", "send_plain_codes"]

#: Codes a second. They come at equal intervals, even if earlier ones have not ended.
_PER_S = 20.0
#: Codes to send before the counting begins.
_WARM = 10
#: Numbers that no campaign of the benchmark uses.
_FIRST = 50_000_000


def send_codes(stage: Stage, *, seconds: float) -> Latency:
    """Send codes for some seconds. Measure each from `sendMessage` until `job.get()` returns.

    Raises:
        SmsError: A code was not accepted.
    """
    element = stage.sms.getElement(ELEMENT)
    return _time(
        lambda phone: element.sendMessage([phone], PARAMS, TEMPLATE, lane="verification").get(timeout=30),
        seconds,
    )


def send_plain_codes(stage: Stage, *, seconds: float) -> Latency:
    """Measure the same with a plain worker's task and Celery's `get()`. The worker must be running."""
    plain = Plain("threads", 32)
    with plain_client(stage) as app:
        return _time(lambda phone: plain.enqueue_one(app, phone).get(timeout=30), seconds)


def _time(send: Callable[[str], object], seconds: float) -> Latency:
    took: list[float] = []
    lock = threading.Lock()

    def timed(phone: str, due: float) -> None:
        # Measured from its due time, so that waiting for a thread of this process counts too.
        send(phone)
        with lock:
            took.append(time.perf_counter() - due)

    for phone in phones(_WARM, first=_FIRST):
        timed(phone, time.perf_counter())
    took.clear()
    count = round(seconds * _PER_S)
    began = time.perf_counter()
    with ThreadPoolExecutor(32) as pool:
        futures = []
        for number, phone in enumerate(phones(count, first=_FIRST + _WARM)):
            due = began + number / _PER_S
            time.sleep(max(0.0, due - time.perf_counter()))
            futures.append(pool.submit(timed, phone, due))
        for each in futures:
            each.result()
    return Latency.of(took)
