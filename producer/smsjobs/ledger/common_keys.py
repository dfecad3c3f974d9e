"""Keys that belong to no element. One that is damaged gets another name, and whoever needs it makes it anew.

What they hold can be made again: workers tell their elements every minute, and a new secret serves for new replies. So
nothing waits for an operator. He sees what was there, and drops it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from smsjobs.contract import LANES
from smsjobs.ledger.damage import tell_set_aside
from smsjobs.redis_store import ELEMENTS, OFFERED, Scripts, key

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["REPLIES_SECRET", "CommonKeys", "SetAside"]

#: The secret by which replies find their jobs; see `smsjobs.replies`.
REPLIES_SECRET: Final = key("replies", "secret")

#: Keys of the broker, which kombu fills. They are found here where it is the ledger's Redis too.
_BROKER: Final = (*(each.queue for each in LANES.values()), "unacked", "unacked_index")

#: All such keys.
_COMMON: Final = (ELEMENTS, OFFERED, REPLIES_SECRET, *_BROKER)


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """Something that is set aside."""

    #: What `Aside.put_back` and `Aside.drop` take: the tag of its element, and what it is, such as ``…:job:<id>``.
    id: str
    #: What is wrong with it.
    problem: str
    #: When it was found, in ms since 1970.
    since_ms: int


class CommonKeys:
    """All keys that belong to no element.

    Args:
        redis: The ledger's client.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = Scripts("ledger")

    def set_aside(self, name: str, wanted: str = "") -> None:
        """Give a key another name, if it is damaged.

        Args:
            name: The key.
            wanted: The type that it must have; empty if it is damaged whatever its type is.
        """
        keys = {"key": name, "place": _place(name)}
        kind = self._scripts.run("rename_aside", self._redis, keys, wanted=wanted)
        if isinstance(kind, bytes):  # kombu's client decodes nothing
            kind = kind.decode()
        if kind:
            tell_set_aside([name, f"a {kind}, not a {wanted}" if wanted else "not valid"])

    def items(self) -> Iterator[SetAside]:
        """Return what is set aside. It is as old as the look at it."""
        redis: Any = self._redis
        for name in _COMMON:
            if (kind := redis.type(_place(name))) != "none":
                problem = f"a damaged {kind}; there is a new one"
                yield SetAside(id=name, problem=problem, since_ms=round(time.time() * 1000))

    def has(self, name: str) -> bool:
        """Whether a key of this name is set aside."""
        return name in _COMMON and bool(self._redis.exists(_place(name)))

    def drop(self, name: str) -> None:
        """Delete what is set aside."""
        self._redis.delete(_place(name))


def _place(name: str) -> str:
    # On the same node of a cluster.
    return f"{name}:aside" if "{" in name else f"{{{name}}}:aside"
