"""Learns of the templates that producers use, and tells them by Redis.

A template is asked about once an hour while it is used, by one worker; once a minute while it or its signature is not approved.
Nothing here can slow or stop a send: it has a thread of its own, and asks about one template a second at most. What cannot be
learned stays unknown, which refuses nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from smsjobs.contract import InvalidArguments
from smsjobs.facts import subscribe
from smsjobs.templates import FRESH_S, fresh_for_s, is_fresh
from smsjobs_worker.following.signatures import Sends
from smsjobs_worker.logs.facts import TemplateNotLearned, tell
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.provider import LookupFailed
from smsjobs_worker.sending.background import Background
from smsjobs_worker.sending.group import Group

if TYPE_CHECKING:
    from smsjobs.templates import Template, TemplateStore
    from smsjobs_worker.sending.sender import Elements

__all__ = ["Learner", "Learning"]

#: Seconds between two passes, each of which asks about one template of an element.
_EVERY_S: Final = 1.0

#: Seconds in which no other worker asks about the same.
_TURN_S: Final = 60.0

#: Most seconds until something is looked at again that another worker has learned.
_KNOWN_S: Final = 60.0

#: Seconds until something is looked at again that another worker asks about, or that could not be learned.
_OTHER_S: Final = 5.0
_FAILED_S: Final = 600.0

#: Most templates whose times are remembered.
_MOST: Final = 10_000


class Learning:
    """One pass at a time.

    Args:
        store: Where producers ask, and where they read.
        names: The elements of this worker.
        elements: Their providers.
        clock: Seconds, rising.
    """

    def __init__(
        self,
        store: TemplateStore,
        names: Sequence[str],
        elements: Elements,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._names = names
        self._elements = elements
        self._clock = clock
        #: When each template of an element is looked at again.
        self._next_at: dict[tuple[str, str], float] = {}

    def run_once(self) -> None:
        """Learn of one template of each element, if one is due."""
        for name in self._names:
            # The one that is due for longest: however many there are, each has its turn.
            code = min(self._store.asked(name), key=lambda each: self._due_at(name, each), default=None)
            if code is not None and self._clock() >= self._due_at(name, code):
                if len(self._next_at) >= _MOST:
                    self._next_at.clear()
                # First, so that what raises is not tried again at once.
                self._next_at[name, code] = self._clock() + _FAILED_S
                self._next_at[name, code] = self._clock() + self._learn(name, code)

    def _due_at(self, name: str, code: str) -> float:
        return self._next_at.get((name, code), -math.inf)

    def _learn(self, name: str, code: str) -> float:
        """Learn of it; seconds until it is looked at again."""
        known = self._store.known(name, code)
        if known is not None and is_fresh(known):
            return min(_KNOWN_S, fresh_for_s(known))
        try:
            provider = self._elements.provider(name)
            if not provider.knows_templates:
                return FRESH_S
            if not self._store.take_turn(name, code, for_s=_TURN_S):
                return _OTHER_S
            if isinstance(provider, Group):
                known = provider.template_by(code, self._of_member)
            else:
                known = provider.template(code)
            self._store.learn(name, known)
        except (LookupFailed, InvalidArguments) as error:
            if error.reason == "no_templates":
                return FRESH_S
            tell(TemplateNotLearned(element=name, template=code, reason=error.reason))
            return _FAILED_S
        return max(_OTHER_S, fresh_for_s(known))

    def _of_member(self, name: str, code: str) -> Template:
        """What a member of a group knows. It is kept, so that each account is asked once."""
        known = self._store.known(name, code)
        if known is None or not is_fresh(known):
            known = self._elements.provider(name).template(code)
            self._store.learn(name, known)
        return known


class Learner(Background):
    """Learns in a thread of its own until it is stopped, and notes there which signatures send."""

    def __init__(self, learning: Learning, sends: Sends) -> None:
        super().__init__(self._pass, name="smsjobs-templates", every_s=_EVERY_S, failed=_tell_failure)
        self._learning = learning
        self._sends = sends
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin."""
        self._unsubscribe = subscribe(self._sends.take)
        super().start()

    def stop(self) -> None:
        """End, and note what is left."""
        self._unsubscribe()
        super().stop()
        self._sends.run_once()

    def _pass(self) -> None:
        self._sends.run_once()
        self._learning.run_once()


def _tell_failure(error: Exception) -> None:
    reason = type(error).__name__ if isinstance(error, RedisError) else describe(error)
    tell(TemplateNotLearned(reason=reason))
