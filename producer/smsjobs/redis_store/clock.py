"""Redis's clock as this machine sees it, so that a caller's deadline holds even if Redis hears of it late."""

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
    """What was learned from an answer of Redis."""

    #: Milliseconds by which its clock is ahead of ours. A little too large, because it includes the answer's travel time.
    ahead_ms: int
    #: Our time of day minus our uptime. It is constant until the clock is set or the machine sleeps.
    setting_s: float


class RedisClock:
    """Translates this machine's times into Redis's times, however far apart the clocks are.

    Every answer that carries Redis's time corrects it. The result is late by the answer's travel time, never early.

    Args:
        redis: Asked for its time when no valid answer is known.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._seen: _Seen | None = None

    def ms(self, at_s: float) -> int:
        """Return Redis's time in milliseconds at `at_s`, which is a `time.time()` of ours."""
        seen = self._seen
        if seen is None or abs(_setting_s() - seen.setting_s) > _SAME_S:
            asked_at_s = time.time()
            seconds, microseconds = self._redis.time()
            seen = self.learn(seconds * 1000 + microseconds // 1000, asked_at_s=asked_at_s)
        return round(at_s * 1000) + seen.ahead_ms

    def learn(self, redis_ms: int, *, asked_at_s: float) -> _Seen:
        """Learn from an answer that carries Redis's time; `asked_at_s` is our time when we asked."""
        self._seen = seen = _Seen(ahead_ms=redis_ms - round(asked_at_s * 1000), setting_s=_setting_s())
        return seen


def _setting_s() -> float:
    return time.time() - time.monotonic()
