"""Enqueueing messages in a web process: how many a second, and how long one takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import Plain, plain_client
from benchmarks.stage import ELEMENT, PARAMS, TEMPLATE, Stage, phones
from benchmarks.timing import Latency

__all__ = ["Enqueued", "enqueue_ours", "enqueue_plain"]

#: Calls before the counting begins, for connections, scripts and lazy imports.
_WARM = 50


@dataclass(frozen=True, kw_only=True)
class Enqueued:
    """What was measured."""

    #: Messages a second, one after the other in one thread.
    per_s: float
    #: How long one call takes.
    latency: Latency


def enqueue_ours(stage: Stage, count: int) -> Enqueued:
    """Measure `sendMessage`, which checks, records in the ledger and publishes."""
    element = stage.sms.getElement(ELEMENT)
    return _time(stage, count, lambda phone: element.sendMessage([phone], PARAMS, TEMPLATE))


def enqueue_plain(stage: Stage, count: int) -> Enqueued:
    """Measure publishing the plain worker's task, with everything in the message."""
    plain = Plain("threads", 32)
    with plain_client(stage) as app:
        return _time(stage, count, lambda phone: plain.enqueue_one(app, phone))


def _time(stage: Stage, count: int, call: Callable[[str], Any]) -> Enqueued:
    stage.clear(latency_ms=0)
    for phone in phones(_WARM):
        call(phone)
    took = []
    began = time.perf_counter()
    for phone in phones(count):
        before = time.perf_counter()
        call(phone)
        took.append(time.perf_counter() - before)
    return Enqueued(per_s=count / (time.perf_counter() - began), latency=Latency.of(took))
