"""The counts of each day in Redis: the hash ``sms:day:<date>``, with fields ``<lane> <what> <code>``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from smsjobs.contract import KEY_PREFIX, LANES

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Count", "Days"]

#: Days are Aliyun's: those of Beijing. China has no summer time.
_BEIJING: Final = timezone(timedelta(hours=8))

_KEPT_S: Final = 8 * 24 * 3600

#: What is counted: the outcomes of recipients, and what the carriers reported of them.
_WHAT: Final = ("accepted", "rejected", "not_sent", "unknown", "delivered", "failed")

#: Most fields that are read. There are far fewer, unless somebody else writes there.
_MOST_FIELDS: Final = 5_000


@dataclass(frozen=True, kw_only=True, order=True)
class Count:
    """How many recipients."""

    lane: str
    #: An outcome, ``delivered`` or ``failed``.
    what: str
    #: Aliyun's code, our reason, or the carrier's code.
    code: str
    recipients: int


class Days:
    """The counts of each day. Threads may share it.

    Args:
        redis: The ledger's client.
        clock: Returns the time in seconds since 1970, for tests.
    """

    def __init__(self, redis: Redis, *, clock: Callable[[], float] = time.time) -> None:
        self._redis: Any = redis
        self._clock = clock

    def today(self) -> date:
        """The date in Beijing."""
        return datetime.fromtimestamp(self._clock(), UTC).astimezone(_BEIJING).date()

    def add(self, counts: Mapping[tuple[str, str, str], int]) -> None:
        """Add recipients to today's counts, by lane, what became of them, and code.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable, or refused it.
        """
        name = _key(self.today())
        pipe = self._redis.pipeline(transaction=True)
        for parts, recipients in counts.items():
            pipe.hincrby(name, " ".join(parts), recipients)
        pipe.expire(name, _KEPT_S)
        pipe.execute()

    def read(self, day: date) -> Sequence[Count]:
        """The counts of a day. What is damaged is left out.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable, or what is there is not a hash.
        """
        if self._redis.hlen(_key(day)) > _MOST_FIELDS:
            return ()
        # Not decoded by the client: one that is not a valid text would hide all others.
        found = self._redis.execute_command("HGETALL", _key(day), NEVER_DECODE=True)
        counts = (_count(name.decode("utf-8", "replace"), value) for name, value in found.items())
        return sorted(each for each in counts if each)


def _key(day: date) -> str:
    return f"{KEY_PREFIX}:day:{day.isoformat()}"


def _count(name: str, value: bytes) -> Count | None:
    lane, _, rest = name.partition(" ")
    what, _, code = rest.partition(" ")
    if lane not in LANES or what not in _WHAT or not value.removeprefix(b"-").isdigit() or len(value) > 16:
        return None
    return Count(lane=lane, what=what, code=code, recipients=int(value))
