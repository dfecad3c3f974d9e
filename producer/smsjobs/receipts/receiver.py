"""Takes what Aliyun pushes, and says how to answer."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from smsjobs.facts import PushCounted, PushNotTaken, tell
from smsjobs.incoming import Pushed, read_push, tell_unreadable
from smsjobs.threads import in_thread, run_within

if TYPE_CHECKING:
    from smsjobs.client import Sms
    from smsjobs.delivery import Taken

__all__ = ["Answer", "Receiver"]

#: Seconds for Redis. Aliyun waits for 0.7 seconds, the way there and back included.
_WITHIN_S: Final = 0.5

#: Seconds for that and the wait for a thread, where many pushes come at the same time.
_ALL_WITHIN_S: Final = 0.54


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to a push."""

    #: 200: Aliyun does not come again. 503: it does, after 1, 5 and 10 minutes.
    status: int
    body: bytes
    content_type: str = "application/json"


#: Aliyun wants a number as `code`, and ignores its value.
_TAKEN: Final = Answer(status=200, body='{"code": 0, "msg": "接收成功"}'.encode())
_COME_AGAIN: Final = Answer(status=503, body=b'{"code": 1, "msg": "unavailable"}')


def _not_taken(pushed: Pushed) -> Counter[str]:
    """What comes again. What could not be read is counted then."""
    return +Counter(
        report_not_taken=len(pushed.reports),
        reply_not_taken=len(pushed.replies),
        review_not_taken=len(pushed.reviews),
    )


class Receiver:
    """Takes pushes of SmsReport, SmsUp, SignSmsReport and TemplateSmsReport. Threads may share it.

    Args:
        sms: What `smsjobs.connect` gave.
        pass_on: Called with what other environments of the account may know, as it was pushed: reports of jobs that this
            ledger does not know, replies and reviews. What it raises is answered with 503.
    """

    def __init__(self, sms: Sms, *, pass_on: Callable[[list[dict[str, Any]]], object] | None = None) -> None:
        self._connection = sms.connection
        self._pass_on = pass_on
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "<Receiver>"

    def prepare(self) -> None:
        """Do what only the first push would wait for, so that it is in time on a busy machine too. It never raises.

        `smsjobs serve` does so when it starts.
        """
        with suppress(Exception):  # while Redis is unreachable, the first push will tell
            run_within(_WITHIN_S, self._connection.incoming.deliveries.prepare)

    def handle(self, body: bytes) -> Answer:
        """Take one push. It never raises, and answers within 0.6 seconds.

        Args:
            body: The body of the request, as it came. An empty one is the console's check of the address.

        Returns:
            The answer to send back. Its status is 200 for anything that was understood, and for anything that never
            will be; 503 only where Redis is unreachable, slow or refuses to write. Then Aliyun comes again.
        """
        pushed = read_push(body)
        counts = pushed.others
        tell_unreadable(pushed)
        answer = _TAKEN
        if pushed.reports or pushed.replies or pushed.reviews:
            try:
                taken = run_within(_WITHIN_S, self._take, pushed)
            except Exception as error:  # noqa: BLE001  Redis, or what nobody foresaw; the push must be answered
                tell(PushNotTaken(error=type(error).__name__))
                answer, counts = _COME_AGAIN, _not_taken(pushed)
            else:
                counts += taken.counts
        if counts:
            tell(PushCounted(counts=dict(counts)))
        with self._lock:
            self._counts += counts
        return answer

    def _take(self, pushed: Pushed) -> Taken:
        """Write a push down. All of it may be repeated, because its answer may not arrive."""
        return self._connection.incoming.take(pushed, last=lambda taken: self._pass(pushed, taken))

    def _pass(self, pushed: Pushed, taken: Taken) -> None:
        others = [item for kind, item in pushed.items if kind != "report" or item["out_id"] in taken.unknown]
        if self._pass_on and others:
            self._pass_on(others)

    async def handle_async(self, body: bytes) -> Answer:
        """`handle`, without blocking the event loop, and as fast where more pushes come than there are threads for."""
        try:
            async with asyncio.timeout(_ALL_WITHIN_S):
                return await in_thread(self.handle, body)
        except TimeoutError:
            tell(PushNotTaken(error=TimeoutError.__name__))
            return _COME_AGAIN

    def counts(self) -> dict[str, int]:
        """What this receiver has taken and dropped, by the words that ``docs/receipts.md`` explains."""
        with self._lock:
            return dict(self._counts)
