"""The numbers on the list, in Redis.

=============================  ======  =============================================================================
``sms:{suppressed}:list``      hash    scope's letter and digest -> the number, hidden; seconds since 1970; source; note
``sms:{suppressed}:secret``    string  the secret of the digests, sealed; see `SharedSecret`
=============================  ======  =============================================================================

The list belongs to no element, so on a Cluster it may lie on another node than a job. That is why no
script of the ledger reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from smsjobs.contract import NUMBER_WIDTH, Scope, number_digests
from smsjobs.redis_store import Scripts, SharedSecret, acknowledged_pipeline, key, replicas_of
from smsjobs.suppression.hidden import hide, show
from smsjobs.suppression.values import Suppressed

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.redis_store import Seal

__all__ = ["SuppressedNumbers"]

_LIST: Final = key("suppressed", "list")
_SECRET: Final = key("suppressed", "secret")

#: The letters of the scopes.
_LETTERS: Final[dict[Scope, str]] = {"promotional": "p", "all": "a"}

#: Digits of a time that Python can read, which is one of the next 250 years.
_LONGEST_TIME: Final = 10

#: Numbers of one round trip.
_BATCH: Final = 1_000


class SuppressedNumbers:
    """The numbers on the list. Threads may share it.

    Args:
        redis: The ledger's client.
        seal: Seals the list's secret; None leaves it readable.
    """

    def __init__(self, redis: Redis, *, seal: Seal | None) -> None:
        self._redis = redis
        self._secret = SharedSecret(redis, _SECRET, seal=seal)
        self._scripts = Scripts("suppression")

    def __repr__(self) -> str:
        return "<SuppressedNumbers>"

    def among(self, phones: Sequence[str], *, promotional: bool) -> list[int] | None:
        """The positions of the numbers that must not be sent to; None if nobody was ever put on the list.

        It is one read. While nobody is on the list, it is one four times a second, for all jobs together.

        Args:
            phones: Numbers in the form that is sent.
            promotional: Whether the message is promotional. Any other is stopped by the scope ``"all"`` only.

        Raises:
            CannotOpen: The list's secret is sealed with a key that this process does not have.
            redis.exceptions.RedisError: Redis is unreachable. Nobody knows then who is on the list.
        """
        secret = self._secret.read()
        if secret is None or not phones:
            return None if secret is None else []
        places: list[int] = self._scripts.run(
            "among",
            self._redis,
            {"list": _LIST},
            letters="ap" if promotional else "a",
            width=NUMBER_WIDTH,
            digests=number_digests(secret, phones),
        )
        return sorted(set(places))

    def put(self, numbers: Iterable[Suppressed], *, wait: bool = True) -> int:
        """Put numbers on the list. What is there already stays as it is, with its time and source.

        Args:
            wait: See `SharedSecret.make`.

        Returns:
            How many are new.

        Raises:
            CannotOpen: As in `among`.
            redis.exceptions.RedisError: Redis is unreachable, refused it, or has too few replicas. Some may be there.
        """
        new, rest = 0, iter(numbers)
        while batch := list(islice(rest, _BATCH)):
            secret = self._secret.make(wait=wait)
            new += sum(self._write([("HSETNX", _LIST, *_entry(secret, each)) for each in batch]))
        return new

    def drop(self, phone: str, scopes: Sequence[Scope]) -> bool:
        """Take a number off the list. Returns whether it was there."""
        secret = self._secret.read()
        if secret is None:
            return False
        digest = number_digests(secret, [phone])
        (gone,) = self._write([("HDEL", _LIST, *(_LETTERS[scope] + digest for scope in scopes))])
        return gone > 0

    def count(self) -> int:
        """How many entries there are. A number with both scopes has two."""
        return self._redis.hlen(_LIST)

    def page(self, cursor: int) -> tuple[int, list[Suppressed]]:
        """A part of the list, and where the next one begins: 0 after the last. What changes meanwhile may be missing."""
        secret = self._secret.read()
        if secret is None:
            return 0, []
        later, found = cast(
            "tuple[int, dict[str, str]]", self._redis.hscan(_LIST, cursor=cursor, count=_BATCH)
        )
        return int(later), list(_read(secret, found))

    def _write(self, commands: Sequence[tuple[Any, ...]]) -> list[int]:
        pipe: Any = self._redis.pipeline(transaction=False)
        for each in commands:
            pipe.execute_command(*each)
        replicas = replicas_of(self._redis)
        if replicas is None:
            return cast("list[int]", pipe.execute())
        return acknowledged_pipeline(self._redis, replicas, pipe)


def _entry(secret: bytes, number: Suppressed) -> tuple[str, str]:
    digest = number_digests(secret, [number.phone])
    value = f"{hide(secret, digest, number.phone)} {int(number.at.timestamp())} {number.source} {number.note}"
    return _LETTERS[number.scope] + digest, value.rstrip()


def _read(secret: bytes, found: dict[str, str]) -> Iterator[Suppressed]:
    scopes = {letter: scope for scope, letter in _LETTERS.items()}
    for field, value in found.items():
        hidden, _, rest = value.partition(" ")
        at, _, rest = rest.partition(" ")
        source, _, note = rest.partition(" ")
        phone, scope = show(secret, field[1:], hidden), scopes.get(field[:1])
        # What is damaged still keeps its number from being sent to, but nobody can tell which one it is.
        if phone is not None and scope is not None and at.isdigit() and len(at) <= _LONGEST_TIME:
            when = datetime.fromtimestamp(int(at), UTC)
            yield Suppressed(phone=phone, scope=scope, source=source, note=note, at=when)
