"""The ledger: the truth about every job. Each step is one atomic script and one round trip.

A repeated step finds its own trace and answers as the first time, so that a caller whose answer was lost may
simply call again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from smsjobs.contract import KEY_PREFIX, IdempotencyConflict, JobRecord, encode_job, lane
from smsjobs.ledger.entry import (
    Claim,
    Due,
    Granted,
    InFlight,
    Missing,
    NotDue,
    Recorded,
    Settled,
    Settlement,
    Snapshot,
    Wait,
)
from smsjobs.redis_store.clock import RedisClock

if TYPE_CHECKING:
    from redis import Redis
    from redis.commands.core import Script

    from smsjobs.redis_store.seal import Seal

__all__ = ["DEFAULT_RETENTION_S", "Ledger"]

#: Seconds for which an outcome, its ids and counts are kept: 3 days.
DEFAULT_RETENTION_S: Final = 3 * 24 * 3600.0

#: Seconds until the sweep repeats what it could not finish, such as a settlement or a stored result.
_REPEAT_S: Final = 10.0

_SCRIPTS: Final = (
    "record",
    "claim",
    "wait",
    "settle",
    "settle_absent",
    "renew",
    "sweep",
    "follow",
    "feed",
    "goes_on",
    "put_back",
)

#: Most chunks of one campaign that are jobs at a time: what many workers send in a second, and little to hold.
_FEED: Final = 500


class Ledger:
    """The record in Redis, one entry a job.

    Args:
        redis: A client with ``decode_responses=True`` that does not repeat writes, as `connect_redis` makes it.
        retention_s: Seconds for which an outcome is kept.
        seal: Seals jobs before they are written; None writes them readably.
        clock: The time in seconds since 1970, for tests. Without it, Redis's own clock counts.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        retention_s: float = DEFAULT_RETENTION_S,
        seal: Seal | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.redis = redis
        self.retention_s = retention_s
        self.seal = seal
        self._clock = clock
        self._redis_clock = RedisClock(redis)
        self._script = _register(redis)

    def __repr__(self) -> str:
        return "<Ledger>"

    def record(self, job: JobRecord, *, asked_at_s: float | None = None) -> Recorded:
        """Write a new job down, in one step with its idempotency key.

        Args:
            asked_at_s: The `time.time()` from which its life counts, however late Redis hears of it. Without it, its
                life begins with the recording.

        Raises:
            IdempotencyConflict: The key belongs to a job with another payload.
        """
        its_lane = lane(job.lane)
        key, digest = _idempotency(job)
        # The key itself stays out of Redis: it may name a user, and it keys the payload's digest.
        text = json.dumps(encode_job(replace(job, idempotency_key=None)), ensure_ascii=False)
        latest_ms = 0 if asked_at_s is None else self._redis_clock.ms(asked_at_s + job.expires_s)
        begun_s = time.time()
        status, job_id, now_ms = self._run(
            "record",
            [_job_key(job.id), _AGENDA, key],
            [
                job.id,
                self.seal.close(text) if self.seal else text,
                job.lane,
                job.element,
                digest,
                _ms(job.expires_s),
                _ms(job.countdown_s),
                _ms(its_lane.requeue_s),
                _job_key(""),
                latest_ms,
            ],
        )
        self._redis_clock.learn(int(now_ms), asked_at_s=begun_s)
        if status == "conflict":
            raise IdempotencyConflict(out_id=job_id)
        return Recorded(job_id=job_id, new=status == "recorded")

    def claim(self, job_id: str, token: str, *, lease_s: float) -> Claim:
        """Take a job before any request is made for it.

        Args:
            token: A new random text for every run; the same again where a claim is repeated.
            lease_s: Seconds until the claim runs out unless it is renewed.
        """
        verb, *rest = self._run("claim", [_job_key(job_id), _AGENDA], [job_id, token, _ms(lease_s)])
        match verb:
            case "granted":
                return _granted(job_id, token, rest)
            case "settled":
                return Settled(job_id=job_id, outcome=rest[0], followers=tuple(rest[1].split()))
            case "in_flight":
                return InFlight(job_id=job_id)
            case "not_due":
                return NotDue(job_id=job_id)
            case _:
                return Missing(job_id=job_id)

    def wait(self, job_id: str, token: str, wait: Wait) -> bool:
        """Give a claimed job back until it is due. False: the claim had run out, and somebody else decides."""
        (verb,) = self._run(
            "wait",
            [_job_key(job_id), _AGENDA],
            [
                job_id,
                token,
                wait.state,
                _ms(wait.delay_s),
                wait.attempts,
                wait.lost_from_ms,
                wait.lost_to_ms,
                int(wait.resent),
            ],
        )
        return bool(verb == "ok")

    def settle(
        self,
        job_id: str,
        token: str,
        outcome: dict[str, Any],
        *,
        outside_task: bool = False,
        result: tuple[str, str] | None = None,
    ) -> Settlement:
        """Write the final outcome, once. The numbers and parameters leave Redis.

        Args:
            token: The holder's; ``""`` for a job that nobody holds.
            outcome: As `encode_outcome` gives it.
            outside_task: Celery will not store this result: keep the job on the agenda until `confirm_stored`.
            result: Key and text of Celery's result, where the ledger's Redis is Celery's result backend too: it is
                stored and announced in the same step.
        """
        text = _outcome_text(outcome)
        key, value = result or (None, "")
        verb, *rest = self._run(
            "settle",
            [_job_key(job_id), _AGENDA, *([key] if key else [])],
            [
                job_id,
                token,
                outcome["outcome"],
                text,
                _ms(self.retention_s),
                _ms(_REPEAT_S) if outside_task else 0,
                _label(outcome),
                value,
            ],
        )
        if verb == "ok":
            return Settlement(ours=True, outcome=text, followers=tuple(rest[0].split()))
        if verb == "settled":
            return Settlement(ours=False, outcome=rest[0], followers=tuple(rest[1].split()))
        return Settlement(ours=False, outcome=None)

    def settle_absent(self, job_id: str, outcome: dict[str, Any]) -> bool:
        """Record an outcome for an id that has no entry, such as a malformed message's. False: it has one."""
        keys, retention = [_job_key(job_id)], _ms(self.retention_s)
        return bool(
            self._script["settle_absent"](keys, [outcome["outcome"], _outcome_text(outcome), retention])
        )

    def renew(self, held: Sequence[tuple[str, str]], *, lease_s: float) -> list[bool]:
        """Extend the leases of `held`, pairs of job id and token. False: that one is not held any more."""
        if not held:
            return []
        pairs = [text for pair in held for text in pair]
        return [bool(one) for one in self._run("renew", [_AGENDA], [_ms(lease_s), _job_key(""), *pairs])]

    def sweep(self, *, limit: int = 500) -> list[Due]:
        """What is to be done now, each job once: whoever sweeps next finds only what is left.

        Args:
            limit: The most jobs of one call. As many in the answer means that there may be more.
        """
        flat = self._run("sweep", [_AGENDA], [limit, _job_key(""), _ms(_REPEAT_S)])
        return [
            Due(
                verb=cast("Literal['publish', 'requeue', 'expired', 'store']", verb),
                job_id=job_id,
                lane=lane_name,
                attempts=int(attempts),
                looks=int(looks),
                lost=bool(int(lost)),
            )
            for verb, job_id, lane_name, attempts, looks, lost in zip(*[iter(flat)] * 6, strict=True)
        ]

    def feed(self) -> int:
        """Make chunks of campaigns jobs, as many as may be under way. Returns how many; the sweep publishes them."""
        bulk = lane("bulk")
        return int(
            self._run(
                "feed",
                [_AGENDA],
                [_FEED, _job_key(""), bulk.name, _ms(bulk.expires_s), _ms(bulk.requeue_s)],
            )
        )

    def goes_on(self, job_id: str) -> bool:
        """Whether a claimed chunk may still be sent: its campaign may have been paused since."""
        return bool(self._run("goes_on", [_job_key(job_id)], []))

    def put_back(
        self, job_id: str, token: str, *, attempts: int, reason: str
    ) -> Literal["ok", "fenced", "settle"]:
        """Pause a claimed chunk's campaign, and give the chunk back to it: Aliyun refused it.

        Args:
            attempts: Requests made under this claim.
            reason: Why, for people.

        Returns:
            ``"fenced"`` where the claim had run out; ``"settle"`` where the campaign goes on no more.
        """
        (verb,) = self._run("put_back", [_job_key(job_id), _AGENDA], [job_id, token, attempts, reason])
        return cast("Literal['ok', 'fenced', 'settle']", verb)

    def confirm_stored(self, job_id: str) -> None:
        """Celery's result of a settlement outside a task is stored: take the job off the agenda."""
        self.redis.zrem(_AGENDA, job_id)

    def follow(self, job_id: str, task_id: str) -> str | None:
        """Have the outcome stored under one more Celery task id. Returns the outcome where it is there already."""
        return self._script["follow"]([_job_key(job_id)], [task_id]) or None

    def read(self, job_id: str) -> Snapshot | None:
        """The job as it is now, or None where the ledger has none of that id."""
        names = ("state", "element", "lane", "attempts", "created", "outcome", "followers")
        values = cast("list[str | None]", self.redis.hmget(_job_key(job_id), list(names)))
        found = dict(zip(names, values, strict=True))
        if found["state"] is None:
            return None
        return Snapshot(
            job_id=job_id,
            status=found["state"],
            element=found["element"] or "",
            lane=found["lane"] or "",
            attempts=int(found["attempts"] or 0),
            created_ms=int(found["created"] or 0),
            outcome=found["outcome"],
            followers=tuple((found["followers"] or "").split()),
        )

    def waiting(self) -> int:
        """How many jobs are not settled yet."""
        return int(self.redis.zcard(_AGENDA))

    def overdue(self, seconds: float) -> int:
        """How many jobs the sweep should have looked at more than `seconds` ago: none while any worker runs."""
        now = self._clock() if self._clock else self.redis.time()[0]
        return int(self.redis.zcount(_AGENDA, "-inf", _ms(now - seconds)))

    def _run(self, name: str, keys: list[str], args: list[Any]) -> Any:
        now = 0 if self._clock is None else round(self._clock() * 1000)
        return self._script[name](keys, [now, *args])


