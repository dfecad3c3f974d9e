"""What `import smsjobs` costs a web process, compared with Celery and redis-py alone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from benchmarks.stage import ELEMENT, Stage

__all__ = ["Imported", "import_cost"]

_CELERY: Final = "import celery, redis; celery.Celery, redis.Redis"
_OURS: Final = "import smsjobs; smsjobs.connect"

#: The first publish makes Celery load the rest of itself, on both sides.
_CELERY_PUBLISH: Final = f"""{_CELERY}
app = celery.Celery("plain", broker={{url!r}})
app.send_task("task", ("argument",), queue="sms.notification")
"""
_OURS_PUBLISH: Final = f"""{_OURS}
sms = smsjobs.connect(broker_url={{url!r}})
sms.getElement({ELEMENT!r}).sendMessage(["13800138000"], {{{{"code": "123456"}}}}, "SMS_123456789")
"""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """CPU milliseconds of a new interpreter, without its own start. Each is the smallest of several values."""

    celery_ms: float
    ours_ms: float
    celery_publish_ms: float
    ours_publish_ms: float


def import_cost(stage: Stage, *, times: int) -> Imported:
    """Measure them in turn, so that all run under the same load of the machine."""
    stage.clear(latency_ms=0)
    url = stage.redis_url
    programs = [
        "pass",
        _CELERY,
        _OURS,
        _CELERY_PUBLISH.format(url=url),
        _OURS_PUBLISH.format(url=url),
    ]
    least = [
        min(each) for each in zip(*([_cpu_ms(each) for each in programs] for _ in range(times)), strict=True)
    ]
    return Imported(
        celery_ms=least[1] - least[0],
        ours_ms=least[2] - least[0],
        celery_publish_ms=least[3] - least[0],
        ours_publish_ms=least[4] - least[0],
    )


def _cpu_ms(program: str) -> float:
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL)  # noqa: S603
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"status {process.returncode} of: {program}")
    return (used.ru_utime + used.ru_stime) * 1000
