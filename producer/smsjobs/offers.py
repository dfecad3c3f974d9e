"""Which elements there are, as the workers tell it. So a slip in a name is answered where it was made.

``sms:offered`` is a sorted set of ``<lane> <full name>``, by the time (ms) at which a worker last told that it sends
so. A producer that finds nothing there, or nothing like the name, leaves the answer to a worker.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from redis.exceptions import ResponseError

from smsjobs.contract import InvalidArguments, nearest_name
from smsjobs.ledger import CommonKeys
from smsjobs.redis_store import OFFERED, RedisClock, is_wrong_type

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Offers"]

#: Seconds after which a worker tells its elements again.
_TELL_S: Final = 30.0

#: Milliseconds after which what was told does not count any more: no worker has told it again.
_BELIEVED_MS: Final = 90_000

#: Seconds for which a producer remembers that it could not find out.
_ASK_AGAIN_S: Final = 10.0


class Offers:
    """The elements that workers have.

    Args:
        redis: The ledger's client.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._clock = RedisClock(redis)
        self._common = CommonKeys(redis)
        self._told = -_TELL_S
        #: When a lane and a name may be asked about again: never, if a worker has it.
        self._ask_at: dict[tuple[str, str], float] = {}

    def tell(self, elements: Iterable[str], lanes: Collection[str]) -> None:
        """Tell that this worker sends by these elements on these lanes. What was told long ago is forgotten.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable, or refuses to write.
        """
        if time.monotonic() - self._told < _TELL_S:
            return
        now_ms = self._clock.ms(time.time())
        offered: dict[Any, Any] = {f"{lane} {each}": now_ms for each in elements for lane in lanes}
        try:
            self._redis.zremrangebyscore(OFFERED, "-inf", now_ms - _BELIEVED_MS)
            if offered:
                self._redis.zadd(OFFERED, offered)
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            self._common.set_aside(OFFERED, "zset")
            return  # told again with the next pass
        self._told = time.monotonic()

    def lanes(self) -> set[str]:
        """The lanes whose workers have told something lately.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable.
        """
        return {each.partition(" ")[0] for each in self._recent()}

    def elements(self, lane: str) -> list[str]:
        """The elements that workers of the lane have told lately, by their full names.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable.
        """
        return sorted(self._known(lane))

    def check(self, element: str, lane: str) -> None:
        """Refuse a name that no worker of the lane has, and that looks like a slip of one that a worker has.

        A name that a worker has is asked about once. It fails open: where no worker has told anything, or nothing alike,
        every name passes.

        Raises:
            InvalidArguments: It names the nearest one (``reason="element_not_found"``).
            redis.exceptions.RedisError: Redis is unreachable.
        """
        asked = (lane, element)
        if time.monotonic() < self._ask_at.get(asked, 0):
            return
        known = self._known(lane)
        if element in known:
            self._ask_at[asked] = float("inf")
            return
        nearest = nearest_name(element, known)
        if nearest is not None:
            raise InvalidArguments(
                f"element: no worker of the lane {lane} has {element}; the nearest name is {nearest}",
                reason="element_not_found",
                argument="element",
            )
        self._ask_at[asked] = time.monotonic() + _ASK_AGAIN_S

    def _known(self, lane: str) -> list[str]:
        return [each.removeprefix(f"{lane} ") for each in self._recent() if each.startswith(f"{lane} ")]

    def _recent(self) -> list[str]:
        since_ms = self._clock.ms(time.time()) - _BELIEVED_MS
        try:
            return cast("list[str]", self._redis.zrangebyscore(OFFERED, since_ms, "+inf"))
        except (ResponseError, UnicodeDecodeError) as error:
            if isinstance(error, ResponseError) and not is_wrong_type(error):
                raise
            return []  # a worker makes it anew
