"""All that one turn of Celery's loop has to say to Redis, in one round trip.

Kombu notes each message that it takes, acknowledges each one that is done, and asks for each one, apart: three round
trips made by one thread, which then is what limits a worker. Here acknowledgements are collected until the loop is
about to wait, and written together; the same step takes as many messages as there are free threads, and notes them.
Where nothing has happened nothing is asked, and kombu's BRPOP waits for the next message.

It is kombu's book-keeping with kombu's keys: workers with and without it can share a queue.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

from kombu.transport import virtual
from kombu.transport.redis import MultiChannelPoller, QoS
from kombu.utils.json import dumps

from smsjobs_worker.logs.facts import NoteDropped, PutBackRefused, tell
from smsjobs_worker.logs.privacy import describe

__all__ = ["MOST", "TurnPoller", "TurnQoS"]

#: Most messages of one step: so few that other workers of the queue get their share of a burst.
MOST: Final = 16


class TurnQoS(QoS):
    """Collects acknowledgements while Celery's loop runs; the channel writes them when the loop turns."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        #: Tag to note of messages that were taken and are not noted yet.
        self.notes: dict[str, str] = {}
        #: Tags of messages that are done with.
        self.done: list[str] = []
        #: Tag of the message that is being handed over, once it is noted or held.
        self.handed: str | None = None

    def append(self, message: Any, delivery_tag: str) -> None:
        """Hold a message that was taken, and note it."""
        if not self.channel.turns:
            super().append(message, delivery_tag)  # type: ignore[no-untyped-call]
            return
        if delivery_tag != self.handed:
            where = message.delivery_info
            note = [message._raw, where["exchange"], where["routing_key"]]  # noqa: SLF001  as kombu notes it
            self.notes[delivery_tag] = dumps(note)  # type: ignore[no-untyped-call]
            # BRPOP took it, and a kill loses it until it is noted. Where Redis refuses, the next turn tries again.
            with contextlib.suppress(*self.channel.connection_errors, self.channel.ResponseError):
                self.channel.write()
        virtual.QoS.append(self, message, delivery_tag)  # type: ignore[no-untyped-call]
        self.handed = delivery_tag

    def drop(self) -> None:
        """Drop what turned out not to be a message: it would occupy a thread, and come again forever."""
        if self.handed is None:
            return
        if self.handed in self._delivered:
            self.ack(self.handed)
        else:
            self.done.append(self.handed)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message."""
        if not self.channel.turns:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
            return
        if self.notes.pop(delivery_tag, None) is None:
            self.done.append(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Put a message back, or drop it: kombu looks for its note."""
        try:
            self.channel.write()
            super().reject(delivery_tag, requeue)  # type: ignore[no-untyped-call]
        except self.channel.ResponseError as error:
            # Redis is full, say. Its note stays, so it comes again after the visibility time-out, and nothing is held up.
            tell(PutBackRefused(error=type(error).__name__))
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        """Put back what was not acknowledged in time."""
        self.channel.beside_damage(
            lambda: super(TurnQoS, self).restore_visible(*args, **kwargs)  # type: ignore[no-untyped-call]
        )

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Put back the message of that note. What is not a message is dropped: those behind it would wait forever."""
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, RecursionError) as error:
            tell(NoteDropped(reason="note", error=describe(error)))
            with self.channel.conn_or_acquire(client) as connected:
                self._remove_from_indices(tag, connected.pipeline()).execute()  # type: ignore[no-untyped-call]

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Put back what is not done when the channel is closed."""
        try:
            self.channel.write()
        except (*self.channel.connection_errors, self.channel.ResponseError):
            # Redis is unreachable, or refuses. What is done then comes again after the visibility time-out, and the ledger knows it.
            self.notes.clear()
            self.done.clear()
        super().restore_unacked_once(stderr)  # type: ignore[no-untyped-call]

    def room(self) -> int:
        """How many messages may be taken now."""
        return min(MOST, self.can_consume_max_estimate() or 0)  # type: ignore[no-untyped-call]


class TurnPoller(MultiChannelPoller):
    """Lets each channel say what it has to say before it waits for its sockets."""

    #: Celery's loop, once it runs.
    loop: Any = None

    def on_poll_start(self) -> None:
        """Once for each turn of the loop."""
        for channel in tuple(self._channels):
            channel.turn()
        super().on_poll_start()  # type: ignore[no-untyped-call]
        # The loop has looked for work already. What was handed over since may have given it some, which from its
        # own thread does not wake it: it would wait for up to a second first.
        if self.loop is not None and self.loop._ready:  # noqa: SLF001  there is no other way
            self.loop._waker.wake()  # noqa: SLF001