_AGENDA: Final = f"{KEY_PREFIX}:agenda"


def _job_key(job_id: str) -> str:
    return f"{KEY_PREFIX}:job:{job_id}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _outcome_text(outcome: dict[str, Any]) -> str:
    return json.dumps(outcome, ensure_ascii=False, sort_keys=True)


def _label(outcome: dict[str, Any]) -> str:
    """What a campaign counts the outcome under: Aliyun's code, or our reason where there is none."""
    error = outcome.get("error")
    return "OK" if error is None else str(error.get("aliyun_code") or error["reason"])


def _register(redis: Redis) -> dict[str, Script]:
    folder = resources.files(__package__) / "scripts"
    common = "".join((folder / f"{name}.lua").read_text("utf-8") for name in ("common", "campaign"))
    return {
        name: redis.register_script(common + (folder / f"{name}.lua").read_text("utf-8")) for name in _SCRIPTS
    }


def _idempotency(job: JobRecord) -> tuple[str, str]:
    """The Redis key of the job's idempotency key, and the payload's digest; both empty without a key.

    The digest is keyed with the idempotency key, which Redis does not hold: a plain hash of a number and a six
    digit code could be undone by trying them all.
    """
    if job.idempotency_key is None:
        return "", ""
    key = job.idempotency_key.encode()
    name = hashlib.sha256(job.element.encode() + b"\0" + key).hexdigest()
    payload = json.dumps(
        [list(job.message.phones), dict(job.message.params), job.message.template], sort_keys=True
    )
    return f"{KEY_PREFIX}:key:{name}", hmac.new(key, payload.encode(), hashlib.sha256).hexdigest()


def _granted(job_id: str, token: str, rest: list[Any]) -> Granted:
    numbers: Iterator[int] = (int(each) for each in rest[2:])
    return Granted(
        job_id=job_id,
        token=token,
        state="looking_up" if rest[0] == "looking_up" else "sending",
        job=rest[1],
        attempts=next(numbers),
        lost_from_ms=next(numbers),
        lost_to_ms=next(numbers),
        expires_ms=next(numbers),
        now_ms=next(numbers),
        interrupted=bool(next(numbers)),
        resent=bool(next(numbers)),
        chunk=(rest[9], rest[10]) if len(rest) > 9 else None,
    )
