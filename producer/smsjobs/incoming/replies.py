"""What a reply leads to: its number is suppressed if it opts out, and the job is found that it most likely answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from smsjobs.contract import Reply, is_opt_out
from smsjobs.facts import ReplyTaken, tell
from smsjobs.redis_store import CannotOpen

if TYPE_CHECKING:
    from smsjobs.replies import LastJob, LastJobs
    from smsjobs.suppression import Feeding

__all__ = ["replied", "suppress_opted_out"]


def suppress_opted_out(replies: Sequence[Reply], *, feeding: Feeding, words: frozenset[str]) -> None:
    """Put those on the suppression list who opted out.

    Args:
        words: Those by which people opt out.

    Raises:
        CannotOpen: The list is damaged, or sealed with a key that this process does not have.
        redis.exceptions.RedisError: Redis is unreachable, or refuses to write.
    """
    opted_out = [each.phone for each in replies if is_opt_out(each.content, words)]
    if opted_out:
        feeding.opted_out(opted_out)


def replied(replies: Sequence[Reply], *, noted_jobs: LastJobs, words: frozenset[str]) -> list[Reply]:
    """Take replies. Taking them again changes nothing.

    Args:
        words: Those by which people opt out.

    Returns:
        The replies, with what is known of each.

    Raises:
        redis.exceptions.RedisError: Redis is unreachable.
    """
    jobs: dict[str, LastJob] = {}
    with suppress(CannotOpen):  # then only a process with the key can tell which job it is
        jobs = noted_jobs.find(each.phone for each in replies)
    known = []
    for each in replies:
        job = jobs.get(each.phone)
        told = replace(
            each,
            opted_out=is_opt_out(each.content, words),
            job_id=job.job_id if job else None,
            element=job.element if job else None,
        )
        tell(ReplyTaken(opted_out=told.opted_out, job_id=told.job_id, element=told.element))
        known.append(told)
    return known
