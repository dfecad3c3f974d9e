"""How long Redis is waited for, which errors are worth waiting, and what is raised then: for every room the same.

Each step in Redis recognises its own repetition, so that one whose answer was lost may simply be made again.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Literal, TypeVar

from redis.exceptions import RedisError

from smsjobs.contract import QueueUnavailable
from smsjobs.redis_store.failures import error_code, is_transient, refusal_text

__all__ = ["available", "patiently"]

T = TypeVar("T")


def patiently(
    step: Callable[[], T],
    *,
    for_s: float,
    longest_wait_s: float = 1.0,
    also: tuple[type[BaseException], ...] = (),
) -> T:
    """Make the step until Redis answers.

    Args:
        for_s: Seconds after which the last error is raised.
        longest_wait_s: The longest wait between two tries; the first ones are shorter.
        also: Further errors after which the step is made again.

    Raises:
        RedisError: Redis stayed unreachable, or refused the step; a refusal is raised at once.
    """

    def is_worth_waiting(error: BaseException) -> bool:
        return isinstance(error, also) or is_transient(error)

    try:
        return step()
    except Exception as error:
        if not is_worth_waiting(error):
            raise
    # Imported and begun only now: tenacity's own beginning costs as much as a tenth of a job.
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
    where: Callable[[], str] = lambda: "Redis is unreachable",
    again: str = "calling again is safe",
    refused: Literal["not_sent", "unknown"] = "not_sent",
    lost: Literal["not_sent", "unknown"] = "not_sent",
    out_id: str | None = None,
) -> T:
    """Make the step until Redis answers, for a caller who is told of nothing but `QueueUnavailable`.

    Args:
        for_s: Seconds for which Redis is waited for.
        task: What could not be done, such as ``"the job could not be recorded"``.
        where: Says that Redis is unreachable, or refuses its address, while the error is being handled.
        again: What calling again does.
        refused: The outcome that is told where Redis refuses the step.
        lost: The same where an answer may have been lost; where surely no call was even written, it is ``"not_sent"``.
        out_id: The job that is told.

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
            text, outcome = f"{where()}, so {task}", "not_sent"
        elif is_transient(error):
            text, outcome = f"{where()}, so {task}; {again}", "not_sent" if surely_not else lost
        else:
            # Out of memory or of disk, no permission: it answered, and the answer was no.
            text, outcome = (
                f"{task}: Redis refused it ({error_code(error)}), its log says why; {again}",
                refused,
            )
    raise QueueUnavailable(message=text, outcome=outcome, out_id=out_id) from None


def _never_connected(error: Exception) -> bool:
    """Whether the call was not even written: the connection was refused, or the name is nobody's.

    redis-py raises its own error while it handles the socket's. Our client repeats nothing by itself, so that one
    error tells of the whole call.
    """
    return isinstance(error.__context__, (ConnectionRefusedError, socket.gaierror))
