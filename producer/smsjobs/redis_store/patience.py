"""How long to wait for Redis, which errors to wait out, and what to raise in the end. It is the same for every room.

Each step in Redis recognises its own repetition. So a step whose answer was lost may simply be repeated.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Literal, TypeVar

from redis.exceptions import RedisError

from smsjobs.contract import QueueUnavailable
from smsjobs.redis_store.failures import error_code, is_transient, refusal_hint, refusal_text

__all__ = ["available", "patiently"]

T = TypeVar("T")


def patiently(
    step: Callable[[], T],
    *,
    for_s: float,
    longest_wait_s: float = 1.0,
    also: tuple[type[BaseException], ...] = (),
) -> T:
    """Repeat the step until Redis answers.

    Args:
        for_s: Seconds after which the last error is raised.
        longest_wait_s: The longest wait between two tries, in seconds. The first waits are shorter.
        also: Further errors after which the step is repeated.

    Raises:
        RedisError: Redis stayed unreachable, or refused the step. A refusal is raised at once.
    """

    def is_worth_waiting(error: BaseException) -> bool:
        return isinstance(error, also) or is_transient(error)

    try:
        return step()
    except Exception as error:
        if not is_worth_waiting(error):
            raise
    # Only now, because starting tenacity costs as much as a tenth of a job.
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential  # noqa: PLC0415

    retrying = Retrying(
        retry=retry_if_exception(is_worth_waiting),
        wait=wait_random_exponential(multiplier=0.05, max=longest_wait_s),
        stop=stop_after_delay(for_s),
        reraise=True,
    )
    return retrying(step)


def available(
    step: Callable[[], T],
    *,
    for_s: float,
    task: str,
    unreachable_text: Callable[[], str] = lambda: "Redis is unreachable",
    again: str = "calling again is safe",
    if_refused: Literal["not_sent", "unknown"] = "not_sent",
    if_lost: Literal["not_sent", "unknown"] = "not_sent",
    out_id: str | None = None,
) -> T:
    """Repeat the step until Redis answers, and raise any failure as `QueueUnavailable`.

    Args:
        for_s: Seconds to wait for Redis.
        task: What could not be done, such as ``"the job could not be recorded"``.
        unreachable_text: Returns a text that says that Redis is unreachable, or refuses its address. Called inside the `except`.
        again: What calling again does.
        if_refused: The outcome to report if Redis refuses the step.
        if_lost: The outcome to report if an answer may have been lost. It is ``"not_sent"`` if surely nothing was written.
        out_id: The job to report.

    Raises:
        QueueUnavailable: Redis stayed unreachable, or refused the step.
    """
    surely_not = True

    def watched() -> T:
        nonlocal surely_not
        try:
            return step()
        except RedisError as error:
            surely_not = surely_not and _never_connected(error)
            raise

    try:
        return patiently(watched, for_s=for_s, longest_wait_s=0.1)
    except RedisError as error:
        if refusal_text(error) is not None:
            text, outcome = f"{unreachable_text()}, so {task}", "not_sent"
        elif is_transient(error):
            text, outcome = f"{unreachable_text()}, so {task}; {again}", "not_sent" if surely_not else if_lost
        else:
            # Such as no memory, no disk or no permission: Redis answered, and refused.
            why = refusal_hint(error) or "its log says why"
            text, outcome = f"{task}: Redis refused it ({error_code(error)}), {why}; {again}", if_refused
    raise QueueUnavailable(message=text, outcome=outcome, out_id=out_id) from None


def _never_connected(error: Exception) -> bool:
    """Whether nothing was written: the connection was refused, or the host name is unknown.

    redis-py raises its own error while it handles the socket's error. Our client repeats nothing by itself, so this
    one error covers the whole call.
    """
    return isinstance(error.__context__, (ConnectionRefusedError, socket.gaierror))
