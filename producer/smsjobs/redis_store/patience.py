"""Steps of the ledger, repeated while Redis is away.

Each step recognises its own repetition, so that one whose answer was lost may simply be made again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

from smsjobs.redis_store import is_transient

__all__ = ["patiently"]

T = TypeVar("T")


def patiently(step: Callable[[], T], *, for_s: float, also: tuple[type[BaseException], ...] = ()) -> T:
    """Make the step until Redis answers.

    Args:
        for_s: Seconds after which the last error is raised.
        also: Further errors after which the step is made again.
    """

    def is_away(error: BaseException) -> bool:
        return isinstance(error, also) or (isinstance(error, RedisError) and is_transient(error))

    try:
        return step()
    except Exception as error:
        if not is_away(error):
            raise
        # tenacity's own beginning costs as much as a tenth of a job, so it begins with the second try
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential  # noqa: PLC0415

    retrying = Retrying(
        retry=retry_if_exception(is_away),
        wait=wait_random_exponential(multiplier=0.05, max=1),
        stop=stop_after_delay(for_s),
        reraise=True,
    )
    return retrying(step)
