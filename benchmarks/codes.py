"""Verification codes from end to end: from the call of `sendMessage` until `job.get()` returns."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.stage import ELEMENT, PARAMS, TEMPLATE, Stage, phones
from benchmarks.timing import Latency

__all__ = ["send_codes"]

#: Codes a second. They come at even distances, whether or not earlier ones have ended.
_PER_S = 20.0
#: Codes that are sent before the counting begins.
_WARM = 10
#: Numbers that no campaign of the benchmark uses.
_FIRST = 50_000_000


def send_codes(stage: Stage, *, seconds: float) -> Latency:
    """Send codes for that long.

    Raises:
        SmsError: One was not accepted.
    """
    element = stage.sms.getElement(ELEMENT)
    took: list[float] = []
    lock = threading.Lock()

    def send(phone: str, due: float) -> None:
        # From when it was due: a code that had to wait for a thread of this process has waited too.
        job = element.sendMessage([phone], PARAMS, TEMPLATE, lane="verification")
        job.get(timeout=30)
        with lock:
            took.append(time.perf_counter() - due)

    for phone in phones(_WARM, first=_FIRST):
        send(phone, time.perf_counter())
    took.clear()
    count = round(seconds * _PER_S)
    began = time.perf_counter()
    with ThreadPoolExecutor(32) as pool:
        futures = []
        for number, phone in enumerate(phones(count, first=_FIRST + _WARM)):
            due = began + number / _PER_S
            time.sleep(max(0.0, due - time.perf_counter()))
            futures.append(pool.submit(send, phone, due))
        for each in futures:
            each.result()
    return Latency.of(took)
