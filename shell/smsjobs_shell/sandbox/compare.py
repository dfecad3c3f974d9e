"""``smsjobs demo --compare``: a plain Celery task and smsjobs send the same code, and each answer of Aliyun is lost."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from celery import Celery

from smsjobs.client import connect
from smsjobs.contract import mask_phone
from smsjobs_shell.sandbox.demo_system import DemoSystem, demo_system
from smsjobs_shell.sandbox.stage import ACCOUNT, QUICK, worker_environment
from smsjobs_shell.terminal.failure import FAILED
from smsjobs_shell.terminal.language import mark, tr
from smsjobs_shell.terminal.screen import Screen

__all__ = ["compare"]

#: Seconds that both may take. The plain task waits a second before each of its five retries.
_OUTCOMES_S: Final = 25.0

#: The plain task, for whoever wants to read it. Celery imports it by its name without the ending.
_TASK: Final = Path(__file__).with_name("plain_celery.py")

_CODE: Final = "123456"

#: Who sends, and to whom.
_PHONES: Final = {"celery": "13800138000", "smsjobs": "13800138001"}

#: Who sends, in words.
_WORDS: Final = {"celery": mark("a plain Celery task"), "smsjobs": "smsjobs"}

_COLUMNS: Final = (
    mark("Sent by"),
    mark("Texts"),
    mark("Requests"),
    mark("Look-ups"),
    mark("Outcome"),
    mark("Time"),
)


@dataclass(frozen=True, kw_only=True)
class _Ended:
    """What one of the two did."""

    by: str
    #: What landed on the phone.
    texts: Sequence[str] = field(repr=False)
    #: How many requests to send reached Aliyun.
    requests: int
    lookups: int
    #: What whoever enqueued it is told.
    outcome: str
    seconds: float

    def row(self) -> tuple[str, ...]:
        """It in the table."""
        counts = map(str, (len(self.texts), self.requests, self.lookups))
        return (tr(_WORDS[self.by]), *counts, self.outcome, f"{self.seconds:.1f} s")

    def to_json(self) -> dict[str, Any]:
        """It for ``--json``."""
        return {
            "by": self.by,
            "to": mask_phone(_PHONES[self.by]),
            "texts": list(self.texts),
            "requests": self.requests,
            "lookups": self.lookups,
            "outcome": self.outcome,
            "seconds": round(self.seconds, 2),
        }


def compare(screen: Screen) -> int:
    """Send by both, show what landed on the phones, and give the exit status."""
    began = time.monotonic()
    starting = tr("Starting Redis, a simulated Aliyun and a worker of each")
    with demo_system(screen, starting, _start_plain_worker) as system:
        system.simulator.lose_answers()
        with screen.working(tr("Sending the same code by both, while each answer of Aliyun is lost")):
            plain, ours = _send_by_both(system)
        log = system.tail()
    good = len(plain.texts) > 1 and len(ours.texts) == 1 and ours.outcome == "accepted"
    _show(screen, (plain, ours), time.monotonic() - began)
    document = {"ok": good, "compared": [plain.to_json(), ours.to_json()]}
    screen.document(document if good else document | {"log": log})
    if not good:
        screen.line("\n" + tr("This is not what was expected.") + f"\n\n{log}")
    return 0 if good else FAILED


def _start_plain_worker(system: DemoSystem) -> None:
    env = worker_environment(
        redis_url=system.redis_url,
        app=_TASK.parent,
        REDIS_URL=system.redis_url,
        ALIBABA_CLOUD_ACCESS_KEY_ID=ACCOUNT["accessKey"],
        ALIBABA_CLOUD_ACCESS_KEY_SECRET=ACCOUNT["accessSecret"],
        ALIYUN_SMS_ENDPOINT=system.simulator.url.removeprefix("http://"),
        # The environment's proxy must not be asked for localhost.
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    celery = ("-m", "celery", "--workdir", str(_TASK.parent), "-A", _TASK.stem)
    worker = ("worker", "-n", "plain@%h", "-l", "INFO", "--pool", "threads", "-c", "1", *QUICK)
    system.workers.start("plain worker", [sys.executable, *celery, *worker], env)


def _send_by_both(system: DemoSystem) -> list[_Ended]:
    # Celery takes what CELERY_BROKER_URL and the like say before its arguments. They are another application's.
    for name in [each for each in os.environ if each.startswith("CELERY_")]:
        del os.environ[name]
    celery = Celery(broker=system.redis_url, backend=system.redis_url, set_as_current=False, fixups=[])
    sms = connect(broker_url=system.redis_url, redis_url=system.redis_url)
    began = time.monotonic()
    ended: dict[str, tuple[str, float]] = {}

    def look() -> bool | None:
        told = {"celery": task.state if task.ready() else None, "smsjobs": job.info().outcome}
        for by, outcome in told.items():
            if outcome:
                ended.setdefault(by, (outcome, time.monotonic() - began))
        return len(ended) == len(told) or None

    try:
        task = celery.send_task(f"{_TASK.stem}.send_code", (_PHONES["celery"], _CODE))
        job = sms.getElement("SMS.Demo").sendMessage(
            phoneList=[_PHONES["smsjobs"]],
            params={"code": _CODE},
            verifyTemplateCode="SMS_100000001",
            lane="verification",
        )
        system.workers.wait_until(tr("the outcomes"), look, within_s=_OUTCOMES_S)
    finally:
        sms.close()
        celery.close()
    return [_seen(system, by, *ended[by]) for by in _PHONES]


def _seen(system: DemoSystem, by: str, outcome: str, seconds: float) -> _Ended:
    phone, simulator = _PHONES[by], system.simulator
    actions = [each["action"] for each in simulator.received() if phone in each["phones"]]
    return _Ended(
        by=by,
        texts=[each["text"] for each in simulator.accepted() if phone in each["phones"]],
        requests=actions.count("SendSms"),
        lookups=actions.count("QuerySendDetails"),
        outcome=outcome,
        seconds=seconds,
    )


def _show(screen: Screen, both: Sequence[_Ended], seconds: float) -> None:
    screen.line()
    screen.table([tr(each) for each in _COLUMNS], [each.row() for each in both])
    screen.line(tr("What Aliyun would have put on the phones:"))
    for each in both:
        about = {"phone": mask_phone(_PHONES[each.by]), "sender": tr(_WORDS[each.by])}
        screen.line("  " + tr("{phone}, sent by {sender}", **about))
        for text in each.texts:
            screen.line(f"      {text}")
    why = tr(
        "Aliyun accepted each request and its answer was lost: the task sends again,\n"
        "and smsjobs looks the message up in Aliyun's record before anything else."
    )
    done = tr(
        "Done in {seconds} s; everything is stopped and removed. The plain task is this file:",
        seconds=round(seconds),
    )
    screen.line(f"\n{why}\n\n{done}")
    screen.line(f"  {_TASK}", exact=True)
