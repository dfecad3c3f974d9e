"""Takes what was read: deliveries, replies and reviews."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from smsjobs.delivery import Taken
from smsjobs.facts import ReportsDropped, ReportsNotOurs, tell
from smsjobs.incoming.replies import replied, suppress_opted_out
from smsjobs.redis_store import is_transient

if TYPE_CHECKING:
    from smsjobs.contract import Reply
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

    def take(self, pushed: Pushed, *, last: Callable[[Taken], object] | None = None) -> Taken:
        """Write it down, and tell what was dropped of it. All of it may be repeated: then nothing changes.

        Args:
            last: What else is to be done with it, also where something of it could not be written down.

        Raises:
            CannotOpen: Numbers cannot be suppressed: the list is damaged, or sealed with a key that this process does not
                have. All else was taken.
            redis.exceptions.RedisError: Redis is unreachable, or refuses to write. Any of it may have been taken.
        """
        taken = self.deliveries.take(pushed.reports) if pushed.reports else Taken()
        steps = _Steps()
        if taken.unwanted:
            steps.make(lambda: self.feeding.refused(taken.unwanted, "receipt"))
        if pushed.replies:
            words = self.opt_out_words
            steps.make(lambda: suppress_opted_out(pushed.replies, feeding=self.feeding, words=words))
            steps.make(lambda: self._tell_replies(pushed.replies))
        for review, fact in pushed.reviews:
            steps.make(partial(self.events.tell, review, fact))
        if last is not None:
            steps.make(lambda: last(taken))
        steps.end()
        for reason in taken.counts.keys() & {"sealed", "damaged"}:
            tell(ReportsDropped(reason=reason))
        for reason in taken.counts.keys() & set(_NOT_OURS):
            tell(ReportsNotOurs(reason=reason))
        return taken

    def _tell_replies(self, replies: Sequence[Reply]) -> None:
        for reply in replied(replies, noted_jobs=self.noted_jobs, words=self.opt_out_words):
            self.events.tell_reply(reply)


class _Steps:
    """Steps of one push, of which none stops the next: the list of one may be damaged."""

    def __init__(self) -> None:
        self._failure: Exception | None = None

    def make(self, step: Callable[[], object]) -> None:
        """Make one, and remember its failure. Where Redis is unreachable, the failure is raised at once."""
        try:
            step()
        except Exception as error:
            if is_transient(error):
                raise
            self._failure = self._failure or error

    def end(self) -> None:
        """Raise the first failure, so that it comes again."""
        if self._failure:
            raise self._failure


def tell_unreadable(pushed: Pushed) -> None:
    """Tell what could not be read."""
    for reason in pushed.others.keys() - set(_READABLE):
        tell(ReportsDropped(reason=reason))
