"""Retries of what surely was not sent. A short failure is waited out here; a longer one is left to the caller.

The decisions are pure functions (`backoff_s`, `next_wait_s`); tenacity carries them out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tenacity import RetryCallState, Retrying

from smsjobs.contract import AliyunRejected
from smsjobs_worker.provider import AnswerLost, NotSent

__all__ = ["RetryPolicy", "Tried", "backoff_s", "next_wait_s", "request_with_retries"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often, and for how long."""

    #: Most requests in all, the first included.
    attempts: int = 3
    #: Longest first wait, in seconds; each later one is twice as long.
    first_wait_s: float = 0.25
    #: Longest wait, in seconds.
    longest_wait_s: float = 1.0
    #: Longest sum of all waits, in seconds. A wait beyond it is not begun: the tries end at once.
    budget_s: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Tried(Generic[T]):
    """How it ended: either `response` or `error`, and how many requests it took."""

    #: Requests made, the first included.
    attempts: int
    #: What the last request gave, where it was answered.
    response: T | None = None
    #: Why the last request failed; a `NotSent` means that no request left anything at Aliyun.
    error: AliyunRejected | NotSent | AnswerLost | None = None


def backoff_s(policy: RetryPolicy, attempt: int, *, jitter: float) -> float:
    """Seconds to wait after that attempt, counted from 1: exponential with full jitter.

    Args:
        jitter: A random number from 0 to 1.
    """
    return min(policy.longest_wait_s, policy.first_wait_s * 2.0 ** min(attempt - 1, 60)) * jitter


def next_wait_s(
    policy: RetryPolicy, attempt: int, *, waited_s: float, retry_after_s: float | None, jitter: float
) -> float | None:
    """Seconds to wait before the next request, or None to give up.

    Args:
        attempt: The attempt that failed, counted from 1.
        waited_s: All waits so far.
        retry_after_s: What the other side asked to wait, or None. It is waited in full, plus the back-off.
    """
    if attempt >= policy.attempts:
        return None
    wait = (retry_after_s or 0.0) + backoff_s(policy, attempt, jitter=jitter)
    return wait if waited_s + wait <= policy.budget_s else None


def request_with_retries(
    call: Callable[[], T],
    *,
    before: Callable[[int], None] | None = None,
    policy: RetryPolicy | None = None,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> Tried[T]:
    """Make a request, and again while it surely was not sent.

    Args:
        call: Makes one request.
        before: Called before each request with its number, counted from 1. An exception of it ends the retries and
            is raised to the caller, such as one that says that the job has expired. One request fewer than its
            number was made by then.
        policy: How often, and for how long; by default 3 requests within about 2 seconds.
        sleep: Waits that many seconds.
        jitter: Gives a random number from 0 to 1.

    Returns:
        The response or the error (`AliyunRejected`, `AnswerLost`, or the last `NotSent`), and the attempts.
    """
    rules = policy or RetryPolicy()
    attempts = 0

    def attempt() -> Tried[T]:
        nonlocal attempts
        if before is not None:
            before(attempts + 1)
        attempts += 1
        try:
            return Tried(attempts=attempts, response=call())
        except (AliyunRejected, NotSent, AnswerLost) as error:
            return Tried(attempts=attempts, error=error)

    def wait(state: RetryCallState) -> float:
        # To give up is an endless wait here, which `stop` recognises.
        error = _error(state)
        retry_after_s = error.retry_after if isinstance(error, NotSent) else None
        seconds = next_wait_s(
            rules,
            state.attempt_number,
            waited_s=state.idle_for,
            retry_after_s=retry_after_s,
            jitter=jitter(),
        )
        return float("inf") if seconds is None else seconds

    first = attempt()
    if not isinstance(first.error, NotSent):
        return first  # as usual; tenacity begins with what is tried again
    tried = iter((first,))
    retrying = Retrying(
        retry=lambda state: isinstance(_error(state), NotSent),
        wait=wait,
        stop=lambda state: state.upcoming_sleep == float("inf"),
        retry_error_callback=_last,
        sleep=sleep,
    )
    return retrying(lambda: next(tried, None) or attempt())


def _error(state: RetryCallState) -> AliyunRejected | NotSent | AnswerLost | None:
    if state.outcome is None or state.outcome.failed:  # what `before` raised
        return None
    tried: Tried[object] = state.outcome.result()
    return tried.error


def _last(state: RetryCallState) -> Tried[T]:
    assert state.outcome is not None  # noqa: S101  tenacity calls this after an outcome only
    tried: Tried[T] = state.outcome.result()
    return tried
