"""CPU of a worker by layer: ``python -m benchmarks.layers <file> -A smsjobs_worker worker …`` runs Celery with clocks.

Each clock wraps one function and counts its thread's CPU time, without the time of the clocks inside it. When the
worker ends, the sums are written to the file as JSON: label to CPU seconds and calls. The clocks cost about 5 %.
"""

from __future__ import annotations

import atexit
import functools
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

__all__ = ["CLOCKS", "LOOP", "PROCESS"]

#: The thread that runs Celery's loop, without what has a clock of its own.
LOOP: Final = "Celery: event loop, BRPOP, decoding"

#: The whole process.
PROCESS: Final = "process"

_RECEIVE: Final = "Celery: request object, hand-over to the pool"

#: Each label and the functions that it counts, as "module:Class.name".
CLOCKS: Final[dict[str, tuple[str, ...]]] = {
    "Celery: book-keeping of unacknowledged messages": ("kombu.transport.redis:QoS.append",),
    "Celery: acknowledgement": ("kombu.message:Message.ack",),
    _RECEIVE: ("kombu.messaging:Consumer._receive_callback",),
    "Celery: tracing the task": ("celery.concurrency.thread:apply_target",),
    "Celery: result": ("celery.backends.base:Backend.store_result",),
    "smsjobs: taking and acknowledging, once a turn of the loop": (
        "smsjobs_worker.process.transport.channel:TurnChannel._step",
    ),
    "smsjobs: claim": ("smsjobs.ledger.ledger:Ledger.claim",),
    "smsjobs: settle": ("smsjobs.ledger.ledger:Ledger.settle",),
    "smsjobs: rules": ("smsjobs_worker.sending.sender:Sender.run",),
    "SDK: model, signature, answer": (
        "alibabacloud_dysmsapi20170525.client:Client.send_sms_with_options",
        "alibabacloud_dysmsapi20170525.client:Client.__init__",
    ),
    "HTTP: ours, or the SDK's (requests, urllib3)": (
        "smsjobs_worker.aliyun.lean:_Connections.exchange",
        "requests.sessions:Session.send",
    ),
    "logging": ("logging:Logger._log",),
}

_sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
_lock = threading.Lock()
_inner = threading.local()
#: CPU seconds of the loop's thread and of the process before the first message.
_began: list[float] = []


def _clock(label: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def clocked(*args: Any, **kwargs: Any) -> Any:
        if label == _RECEIVE and not _began:
            _began.extend((time.thread_time(), time.process_time()))
            _inner.s = 0.0
        outside = getattr(_inner, "s", 0.0)
        _inner.s = 0.0
        began = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            took = time.thread_time() - began
            with _lock:
                sums = _sums[label]
                sums[0] += took - _inner.s
                sums[1] += 1
            _inner.s = outside + took

    return clocked


def _install() -> None:
    for label, places in CLOCKS.items():
        for place in places:
            module_name, _, path = place.partition(":")
            try:
                owner: Any = import_module(module_name)
            except ImportError:
                continue  # the plain worker has no smsjobs
            *owners, name = path.split(".")
            owner = functools.reduce(getattr, owners, owner)
            setattr(owner, name, _clock(label, getattr(owner, name)))


def _write(path: Path) -> None:
    with _lock:
        sums = {label: {"cpu_s": value[0], "calls": value[1]} for label, value in _sums.items()}
    loop, process = _began or (time.thread_time(), time.process_time())
    sums[LOOP] = {"cpu_s": time.thread_time() - loop - getattr(_inner, "s", 0.0), "calls": 0}
    sums[PROCESS] = {"cpu_s": time.process_time() - process, "calls": 0}
    path.write_text(json.dumps(sums), "utf-8")


def main() -> None:
    """Run Celery's command with clocks."""
    _install()
    path = Path(sys.argv[1])
    sys.argv = ["celery", *sys.argv[2:]]
    atexit.register(_write, path)
    from celery.__main__ import main as celery_main  # noqa: PLC0415  after the clocks

    celery_main()


if __name__ == "__main__":
    main()
