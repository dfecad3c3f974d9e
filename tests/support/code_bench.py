"""Verification over each of its stores: a real Redis, and the memory of `smsjobs.testing`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from smsjobs import Sms, connect, testing
from smsjobs.element import Element
from smsjobs.verification import Guard, Keyring, RedisCodes, Rules, Sent, Verification
from support.redis_server import RedisServer

SECRET = "a secret that is good for tests only"
PHONE = "13800138000"


class ClockedElement(Element):
    """The real element, whose codes go by a test's clock."""

    def __init__(self, sms: Sms, clock: testing.Clock) -> None:
        super().__init__(sms.connection, "SMS.Example")
        self.clock = clock

    def _verification(
        self, rules: Rules, keyring: Callable[[], Keyring], guard: Guard | None
    ) -> Verification:
        store = RedisCodes(self._connection.redis, self.fullName, timeout_s=5, clock=self.clock)
        return Verification(self, rules, keyring(), store, self._job, guard=guard)


class Bench:
    """Codes, a clock, and a look at what was enqueued."""

    clock: testing.Clock
    element: Element

    def __init__(self) -> None:
        self.clock = testing.Clock()

    def verification(self, purpose: str = "login", **options: Any) -> Verification:
        """A purpose's codes; the fake too has the secrets that it is given."""
        secret, old = options.pop("secret", SECRET), options.pop("old_secret", None)
        made = self.element.verification(
            purpose, **{"verifyTemplateCode": "SMS_1", "secret": secret, **options}
        )
        made._keyring = Keyring.read(secret, old, environ={})
        return made

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def codes(self) -> dict[str, str]:
        """The code of every job there is, by the job's id."""
        raise NotImplementedError

    def params(self) -> list[dict[str, str]]:
        """The parameters of every job there is."""
        raise NotImplementedError

    def code(self, sent: Sent) -> str:
        """The code that a send carries."""
        return self.codes()[sent.job.id]


class MemoryBench(Bench):
    """Over `smsjobs.testing`."""

    def __init__(self) -> None:
        super().__init__()
        self.sms = testing.FakeSms(self.clock)
        self.element = self.sms.getElement("SMS.Example")

    def codes(self) -> dict[str, str]:
        """The code of every job there is."""
        return {each.job_id: each.params["code"] for each in self.sms.messages}

    def params(self) -> list[dict[str, str]]:
        """The parameters of every job there is."""
        return [dict(each.params) for each in self.sms.messages]


@dataclass(frozen=True)
class At:
    """A server that another process has started."""

    url: str

    def client(self) -> redis.Redis:
        """A new client that gives text."""
        return redis.Redis.from_url(self.url, decode_responses=True)


class RedisBench(Bench):
    """Over a real Redis. No worker takes the jobs, so their parameters stay in the ledger."""

    def __init__(self, server: "RedisServer | At", timeout: float | None = None) -> None:
        super().__init__()
        self.server = server
        self.sms = connect(broker_url=server.url, timeout=timeout)
        self.reset()

    def reset(self) -> None:
        """A new clock and a new element on the same connections."""
        self.clock = testing.Clock()
        self.element = ClockedElement(self.sms, self.clock)

    def codes(self, phone: str | None = None) -> dict[str, str]:
        """The code of every job there is, or of one number's."""
        return {
            job_id: job["params"]["code"]
            for job_id, job in self._jobs().items()
            if phone in (None, *job["phoneList"])
        }

    def params(self) -> list[dict[str, str]]:
        """The parameters of every job there is."""
        return [job["params"] for job in self._jobs().values()]

    def _jobs(self) -> dict[str, Any]:
        with self.server.client() as client:
            texts = {
                key.rpartition(":")[2]: client.hget(key, "job") for key in client.scan_iter("sms:{*}:job:*")
            }
        return {job_id: json.loads(text) for job_id, text in texts.items()}
