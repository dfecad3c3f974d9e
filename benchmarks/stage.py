"""The environment of every measurement: a Redis, a simulated Aliyun, an app with one element, and a producer."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from aliyun_sms_simulator import SimulatorProcess
from benchmarks.processes import cpu_s
from smsjobs import Sms, connect
from smsjobs.contract import LANES
from smsjobs.embedded import TemporaryRedis
from support.keys import agenda, job_key

__all__ = [
    "ACCESS_KEY",
    "ACCESS_SECRET",
    "ELEMENT",
    "PARAMS",
    "PARAMS_JSON",
    "SIGN",
    "TEMPLATE",
    "Stage",
    "Usage",
    "phones",
]

ELEMENT = "SMS.Bench"
SIGN = "示例公司"
TEMPLATE = "SMS_123456789"
PARAMS = {"code": "123456"}
PARAMS_JSON = json.dumps(PARAMS)

#: What the simulator knows without a catalogue.
ACCESS_KEY, ACCESS_SECRET = "your_access_key", "your_access_secret"


def phones(count: int, *, first: int = 0) -> Iterator[str]:
    """Return example numbers. They may repeat, because the simulator's flow control is off."""
    for number in range(first, first + count):
        yield f"138{number % 100_000_000:08d}"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What Redis and the simulator have used up to one moment."""

    #: CPU seconds of Redis.
    redis_cpu_s: float
    #: CPU seconds of the simulator.
    simulator_cpu_s: float
    #: Requests that Redis has read from its connections; a pipeline is one.
    round_trips: int

    def __sub__(self, earlier: Usage) -> Usage:
        return Usage(
            redis_cpu_s=self.redis_cpu_s - earlier.redis_cpu_s,
            simulator_cpu_s=self.simulator_cpu_s - earlier.simulator_cpu_s,
            round_trips=self.round_trips - earlier.round_trips,
        )


class Stage:
    """Everything runs on 127.0.0.1 and on free ports. It is ended and removed at the end of the ``with`` block.

    Args:
        records: How many of the newest accepted requests the simulator keeps; it looks up only these.
    """

    def __init__(self, *, records: int = 1000) -> None:
        #: Further variables of the workers' environment.
        self.settings: dict[str, str] = {}
        self._directory = tempfile.TemporaryDirectory(prefix="smsjobs-bench-")
        self.directory = Path(self._directory.name)
        self._server = TemporaryRedis()
        self.simulator = SimulatorProcess(["--set", f"record_limit={records}", "--set", "request_limit=0"])

    def __enter__(self) -> Self:
        self._server.start()
        self.simulator.start()
        self.redis_url = self._server.url
        self.simulator_url = self.simulator.url
        # Celery's own client prints what it reads as bytes. To empty a Redis of gigabytes takes a while.
        self.redis = redis.Redis.from_url(self.redis_url, decode_responses=True, socket_timeout=120)
        self.sms: Sms = connect(broker_url=self.redis_url)
        self.write_elements([ELEMENT])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sms.close()
        self.redis.close()
        self.simulator.stop()
        self._server.stop()
        self._directory.cleanup()

    def clear(self, *, latency_ms: float) -> None:
        """Start again with an empty Redis, an empty record and the given latency."""
        self.redis.flushall()
        self.simulator.reset()
        self.simulator.set_latency(latency_ms)

    def states(self, job_ids: Sequence[str]) -> list[str | None]:
        """Return the state of each job in the ledger; None where the ledger does not have it (any more)."""
        pipe = self.redis.pipeline(transaction=False)
        for each in job_ids:
            pipe.hget(job_key(each), "state")
        return list(pipe.execute())

    def accepted(self) -> int:
        """Return how many requests the simulator has accepted since `clear`."""
        return int(self.simulator.about()["accepted_requests"])

    def usage(self) -> Usage:
        """Return what was used so far."""
        info = self.redis.info()
        return Usage(
            redis_cpu_s=float(info["used_cpu_sys"]) + float(info["used_cpu_user"]),
            simulator_cpu_s=cpu_s([self.simulator.pid or 0]),
            round_trips=int(info["total_reads_processed"]),
        )

    def wait_for_workers(self, count: int) -> None:
        """Wait until this many worker processes read their queues."""
        deadline = time.monotonic() + 60
        while sum(each["cmd"].endswith("brpop") for each in self.redis.client_list()) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{count} workers were not ready within 60 s; see {self.directory}")
            time.sleep(0.1)

    def wait_for_rest(self) -> None:
        """Wait until cancelled work is finished. Otherwise it would be counted in the next measurement."""
        deadline = time.monotonic() + 60
        while self.redis.llen(LANES["bulk"].queue) or self.redis.zcard(agenda(ELEMENT)):
            if time.monotonic() > deadline:
                raise RuntimeError("the workers did not come to rest within 60 s")
            time.sleep(0.1)

    def environment(self) -> dict[str, str]:
        """The environment for workers of both kinds."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMS_", "CELERY_"))}
        return kept | {
            "SMS_BROKER_URL": self.redis_url,
            "SMS_APP": str(self.directory),
            "BENCH_REDIS_URL": self.redis_url,
            "BENCH_ENDPOINT": self.simulator.url.removeprefix("http://"),
            "BENCH_ACCESS_KEY": ACCESS_KEY,
            "BENCH_ACCESS_SECRET": ACCESS_SECRET,
            **self.settings,
        }

    def write_elements(self, names: Sequence[str]) -> None:
        """Have these elements, and no others, for workers that are started from now on."""
        for each in (self.directory / "SMS").glob("*"):
            shutil.rmtree(each)
        define = {"title": "Bench", "type": "SMS.Aliyun", "backendBundleEntry": "."}
        account = {
            "accessKey": ACCESS_KEY,
            "accessSecret": ACCESS_SECRET,
            "verifySign": SIGN,
            "endpoint": self.simulator.url,
        }
        for each in names:
            folder = self.directory.joinpath(*each.split("."))
            folder.mkdir(parents=True)
            (folder / "e.json").write_text(json.dumps(define), "utf-8")
            (folder / "sms.json").write_text(json.dumps(account), "utf-8")
