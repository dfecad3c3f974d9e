"""Whose numbers are suppressed: asked just before each request, for a reply may have come since the job was enqueued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smsjobs.contract import without
from smsjobs.suppression import ListDamaged

if TYPE_CHECKING:
    from smsjobs.contract import JobRecord, Message
    from smsjobs.ledger import Granted, Ledger
    from smsjobs.suppression import SuppressedNumbers

__all__ = ["Fenced", "IsSuppressed", "Suppressions"]


class IsSuppressed(Exception):
    """Nothing of the job may be sent. The argument is how many of its numbers are suppressed."""


class Fenced(Exception):
    """The claim of the chunk had run out."""


@dataclass(frozen=True, kw_only=True)
class Suppressions:
    """What of a job may be sent.

    A chunk leaves out those whose numbers are suppressed, and notes who they are before the request. Any other job has one
    outcome for all its numbers, so it is sent to all or to none.
    """

    numbers: SuppressedNumbers
    ledger: Ledger

    def to_send(self, job: JobRecord, granted: Granted) -> Message:
        """The message for those who may be sent to.

        Raises:
            IsSuppressed: It is for nobody; or, of a job that is not a chunk, one of its numbers is suppressed.
            Fenced: Another worker may hold the chunk.
            ListDamaged: The message is promotional, and nobody can tell who wants no such messages.
            CannotOpen: Only a worker with another key can tell.
            redis.exceptions.RedisError: Redis is unreachable.
        """
        message = job.message
        try:
            hit = self.numbers.among(message.phones, promotional=job.is_promotional)
        except ListDamaged:
            if job.is_promotional:
                raise
            hit = []
        if hit is None:
            return message
        if granted.chunk is None or len(hit) == len(message.phones):
            if hit:
                raise IsSuppressed(len(hit))
            return message
        if not self.ledger.leave_out(job.id, granted.token, hit):
            raise Fenced
        return without(message, hit) if hit else message

    def sent(self, job: JobRecord, granted: Granted) -> Message:
        """The message as it was sent by a request whose answer was lost."""
        left_out = self.ledger.left_out(job.id) if granted.chunk else []
        return without(job.message, left_out) if left_out else job.message
