"""What could not be handed over yet: it is tried again for a day, then it is parked until somebody asks for it.

==============================  ======  ==============================================================
``sms:{000000}:outboxes``       set     the names of all outboxes
``sms:{000000}:<name>``         hash    what is in one, by its id
``sms:{000000}:<name>:due``     zset    id by the time of the next try, which never comes for what is parked
==============================  ======  ==============================================================
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.exceptions import ResponseError

from smsjobs.facts import HandOverFailed, ItemParked, ItemsDropped, tell
from smsjobs.ledger import Aside, tell_set_aside
from smsjobs.redis_store import NO_ELEMENT, CannotOpen, Scripts, is_wrong_type, key, unseal

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.redis_store import Seal

__all__ = ["Item", "Outbox", "next_try_s"]

T = TypeVar("T")

#: Seconds for which something is tried.
_FOR_S: Final = 24 * 3600.0

#: Seconds until the second try. Each further wait is four times as long, up to the longest.
_FIRST_S: Final = 5.0
_LONGEST_S: Final = 3600.0

#: A time that is later than any, in seconds since 1970.
_LATEST_S: Final = 1e11

#: How an outbox may be called.
_NAME: Final = re.compile(r"[\w:.-]+", re.ASCII)

#: How many parked items an outbox keeps.
_MOST_PARKED: Final = 10_000

#: The due times of parked items begin here. The scripts have the same number.
_PARKED: Final = 4_000_000_000_000_000


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something to hand over."""

    id: str
    #: What is handed over.
    body: str = field(repr=False)
    #: A word or two about it, for people.
    what: str
    #: Since when it is tried, in seconds since 1970.
    since_s: float
    #: How often it was tried, and why the last try failed.
    tries: int = 0
    error: str = ""

    def check(self, its_id: str) -> None:
        """Check what was read from Redis, which may be anything.

        Raises:
            ValueError: It is not an item of this id.
        """
        texts = (self.body, self.what, self.error)
        whole = isinstance(self.tries, int) and isinstance(self.since_s, int | float)
        if self.id != its_id or not whole or not all(isinstance(each, str) for each in texts):
            raise ValueError
        if not (0 <= self.since_s < _LATEST_S and 0 <= self.tries < _LATEST_S):
            raise ValueError


def next_try_s(tries: int, *, age_s: float) -> float | None:
    """Seconds until the next try, or None: it was the last one.

    Args:
        tries: How many were made.
        age_s: Seconds since the item is tried.
    """
    if age_s >= _FOR_S:
        return None
    wait_s = min(_FIRST_S * 4.0 ** (min(tries, 20) - 1), _LONGEST_S) * random.uniform(0.8, 1.2)
    # The last try is at the end of the day, not before.
    return min(wait_s, max(_FOR_S - age_s, 1.0))


