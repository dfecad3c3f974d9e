"""Steps of the ledger, repeated while Redis is away.

Each step recognises its own repetition, so that one whose answer was lost may simply be made again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

__all__ = ["patiently"]

T = TypeVar("T")

#: What a restart, a fail-over, a cut or a pause of Redis looks like from here; loading its file is a kind of the first.
_AWAY = (RedisConnectionError, RedisTimeoutError, ReadOnlyError)


def patiently(step: Callable[[], T], *, for_s: float, also: tuple[type[BaseException], ...] = ()) -> T:
    """Make the step until Redis answers.

    Args:
        for_s: Seconds after which the last error is raised.
        also: Further errors after which the step is made again.
    """
    away: tuple[type[BaseException], ...] = (*_AWAY, *also)
    try:
        return step()
    except away:
        pass  # tenacity's own beginning costs as much as a tenth of a job, so it begins with the second try
    retrying = Retrying(
        retry=retry_if_exception_type(away),
        wait=wait_random_exponential(multiplier=0.05, max=1),
        stop=stop_after_delay(for_s),
        reraise=True,
    )
    return retrying(step)
