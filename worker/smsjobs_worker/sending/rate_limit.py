"""``maxQps``: how many requests an element's account makes a second, over all workers together.

The library limits counts them in Redis, by the workers' own clocks. Workers whose clocks differ by a second can exceed
the limit once, by what a second permits.

- A fifth of an element's rate is kept for verification codes: the other lanes must pass a window of their own first. So a
  code finds a permit even while a campaign takes all it can get.
- A quarter of the rest is kept from campaigns: the bulk lane must pass a third window. So notifications go out in time.
"""

from __future__ import annotations

import math
import random
import time
from typing import Final

import limits
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import ResponseError

from smsjobs.contract import KEY_PREFIX, Lane, element_tag
from smsjobs.ledger import tell_set_aside
from smsjobs.redis_store import connect_redis, is_damage

__all__ = ["Permits", "bulk_window", "windows"]

#: The part of the rate that lanes other than verification may use.
_OTHERS: Final = 0.8

#: The part of that which the bulk lane may use.
_BULK: Final = 0.75


#: What Redis answers for the time to live of a key that has none.
_NO_END: Final = -1


def windows(max_qps: float) -> tuple[limits.RateLimitItem, limits.RateLimitItem]:
    """The windows of a rate: what all lanes may use together, and what the others may use of it.

    A rate below 1 is one request in so many seconds; a rate of 1 leaves the others every second permit.
    """
    amount, seconds = (math.floor(max_qps), 1) if max_qps >= 1 else (1, math.ceil(1 / max_qps))
    everyone = limits.RateLimitItemPerSecond(amount, seconds)
    if amount == 1:
        return everyone, limits.RateLimitItemPerSecond(1, 2 * seconds)
    return everyone, limits.RateLimitItemPerSecond(max(1, math.floor(amount * _OTHERS)), seconds)


def bulk_window(max_qps: float) -> limits.RateLimitItem:
    """What the bulk lane may use of a rate: three quarters of what all lanes but verification may.

    A low rate is counted over a longer time, because one permit a second cannot be divided.
    """
    _, others = windows(max_qps)
    amount, seconds = others.amount, others.get_expiry()
    if amount < 10:
        amount, seconds = amount * 10, seconds * 10
    return limits.RateLimitItemPerSecond(math.floor(amount * _BULK), seconds)


class Permits:
    """Hands out permits for requests.

    Args:
        redis_url: Where they are counted.
        timeout_s: Bound of each call to Redis, in seconds.
    """

    def __init__(self, redis_url: str, *, timeout_s: float = 2.0) -> None:
        storage = RedisStorage("redis://", key_prefix=f"{KEY_PREFIX}:qps")
        # As in the ledger, the client must not repeat a call whose answer was lost: it would take two permits.
        storage.storage = connect_redis(redis_url, timeout_s=timeout_s)
        storage.initialize_storage("redis://")
        self._storage = storage
        self._limiter = MovingWindowRateLimiter(storage)

    def take(self, element: str, lane: Lane, max_qps: float | None, *, within_s: float) -> bool:
        """Take a permit for one request.

        Args:
            element: The element's full name.
            max_qps: Its rate; None: no limit.
            within_s: The longest wait, in seconds.

        Returns:
            False if none became free in that time.
        """
        if max_qps is None:
            return True
        deadline = time.monotonic() + within_s
        while not self._try(element, lane, max_qps):
            left = deadline - time.monotonic()
            if left <= 0:
                self._drop_endless(element, max_qps)
                return False
            time.sleep(min(left, random.uniform(0.02, 0.1)))
        return True

    def _try(self, element: str, lane: Lane, max_qps: float) -> bool:
        try:
            return self._take_now(element, lane, max_qps)
        except ResponseError as error:
            if not is_damage(error):
                raise
        # A damaged window holds nothing that is worth keeping: it would be empty in a few seconds.
        tell_set_aside([f"qps:{element}", "the window of its rate was damaged, and begins anew"])
        for window in _names(element, max_qps):
            self._storage.clear(window)
        return self._take_now(element, lane, max_qps)

    def _drop_endless(self, element: str, max_qps: float) -> None:
        """A window that nobody uses ends by itself. One without an end was not made by us, and may never have room."""
        for window in _names(element, max_qps):
            name = self._storage.prefixed_key(window)
            if self._storage.storage.ttl(name) == _NO_END:
                self._storage.clear(window)
                tell_set_aside([f"qps:{element}", "the window of its rate had no end, and begins anew"])

    def _take_now(self, element: str, lane: Lane, max_qps: float) -> bool:
        everyone, others = windows(max_qps)
        place = _place(element)
        if lane.name == "verification":
            return self._limiter.hit(everyone, place)
        # Test before hit: a permit of the smaller window would be wasted while the larger one is full.
        if not self._limiter.test(everyone, place):
            return False
        if lane.name == "bulk":
            if not self._limiter.test(others, place, "others"):
                return False
            if not self._limiter.hit(bulk_window(max_qps), place, "bulk"):
                return False
        return self._limiter.hit(others, place, "others") and self._limiter.hit(everyone, place)


def _names(element: str, max_qps: float) -> tuple[str, ...]:
    """The names of an element's windows."""
    place = _place(element)
    everyone, others = windows(max_qps)
    bulk = bulk_window(max_qps)
    return everyone.key_for(place), others.key_for(place, "others"), bulk.key_for(place, "bulk")


def _place(element: str) -> str:
    # In braces, so that all windows of an element are on the node that has its other keys.
    return f"{{{element_tag(element)}}}:{element}"
