"""Notes when messages last went under each signature: a carrier's filing lapses after six months without any.

It costs a job nothing in Redis: a set in memory tells which elements have sent today, and each is noted once a day and process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from smsjobs.contract import InvalidArguments
from smsjobs_worker.logs.facts import Fact, RequestMade

if TYPE_CHECKING:
    from smsjobs.templates import TemplateStore
    from smsjobs_worker.provider import SignedBy
    from smsjobs_worker.sending.sender import Elements

__all__ = ["Sends"]

_DAY_S: Final = 24 * 3600


class Sends:
    """Which signatures have sent.

    Args:
        store: Where it is noted.
        names: The elements of this worker.
        elements: Their providers.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        store: TemplateStore,
        names: Sequence[str],
        elements: Elements,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._names = names
        self._elements = elements
        self._clock = clock
        self._day = -1
        #: Elements that have sent and are not noted yet, and those that are, today.
        self._used: set[str] = set()
        self._noted: set[str] = set()

    def take(self, fact: Fact) -> None:
        """Remember who has sent. It is called in the thread that sends."""
        if isinstance(fact, RequestMade) and fact.result == "accepted":
            name = fact.member or fact.element
            if name not in self._noted:
                self._used.add(name)

    def run_once(self) -> None:
        """Note what is new. What Redis does not take is noted by a later pass."""
        try:
            self._begin_day()
            for name in self._used - self._noted:
                self._note(name)
        except RedisError:
            return

    def _begin_day(self) -> None:
        today = int(self._clock() // _DAY_S)
        if today == self._day:
            return
        for name in self._names:
            if found := self._signed_by(name):
                self._store.note_signature(name, found.signature, sends=False)
        self._noted = set()
        self._day = today

    def _note(self, name: str) -> None:
        """Note a send of this element, for each that has its account and signature too."""
        if found := self._signed_by(name):
            for each in {name, *self._names}:
                if self._signed_by(each) == found:
                    self._store.note_signature(each, found.signature, sends=True)
        self._noted.add(name)
        self._used.discard(name)

    def _signed_by(self, name: str) -> SignedBy | None:
        try:
            return self._elements.provider(name).signed_by
        except InvalidArguments:
            return None
