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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from smsjobs.facts import HandOverFailed, ItemParked, ItemsDropped, tell
from smsjobs.redis_store import NO_ELEMENT, CannotOpen, Scripts, key, unseal

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.redis_store import Seal

__all__ = ["Item", "Outbox", "next_try_s"]

#: Seconds for which something is tried.
_FOR_S: Final = 24 * 3600.0

#: Seconds until the second try. Each further wait is four times as long, up to the longest.
_FIRST_S: Final = 5.0
_LONGEST_S: Final = 3600.0

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
        names: Any = redis.smembers(key(NO_ELEMENT, "outboxes"))
        return [cls(redis, name, seal=seal) for name in sorted(names)]

    def put(self, item: Item, *, delay_s: float = 0) -> None:
        """Put an item in, to be tried after the delay. One of the same id takes its place."""
        self._put(item, delay_s)

    def take(self, *, most: int, lease_s: float) -> list[Item]:
        """Items that are due. Nobody else gets them for the time of the lease; then they are due again."""
        flat = self._scripts.run("take", self._redis, self._keys, most=most, lease=round(lease_s * 1000))
        return list(self._read(zip(flat[::2], flat[1::2], strict=True)))

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
        pipe = self._redis.pipeline()
        pipe.hdel(self._keys["box"], *ids)
        pipe.zrem(self._keys["due"], *ids)
        return int(pipe.execute()[0])

    def hurry(self) -> int:
        """Have everything that waits for its next try tried now. Returns how many items that is."""
        return int(self._scripts.run("hurry", self._redis, {"due": self._keys["due"]}))

    def replay(self, ids: Sequence[str] = ()) -> int:
        """Have parked items tried again, all of them or those with these ids. Returns how many."""
        chosen = [each for each in self.parked() if not ids or each.id in ids]
        for item in chosen:
            # The day begins anew.
            self._put(replace(item, tries=0, since_s=self._now_s()), 0, only=True)
        return len(chosen)

    def waiting(self) -> int:
        """How many items wait for a try."""
        return int(self._redis.zcount(self._keys["due"], "-inf", f"({_PARKED}"))

    def count_parked(self) -> int:
        """How many items are parked."""
        return int(self._redis.zcount(self._keys["due"], _PARKED, "+inf"))

    def parked(self) -> list[Item]:
        """What was tried in vain for a day, the oldest first."""
        ids: Any = self._redis.zrangebyscore(self._keys["due"], _PARKED, "+inf")
        texts: Any = self._redis.hmget(self._keys["box"], ids) if ids else []
        return list(self._read(zip(ids, texts, strict=True)))

    def _now_s(self) -> float:
        seconds, microseconds = self._redis.time()
        return float(seconds + microseconds / 1e6)

    def _put(self, item: Item, delay_s: float | None, *, only: bool = False) -> None:
        text = json.dumps(asdict(item), ensure_ascii=False)
        dropped = self._scripts.run(
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
        if dropped:
            tell(ItemsDropped(to=self.name, reason="too_many_parked", items=int(dropped)))

    def _read(self, pairs: Iterable[tuple[str, str | None]]) -> Iterator[Item]:
        for item_id, text in pairs:
            if text is None:
                continue  # it was dropped meanwhile
            try:
                yield Item(**json.loads(unseal(text, self._seal)))
            except CannotOpen:
                continue  # left to a process that has the key
            except (ValueError, TypeError, AttributeError):
                tell(ItemsDropped(to=self.name, reason="unreadable", items=1))
                self.drop([item_id])
