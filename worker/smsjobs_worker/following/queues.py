"""Reads receipts and replies from the providers' queues, a thread for each queue.

A message is deleted only after what it says was written down, so one whose process dies in between comes again. Taking it again
changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from random import random
from typing import Final, Protocol

from redis.exceptions import RedisError

from smsjobs.contract import InvalidArguments
from smsjobs_worker.logs.facts import QueueFollowed, QueueNotRead, tell
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.provider import Provider, Queued, QueueFailed, ReceiptQueue

__all__ = ["Follower", "find_queues"]

#: Seconds to wait after a failure: the first time, and the longest. In between it doubles.
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0

#: The longest where the answer was no, as of a queue that the console does not use.
_LONGEST_REFUSED_S: Final = 600.0

#: Seconds for which what was received may still be written down when the process ends.
_STOP_S: Final = 5.0


class Providers(Protocol):
    """Where an element's provider comes from."""

    def provider(self, full_name: str) -> Provider:
        """The provider of the element of that name, loaded again if its files have changed."""
        ...


def find_queues(providers: Providers, elements: Sequence[str]) -> dict[str, Callable[[], ReceiptQueue]]:
    """Every queue by its name, once however many elements share it: a function that opens it.

    Raises:
        InvalidArguments: An element cannot load.
    """
    found: dict[str, Callable[[], ReceiptQueue]] = {}
    for element in elements:
        for queue in providers.provider(element).receipt_queues():
            found.setdefault(queue.name, _Opener(providers, element, queue.name))
    return found


class _Opener:
    """Opens a queue with what the element's files say now."""

    def __init__(self, providers: Providers, element: str, name: str) -> None:
        self._providers = providers
        self._element = element
        self._name = name

    def __call__(self) -> ReceiptQueue:
        for queue in self._providers.provider(self._element).receipt_queues():
            if queue.name == self._name:
                return queue
        raise QueueFailed("not_used", "the element has no such queue any more")


class Follower:
    """Reads one queue in a thread of its own until it is stopped. Nothing that happens ends it before.

    Args:
        name: The queue's name.
        open_queue: Called before the first request, and after each failure.
        take: Writes down what messages say; may be called again with the same. What it raises leaves them in the queue.
        sleep: Waits for some seconds, or until it is stopped; for tests.
    """

    def __init__(
        self,
        name: str,
        open_queue: Callable[[], ReceiptQueue],
        take: Callable[[Sequence[bytes]], object],
        *,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._name = name
        self._open = open_queue
        self._take = take
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        #: Held while something is written down and deleted.
        self._working = threading.Lock()
        self._queue: ReceiptQueue | None = None
        #: Whether it was told that the queue is read.
        self._is_read = False
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"smsjobs-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more; what is being written down is deleted first. It does not wait for a request that waits."""
        self._stopping.set()
        # Never given back: what is received from now on stays in the queue.
        self._working.acquire(timeout=_STOP_S)

    def run_once(self) -> None:
        """Receive, write down and delete once; after a failure, wait."""
        try:
            if self._queue is None:
                self._queue = self._open()
            messages = self._queue.receive()
            if not self._is_read:
                self._is_read = True
                tell(QueueFollowed(queue=self._name))
            with self._working:
                if messages and not self._stopping.is_set():
                    self._settle(self._queue, messages)
            self._failures = 0
        except Exception as error:  # noqa: BLE001  the thread must go on, whatever it was
            self._failed(error)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.run_once()
        self._close()

    def _settle(self, queue: ReceiptQueue, messages: Sequence[Queued]) -> None:
        try:
            self._take([each.body for each in messages])
        except RedisError:
            raise
        except Exception:  # noqa: BLE001  one of them; each is tried alone, so that it holds none of the others up
            self._settle_each(queue, messages)
        else:
            queue.delete(messages)

    def _settle_each(self, queue: ReceiptQueue, messages: Sequence[Queued]) -> None:
        taken: list[Queued] = []
        for each in messages:
            try:
                self._take([each.body])
            except RedisError:
                raise
            except Exception as error:  # noqa: BLE001  it stays in the queue, and comes again
                tell(QueueNotRead(queue=self._name, reason=describe(error)))
            else:
                taken.append(each)
        if taken:
            queue.delete(taken)

    def _failed(self, error: Exception) -> None:
        self._close()
        known = isinstance(error, QueueFailed | InvalidArguments)
        reason = error.reason if known else None  # type: ignore[attr-defined]
        detail = error.detail if isinstance(error, QueueFailed) else None
        tell(QueueNotRead(queue=self._name, reason=reason or describe(error), detail=detail))
        longest_s = (
            _LONGEST_REFUSED_S if isinstance(error, QueueFailed) and error.refused else _LONGEST_WAIT_S
        )
        wait_s = min(_FIRST_WAIT_S * 2.0 ** min(self._failures, 10), longest_s)
        self._failures += 1
        self._is_read = False
        self._sleep(wait_s * (0.5 + random() / 2))

    def _close(self) -> None:
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.close()
