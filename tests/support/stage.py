"""Everything that a test from outside needs: a Redis, a simulator as judge, an app with elements, a producer."""

import itertools
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from celery import Celery
from celery.result import AsyncResult

from aliyun_sms_simulator import Simulator, SimulatorProcess
from smsjobs import Job, SendResult, Sms, SmsError, connect
from support.cluster import Cluster
from support.polling import until
from support.redis_server import RedisServer
from support.replicated import Sentinels
from support.worker import WorkerProcess, write_element

TEMPLATE = "SMS_123456789"

#: Look-ups, leases and sweeps short enough for tests.
FAST = {
    "SMS_LOOKUPS_VERIFICATION": "0.4,0.8,1.5",
    "SMS_LOOKUPS_NOTIFICATION": "0.4,0.8,1.5",
    "SMS_LOOKUPS_BULK": "0.4,0.8,1.5",
    "SMS_LEASE": "2",
    "SMS_SWEEP": "0.1",
    "SMS_VISIBILITY": "4",
}

#: None of these is written in a test: those begin with 13800138.
_phones = itertools.count(13800000000)


def new_phone() -> str:
    """An example number that no other test of this process has had."""
    return str(next(_phones))


class Stage:
    """One Redis, one simulator, one app directory.

    Args:
        server: A Redis of somebody else's; else the stage starts its own.
        simulator: A simulator of somebody else's, likewise.
        broker_url: A broker beside the Redis; else the Redis is the broker.
        cluster: The ledger, beside the Redis.
        fresh: Whether the simulator forgets everything first.
    """

    def __init__(
        self,
        server: RedisServer | Sentinels | None = None,
        simulator: Simulator | SimulatorProcess | None = None,
        *,
        broker_url: str | None = None,
        cluster: Cluster | None = None,
        fresh: bool = True,
    ) -> None:
        self._fresh, self._broker_url, self._cluster = fresh, broker_url, cluster
        self._own = [each for each, given in ((RedisServer(), server), (Simulator(), simulator)) if not given]
        self.server = server or next(each for each in self._own if isinstance(each, RedisServer))
        self.simulator = simulator or next(each for each in self._own if isinstance(each, Simulator))
        self._directory = tempfile.TemporaryDirectory(prefix="stage-")
        self.app_dir = Path(self._directory.name)

    def __enter__(self) -> Self:
        for each in self._own:
            each.start()
        with self.server.client() as client:
            client.flushall()
        if self._cluster:
            self._cluster.clear()
        if self._fresh:
            self.simulator.reset()
        self.sms = self.connect()
        self.celery = plain_celery(self.server.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sms.close()
        self.celery.close()
        for each in reversed(self._own):
            each.stop()
        self._directory.cleanup()

    def connect(self, *, timeout: float | None = None) -> Sms:
        """A producer."""
        broker_url = self._broker_url or self.server.url
        return connect(broker_url=broker_url, redis_url=self._ledger_url, timeout=timeout)

    @property
    def _ledger_url(self) -> str:
        return self._cluster.url if self._cluster else self.server.url

    def write(self, name: str = "Example", kind: str = "SMS.Aliyun", **more: object) -> str:
        """Write an element that sends to the simulator; returns its full name. Its read time-out is short."""
        url = self.simulator.verify_url if kind == "SMS.AliyunVerify" else self.simulator.url
        account = {"endpoint": url, "readTimeoutMs": 1000, **more}
        return write_element(self.app_dir, name, kind=kind, **account)

    def group(self, name: str, *members: dict[str, object]) -> str:
        """Write a group of elements; returns its full name."""
        folder = self.app_dir / "SMS" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "e.json").write_text(json.dumps({"title": name, "type": "SMS.Group"}), "utf-8")
        (folder / "sms.json").write_text(json.dumps({"members": members}), "utf-8")
        return f"SMS.{name}"

    def worker(self, *, redis_url: str | None = None, **more: Any) -> WorkerProcess:
        """A worker of this app, not yet started, with short times unless told otherwise."""
        if self._broker_url or self._cluster:
            broker_url = self._broker_url or self.server.url
            more = {"SMS_BROKER_URL": broker_url, "SMS_REDIS_URL": self._ledger_url, **more}
        return WorkerProcess(redis_url or self.server.url, self.app_dir, **{**FAST, **more})

    def send(self, element: str, phone: str | None = None, *, sms: Sms | None = None, **more: Any) -> Job:
        """Enqueue a message to one number, a new one unless it is given."""
        return (
            (sms or self.sms)
            .getElement(element)
            .sendMessage(
                phoneList=[phone or new_phone()],
                params={"code": "123456"},
                verifyTemplateCode=TEMPLATE,
                **more,
            )
        )

    def client(self) -> redis.Redis:
        """A client of the Redis."""
        return self.server.client()

    def stored(self, job: Job, *, timeout: float = 20) -> SendResult | SmsError:
        """What a plain Celery client gets to see of the job, as a value."""
        result = AsyncResult(job.id, app=self.celery)
        until(result.ready, f"AsyncResult of {job.id} is ready", timeout=timeout)
        return result.get(propagate=False)


def plain_celery(redis_url: str) -> Celery:
    """A Celery app that knows nothing of smsjobs but where its results are."""
    return Celery("somebody", broker=redis_url, backend=redis_url, set_as_current=False, fixups=[])


def outcome(job: Job, *, timeout: float = 60) -> SendResult | SmsError:
    """The job's outcome as a value, whatever it is."""
    try:
        return job.get(timeout=timeout)
    except SmsError as error:
        return error


def word(of: SendResult | SmsError) -> str:
    """The outcome in a word or two, as in ``"not_sent expired"``."""
    return of.outcome if isinstance(of, SendResult) else f"{of.outcome} {of.reason}"


@dataclass(frozen=True, kw_only=True)
class Count:
    """What became of many jobs, by the record of the simulator and by what the callers were told."""

    #: How many jobs have each outcome.
    outcomes: Counter[str] = field(default_factory=Counter)
    #: Ids that the simulator accepted more than once.
    twice: tuple[str, ...]
    #: Ids without an outcome.
    open: tuple[str, ...]
    #: Ids said to be accepted that the simulator never accepted.
    invented: tuple[str, ...]
    #: Ids said to be rejected or not sent that the simulator accepted.
    denied: tuple[str, ...]


def count(stage: Stage, jobs: Iterable[Job], *, timeout: float = 60) -> Count:
    """Wait for the jobs' ends and compare them with the simulator's record."""
    ended: dict[str, SendResult | SmsError] = {}
    missing = []
    for job in jobs:
        try:
            ended[job.id] = outcome(job, timeout=timeout)
        except TimeoutError:
            missing.append(job.id)
    accepted = stage.simulator.accepted_counts()
    return Count(
        outcomes=Counter(each.outcome for each in ended.values()),
        twice=tuple(each for each, times in accepted.items() if times > 1),
        open=tuple(missing),
        invented=tuple(
            each for each, end in ended.items() if end.outcome == "accepted" and not accepted.get(each)
        ),
        denied=tuple(
            each
            for each, end in ended.items()
            if end.outcome in ("rejected", "not_sent") and accepted.get(each)
        ),
    )
