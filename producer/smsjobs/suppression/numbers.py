"""The numbers on the list, in Redis.

=============================  ======  =============================================================================
``sms:{suppressed}:list``      hash    scope's letter and digest -> the number, hidden; seconds since 1970; source; note
``sms:{suppressed}:secret``    string  the secret of the digests, sealed; see `SharedSecret`
=============================  ======  =============================================================================

The list belongs to no element, so on a Cluster it may lie on another node than a job. That is why no
script of the ledger reads it.

If it is damaged, nobody knows who is on it. So promotional messages wait until an operator has fixed or dropped it. All
others are sent: somebody's code must not wait for a list that is about advertising.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from redis.exceptions import RedisError, ResponseError

from smsjobs.contract import NUMBER_WIDTH, Scope, number_digests
from smsjobs.facts import ItemSetAside, tell
from smsjobs.redis_store import (
    BELIEVED_S,
    CannotOpen,
    OneAsks,
    Scripts,
    SecretDamaged,
    SharedSecret,
    acknowledged_pipeline,
    is_wrong_type,
    key,
    replicas_of,
)
from smsjobs.suppression.hidden import hide, show
from smsjobs.suppression.values import Suppressed

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.redis_store import Seal

__all__ = ["LIST_ITEM", "ListDamaged", "SuppressedNumbers"]

_LIST: Final = key("suppressed", "list")
_SECRET: Final = key("suppressed", "secret")

#: What ``smsjobs set-aside`` calls the list while it is damaged.
LIST_ITEM: Final = "suppressed:list"

#: The letters of the scopes.
_LETTERS: Final[dict[Scope, str]] = {"promotional": "p", "all": "a"}

#: Digits of a time that Python can read, which is one of the next 250 years.
_LONGEST_TIME: Final = 10

#: Numbers of one round trip.
_BATCH: Final = 1_000


class ListDamaged(CannotOpen):
    """Who is on the list, nobody can tell. The text says what to do.

    Attributes:
        problem: What is wrong.
    """

    problem: str


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
        #: When it was seen last that there is no list.
        self._unused_at = -BELIEVED_S
        self._asking = OneAsks()

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
            ListDamaged: The list is damaged.
            redis.exceptions.RedisError: Redis is unreachable. Nobody knows then who is on the list.
        """
        with _damage_told():
            secret = self._read_secret()
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

    def counter(self, *, promotional: bool | None) -> Callable[[Sequence[str]], int] | None:
        """A function that tells how many of some numbers are on the list; None where Redis does not tell.

        Args:
            promotional: What a campaign says of itself, as for `Element.campaign`.
        """

        def count(phones: Sequence[str]) -> int:
            return len(self.among(phones, promotional=promotional is not False) or ())

        try:
            count(())
        except (RedisError, CannotOpen):
            return None
        return count

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
        with _damage_told():
            while batch := list(islice(rest, _BATCH)):
                # With a new secret, nobody would find those who are on the list already.
                secret = self._read_secret() or self._secret.make(wait=wait)
                new += sum(self._write([("HSETNX", _LIST, *_entry(secret, each)) for each in batch]))
        return new

    def drop(self, phone: str, scopes: Sequence[Scope]) -> bool:
        """Take a number off the list. Returns whether it was there."""
        with _damage_told():
            secret = self._read_secret()
            if secret is None:
                return False
            digest = number_digests(secret, [phone])
            (gone,) = self._write([("HDEL", _LIST, *(_LETTERS[scope] + digest for scope in scopes))])
        return gone > 0

    def count(self) -> int:
        """How many entries there are. A number with both scopes has two."""
        with _damage_told():
            return self._redis.hlen(_LIST)

    def page(self, cursor: int) -> tuple[int, list[Suppressed]]:
        """A part of the list, and where the next one begins: 0 after the last. What changes meanwhile may be missing."""
        with _damage_told():
            secret = self._read_secret()
            if secret is None:
                return 0, []
            # Not decoded by the client: one entry that is not a valid text would hide all others.
            redis: Any = self._redis
            later, found = redis.execute_command("HSCAN", _LIST, cursor, "COUNT", _BATCH, NEVER_DECODE=True)
        texts = ((_text(field), _text(value)) for field, value in found.items())
        return int(later), list(_read(secret, texts))

    def damage(self) -> str | None:
        """What is wrong with the list, so that nobody can tell who is on it; None if nothing is."""
        try:
            self.among(["0"], promotional=True)
        except ListDamaged as damaged:
            return damaged.problem
        except CannotOpen:
            return None  # it is whole, and only another process can tell
        return None

    def discard(self) -> None:
        """Delete the list and its secret: nobody is on it any more."""
        self._redis.delete(_LIST, _SECRET)

    def _read_secret(self) -> bytes | None:
        """The secret; None if nobody was ever put on the list."""
        secret = self._secret.read()
        if secret is None:
            with self._asking.due(self._unused_at) as due:
                # One that is made at this moment is no damage.
                if due and self._redis.exists(_LIST) and not self._redis.exists(_SECRET):
                    raise _damaged("its secret is lost")
                if due:
                    self._unused_at = time.monotonic()
        return secret

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


def _read(secret: bytes, found: Iterable[tuple[str, str]]) -> Iterator[Suppressed]:
    scopes = {letter: scope for scope, letter in _LETTERS.items()}
    for field, value in found:
        hidden, _, rest = value.partition(" ")
        at, _, rest = rest.partition(" ")
        source, _, note = rest.partition(" ")
        phone, scope = show(secret, field[1:], hidden), scopes.get(field[:1])
        # What is damaged still keeps its number from being sent to, but nobody can tell which one it is.
        if phone is not None and scope is not None and at.isdigit() and len(at) <= _LONGEST_TIME:
            when = datetime.fromtimestamp(int(at), UTC)
            yield Suppressed(phone=phone, scope=scope, source=source, note=note, at=when)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _damaged(problem: str) -> ListDamaged:
    error = ListDamaged(
        f"the suppression list in Redis is damaged ({problem}): fix it, or drop it by smsjobs set-aside drop "
        f"{LIST_ITEM} and import it again",
        reason="job_unreadable",
    )
    error.problem = problem
    tell(ItemSetAside(item=LIST_ITEM, problem=problem))
    return error


@contextmanager
def _damage_told() -> Iterator[None]:
    """Raises `ListDamaged` in place of what Redis or the secret says.

    Raises:
        ListDamaged: A key is of a wrong type, or the secret cannot be read.
    """
    try:
        yield
    except SecretDamaged:
        raise _damaged("its secret cannot be read") from None
    except ResponseError as error:
        if not is_wrong_type(error):
            raise
        raise _damaged("a key of a wrong type") from None
