"""When to try again: pure functions of what happened so far. The caller keeps the clock and waits.

All times are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from smsjobs.contract import Lane

__all__ = [
    "failed_lookup_delay",
    "gives_up_looking",
    "next_lookup",
    "retry_delay",
]

#: A look-up may begin a few milliseconds early, because two clocks are compared.
_SAME_MOMENT_S: Final = 0.05

#: The shortest wait before another try, and the least time that must be left after one that the other side asked for.
_SHORTEST_WAIT_S: Final = 1.0


def retry_delay(
    lane: Lane, *, attempts: int, left_s: float, retry_after_s: float | None, jitter: float
) -> float | None:
    """Seconds to wait before a job that surely was not sent is tried again, or None where it would expire first.

    The wait doubles from 2 s with every run of tries, up to the lane's longest. Up to half of it is taken off at random,
    so that the jobs of an outage do not all come back at once. A job that would expire meanwhile waits half of the
    time that it has left, so a verification code is tried until there is no time for it.

    Args:
        attempts: Requests made so far.
        left_s: Seconds until the job expires.
        retry_after_s: What the other side asked for; the delay is never shorter.
        jitter: A random number from 0 to 1.
    """
    runs = max(1, -(-attempts // 3))
    # The exponent is bounded: an outage of two days has more runs than a float has powers of two.
    longest = min(lane.longest_retry_s, 2.0 ** min(runs, 32))
    delay = longest * (0.5 + jitter / 2)
    if retry_after_s is not None:
        delay = max(delay, retry_after_s * (1 + jitter / 10))
        return delay if delay < left_s - _SHORTEST_WAIT_S else None
    delay = min(delay, left_s / 2)
    return delay if delay >= _SHORTEST_WAIT_S else None


def next_lookup(offsets_s: Sequence[float], elapsed_s: float) -> float | None:
    """Seconds until the next look-up, or None when the settling time is over and absence is believed.

    Args:
        offsets_s: When to look, counted from the moment the answer was lost; the last one is the settling time.
        elapsed_s: Seconds since that moment, taken before the look-up began.
    """
    return next((offset - elapsed_s for offset in offsets_s if offset > elapsed_s + _SAME_MOMENT_S), None)


def failed_lookup_delay(*, elapsed_s: float, retry_after_s: float | None, jitter: float) -> float:
    """Seconds until a look-up that proved nothing is made again: half the time that passed, 1 s to 10 min.

    Args:
        elapsed_s: Seconds since the answer was lost.
        retry_after_s: What the other side asked for; the delay is never shorter.
        jitter: A random number from 0 to 1.
    """
    delay = min(max(elapsed_s / 2, 1.0), 600.0) * (1 + jitter / 4)
    return max(delay, retry_after_s or 0.0)


def gives_up_looking(offsets_s: Sequence[float], *, elapsed_s: float, left_s: float) -> bool:
    """Whether look-ups that prove nothing have gone on long enough: to the job's expiry, and twice the settling time.

    Args:
        elapsed_s: Seconds since the answer was lost.
        left_s: Seconds until the job expires; negative once it has.
    """
    return left_s <= 0 and elapsed_s >= 2 * offsets_s[-1]
