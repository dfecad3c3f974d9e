"""`sms.suppression`: puts numbers on the list, and takes them off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from smsjobs.contract import SCOPES, Scope, check_phone, unwrap
from smsjobs.redis_store import available
from smsjobs.suppression.numbers import SuppressedNumbers
from smsjobs.suppression.values import Suppressed, check_note, check_scope, check_source
from smsjobs.threads import in_thread

__all__ = ["Suppression"]

T = TypeVar("T")


class Suppression:
    """The numbers that must not be sent to. Threads may share it.

    A job with such a number is refused when it is enqueued, and again just before each request: `RequestFailed`, outcome
    ``"not_sent"``, reason ``"suppressed"``. A campaign leaves such recipients out, and its report says so.

    Args:
        numbers: Gives the numbers of this process.
        timeout_s: Seconds for which a step is repeated while Redis is unreachable.
        unreachable_text: Returns a text that says that Redis is unreachable, and at which address.
    """

    def __init__(
        self,
        numbers: Callable[[], SuppressedNumbers],
        *,
        timeout_s: float,
        unreachable_text: Callable[[], str] = lambda: "Redis is unreachable",
    ) -> None:
        self._numbers = numbers
        self._timeout_s = timeout_s
        self._unreachable_text = unreachable_text

    def __repr__(self) -> str:
        return "<Suppression>"

    def add(
        self, phone: Any, *, scope: Scope = "promotional", source: str = "manual", note: str = ""
    ) -> bool:
        """Put a number on the list. If it is there for this scope, it stays as it is.

        Every check that begins after it has returned finds the number. For that, the first call of an installation takes
        a quarter of a second.

        Args:
            phone: A number, in any form that `sendMessage` takes.
            scope: ``"promotional"``: no job of the lane ``bulk`` is sent to it, unless its campaign says
                ``promotional=False``. ``"all"``: nothing at all is, codes included.
            source: How it comes onto the list, a word.
            note: Up to 200 characters. They stand in Redis as they are: no numbers, please.

        Returns:
            Whether it is new there.

        Raises:
            InvalidArguments: An argument is wrong; or the list's secret is sealed with another ``SMS_PAYLOAD_KEY``
                (``reason="job_unreadable"``).
            QueueUnavailable: Redis is unreachable, or refused it. Calling again is safe.
        """
        number = self.read(phone, scope=scope, source=source, note=note)
        return self.add_all([number]) == 1

    def add_all(self, numbers: Iterable[Suppressed]) -> int:
        """Put many numbers on the list, a thousand in one step. `read` makes them. Returns how many are new there.

        Raises:
            InvalidArguments: As in `add`.
            QueueUnavailable: Redis is unreachable. Some may be there; calling again is safe.
        """
        given = list(numbers)
        return self._patiently(lambda: self._numbers().put(given))

    @staticmethod
    def read(
        phone: Any,
        *,
        scope: Any = "promotional",
        source: Any = "manual",
        note: Any = "",
        at: datetime | None = None,
    ) -> Suppressed:
        """A number for `add_all`, checked.

        Raises:
            InvalidArguments: An argument is wrong.
        """
        return Suppressed(
            phone=check_phone("phone", unwrap(phone, "phone")),
            scope=check_scope(scope),
            source=check_source(source),
            note=check_note(note),
            at=at or datetime.now(UTC),
        )

    def has(self, phone: Any, *, scope: Scope = "promotional") -> bool:
        """Whether the number must not be sent to.

        Args:
            phone: A number, in any form that `sendMessage` takes.
            scope: ``"promotional"``: not with a promotional message. ``"all"``: not with any.

        Raises:
            InvalidArguments: An argument is wrong, or as in `add`.
            QueueUnavailable: Redis is unreachable.
        """
        number, promotional = (
            check_phone("phone", unwrap(phone, "phone")),
            check_scope(scope) == "promotional",
        )
        return bool(self._patiently(lambda: self._numbers().among([number], promotional=promotional)))

    def remove(self, phone: Any, *, scope: Scope | None = None) -> bool:
        """Take a number off the list.

        Args:
            phone: A number, in any form that `sendMessage` takes.
            scope: Of which scope. None takes it off for both.

        Returns:
            Whether it was there.

        Raises:
            InvalidArguments: An argument is wrong, or as in `add`.
            QueueUnavailable: Redis is unreachable.
        """
        number = check_phone("phone", unwrap(phone, "phone"))
        scopes: tuple[Any, ...] = SCOPES if scope is None else (check_scope(scope),)
        return self._patiently(lambda: self._numbers().drop(number, scopes))

    def count(self) -> int:
        """How many entries the list has. A number with both scopes has two.

        Raises:
            QueueUnavailable: Redis is unreachable.
        """
        return self._patiently(lambda: self._numbers().count())

    def export(self) -> Iterator[Suppressed]:
        """The whole list, in no order, some thousand at a time in memory.

        What changes meanwhile may be missing, and may be there twice.

        Raises:
            InvalidArguments: As in `add`.
            QueueUnavailable: Redis is unreachable.
        """
        cursor = -1
        while cursor != 0:
            step = partial(self._numbers().page, max(cursor, 0))
            cursor, found = self._patiently(step)
            yield from found

    async def add_async(self, phone: Any, **arguments: Any) -> bool:
        """`add` with the same arguments, without blocking the event loop."""
        return await in_thread(self.add, phone, **arguments)

    async def has_async(self, phone: Any, **arguments: Any) -> bool:
        """`has` with the same arguments, without blocking the event loop."""
        return await in_thread(self.has, phone, **arguments)

    async def remove_async(self, phone: Any, **arguments: Any) -> bool:
        """`remove` with the same arguments, without blocking the event loop."""
        return await in_thread(self.remove, phone, **arguments)

    def _patiently(self, step: Callable[[], T]) -> T:
        return available(
            step,
            for_s=self._timeout_s,
            task="the suppression list was not reached",
            unreachable_text=self._unreachable_text,
        )
