"""Redis's clock as this machine sees it, so that a caller's deadline holds even where Redis hears of it late."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["RedisClock"]

#: Seconds by which this machine's two clocks may drift apart before one of them counts as set.
_SAME_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What an answer of Redis told."""

    #: Milliseconds that its clock is ahead of ours, or a little more: the time that the answer took is in it.
    ahead_ms: int
    #: Our time of the day less our uptime. It stays, unless the clock is set or the machine slept.
    setting_s: float


class RedisClock:
    """Translates times of this machine into Redis's, whatever the difference of their clocks.

    Every answer that carries Redis's time corrects it. It errs to the late side, by the time that the answer took.

    Args:
        redis: Asked for its time where no answer is known that still holds.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._seen: _Seen | None = None

    def ms(self, at_s: float) -> int:
        """Redis's time in milliseconds at that `time.time()` of ours."""
        seen = self._seen
        if seen is None or abs(_setting_s() - seen.setting_s) > _SAME_S:
            asked_at_s = time.time()
            seconds, microseconds = self._redis.time()
            seen = self.learn(seconds * 1000 + microseconds // 1000, asked_at_s=asked_at_s)
        return round(at_s * 1000) + seen.ahead_ms

    def learn(self, redis_ms: int, *, asked_at_s: float) -> _Seen:
        """Take Redis's time out of the answer to what was asked at that time of ours."""
        self._seen = seen = _Seen(ahead_ms=redis_ms - round(asked_at_s * 1000), setting_s=_setting_s())
        return seen


def _setting_s() -> float:
    return time.time() - time.monotonic()
