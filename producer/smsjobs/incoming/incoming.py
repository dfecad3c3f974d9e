"""Takes what was read: deliveries, replies and reviews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smsjobs.delivery import Taken
from smsjobs.facts import ReportsDropped, ReportsNotOurs, tell
from smsjobs.incoming.replies import replied

if TYPE_CHECKING:
    from smsjobs.delivery import DeliveryStore
    from smsjobs.events import EventStreams
    from smsjobs.incoming.pushed import Pushed
    from smsjobs.replies import LastJobs
    from smsjobs.suppression import Feeding

__all__ = ["Incoming", "tell_unreadable"]

#: What the ledger does not take, and what is the usual case where several environments share an account.
_NOT_OURS: Final = ("unknown_job", "unknown_number", "refused_job")

#: What is counted beside reports, and is no fault.
_READABLE: Final = ("reply", "signature", "template")


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """Where what was read goes. Threads may share it."""

    deliveries: DeliveryStore
    feeding: Feeding
    noted_jobs: LastJobs
    events: EventStreams
    #: The words by which people opt out.
    opt_out_words: frozenset[str]

    def take(self, pushed: Pushed) -> Taken:
        """Write it down, and tell what was dropped of it. All of it may be repeated: then nothing changes.

        Raises:
            CannotOpen: Numbers cannot be suppressed: the list is sealed with a key that this process does not have.
            redis.exceptions.RedisError: Redis is unreachable, or refuses to write. Any of it may have been taken.
        """
        taken = self.deliveries.take(pushed.reports) if pushed.reports else Taken()
        if taken.unwanted:
            self.feeding.refused(taken.unwanted, "receipt")
        replies = (
            replied(
                pushed.replies, feeding=self.feeding, noted_jobs=self.noted_jobs, words=self.opt_out_words
            )
            if pushed.replies
            else ()
        )
        for reply in replies:
            self.events.tell_reply(reply)
        for review, fact in pushed.reviews:
            self.events.tell(review, fact)
        for reason in taken.counts.keys() & {"sealed", "damaged"}:
            tell(ReportsDropped(reason=reason))
        for reason in taken.counts.keys() & set(_NOT_OURS):
            tell(ReportsNotOurs(reason=reason))
        return taken


def tell_unreadable(pushed: Pushed) -> None:
    """Tell what could not be read."""
    for reason in pushed.others.keys() - set(_READABLE):
        tell(ReportsDropped(reason=reason))
