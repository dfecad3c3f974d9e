"""Hands events over to the application's own code: to a task on its queue, or to its address.

Each way is a subscriber of the streams. Several workers may serve the same one, and each event goes by one of them. An event
may come twice, always with the same id. Nothing here can slow or stop a send.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from redis.exceptions import RedisError

from smsjobs.contract import encode_event
from smsjobs.events import Entry, EntryUnreadable, EventStreams, Hook, Item, Outbox
from smsjobs_worker.logs.facts import EventsNotHandedOver, EventUnreadable, tell
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.sending.background import Background

__all__ = ["WEBHOOK", "EventTask", "Follower", "Following", "TaskQueue", "Webhook"]

#: The subscriber, and the outbox of what could not be handed over yet.
WEBHOOK: Final = "webhook"

#: Events of one element that are read at once.
_BATCH: Final = 100
#: Likewise, and requests that are made at the same time, for an address.
_REQUESTS: Final = 16
_THREADS: Final = 8

#: Seconds after which what a process has read and not finished is another one's. Requests take at most ten each.
_AGAIN_S: Final = 60.0

#: From so many on that wait for their next try, no further ones are read: these wait in the stream, which is bounded.
_MOST_WAITING: Final = 1_000

#: Seconds between two clearances of what everybody has.
_TIDY_S: Final = 5.0


class TaskQueue(Protocol):
    """The broker, as far as events need it."""

    def hand_over(self, task: str, queue: str, events: Iterable[tuple[str, Mapping[str, Any]]]) -> bool:
        """Publish a message of the task on the queue for each pair of id and event. False: the queue is full."""


class Following(ABC):
    """One subscriber, one pass at a time.

    Attributes:
        name: The subscriber's name.
        stopping: Whether to end early.
    """

    name: str

    def __init__(self, streams: EventStreams) -> None:
        self.stopping: Callable[[], bool] = lambda: False
        self._streams = streams
        self._process = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._tidied_s = 0.0

    def subscribe(self) -> None:
        """Have events kept from now on."""
        self._streams.subscribe(self.name)

    def run_once(self) -> None:
        """Hand over what there is."""
        tags = self._streams.subscribe(self.name)
        self._pass(tags)
        if time.monotonic() - self._tidied_s >= _TIDY_S:
            self._tidied_s = time.monotonic()
            self._streams.tidy(tags)

    @abstractmethod
    def _pass(self, tags: Sequence[str]) -> None:
        """Hand over what there is of these elements."""

    def _take(self, tags: Sequence[str], most: int) -> list[Entry]:
        return self._streams.take(self.name, self._process, tags=tags, most=most, again_after_s=_AGAIN_S)

    def _read(self, entries: Iterable[Entry]) -> list[tuple[Entry, dict[str, Any]]]:
        """The entries with their events. What nobody can read is done; what is sealed is left to who has the key."""
        found = []
        for entry in entries:
            try:
                found.append((entry, encode_event(entry.event(self._streams.seal))))
            except EntryUnreadable as why:
                tell(EventUnreadable(subscriber=self.name, reason=str(why)))
                if str(why) != "sealed":
                    self._streams.done(self.name, [entry])
        return found


class EventTask(Following):
    """Hands events over as messages of a Celery task that the application has.

    Args:
        task: The task's name. Its only argument is the event.
        queue: The queue that its workers read.
    """

    name = "task"

    def __init__(self, streams: EventStreams, broker: TaskQueue, *, task: str, queue: str) -> None:
        super().__init__(streams)
        self._broker = broker
        self._task = task
        self._queue = queue

    def _pass(self, tags: Sequence[str]) -> None:
        while not self.stopping() and (entries := self._take(tags, _BATCH)):
            events = self._read(entries)
            # Where the broker is unreachable this raises, and they are read again a little later.
            if not self._broker.hand_over(
                self._task, self._queue, [(each["id"], each) for _, each in events]
            ):
                tell(EventsNotHandedOver(subscriber=self.name, error="queue_full"))
                return
            self._streams.done(self.name, [entry for entry, _ in events])


class Webhook(Following):
    """Hands events over by HTTP.

    An event that is not taken waits in the outbox, so that it stops none behind it. An address that takes nothing gets one try
    at a time, at growing distances, and the events wait in their streams.
    """

    name = WEBHOOK

    def __init__(self, streams: EventStreams, hook: Hook) -> None:
        super().__init__(streams)
        self._hook = hook
        self._outbox = Outbox(streams.redis, f"events:{self.name}", seal=streams.seal)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="smsjobs-webhook")

    def _pass(self, tags: Sequence[str]) -> None:
        while self._goes_on() and (items := self._outbox.take(most=self._most, lease_s=_AGAIN_S)):
            for item, error in self._post(items):
                self._outbox.tried(item, error, now_s=time.time())
        while self._goes_on() and (entries := self._new(tags)):
            events = self._read(entries)
            items = [_item(event) for _, event in events]
            for item, error in self._post(items):
                self._outbox.tried(item, error, now_s=time.time(), new=True)
            self._streams.done(self.name, [entry for entry, _ in events])

    @property
    def _most(self) -> int:
        return 1 if self._hook.is_down else _REQUESTS

    def _goes_on(self) -> bool:
        return not (self.stopping() or self._hook.is_resting)

    def _new(self, tags: Sequence[str]) -> list[Entry]:
        if self._outbox.waiting() >= _MOST_WAITING:
            return []
        if not self._hook.is_down:
            return self._take(tags, _REQUESTS)
        for tag in random.sample(tags, len(tags)):
            if found := self._take([tag], 1):
                return found[:1]
        return []

    def _post(self, items: Sequence[Item]) -> list[tuple[Item, str | None]]:
        was_down = self._hook.is_down
        errors = list(self._threads.map(lambda item: self._hook.post(item.id, item.body.encode()), items))
        if was_down and not self._hook.is_down:
            # It is back: what waits need not wait any longer.
            self._outbox.hurry()
        return list(zip(items, errors, strict=True))


class Follower(Background):
    """Hands over in a thread of its own until it is stopped."""

    def __init__(self, following: Following, *, every_s: float) -> None:
        super().__init__(
            following.run_once,
            name=f"smsjobs-{following.name}",
            every_s=every_s,
            failed=lambda error: _tell_failure(following.name, error),
        )
        following.stopping = self.is_stopping


def _item(event: Mapping[str, Any]) -> Item:
    return Item(
        id=event["id"],
        body=json.dumps(event, ensure_ascii=False),
        what=event["type"],
        since_s=time.time(),
    )


def _tell_failure(subscriber: str, error: Exception) -> None:
    # What was read and not finished is read again.
    known = isinstance(error, RedisError | OSError)
    tell(EventsNotHandedOver(subscriber=subscriber, error=type(error).__name__ if known else describe(error)))