class Outbox:
    """One outbox. Threads and processes may share it.

    Args:
        redis: The ledger's client.
        name: Its name, in words of letters, digits, - and _, joined by colons.
        seal: Seals what is in it.
        clock: Returns the time in seconds since 1970, for tests. Without it, Redis's own clock is used.
    """

    def __init__(
        self,
        redis: Redis,
        name: str,
        *,
        seal: Seal | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._redis = redis
        self._seal = seal
        self._scripts = Scripts("events", clock=clock)
        self._keys = {"box": key(NO_ELEMENT, name), "due": key(NO_ELEMENT, name, "due")}
        #: Its name.
        self.name = name

    def __repr__(self) -> str:
        return f"<Outbox {self.name}>"

    @classmethod
    def all(cls, redis: Redis, *, seal: Seal | None = None) -> list[Outbox]:
        """Every outbox that anything was put into."""
        client: Any = redis
        place = key(NO_ELEMENT, "outboxes")
        Aside(redis, keep_s=0).set_key_aside(place, "set")
        # Not decoded by the client: one name that is not a valid text would hide all others.
        found = client.execute_command("SMEMBERS", place, NEVER_DECODE=True)
        names = sorted(each.decode("ascii", "replace") for each in found)
        return [cls(redis, name, seal=seal) for name in names if _NAME.fullmatch(name)]

    def put(self, item: Item, *, delay_s: float = 0) -> None:
        """Put an item in, to be tried after the delay. One of the same id takes its place."""
        self._put(item, delay_s)

    def take(self, *, most: int, lease_s: float) -> list[Item]:
        """Items that are due. Nobody else gets them for the time of the lease; then they are due again."""
        keys, lease_ms = self._keys, round(lease_s * 1000)
        ids, aside = self._step(
            lambda: self._scripts.run("take", self._redis, keys, most=most, lease=lease_ms)
        )
        tell_set_aside(aside)
        return list(self._read(ids))

    def tried(self, item: Item, error: str | None, *, now_s: float, new: bool = False) -> None:
        """Note what became of a try.

        Args:
            item: What was tried.
            error: Why it failed; None: it was handed over.
            now_s: The time, in seconds since 1970.
            new: Whether the item is not in the outbox yet. Else it is left out if it was dropped meanwhile.
        """
        if error is None:
            self.drop([item.id])
            return
        after = replace(item, tries=item.tries + 1, error=error)
        wait_s = next_try_s(after.tries, age_s=now_s - item.since_s)
        tell(HandOverFailed(to=self.name, error=error, tries=after.tries))
        self._put(after, wait_s, only=not new)
        if wait_s is None:
            tell(ItemParked(to=self.name, item=item.id, what=item.what, error=error))

    def drop(self, ids: Sequence[str]) -> int:
        """Take items out. Returns how many were in it."""
        if not ids:
            return 0

        def step() -> int:
            pipe = self._redis.pipeline()
            pipe.hdel(self._keys["box"], *ids)
            pipe.zrem(self._keys["due"], *ids)
            return int(pipe.execute()[0])

        return self._step(step)

    def hurry(self) -> int:
        """Have everything that waits for its next try tried now. Returns how many items that is."""
        return int(self._step(lambda: self._scripts.run("hurry", self._redis, {"due": self._keys["due"]})))

    def replay(self, ids: Sequence[str] = ()) -> int:
        """Have parked items tried again, all of them or those with these ids. Returns how many."""
        chosen = [each for each in self.parked() if not ids or each.id in ids]
        for item in chosen:
            # The day begins anew.
            self._put(replace(item, tries=0, since_s=self._now_s()), 0, only=True)
        return len(chosen)

    def waiting(self) -> int:
        """How many items wait for a try."""
        return int(self._step(lambda: self._redis.zcount(self._keys["due"], "-inf", f"({_PARKED}")))

    def count_parked(self) -> int:
        """How many items are parked."""
        return int(self._step(lambda: self._redis.zcount(self._keys["due"], _PARKED, "+inf")))

    def parked(self) -> list[Item]:
        """What was tried in vain for a day, the oldest first."""
        client: Any = self._redis
        found = self._step(
            lambda: client.execute_command(
                "ZRANGEBYSCORE", self._keys["due"], _PARKED, "+inf", NEVER_DECODE=True
            )
        )
        return list(self._read([each.decode("ascii", "replace") for each in found]))

    def _now_s(self) -> float:
        seconds, microseconds = self._redis.time()
        return float(seconds + microseconds / 1e6)

    def _put(self, item: Item, delay_s: float | None, *, only: bool = False) -> None:
        text = json.dumps(asdict(item), ensure_ascii=False)
        dropped = self._step(
            lambda: self._scripts.run(
                "put",
                self._redis,
                self._keys | {"all": key(NO_ELEMENT, "outboxes")},
                name=self.name,
                id=item.id,
                text=self._seal.close(text) if self._seal else text,
                delay=-1 if delay_s is None else round(delay_s * 1000),
                only=int(only),
                most=_MOST_PARKED,
            )
        )
        if dropped:
            tell(ItemsDropped(to=self.name, reason="too_many_parked", items=int(dropped)))

    def _step(self, step: Callable[[], T]) -> T:
        """Make a step. If a key is of a wrong type, it is set aside first: a new one takes its place."""
        try:
            return step()
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
        aside, box, due = Aside(self._redis, keep_s=0), self._keys["box"], self._keys["due"]
        for name, kind in ((box, "hash"), (due, "zset"), (key(NO_ELEMENT, "outboxes"), "set")):
            aside.set_key_aside(name, kind)
        self._scripts.run("schedule", self._redis, self._keys)
        return step()

    def _read(self, ids: Sequence[str]) -> Iterator[Item]:
        if not ids:
            return
        client: Any = self._redis
        # Not decoded by the client: one that is not a valid text would stop all others.
        texts = client.execute_command("HMGET", self._keys["box"], *ids, NEVER_DECODE=True)
        for item_id, text in zip(ids, texts, strict=True):
            if text is None:
                continue  # it was dropped meanwhile
            try:
                item = Item(**json.loads(unseal(text.decode(), self._seal)))
                item.check(item_id)
            except CannotOpen:
                continue  # left to a process that has the key
            except (ValueError, TypeError, AttributeError, RecursionError):
                tell_set_aside(
                    self._scripts.run("set_item_aside", self._redis, self._keys, name=self.name, id=item_id)
                )
            else:
                yield item
