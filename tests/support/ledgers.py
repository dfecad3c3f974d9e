"""A ledger for tests, with its clock at hand."""

import itertools
from typing import Any

import redis

from smsjobs.contract import (
    JobRecord,
    RequestFailed,
    SendResult,
    element_tag,
    encode_outcome,
    make_job,
)
from smsjobs.ledger import Due, Granted, Ledger, Wait

PHONE = "13800138000"
CODE = "739201"
LEASE_S = 30.0

_ids = itertools.count(1)


class Clock:
    """The time in seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @property
    def ms(self) -> int:
        """The time as the ledger writes it."""
        return round(self.now * 1000)


def a_job(**more: Any) -> JobRecord:
    """A job of the verification lane, with an id of its own."""
    given: dict[str, Any] = {
        "element": "SMS.Test",
        "phoneList": [PHONE],
        "params": {"code": CODE},
        "verifyTemplateCode": "SMS_1",
        "lane_name": "verification",
        **more,
    }
    own = f"{element_tag(given['element'])}-00000000-0000-4000-8000-{next(_ids):012d}"
    return make_job(**{"id": own} | given)


def accepted(job: JobRecord, attempts: int = 1) -> dict[str, Any]:
    """The JSON of an accepted job's outcome."""
    return encode_outcome(SendResult(response={"Code": "OK"}, out_id=job.id, attempts=attempts))


def failed(job: JobRecord, outcome: str = "not_sent", reason: str = "expired") -> dict[str, Any]:
    """The JSON of a failed job's outcome."""
    return encode_outcome(
        RequestFailed("it failed", reason=reason, outcome=outcome, out_id=job.id, attempts=0)
    )


def granted(ledger: Ledger, job: JobRecord, token: str = "token") -> Granted:
    """Claim a job, which must be free."""
    claim = ledger.claim(job.id, token, lease_s=LEASE_S)
    assert isinstance(claim, Granted), claim
    return claim


def to_send(delay_s: float = 0, attempts: int = 1) -> Wait:
    """Give a job back to be sent again."""
    return Wait(state="queued", delay_s=delay_s, attempts=attempts)


def to_look_up(clock: Clock, delay_s: float = 2, attempts: int = 1) -> Wait:
    """Give a job back whose answer was lost just now."""
    return Wait(
        state="looking_up", delay_s=delay_s, attempts=attempts, lost_from_ms=clock.ms, lost_to_ms=clock.ms
    )


def verbs(found: list[Due]) -> list[tuple[str, str]]:
    """What a sweep found, in short."""
    return sorted((due.verb, due.job_id) for due in found)


def everything(client: "redis.Redis") -> str:
    """All keys and values of a Redis, as text."""
    parts: list[str] = []
    for name in client.scan_iter():
        kind = client.type(name)
        match kind:
            case "hash":
                parts.append(f"{name} {sorted(client.hgetall(name).items())}")
            case "string":
                parts.append(f"{name} {client.get(name)}")
            case "zset":
                parts.append(f"{name} {client.zrange(name, 0, -1, withscores=True)}")
            case _:
                raise AssertionError(f"{name} is a {kind}, which the ledger has none of")
    return "\n".join(sorted(parts))


def assert_nothing_is_lost(client: "redis.Redis") -> None:
    """Every job that has no outcome is on the agenda, where the sweep finds it."""
    for name in client.scan_iter("sms:{*}:job:*"):
        element, _, job_id = name.partition(":job:")
        state = client.hget(name, "state")
        if state in ("queued", "sending", "looking_up"):
            assert client.zscore(f"{element}:agenda", job_id) is not None, (
                f"{name} is {state} and on no agenda"
            )
